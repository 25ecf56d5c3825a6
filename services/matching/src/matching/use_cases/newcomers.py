"""One person at a time: the best free partner for somebody who arrives, or who needs another."""

from dataclasses import replace
from datetime import date

from shared.contracts import MatchMode, Principal, Role, UnpairReason

from ..domain.candidate import Candidate, Programme
from ..domain.pairing import Pairing, PairingStatus, pairing_id, propose
from ..domain.proposal import ChosenPair, LeftOut
from ..domain.rules import Charter
from .places import PATIENCE, Places
from .ports import Engine, Stores
from .snapshot import read_partners, read_pool

TRIES = 3
"""The best partner may be taken by somebody else between choosing and claiming."""


class Newcomers:
    """Pairs one person with the best partner who is free: whom a cohort run over the same people would choose."""

    def __init__(self, stores: Stores, places: Places, engine: Engine) -> None:
        self._stores = stores
        self._places = places
        self._engine = engine

    async def arrive(self, person: Candidate, principal: Principal) -> None:
        """In a continuous programme, pair whoever is ready and has a place, at once. ``person``: as just read."""
        await self._pair_at_once(person, principal, cause=f"arrival.{person.id}.{person.version}")

    async def go_on_without(self, volunteer_id: str, principal: Principal) -> None:
        """In a continuous programme, pair those whose partner has left, at once."""
        of_leaver = {"volunteers": volunteer_id, "ended_reason": UnpairReason.WITHDRAWN.value}
        parted = [pairing async for pairing in self._stores.pairings.stream(principal.tenant, of_leaver)]
        for pairing in parted:
            await self.go_on_after(pairing, principal)

    async def go_on_after(self, ended: Pairing, principal: Principal) -> None:
        """In a continuous programme, pair the two anew, the mentee first: never with each other again."""
        for volunteer_id in reversed(ended.volunteers):
            person = await self._stores.candidates.find(principal.tenant, volunteer_id)
            if person is not None:
                await self._pair_at_once(person, principal, cause=f"after.{ended.id}")

    async def pair(
        self,
        person: Candidate,
        programme: Programme,
        principal: Principal,
        *,
        cause: str,
        replaces: str | None = None,
        effective_on: date | None = None,
    ) -> Pairing | None:
        """The new pairing; or None: nobody is free for this person, or the person is not free (any more)."""
        present = await self._stores.candidates.find(person.tenant, person.id)
        return await self._pair(
            present, programme, principal, cause=cause, replaces=replaces, effective_on=effective_on
        )

    async def _pair_at_once(self, person: Candidate, principal: Principal, *, cause: str) -> None:
        if not person.takes_part:
            return
        programme = await self._stores.programmes.find(principal.tenant, person.programme_id)
        if programme is None or programme.policy.mode is not MatchMode.CONTINUOUS:
            return  # the charter, when it comes, catches up with those who came before it
        await self._pair(person, programme, principal, cause=cause)

    async def _pair(
        self,
        person: Candidate | None,
        programme: Programme,
        principal: Principal,
        *,
        cause: str,
        replaces: str | None = None,
        effective_on: date | None = None,
    ) -> Pairing | None:
        """The same, with the person as just read."""
        for _ in range(TRIES):
            if person is None or not person.takes_part:
                return None
            chosen = await self._engine.partner(await read_partners(self._stores, person, Charter.of(programme)))
            if chosen is None:
                return None
            pairing = await self._places.make(
                self._proposed(chosen, programme, cause=cause, replaces=replaces, effective_on=effective_on),
                principal,
            )
            if pairing.status is not PairingStatus.ABORTED:
                return pairing
            person = await self._stores.candidates.find(person.tenant, person.id)
        return None

    async def why_nobody(self, person: Candidate, programme: Programme) -> LeftOut | None:
        """Why nobody is free for this person, over the whole pool; None when the person is not free."""
        pool = await read_pool(self._stores, person.tenant, person.programme_id)
        everything = pool.problem(Charter.of(programme))
        mine = (pool.people.get(person.id, person),)
        alone = {person.id: min(pool.places.get(person.id, 0), 1)}
        proposal = await self._engine.propose(
            replace(
                everything,
                mentors=mine if person.role is Role.MENTOR else everything.mentors,
                mentees=mine if person.role is Role.MENTEE else everything.mentees,
                places={**everything.places, **alone},
                paired=frozenset(),
                locked=frozenset(),
            )
        )
        return next((left for left in proposal.left_out if left.volunteer_id == person.id), None)

    def _proposed(
        self,
        chosen: ChosenPair,
        programme: Programme,
        *,
        cause: str,
        replaces: str | None,
        effective_on: date | None,
    ) -> Pairing:
        now = self._stores.clock.now()
        return propose(
            chosen.mentor,
            chosen.mentee,
            programme,
            chosen.points,
            id=pairing_id(cause, chosen.mentor.id, chosen.mentee.id),
            replaces=replaces,
            effective_on=effective_on or now.date(),
            until=now + PATIENCE,
        )
