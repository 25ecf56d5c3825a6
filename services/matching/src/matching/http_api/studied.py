"""What studies look like. Each representation is built field by field, so nothing leaks by accident."""

from datetime import datetime
from typing import Self

from shared.contracts import MatchPolicy, Role

from ..domain.proposal import MOST_PEOPLE_A_SIDE, LeftOutReason
from ..domain.rules import HardRule
from ..domain.study import Study, StudyStatus
from .outputs import Out


class UploadOut(Out):
    """People who wait for one simulation."""

    id: str
    mentors: int
    mentees: int
    until: datetime
    """They are deleted when their simulation has ended, and then at the latest."""
    most_people_a_side: int = MOST_PEOPLE_A_SIDE
    """What the engine takes."""


class StudyOut(Out):
    """Leased work, as a run is: how it stands, without what it found."""

    id: str
    version: int
    programme_id: str
    status: StudyStatus
    requested_at: datetime
    policy_version: int
    progress: int
    """Percent."""
    failure: str | None

    @classmethod
    def of(cls, study: Study) -> Self:
        """Its representation."""
        return cls.model_validate(study)


class GroupOut(Out):
    """People of one unit, site or generation. ``value`` is null where it was not given, or several are one here."""

    value: str | None
    people: int
    paired: int
    merged: int


class CoverageOut(Out):
    """Who of one side would have a partner."""

    role: Role
    people: int
    paired: int
    by_unit: tuple[GroupOut, ...]
    by_site: tuple[GroupOut, ...]
    by_age_band: tuple[GroupOut, ...]
    """Generations of fewer than five people are told as one."""


class ReasonCountOut(Out):
    """How many of one side would have no partner, for one reason."""

    role: Role
    reason: LeftOutReason
    people: int


class ShutOutCountOut(Out):
    """How many of one side no rule leaves a partner to, and this rule is among the causes."""

    role: Role
    rule: HardRule
    people: int


class OutcomeOut(Out):
    """What one policy would give. Compare totals of different weights by ``published_score`` only."""

    name: str
    policy: MatchPolicy
    mentors: int
    mentees: int
    pairs: int
    same_pairs: int
    score: int
    published_score: int
    worst_score: int
    mean_score: int
    deciles: tuple[int, ...]
    random_baseline_score: int
    greedy_score: int
    pairs_with_units: int
    cross_unit_pairs: int
    cross_unit_percent: float | None
    """Of the pairs whose units are both known."""
    unmatched: tuple[ReasonCountOut, ...]
    shut_out: tuple[ShutOutCountOut, ...]
    coverage: tuple[CoverageOut, ...]
    proven: bool
    seconds: float


class CaseOut(Out):
    """A policy that was asked for."""

    name: str
    policy: MatchPolicy


class SimulationOut(StudyOut):
    """A simulation. ``outcomes`` is empty until it is done, then in the order of ``policies``."""

    seed: int
    upload_id: str | None
    assume_ready: bool
    policies: tuple[CaseOut, ...]
    outcomes: tuple[OutcomeOut, ...]

    @classmethod
    def of(cls, study: Study) -> Self:
        """Its representation."""
        outcomes = [
            OutcomeOut.model_validate(
                {
                    **{name: getattr(outcome, name) for name in OutcomeOut.model_fields if hasattr(outcome, name)},
                    "policy": case.policy,
                    "cross_unit_percent": round(100 * outcome.cross_unit_pairs / outcome.pairs_with_units, 1)
                    if outcome.pairs_with_units
                    else None,
                }
            )
            for case, outcome in zip(study.cases, study.outcomes, strict=False)
        ]
        return cls(
            **_common(study),
            seed=study.seed,
            upload_id=study.upload,
            assume_ready=study.assume_ready,
            policies=tuple(CaseOut(name=case.name, policy=case.policy) for case in study.cases),
            outcomes=tuple(outcomes),
        )


class SwingOut(Out):
    """What another weight would change, against the published policy; scores are by the published weights."""

    weight: str
    percent: int
    points: int
    pairs: int
    pairs_changed: int
    score_change: int
    worst_score_change: int


class SensitivityOut(StudyOut):
    """What hangs on each weight. ``swings`` is empty until it is done."""

    policy: MatchPolicy
    swings: tuple[SwingOut, ...]

    @classmethod
    def of(cls, study: Study) -> Self:
        """Its representation."""
        swings = tuple(SwingOut.model_validate(swing) for swing in study.swings)
        return cls(**_common(study), policy=study.published, swings=swings)


def _common(study: Study) -> dict[str, object]:
    return {name: getattr(study, name) for name in StudyOut.model_fields}
