"""Locks and exclusions: what a manager settles before a run."""

from shared.chassis.aggregates import Cause, Page
from shared.contracts import AccessRole, Principal

from ..domain.candidate import Candidate
from ..domain.refusals import UnknownRestriction
from ..domain.restriction import (
    Restriction,
    RestrictionKind,
    check_exclusion,
    check_lock,
    check_roles,
    lift_restriction,
    restrict,
    restriction_id,
)
from ..domain.rules import Charter
from .ports import Stores
from .renewals import Renewals
from .snapshot import read_pool, read_programme, read_volunteer


class Restrictions:
    """Sets, lists and removes locks and exclusions."""

    def __init__(self, stores: Stores, renewals: Renewals) -> None:
        self._stores = stores
        self._renewals = renewals

    async def add(
        self,
        principal: Principal,
        kind: RestrictionKind,
        programme_id: str,
        *,
        mentor_id: str,
        mentee_id: str,
        key: str | None = None,
    ) -> tuple[Restriction, bool]:
        """Lock two people together, or keep them apart; and whether it is new.

        Raises: UnknownProgramme, UnknownVolunteer, WrongRole, RuleForbidsPair, NoPlaceLeft, LockedPair.
        """
        principal.require(AccessRole.PROGRAMME_MANAGER)
        tenant = principal.tenant
        programme = await read_programme(self._stores, tenant, programme_id)
        mentor = await read_volunteer(self._stores, tenant, programme_id, mentor_id, field="mentor_volunteer_id")
        mentee = await read_volunteer(self._stores, tenant, programme_id, mentee_id, field="mentee_volunteer_id")
        check_roles(mentor, mentee)
        await self._check(kind, tenant, Charter.of(programme), mentor, mentee)
        id_ = restriction_id(kind, programme_id, mentor_id, mentee_id)
        before = await self._stores.restrictions.find(tenant, id_)
        async with self._renewals.changing(tenant, programme_id):
            restriction = await self._stores.restrictions.change(
                id_,
                Cause.command(principal, key),
                lambda present: (restrict(present, kind, programme, mentor, mentee), []),
            )
        return restriction, before is None or before.removed

    async def remove(
        self, principal: Principal, kind: RestrictionKind, programme_id: str, id_: str, *, key: str | None = None
    ) -> None:
        """Take it back; one that is removed already stays removed. Raises: UnknownRestriction."""
        principal.require(AccessRole.PROGRAMME_MANAGER)

        def decide(present: Restriction | None) -> tuple[Restriction, tuple[()]]:
            if present is None or present.kind is not kind or present.programme_id != programme_id:
                raise UnknownRestriction(f"there is no {kind} {id_!r} in {programme_id}")
            return lift_restriction(present), ()

        async with self._renewals.changing(principal.tenant, programme_id):
            await self._stores.restrictions.change(id_, Cause.command(principal, key), decide)

    async def page(
        self, principal: Principal, kind: RestrictionKind, programme_id: str, *, limit: int, cursor: str | None
    ) -> Page[Restriction]:
        """Those in force."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        where = {"programme_id": programme_id, "kind": kind.value, "removed": False}
        return await self._stores.restrictions.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def _check(
        self, kind: RestrictionKind, tenant: str, charter: Charter, mentor: Candidate, mentee: Candidate
    ) -> None:
        pool = await read_pool(self._stores, tenant, mentor.programme_id)
        if kind is RestrictionKind.EXCLUSION:
            check_exclusion(mentor, mentee, pool.locks)
        else:
            check_lock(mentor, mentee, charter=charter, history=pool.history, locks=pool.locks, places=pool.places)
