"""A study: solves under several policies, nothing of which is ever published. Leased work, as a match run is.

Pure functions, as in :mod:`.run`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shared.contracts import MatchPolicy

from .candidate import Programme
from .outcome import Outcome, Swing
from .refusals import RunNotHeld, StudyEnded, UnusablePolicies
from .rules import Charter
from .run import LEASE, MOST_ATTEMPTS

HEAVIEST = 20_000
"""No weight may be higher."""


class StudyKind(StrEnum):
    """What is asked."""

    SIMULATION = "simulation"
    """What would each of these policies give?"""
    SENSITIVITY = "sensitivity"
    """How much hangs on each weight of the published policy?"""


class StudyStatus(StrEnum):
    """Where a study stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One policy to solve under."""

    name: str
    policy: MatchPolicy
    weight: str | None = None
    """The one weight that differs from the published policy, in a study of sensitivity."""
    percent: int = 0


@dataclass(frozen=True, kw_only=True)
class Study:
    """One study of one programme's pool, or of uploaded people."""

    id: str
    tenant: str
    version: int
    programme_id: str
    kind: StudyKind
    status: StudyStatus
    requested_at: datetime
    seed: int
    cases: tuple[Case, ...]
    published: MatchPolicy
    """As it was when the study was asked for: what scores of different policies are compared by."""
    policy_version: int
    week: date
    session_minutes: int
    upload: str | None = None
    """Whose rows are the people; the programme's pool where there is none."""
    assume_ready: bool = False
    owner: str | None = None
    lease_until: datetime | None = None
    attempt: int = 0
    progress: int = 0
    """Percent."""
    failure: str | None = None
    outcomes: tuple[Outcome, ...] = ()
    """Of a simulation, in the order of its cases."""
    swings: tuple[Swing, ...] = ()
    """Of a study of sensitivity."""

    def charter(self, policy: MatchPolicy) -> Charter:
        """What pairs are judged by under this policy."""
        return Charter(policy=policy, week=self.week, session_minutes=self.session_minutes)


def study_id(kind: StudyKind, *cause: str) -> str:
    """The name of the study that this cause asks for: the same command, sent again, asks for the same study."""
    return f"{kind}_{hashlib.sha256(chr(0).join(cause).encode()).hexdigest()[:26]}"


@dataclass(frozen=True, kw_only=True)
class PolicyAsked:
    """A policy to simulate: changes against the published one, or a whole one, whose gaps the defaults fill."""

    name: str
    changes: Mapping[str, Any]
    whole: bool = False


def cases(published: MatchPolicy, asked: Sequence[PolicyAsked]) -> tuple[Case, ...]:
    """The policies in full. Raises: UnusablePolicies where two have one name."""
    names = [one.name for one in asked]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise UnusablePolicies("two policies have the same name", field=f"policies.{index}.name")
    return tuple(
        Case(name=one.name, policy=_changed(MatchPolicy() if one.whole else published, one.changes)) for one in asked
    )


def _changed(policy: MatchPolicy, changes: Mapping[str, Any]) -> MatchPolicy:
    """With the given fields and weights; the others stay."""
    weights = {**policy.weights.model_dump(), **changes.get("weights", {})}
    return MatchPolicy.model_validate({**policy.model_dump(), **changes, "weights": weights})


def simulate(
    programme: Programme,
    cases: tuple[Case, ...],
    *,
    id: str,
    seed: int,
    now: datetime,
    upload: str | None,
    assume_ready: bool,
) -> Study:
    """Ask what these policies would give."""
    asked = _asked(programme, StudyKind.SIMULATION, cases, id, now)
    return replace(asked, seed=seed, upload=upload, assume_ready=assume_ready)


def study_weights(programme: Programme, percent: int, *, id: str, now: datetime) -> Study:
    """Ask how much hangs on each weight, each made lighter and heavier by this many percent."""
    cases = (Case(name="published", policy=programme.policy), *_swung(programme.policy, percent))
    return _asked(programme, StudyKind.SENSITIVITY, cases, id, now)


