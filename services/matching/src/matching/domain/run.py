"""A match run: queued, running under a lease, proposed, then approved; or failed, or superseded.

Pure functions, as in :mod:`.pairing`. A run publishes nothing: its pairings do.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared.contracts import MatchPolicy

from .candidate import Programme
from .proposal import Figures
from .refusals import ProposalRenewed, RunNotHeld, RunNotProposed
from .rules import Charter

LEASE = timedelta(seconds=10)
"""A replica that has not renewed for this long is taken for dead."""
MOST_ATTEMPTS = 3


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PROPOSED = "proposed"
    APPROVED = "approved"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    UNCHANGED = "unchanged"
    """A renewal that found what the open proposal says already."""


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A proposed pair that could not be made any more."""

    mentor_volunteer_id: str
    mentee_volunteer_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class MatchRun:
    """One cohort run over a programme's pool."""

    id: str
    tenant: str
    version: int
    programme_id: str
    status: RunStatus
    requested_at: datetime
    seed: int
    policy: MatchPolicy
    """As it was when the run was asked for; a later publication does not change it."""
    policy_version: int
    week: date
    session_minutes: int
    automatic: bool = False
    """Approved without a manager: continuous mode catching up with who waits."""
    renews: str | None = None
    """The proposal in whose place this run was asked for, by nobody: the pool had changed. Never approved by itself."""
    renewed_by: str | None = None
    """The run whose proposal superseded this one."""
    confirmed_at: datetime | None = None
    """When a renewal last found the same pairs."""
    pairs_in: str | None = None
    """The result that holds the pairs, where they are those of an earlier proposal."""
    left_out_in: str | None = None
    """The result that holds the people left out, where a confirmation found it anew."""
    leftovers_since: datetime | None = None
    """Since when there are results of it that nobody needs any more, or may be: see :mod:`.leftovers`."""
    results_removed_at: datetime | None = None
    """When its pairs and its people left out were removed; the figures and the certificate stay."""
    owner: str | None = None
    lease_until: datetime | None = None
    attempt: int = 0
    progress: int = 0
    """Percent."""
    figures: Figures | None = None
    failure: str | None = None
    approval_due: datetime | None = None
    """Set while an approval is under way: when anybody may carry on with it."""
    effective_on: date | None = None
    approved_at: datetime | None = None
    pairings: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def result(self) -> str:
        """Names what the present attempt finds."""
        return f"{self.id}.{self.attempt}"

    @property
    def pairs_result(self) -> str:
        """Names the result that holds the proposed pairs."""
        return self.pairs_in or self.result

    @property
    def left_out_result(self) -> str:
        """Names the result that holds the people left out."""
        return self.left_out_in or self.result

    @property
    def can_be_renewed(self) -> bool:
        """Whether it is a proposal that nobody has begun to approve."""
        return self.status is RunStatus.PROPOSED and self.approval_due is None

    @property
    def charter(self) -> Charter:
        """What the run's pairs are judged by."""
        return Charter(policy=self.policy, week=self.week, session_minutes=self.session_minutes)


def run_id(*cause: str) -> str:
    """The name of the run that this cause asks for: the same command, sent again, asks for the same run."""
    return f"run_{hashlib.sha256(chr(0).join(cause).encode()).hexdigest()[:26]}"


def request(
    programme: Programme,
    *,
    id: str,
    seed: int,
    now: datetime,
    automatic: bool = False,
    renews: str | None = None,
) -> MatchRun:
    """Ask for a run under the programme's policy of today."""
    return MatchRun(
        id=id,
        tenant=programme.tenant,
        version=1,
        programme_id=programme.id,
        status=RunStatus.QUEUED,
        requested_at=now,
        seed=seed,
        policy=programme.policy,
        policy_version=programme.version,
        week=programme.reference_week,
        session_minutes=programme.plan.minutes,
        automatic=automatic,
        renews=renews,
    )


def may_be_taken(run: MatchRun, now: datetime) -> bool:
    """Whether nobody works on it: it is queued, or its holder let the lease run out."""
    if run.status is RunStatus.RUNNING:
        return run.lease_until is None or run.lease_until <= now
    return run.status is RunStatus.QUEUED


def take(run: MatchRun, owner: str, now: datetime) -> MatchRun:
    """Hold the run for one lease. Gives up on a run that broke its holders again and again. Raises: RunNotHeld."""
    if not may_be_taken(run, now):
        raise RunNotHeld(f"{run.id} is {run.status}")
    if run.attempt >= MOST_ATTEMPTS:
        failure = f"given up after {run.attempt} attempts"
        return _next(run, status=RunStatus.FAILED, failure=failure, leftovers_since=now)
    return _next(
        run,
        status=RunStatus.RUNNING,
        owner=owner,
        attempt=run.attempt + 1,
        lease_until=now + LEASE,
        progress=0,
    )


