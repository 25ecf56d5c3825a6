"""Proposals stay current: when the pool changes, a new run is asked for by itself (requirement: live mode)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from shared.chassis.aggregates import Cause
from shared.chassis.logging import get_logger
from shared.contracts import AccessRole, Principal

from ..domain import renewal as decide
from ..domain import run as run_decisions
from ..domain.proposal import Proposal
from ..domain.refusals import NoProposal
from ..domain.renewal import Renewal, newest_proposal, renewal_id
from ..domain.run import MatchRun, RunStatus
from .ports import Stores
from .run_changes import change_run
from .snapshot import read_programme

log = get_logger(__name__)

Tell = Callable[[str, bool], None]
"""Told how a renewal ended (``renewed``, ``confirmed``, ``overtaken``, ``failed``), and whether it was the night's."""
UNDER_WAY = (RunStatus.QUEUED, RunStatus.RUNNING)
_OUTCOMES = {
    RunStatus.PROPOSED: "renewed",
    RunStatus.APPROVED: "renewed",
    RunStatus.UNCHANGED: "confirmed",
    RunStatus.SUPERSEDED: "overtaken",
    RunStatus.FAILED: "failed",
}
A_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class OpenProposal:
    """The proposal that waits for a decision."""

    run: MatchRun
    current: bool | None
    """False while a renewal waits or is under way, or after one failed; None where proposals are not renewed."""


