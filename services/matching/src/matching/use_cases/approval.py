"""Approving a run: its proposed pairs become pairings, each by a reservation of its own."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import date

from shared.chassis.aggregates import WriteConflict
from shared.chassis.mongo import DatabaseUnavailable
from shared.contracts import AccessRole, Principal

from ..domain import run as decide
from ..domain.candidate import Programme
from ..domain.pairing import Pairing, PairingStatus, pairing_id, propose
from ..domain.proposal import StoredPair
from ..domain.refusals import RunNotHeld
from ..domain.run import Conflict, MatchRun, RunStatus
from .places import PATIENCE, Places
from .ports import Stores
from .run_changes import change_run
from .snapshot import Snapshot, read_pool, read_programme

AT_ONCE = 16
"""Pairs made at the same time: enough to share the journal's writes, few enough to leave room for others."""


class Approval:
    """Turns proposals into pairings. Repeatable after a crash, and by several replicas at once."""

    def __init__(self, stores: Stores, places: Places) -> None:
        self._stores = stores
        self._places = places

    async def approve(self, principal: Principal, run_id: str, effective_on: date | None) -> MatchRun:
        """Make the pairs of this run. A pair that can no longer be made is reported, and the others go on.

        Raises: UnknownRun, RunNotProposed.
        """
        principal.require(AccessRole.PROGRAMME_MANAGER)
        now = self._stores.clock.now()
        run = await self._change(
            principal, run_id, lambda present: decide.begin_approval(present, effective_on or now.date(), now)
        )
        return await self._finish(principal, run)

    async def resume(self) -> None:
        """Carry on with approvals that nobody finished."""
        for tenant, run_id in await self._stores.backlog.approvals_to_resume(self._stores.clock.now()):
            principal = Principal.service("matching", tenant=tenant)
            with contextlib.suppress(RunNotHeld):  # somebody was faster
                run = await self._change(
                    principal, run_id, lambda present: decide.take_over_approval(present, self._stores.clock.now())
                )
                await self._finish(principal, run)

    async def _finish(self, principal: Principal, run: MatchRun) -> MatchRun:
        if run.status is RunStatus.APPROVED:
            return run
        holding = asyncio.create_task(self._hold(principal, run.id))
        try:
            outcomes = await self._make_all(principal, run)
        finally:
            holding.cancel()
        made = tuple(outcome for outcome in outcomes if isinstance(outcome, str))
        conflicts = tuple(outcome for outcome in outcomes if isinstance(outcome, Conflict))
        return await self._change(
            principal,
            run.id,
            lambda present: decide.finish_approval(present, made, conflicts, self._stores.clock.now()),
        )

    async def _hold(self, principal: Principal, run_id: str) -> None:
        """Keep others from carrying on with it as well: harmless, and twice the work."""
        while True:
            await asyncio.sleep(decide.LEASE.total_seconds() / 3)
            with contextlib.suppress(DatabaseUnavailable, WriteConflict):
                await self._change(
                    principal, run_id, lambda present: decide.hold_approval(present, self._stores.clock.now())
                )

    async def _change(self, principal: Principal, run_id: str, decision: Callable[[MatchRun], MatchRun]) -> MatchRun:
        return await change_run(self._stores, principal, run_id, decision)

    async def _make_all(self, principal: Principal, run: MatchRun) -> list[str | Conflict]:
        programme = await read_programme(self._stores, run.tenant, run.programme_id)
        pool = await read_pool(self._stores, run.tenant, run.programme_id)
        gate = asyncio.Semaphore(AT_ONCE)

        async def make(pair: StoredPair) -> str | Conflict:
            async with gate:
                return await self._make(principal, run, pair, programme, pool)

        pairs = [pair async for pair in self._stores.proposed.stream(run.tenant, {"result": run.result})]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(make(pair)) for pair in pairs]
        return [task.result() for task in tasks]

    async def _make(
        self, principal: Principal, run: MatchRun, pair: StoredPair, programme: Programme, pool: Snapshot
    ) -> str | Conflict:
        """The pairing's id, or why there is none."""
        id_ = pairing_id(run.id, pair.mentor_volunteer_id, pair.mentee_volunteer_id)
        mentor, mentee = pool.people.get(pair.mentor_volunteer_id), pool.people.get(pair.mentee_volunteer_id)
        if mentor is None or mentee is None or not (mentor.takes_part and mentee.takes_part):
            return await self._made_before(principal, run, pair, "one of the two has left or is no longer ready")
        if (mentor.id, mentee.id) in pool.history.excluded:
            return await self._made_before(principal, run, pair, "the two were excluded from each other meanwhile")
        proposal = propose(
            mentor,
            mentee,
            programme,
            pair.points,
            id=id_,
            run_id=run.id,
            effective_on=run.effective_on or self._stores.clock.now().date(),
            until=self._stores.clock.now() + PATIENCE,
        )
        return _outcome(pair, await self._places.make(proposal, principal))

    async def _made_before(self, principal: Principal, run: MatchRun, pair: StoredPair, reason: str) -> str | Conflict:
        """An earlier try of the same approval may have come this far; else the pair is not made."""
        id_ = pairing_id(run.id, pair.mentor_volunteer_id, pair.mentee_volunteer_id)
        pairing = await self._stores.pairings.find(run.tenant, id_)
        if pairing is None:
            return _conflict(pair, reason)
        return _outcome(pair, await self._places.settle(pairing, principal))


def _outcome(pair: StoredPair, pairing: Pairing) -> str | Conflict:
    if pairing.status is PairingStatus.ABORTED:
        return _conflict(pair, "a place was taken meanwhile, or one of the two has left")
    return pairing.id


def _conflict(pair: StoredPair, reason: str) -> Conflict:
    return Conflict(
        mentor_volunteer_id=pair.mentor_volunteer_id,
        mentee_volunteer_id=pair.mentee_volunteer_id,
        reason=reason,
    )
