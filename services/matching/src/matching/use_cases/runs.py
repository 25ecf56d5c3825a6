"""Match runs: asked for over HTTP, computed by whichever replica takes them."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from shared.chassis.aggregates import Cause, Page
from shared.chassis.logging import get_logger
from shared.contracts import AccessRole, Principal

from ..domain import run as decide
from ..domain.proposal import (
    EngineFailed,
    Proposal,
    StoredLeftOut,
    StoredPair,
    check_size,
    stored_left_out,
    stored_pairs,
)
from ..domain.refusals import PoolTooLarge, RunNotHeld, UnknownRun
from ..domain.run import MatchRun, RunStatus
from .leases import Progress, under_lease
from .ports import Engine, Stores
from .renewals import Renewals
from .run_changes import change_run, require_results
from .snapshot import read_pool, read_programme

log = get_logger(__name__)

STORING_AT_ONCE = 16
POLL_SECONDS = 1.0


class Runs:
    """Asks for runs, computes them, shows what they found."""

    def __init__(self, stores: Stores, engine: Engine, renewals: Renewals, *, replica: str) -> None:
        self._stores = stores
        self._engine = engine
        self._renewals = renewals
        self._replica = replica
        self._asked = asyncio.Event()

    async def request(self, principal: Principal, programme_id: str, *, seed: int, key: str | None = None) -> MatchRun:
        """Queue a run over the programme's pool. Raises: UnknownProgramme, PoolTooLarge."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        programme = await read_programme(self._stores, principal.tenant, programme_id)
        figures = await self._stores.backlog.pool(principal.tenant, programme_id)
        check_size(figures.mentors, figures.mentees)
        id_ = decide.run_id(principal.tenant, principal.subject, programme_id, key or uuid4().hex)
        now = self._stores.clock.now()
        run = await self._stores.runs.change(
            id_,
            Cause.command(principal, key),
            lambda present: (present or decide.request(programme, id=id_, seed=seed, now=now), []),
        )
        self._asked.set()
        return run

    async def get(self, principal: Principal, run_id: str) -> MatchRun:
        """One run. Raises: UnknownRun."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        run = await self._stores.runs.find(principal.tenant, run_id)
        if run is None:
            raise UnknownRun(f"there is no run {run_id!r}")
        return run

    async def page(self, principal: Principal, programme_id: str, *, limit: int, cursor: str | None) -> Page[MatchRun]:
        """The runs of a programme."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        where = {"programme_id": programme_id}
        return await self._stores.runs.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def pairs(self, principal: Principal, run_id: str, *, limit: int, cursor: str | None) -> Page[StoredPair]:
        """What the run proposes, the best pairs first; empty until it has concluded.

        Raises: UnknownRun, ResultsRemoved.
        """
        run = await self.get(principal, run_id)
        if run.figures is None:
            return Page((), None)
        await require_results(self._stores, run, run.pairs_result)
        where = {"result": run.pairs_result}
        return await self._stores.proposed.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def left_out(
        self, principal: Principal, run_id: str, *, limit: int, cursor: str | None
    ) -> Page[StoredLeftOut]:
        """Whom the run could not pair, and why; empty until it has concluded. Raises: UnknownRun, ResultsRemoved."""
        run = await self.get(principal, run_id)
        if run.figures is None:
            return Page((), None)
        await require_results(self._stores, run, run.left_out_result)
        where = {"result": run.left_out_result}
        return await self._stores.left_out.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def work(self) -> None:
        """Compute the runs that nobody works on, one after the other."""
        self._asked.clear()
        for tenant, run_id in await self._stores.backlog.runs_to_take(self._stores.clock.now()):
            with contextlib.suppress(RunNotHeld):  # another replica was faster, or took over
                await self._compute(Principal.service("matching", tenant=tenant), run_id)

    async def wait(self) -> None:
        """Until this replica is asked for a run, or others may have been."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), POLL_SECONDS)

    async def _compute(self, principal: Principal, run_id: str) -> None:
        run = await self._change(
            principal, run_id, lambda run: decide.take(run, self._replica, self._stores.clock.now())
        )
        if run.status is not RunStatus.RUNNING:
            log.warning("run given up", run_id=run_id, attempts=run.attempt)
            return
        progress = Progress()
        try:
            proposal, renewed = await under_lease(
                self._propose(run, progress),
                lambda: self._change(
                    principal,
                    run_id,
                    lambda present: decide.renew(
                        present, self._replica, run.attempt, progress.percent, self._stores.clock.now()
                    ),
                ),
                every_seconds=POLL_SECONDS,
            )
        except EngineFailed:
            log.warning("the engine died; the run is taken again when its lease ends", run_id=run_id)
        except PoolTooLarge as refusal:
            reason, now = refusal.detail, self._stores.clock.now()
            await self._change(
                principal, run_id, lambda present: decide.fail(present, self._replica, run.attempt, reason, now)
            )
        else:
            now = self._stores.clock.now()
            concluded = await self._change(
                principal,
                run_id,
                lambda present: decide.conclude(
                    present, self._replica, run.attempt, proposal.figures, now, renewed=renewed
                ),
            )
            await self._renewals.settle(principal, concluded)

    async def _propose(self, run: MatchRun, progress: Progress) -> tuple[Proposal, MatchRun | None]:
        """Compute, and keep what was found; with it, the proposal that says so already."""
        pool = await read_pool(self._stores, run.tenant, run.programme_id)
        proposal = await self._engine.propose(pool.problem(run.charter, seed=run.seed), progress.tell)
        renewed = await self._renewals.already_said(run, proposal)
        stored_before = renewed is not None and renewed.can_be_renewed
        await self._store(replace(proposal, pairs=()) if stored_before else proposal, run)
        return proposal, renewed

    async def _store(self, proposal: Proposal, run: MatchRun) -> None:
        """Keep the pairs and the people left out under this attempt, where no other attempt writes."""
        gate = asyncio.Semaphore(STORING_AT_ONCE)

        async def keep_pair(pair: StoredPair) -> None:
            async with gate:
                await self._stores.proposed.keep_newest(pair)

        async def keep_person(person: StoredLeftOut) -> None:
            async with gate:
                await self._stores.left_out.keep_newest(person)

        async with asyncio.TaskGroup() as group:
            for pair in stored_pairs(proposal, tenant=run.tenant, result=run.result):
                group.create_task(keep_pair(pair))
            for person in stored_left_out(proposal, tenant=run.tenant, result=run.result):
                group.create_task(keep_person(person))

    async def _change(self, principal: Principal, run_id: str, decision: Callable[[MatchRun], MatchRun]) -> MatchRun:
        return await change_run(self._stores, principal, run_id, decision)
