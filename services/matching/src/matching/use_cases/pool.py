"""The pool: copies of programmes and volunteers, built from their events."""

from shared.chassis.aggregates import Cause, Page
from shared.contracts import (
    AccessRole,
    MatchMode,
    Principal,
    ProgrammePublished,
    Role,
    VolunteerState,
    VolunteerWithdrawn,
)

from ..domain import pairing as decide
from ..domain.candidate import Candidate, candidate_from, programme_from, withdrawn_candidate
from .places import Places
from .ports import PoolFigures, Stores
from .renewals import Renewals
from .run_changes import catch_up
from .snapshot import HOLDING, read_programme


class Pool:
    """Keeps who may be paired, and under which charter."""

    def __init__(self, stores: Stores, places: Places, renewals: Renewals) -> None:
        self._stores = stores
        self._places = places
        self._renewals = renewals

    async def keep_programme(self, event: ProgrammePublished, cause: Cause) -> None:
        """Keep the newest charter. A continuous programme catches up with whoever came before it."""
        programme = programme_from(event, cause.tenant)
        await self._stores.programmes.keep_newest(programme)
        if programme.policy.mode is MatchMode.CONTINUOUS:
            await catch_up(self._stores, programme, cause, f"charter.{programme.version}")
        await self._renewals.mark(programme.tenant, programme.id)

    async def keep_volunteer(self, event: VolunteerState, cause: Cause) -> Candidate:
        """Keep and return the newest state of a volunteer; a late event changes nothing. Raises: UnknownTimeZone."""
        told = candidate_from(event, cause.tenant)
        is_newest = await self._stores.candidates.keep_newest(told)
        person = await self._follow(event.volunteer_id, cause, told if is_newest else None)
        await self._renewals.mark(cause.tenant, event.programme_id)
        return person

    async def withdraw(self, event: VolunteerWithdrawn, cause: Cause) -> None:
        """A volunteer left: forget the profile and end the pairings."""
        await self._stores.candidates.keep_newest(withdrawn_candidate(event, cause.tenant))
        await self._follow(event.volunteer_id, cause)
        await self._renewals.mark(cause.tenant, event.programme_id)

    async def figures(self, principal: Principal, programme_id: str) -> PoolFigures:
        """Sums over a pool. Raises: UnknownProgramme (until its charter has arrived, when runs can be asked for)."""
        principal.require(AccessRole.PROGRAMME_MANAGER, AccessRole.OPERATOR)
        await read_programme(self._stores, principal.tenant, programme_id)
        return await self._stores.backlog.pool(principal.tenant, programme_id)

    async def candidates(
        self, principal: Principal, programme_id: str, role: Role | None, *, limit: int, cursor: str | None
    ) -> Page[Candidate]:
        """Who is in the pool and has not left."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        where: dict[str, str | int | bool | None] = {"programme_id": programme_id, "withdrawn": False}
        if role is not None:
            where["role"] = role.value
        return await self._stores.candidates.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def _follow(self, volunteer_id: str, cause: Cause, stored: Candidate | None = None) -> Candidate:
        """Do what the newest state asks for: close or open the person, and end what cannot go on. The newest state.

        Events of one person come from several topics at once, so look again until nothing newer arrived.
        """
        person = stored or await self._stores.candidates.get(cause.tenant, volunteer_id)
        while True:
            if person.withdrawn:
                await self._places.close(cause.tenant, volunteer_id)
                await self._part(volunteer_id, cause)
            else:
                await self._places.open(cause.tenant, volunteer_id)
            followed = person.version
            person = await self._stores.candidates.get(cause.tenant, volunteer_id)
            if person.version == followed:
                return person

    async def _part(self, volunteer_id: str, cause: Cause) -> None:
        """End every pairing of somebody whom no new pairing can take any more."""
        pairings = self._stores.pairings
        held = [
            pairing
            async for pairing in pairings.stream(cause.tenant, {"volunteers": volunteer_id})
            if pairing.status in HOLDING
        ]
        for pairing in held:
            parted = await pairings.change(pairing.id, cause, self._leave)
            await self._places.give_back(parted, cause.principal)

    def _leave(self, pairing: decide.Pairing | None) -> decide.Decision:
        if pairing is None:
            raise LookupError("a pairing that was just read is gone")
        return decide.leave(pairing, self._stores.clock.now())