def renew(run: MatchRun, owner: str, attempt: int, progress: int, now: datetime) -> MatchRun:
    """Keep the lease, and tell how far the work is. Raises: RunNotHeld."""
    _require_held(run, owner, attempt)
    return _next(run, lease_until=now + LEASE, progress=min(max(progress, run.progress), 99))


def conclude(
    run: MatchRun, owner: str, attempt: int, figures: Figures, now: datetime, *, renewed: MatchRun | None = None
) -> MatchRun:
    """The work is done and its pairs are stored: a proposal waits for a decision.

    ``renewed``: the proposal, as it is now, that this run should renew and whose pairs it found again, or which it can
    renew no more. Raises: RunNotHeld.
    """
    _require_held(run, owner, attempt)
    done = _next(run, owner=None, lease_until=None, progress=100, figures=figures)
    if renewed is None:
        due, on = (now, now.date()) if run.automatic else (None, None)
        of_earlier_attempts = now if attempt > 1 else None
        return replace(
            done,
            status=RunStatus.PROPOSED,
            approval_due=due,
            effective_on=on,
            leftovers_since=of_earlier_attempts,
        )
    done = replace(done, leftovers_since=now)
    if renewed.can_be_renewed:
        return replace(done, status=RunStatus.UNCHANGED, pairs_in=renewed.pairs_result)
    return replace(done, status=RunStatus.SUPERSEDED)


def fail(run: MatchRun, owner: str, attempt: int, failure: str, now: datetime) -> MatchRun:
    """The work cannot be done, for a reason that a repetition would not change. Raises: RunNotHeld."""
    _require_held(run, owner, attempt)
    return _next(run, status=RunStatus.FAILED, owner=None, lease_until=None, failure=failure, leftovers_since=now)


def supersede(run: MatchRun, now: datetime, by: str | None = None) -> MatchRun:
    """A newer proposal replaces this one. A run that is decided, or being approved, stays as it is."""
    if not run.can_be_renewed:
        return run
    return _next(run, status=RunStatus.SUPERSEDED, renewed_by=by, leftovers_since=now)


def confirm(run: MatchRun, by: MatchRun, now: datetime) -> MatchRun:
    """A renewal found the same pairs: they stand, with the figures, the proof and the people left out of today."""
    if not run.can_be_renewed or run.left_out_in == by.result:
        return run
    return _next(run, figures=by.figures, left_out_in=by.result, confirmed_at=now)


def begin_approval(run: MatchRun, effective_on: date, now: datetime) -> MatchRun:
    """Decide that the proposal becomes pairings. Repeating it keeps the first date.

    Raises: RunNotProposed, ProposalRenewed.
    """
    if run.status is RunStatus.APPROVED:
        return run
    newer = run.renews if run.status is RunStatus.UNCHANGED else run.renewed_by
    if newer is not None and run.status is not RunStatus.PROPOSED:
        raise ProposalRenewed(f"the run is {run.status}: look at {newer}, and approve that", run_id=newer)
    if run.status is not RunStatus.PROPOSED:
        raise RunNotProposed(f"the run is {run.status}")
    return _next(run, approval_due=now + LEASE, effective_on=run.effective_on or effective_on)


def hold_approval(run: MatchRun, now: datetime) -> MatchRun:
    """An approval that is still under way needs nobody else to carry on with it."""
    if run.status is not RunStatus.PROPOSED or run.approval_due is None:
        return run
    return _next(run, approval_due=now + LEASE)


def take_over_approval(run: MatchRun, now: datetime) -> MatchRun:
    """Carry on with an approval that nobody holds any more. Raises: RunNotHeld."""
    if run.status is not RunStatus.PROPOSED or run.approval_due is None or run.approval_due > now:
        raise RunNotHeld(f"nobody waits for the approval of {run.id} to be taken over")
    return hold_approval(run, now)


def finish_approval(
    run: MatchRun, pairings: tuple[str, ...], conflicts: tuple[Conflict, ...], now: datetime
) -> MatchRun:
    """All pairs of the proposal are settled: made, or reported."""
    if run.status is not RunStatus.PROPOSED:
        return run
    return _next(
        run,
        status=RunStatus.APPROVED,
        approval_due=None,
        approved_at=now,
        pairings=pairings,
        conflicts=conflicts,
    )


def _require_held(run: MatchRun, owner: str, attempt: int) -> None:
    if run.status is not RunStatus.RUNNING or run.owner != owner or run.attempt != attempt:
        raise RunNotHeld(f"{run.id} is no longer held by {owner}")


def _next(run: MatchRun, **changes: object) -> MatchRun:
    return replace(run, version=run.version + 1, **changes)  # type: ignore[arg-type]