class Renewals:
    """Marks proposals whose pool has changed, asks for their renewal, and settles what became of it.

    Every step may be repeated by anybody: a replica that dies leaves the mark, or the claim, to the others.
    """

    def __init__(self, stores: Stores, *, wait: timedelta, tell: Tell) -> None:
        self._stores = stores
        self._wait = wait
        self._tell = tell

    async def mark(self, tenant: str, programme_id: str) -> None:
        """The pool has changed."""
        if not self._wait:
            return
        now = self._stores.clock.now()
        await self._stores.renewals.change(
            renewal_id(tenant, programme_id),
            Cause(principal=Principal.service("matching", tenant=tenant)),
            lambda present: (decide.mark(present, tenant, programme_id, wait=self._wait, now=now), ()),
        )

    @asynccontextmanager
    async def changing(self, tenant: str, programme_id: str) -> AsyncIterator[None]:
        """Mark before the change, lest the process die after it; and after it, lest a renewal began in between."""
        await self.mark(tenant, programme_id)
        yield
        await self.mark(tenant, programme_id)

    async def proposal(self, principal: Principal, programme_id: str) -> OpenProposal:
        """The newest proposal of the programme. Raises: UnknownProgramme, NoProposal."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        await read_programme(self._stores, principal.tenant, programme_id)
        run = newest_proposal(await self._runs(principal.tenant, programme_id, RunStatus.PROPOSED))
        if run is None:
            raise NoProposal(f"no proposal of {programme_id} waits for a decision: ask for a run")
        renewal = await self._stores.renewals.find(principal.tenant, renewal_id(principal.tenant, programme_id))
        if not self._wait:
            return OpenProposal(run=run, current=None)
        return OpenProposal(run=run, current=renewal is None or renewal.is_current(run))

    async def work(self) -> None:
        """Claim the marks that are due, and carry on with what was claimed."""
        now = self._stores.clock.now()
        for tenant, id_ in await self._stores.backlog.renewals_to_take(now):
            principal = Principal.service("matching", tenant=tenant)
            renewal = await self._stores.renewals.get(tenant, id_)
            if renewal.asked is None and await self._may_be_claimed(renewal):
                renewal = await self._change(principal, renewal, lambda present: decide.claim(present, now))
            if renewal.asked is not None:
                await self._pursue(principal, renewal, renewal.asked)

    async def already_said(self, run: MatchRun, proposal: Proposal) -> MatchRun | None:
        """The proposal that this run should renew, where that cannot be done any more, or has the same pairs."""
        if run.renews is None:
            return None
        old = await self._stores.runs.get(run.tenant, run.renews)
        if not old.can_be_renewed:
            return old
        stored = self._stores.proposed.stream(run.tenant, {"result": old.pairs_result})
        before = {
            (pair.mentor_volunteer_id, pair.mentee_volunteer_id): (pair.points, pair.locked) async for pair in stored
        }
        after = {(pair.mentor.id, pair.mentee.id): (pair.points, pair.locked) for pair in proposal.pairs}
        return old if old.charter == run.charter and before == after else None

    async def settle(self, principal: Principal, run: MatchRun) -> None:
        """Leave one proposal open, and finish the renewal that this run was, if it was one."""
        if run.status is RunStatus.PROPOSED:
            await self._leave_one_open(principal, run)
        if run.renews is None:
            return
        now = self._stores.clock.now()
        if run.status in {RunStatus.PROPOSED, RunStatus.APPROVED}:
            old = await self._change_run(principal, run.renews, lambda old: run_decisions.supersede(old, now, run.id))
            if old.status is RunStatus.APPROVED or old.approval_due is not None:  # the people are taken
                await self._change_run(principal, run.id, lambda run: run_decisions.supersede(run, now))
        elif run.status is RunStatus.UNCHANGED:
            await self._change_run(principal, run.renews, lambda old: run_decisions.confirm(old, run, now))
        await self._finish(principal, run)

    async def _may_be_claimed(self, renewal: Renewal) -> bool:
        """Not while a run is under way, nor more often than a run takes: others want to compute as well."""
        runs = await self._runs(renewal.tenant, renewal.programme_id, RunStatus.PROPOSED, *UNDER_WAY)
        if any(run.status in UNDER_WAY for run in runs):
            return False
        proposal = newest_proposal(runs)
        if proposal is None or proposal.figures is None or renewal.stale_since is None:
            return True
        return renewal.stale_since + timedelta(seconds=proposal.figures.seconds) <= self._stores.clock.now()

    async def _pursue(self, principal: Principal, renewal: Renewal, asked: str) -> None:
        """Bring what was claimed one step further."""
        run = await self._stores.runs.find(renewal.tenant, asked)
        if run is None:
            await self._ask(principal, renewal, asked)
        elif run.status not in UNDER_WAY:
            await self.settle(principal, run)

    async def _ask(self, principal: Principal, renewal: Renewal, asked: str) -> None:
        """Ask for the run, if there is a proposal to renew."""
        runs = await self._runs(renewal.tenant, renewal.programme_id, RunStatus.PROPOSED, *UNDER_WAY)
        now = self._stores.clock.now()
        if any(run.status in UNDER_WAY for run in runs):
            due = now + self._wait
            await self._change(principal, renewal, lambda present: decide.put_back(present, asked, due, now))
            return
        old = newest_proposal(runs)
        if old is None or not old.can_be_renewed:
            await self._change(principal, renewal, lambda present: decide.settle(present, asked))
            return
        programme = await read_programme(self._stores, renewal.tenant, renewal.programme_id)
        wanted = run_decisions.request(
            programme, id=asked, seed=old.seed, now=max(now, old.requested_at + A_TICK), renews=old.id
        )
        await self._stores.runs.change(asked, Cause(principal=principal), lambda present: (present or wanted, ()))
        log.info("proposal to be renewed", run_id=old.id, by=asked, programme_id=programme.id)

    async def _leave_one_open(self, principal: Principal, newest: MatchRun) -> None:
        """Of several proposals for one programme only the one asked for last stays open."""
        proposed = await self._runs(newest.tenant, newest.programme_id, RunStatus.PROPOSED)
        last, now = newest_proposal(proposed) or newest, self._stores.clock.now()
        for run in proposed:
            if run.id != last.id:
                await self._change_run(principal, run.id, lambda run: run_decisions.supersede(run, now, last.id))

    async def _finish(self, principal: Principal, run: MatchRun) -> None:
        renewal = await self._stores.renewals.find(run.tenant, renewal_id(run.tenant, run.programme_id))
        if renewal is None or renewal.asked != run.id:
            return  # somebody else did
        failed_for = run.renews if run.status is RunStatus.FAILED else None
        await self._change(principal, renewal, lambda present: decide.settle(present, run.id, failed_for=failed_for))
        outcome = _OUTCOMES[run.status]
        self._tell(outcome, renewal.nightly)
        if outcome == "failed" or (renewal.nightly and outcome == "renewed"):
            log.warning(
                "proposal not renewed" if outcome == "failed" else "the night found another optimum than the proposal",
                run_id=run.renews,
                by=run.id,
                programme_id=run.programme_id,
            )

    async def _runs(self, tenant: str, programme_id: str, *statuses: RunStatus) -> list[MatchRun]:
        return [
            run
            for status in statuses
            async for run in self._stores.runs.stream(tenant, {"programme_id": programme_id, "status": status.value})
        ]

    async def _change(self, principal: Principal, renewal: Renewal, decision: Callable[[Renewal], Renewal]) -> Renewal:
        return await self._stores.renewals.change(
            renewal.id, Cause(principal=principal), lambda present: (decision(present or renewal), ())
        )

    async def _change_run(
        self, principal: Principal, run_id: str, decision: Callable[[MatchRun], MatchRun]
    ) -> MatchRun:
        return await change_run(self._stores, principal, run_id, decision)
