"""A mentee chooses a mentor from a short list; the rest of the proposal is renewed around the pair (0037)."""

import asyncio
from uuid import uuid4

from shared.contracts import Principal, Role

from ..domain import shortlist as decide
from ..domain.candidate import Candidate, Programme
from ..domain.pairing import Pairing, PairingStatus, pairing_id, propose
from ..domain.refusals import NoPlaceLeft, UnknownVolunteer
from ..domain.restriction import RestrictionKind
from ..domain.rules import Charter, MentorMentee
from ..domain.scoring import score_pair
from ..domain.shortlist import ShortList
from .places import PATIENCE, Places
from .ports import Stores
from .renewals import Renewals
from .snapshot import read_partners, read_programme

AT_A_TIME = 200
"""Mentors who are compared before others may use the event loop: some milliseconds."""


class Choices:
    """What mentees of a programme by choice may do for themselves."""

    def __init__(self, stores: Stores, places: Places, renewals: Renewals) -> None:
        self._stores = stores
        self._places = places
        self._renewals = renewals

    async def short_list(self, principal: Principal, programme_id: str) -> ShortList:
        """The best mentors who are free for the mentee who asks.

        Raises: UnknownProgramme, UnknownVolunteer, NotByChoice, NotReady, NoPlaceLeft.
        """
        programme = await read_programme(self._stores, principal.tenant, programme_id)
        return await self._short_list(programme, await self._mentee(principal, programme))

    async def choose(
        self, principal: Principal, programme_id: str, mentor_id: str, *, key: str | None = None
    ) -> Pairing:
        """Pair the mentee who asks with this mentor of their short list, at once.

        Raises: what :meth:`short_list` raises, and NotOnShortList.
        """
        programme = await read_programme(self._stores, principal.tenant, programme_id)
        mentee = await self._mentee(principal, programme)
        id_ = pairing_id(f"choice.{key or uuid4().hex}", mentor_id, mentee.id)
        async with self._renewals.changing(principal.tenant, programme_id):
            begun = await self._stores.pairings.find(principal.tenant, id_)
            proposed = begun or await self._proposed(programme, mentee, mentor_id, id_)
            pairing = await self._places.make(proposed, principal)
        if pairing.status is PairingStatus.ABORTED:
            raise NoPlaceLeft(
                "the mentor was taken a moment ago: look at the short list again", field="mentor_volunteer_id"
            )
        return pairing

    async def _mentee(self, principal: Principal, programme: Programme) -> Candidate:
        """The caller's own record. Raises: UnknownVolunteer."""
        mine: dict[str, str | int | bool | None] = {
            "programme_id": programme.id,
            "role": Role.MENTEE.value,
            "person_ref": principal.subject,
            "withdrawn": False,
        }
        async for mentee in self._stores.candidates.stream(principal.tenant, mine):
            return mentee
        raise UnknownVolunteer(f"you do not take part in {programme.id} as a mentee: volunteer first")

    async def _short_list(self, programme: Programme, mentee: Candidate) -> ShortList:
        decide.require_choice(programme, mentee)
        question = await read_partners(self._stores, mentee, Charter.of(programme))
        decide.require_place(question.places[mentee.id])
        free = decide.unless_locked(mentee, question.mentors, question.places, await self._locks(programme))
        best: list[Candidate] = []
        for begin in range(0, len(free), AT_A_TIME):
            some = (*best, *free[begin : begin + AT_A_TIME])
            best = decide.best_mentors(mentee, some, question.charter, question.history)
            await asyncio.sleep(0)
        return ShortList(mentee=mentee, offers=decide.offers(mentee, best, question.charter))

    async def _locks(self, programme: Programme) -> list[MentorMentee]:
        where: dict[str, str | int | bool | None] = {
            "programme_id": programme.id,
            "kind": RestrictionKind.LOCK.value,
            "removed": False,
        }
        return [lock.pair async for lock in self._stores.restrictions.stream(programme.tenant, where)]

    async def _proposed(self, programme: Programme, mentee: Candidate, mentor_id: str, id_: str) -> Pairing:
        mentor = decide.chosen(await self._short_list(programme, mentee), mentor_id)
        now = self._stores.clock.now()
        return propose(
            mentor,
            mentee,
            programme,
            score_pair(mentor, mentee, Charter.of(programme)),
            id=id_,
            effective_on=now.date(),
            until=now + PATIENCE,
        )
