"""Pairings after they were made: what happens to them, and how they end."""

from dataclasses import dataclass
from datetime import date

from shared.chassis.aggregates import Cause, Page
from shared.chassis.dead_letter import NotYetKnown
from shared.contracts import (
    AccessRole,
    FeedbackSubmitted,
    Forbidden,
    GoalReached,
    PairingAtRisk,
    Principal,
    UnpairReason,
)

from ..domain import pairing as decide
from ..domain.candidate import Candidate, Programme
from ..domain.pairing import Pairing, PairingStatus
from ..domain.proposal import LeftOut
from ..domain.refusals import UnknownPairing
from ..domain.restriction import RestrictionKind, restrict, restriction_id
from .newcomers import Newcomers
from .places import Places
from .ports import Stores
from .renewals import Renewals
from .snapshot import HOLDING, read_programme


@dataclass(frozen=True, kw_only=True)
class ReMatch:
    """What became of two people whose pairing was replaced."""

    ended: Pairing
    made: tuple[Pairing, ...]
    left_out: tuple[LeftOut, ...]


class Pairings:
    """Reads, ends and replaces pairings, and keeps what other services tell of them."""

    def __init__(self, stores: Stores, places: Places, newcomers: Newcomers, renewals: Renewals) -> None:
        self._stores = stores
        self._places = places
        self._newcomers = newcomers
        self._renewals = renewals

    async def get(self, principal: Principal, pairing_id: str) -> Pairing:
        """A pairing, for a manager or for one of the two. Raises: UnknownPairing."""
        pairing = await self._stores.pairings.find(principal.tenant, pairing_id)
        if pairing is None or not pairing.told or not any(principal.acts_for(person) for person in pairing.people):
            raise UnknownPairing(f"there is no pairing {pairing_id!r}")
        return pairing

    async def page(
        self,
        principal: Principal,
        *,
        programme_id: str | None,
        status: PairingStatus | None,
        person_ref: str | None,
        limit: int,
        cursor: str | None,
    ) -> Page[Pairing]:
        """Pairings by these filters. People see their own. Raises: Forbidden."""
        if not principal.has(AccessRole.PROGRAMME_MANAGER) and person_ref != principal.subject:
            raise Forbidden("people may list their own pairings only", field="person_ref")
        filters = {"programme_id": programme_id, "status": status and status.value, "people": person_ref}
        where = {name: value for name, value in filters.items() if value is not None}
        return await self._stores.pairings.page(principal.tenant, {"told": True, **where}, limit=limit, cursor=cursor)

    async def unpair(
        self, principal: Principal, pairing_id: str, reason: UnpairReason, *, key: str | None = None
    ) -> Pairing:
        """End a pairing and free both places; in a continuous programme both go on with whoever is free.

        Raises: UnknownPairing, PairingNotActive.
        """
        principal.require(AccessRole.PROGRAMME_MANAGER)
        pairing = await self.get(principal, pairing_id)
        async with self._renewals.changing(principal.tenant, pairing.programme_id):
            ended = await self._end(Cause.command(principal, key), pairing_id, reason)
            await self._newcomers.go_on_after(ended, principal)
        return ended

    async def re_match(
        self,
        principal: Principal,
        programme_id: str,
        pairing_id: str,
        effective_on: date | None,
        *,
        key: str | None = None,
    ) -> ReMatch:
        """End a pairing, never propose these two again, and give each of them the best partner who is free.

        Raises: UnknownProgramme, UnknownPairing, PairingNotActive.
        """
        principal.require(AccessRole.PROGRAMME_MANAGER)
        programme = await read_programme(self._stores, principal.tenant, programme_id)
        pairing = await self.get(principal, pairing_id)
        if pairing.programme_id != programme_id:
            raise UnknownPairing(f"there is no pairing {pairing_id!r} in {programme_id}", field="pairing_id")
        async with self._renewals.changing(principal.tenant, programme_id):
            return await self._re_match(principal, programme, pairing_id, effective_on, key=key)

    async def _re_match(
        self,
        principal: Principal,
        programme: Programme,
        pairing_id: str,
        effective_on: date | None,
        *,
        key: str | None,
    ) -> ReMatch:
        ended = await self._end(Cause.command(principal, key), pairing_id, UnpairReason.RE_MATCH)
        mentor, mentee = [
            await self._stores.candidates.get(principal.tenant, volunteer) for volunteer in ended.volunteers
        ]
        await self._stores.restrictions.change(
            restriction_id(RestrictionKind.EXCLUSION, programme.id, mentor.id, mentee.id),
            Cause.command(principal, key),
            lambda present: (restrict(present, RestrictionKind.EXCLUSION, programme, mentor, mentee), []),
        )
        made: list[Pairing] = []
        left_out: list[LeftOut] = []
        for person in (mentee, mentor):
            outcome = await self._replacement(ended, person, principal) or await self._newcomers.pair(
                person, programme, principal, cause=ended.id, replaces=ended.id, effective_on=effective_on
            )
            if outcome is not None:
                made.append(outcome)
            elif (left := await self._newcomers.why_nobody(person, programme)) is not None:
                left_out.append(left)
        return ReMatch(ended=ended, made=tuple(made), left_out=tuple(left_out))

    async def put_at_risk(self, event: PairingAtRisk, cause: Cause) -> None:
        """Remember that a re-match should be offered. Raises: NotYetKnown."""
        await self._change(event.pairing_id, cause, decide.put_at_risk)

    async def count_answers(self, event: FeedbackSubmitted, cause: Cause) -> None:
        """Remember how many answered. Raises: NotYetKnown."""
        await self._change(event.pairing_id, cause, lambda pairing: decide.count_answers(pairing, event))

    async def reach_goal(self, event: GoalReached, cause: Cause) -> None:
        """Remember which goal was reached. Raises: NotYetKnown."""
        await self._change(event.pairing_id, cause, lambda pairing: decide.reach_goal(pairing, event))

    async def _end(self, cause: Cause, pairing_id: str, reason: UnpairReason) -> Pairing:
        now = self._stores.clock.now()
        ended = await self._change(pairing_id, cause, lambda pairing: decide.end(pairing, reason, now))
        return await self._places.give_back(ended, cause.principal)

    async def _replacement(self, ended: Pairing, person: Candidate, principal: Principal) -> Pairing | None:
        """What an earlier try of the same re-match already made for this person."""
        where = {"replaces": ended.id, "volunteers": person.id}
        async for pairing in self._stores.pairings.stream(ended.tenant, where):
            if pairing.status in HOLDING:
                settled = await self._places.settle(pairing, principal)
                if settled.status is PairingStatus.ACTIVE:
                    return settled
        return None

    async def _change(self, pairing_id: str, cause: Cause, decision: decide.Decider) -> Pairing:
        def on_present(present: Pairing | None) -> decide.Decision:
            if present is None:
                raise NotYetKnown(f"pairing {pairing_id}")
            return decision(present)

        return await self._stores.pairings.change(pairing_id, cause, on_present)