def _asked(programme: Programme, kind: StudyKind, cases: tuple[Case, ...], id: str, now: datetime) -> Study:
    return Study(
        id=id,
        tenant=programme.tenant,
        version=1,
        programme_id=programme.id,
        kind=kind,
        status=StudyStatus.QUEUED,
        requested_at=now,
        seed=0,
        cases=cases,
        published=programme.policy,
        policy_version=programme.version,
        week=programme.reference_week,
        session_minutes=programme.plan.minutes,
    )


def _swung(policy: MatchPolicy, percent: int) -> Iterator[Case]:
    """A weight of zero, and one that rounding or the highest weight keeps where it is, cannot swing."""
    for weight, points in policy.weights:
        for swing in (-percent, percent):
            value = min(round(points * (100 + swing) / 100), HEAVIEST)
            if value != points:
                weights = policy.weights.model_copy(update={weight: value})
                changed = policy.model_copy(update={"weights": weights})
                yield Case(name=f"{weight} {swing:+} %", policy=changed, weight=weight, percent=swing)


def may_be_taken(study: Study, now: datetime) -> bool:
    """Whether nobody works on it: it is queued, or its holder let the lease run out."""
    if study.status is StudyStatus.RUNNING:
        return study.lease_until is None or study.lease_until <= now
    return study.status is StudyStatus.QUEUED


def take(study: Study, owner: str, now: datetime) -> Study:
    """Hold the study for one lease. Gives up on one that broke its holders again and again. Raises: RunNotHeld."""
    if not may_be_taken(study, now):
        raise RunNotHeld(f"{study.id} is {study.status}")
    if study.attempt >= MOST_ATTEMPTS:
        return _next(study, status=StudyStatus.FAILED, failure=f"given up after {study.attempt} attempts")
    return _next(
        study,
        status=StudyStatus.RUNNING,
        owner=owner,
        attempt=study.attempt + 1,
        lease_until=now + LEASE,
        progress=0,
    )


def renew(study: Study, owner: str, attempt: int, progress: int, now: datetime) -> Study:
    """Keep the lease, and tell how far the work is. Raises: RunNotHeld."""
    _require_held(study, owner, attempt)
    return _next(study, lease_until=now + LEASE, progress=min(max(progress, study.progress), 99))


def conclude(
    study: Study, owner: str, attempt: int, *, outcomes: tuple[Outcome, ...] = (), swings: tuple[Swing, ...] = ()
) -> Study:
    """The work is done. Raises: RunNotHeld."""
    _require_held(study, owner, attempt)
    return _ended(study, StudyStatus.DONE, progress=100, outcomes=outcomes, swings=swings)


def fail(study: Study, owner: str, attempt: int, failure: str) -> Study:
    """The work cannot be done, for a reason that a repetition would not change. Raises: RunNotHeld."""
    _require_held(study, owner, attempt)
    return _ended(study, StudyStatus.FAILED, failure=failure)


def cancel(study: Study) -> Study:
    """Nobody wants the answer any more; whoever works on it loses the lease. Raises: StudyEnded."""
    if study.status is StudyStatus.CANCELLED:
        return study
    if study.status not in {StudyStatus.QUEUED, StudyStatus.RUNNING}:
        raise StudyEnded(f"the {study.kind} is {study.status}")
    return _ended(study, StudyStatus.CANCELLED)


def _require_held(study: Study, owner: str, attempt: int) -> None:
    if study.status is not StudyStatus.RUNNING or study.owner != owner or study.attempt != attempt:
        raise RunNotHeld(f"{study.id} is no longer held by {owner}")


def _ended(study: Study, status: StudyStatus, **changes: object) -> Study:
    return _next(study, status=status, owner=None, lease_until=None, **changes)


def _next(study: Study, **changes: object) -> Study:
    return replace(study, version=study.version + 1, **changes)  # type: ignore[arg-type]
