"""The figures of a programme (4-21, 4-22): counts of what happened, and means of what was published."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.contracts import Goal, NotFound, ProgrammePublished, Role

from .publication import SCALES, Cell, Question, Tally

DEFAULT_FLOOR = 5
"""Shown while the charter is not known. Nothing is published until it is."""


class NoSuchProgramme(NotFound):
    """Nothing is known of this programme."""


@dataclass(frozen=True, kw_only=True)
class CharterGoal:
    """A goal of the programme, as its charter puts it."""

    code: str
    metric: str
    target: float
    due_on: date | None = None


@dataclass(frozen=True, kw_only=True)
class Charter:
    """What feedback needs of a published programme."""

    id: str
    tenant: str
    version: int
    title: str
    goals: tuple[CharterGoal, ...]
    anonymity_floor: int


@dataclass(frozen=True, kw_only=True)
class Closing:
    """The programme's answers are final since ``closed_at``. Written once."""

    id: str
    tenant: str
    version: int
    closed_at: datetime


@dataclass(frozen=True, kw_only=True)
class PairCounts:
    """What the journeys of a programme add up to."""

    pairs: int = 0
    pairs_active: int = 0
    pairs_that_met: int = 0
    sessions_scheduled: int = 0
    sessions_completed: int = 0
    sessions_missed: int = 0
    sessions_cancelled: int = 0


@dataclass(frozen=True, kw_only=True)
class AnswerCounts:
    """How many people were asked and answered, over all sessions. Not a rating, so no floor applies."""

    requested: int = 0
    submitted: int = 0


@dataclass(frozen=True, kw_only=True)
class Means:
    """Means of published ratings to two decimals; ``None`` where nothing could be published."""

    satisfaction: float | None
    quality: float | None
    trust: float | None
    skill_gain: float | None
    practice_adopted: float | None
    """Share, between 0 and 1."""


@dataclass(frozen=True, kw_only=True)
class SkillMean:
    """Mean gain of one skill that enough people rated."""

    skill: str
    ratings: int
    gain: float


@dataclass(frozen=True, kw_only=True)
class GoalProgress:
    """Where the programme stands with one goal of its charter."""

    code: str
    metric: str
    target: float
    due_on: date | None
    value: float | None
    """Of the metric; ``None`` when it is not measured here, or not published."""
    attained: bool | None
    pairs_reached: int


@dataclass(frozen=True, kw_only=True)
class Kpis:
    """Everything that may be shown about a programme."""

    programme_id: str
    version: int
    counts: PairCounts
    participation: float
    """Pairs that held a session, as a share of all pairs ever made."""
    answers: AnswerCounts
    published: int
    withheld: int
    """Answers that are in no figure for good; known once the programme is closed."""
    anonymity_floor: int
    overall: Means
    skill_gain_by_side: Mapping[Role, float | None]
    histograms: Mapping[Question, tuple[int, ...]]
    skills: Sequence[SkillMean]
    goals_reached: int
    goals: Sequence[GoalProgress]
    closed_at: datetime | None


def charter(event: ProgrammePublished, *, tenant: str, promised: int = 0) -> Charter:
    """The copy that feedback keeps of a programme.

    ``promised`` is the floor under which people have already answered: from then on it can only be raised.
    """
    return Charter(
        id=event.programme_id,
        tenant=tenant,
        version=event.version,
        title=event.title,
        goals=tuple(_charter_goal(goal) for goal in event.goals),
        anonymity_floor=max(event.anonymity_floor, promised),
    )


def kpis(
    programme_id: str,
    *,
    charter: Charter | None,
    closing: Closing | None,
    tally: Tally | None,
    counts: PairCounts,
    answers: AnswerCounts,
    reached: Mapping[str, int],
) -> Kpis:
    """Put the figures together. ``reached`` says per goal in how many pairs it was reached.

    Raises: NoSuchProgramme.
    """
    if charter is None and closing is None and counts.pairs == 0:
        raise NoSuchProgramme("nothing is known of this programme")
    floor = charter.anonymity_floor if charter else DEFAULT_FLOOR
    published = tally.published if tally else 0
    cells = [cell for cell in (tally.cells if tally else ()) if sum(cell.counts) >= floor]
    overall = _means(cells)
    participation = round(counts.pairs_that_met / counts.pairs, 4) if counts.pairs else 0.0
    measured = {
        "satisfaction": overall.satisfaction,
        "quality": overall.quality,
        "trust": overall.trust,
        "skill_gain": overall.skill_gain,
        "practice_adopted": overall.practice_adopted,
        "participation": participation,
        "pairs": float(counts.pairs),
        "sessions": float(counts.sessions_completed),
        "sessions_completed": float(counts.sessions_completed),
        "goals_reached": float(sum(reached.values())),
    }
    return Kpis(
        programme_id=programme_id,
        version=tally.number if tally else 0,
        counts=counts,
        participation=participation,
        answers=answers,
        published=published,
        withheld=answers.submitted - published if tally and tally.final else 0,
        anonymity_floor=floor,
        overall=overall,
        skill_gain_by_side={
            side: _mean([cell for cell in cells if cell.side is side], Question.SKILL_GAIN) for side in Role
        },
        histograms={
            question: _histogram(cells, question)
            for question in (Question.SATISFACTION, Question.QUALITY, Question.TRUST)
        },
        skills=_skills(cells),
        goals_reached=sum(reached.values()),
        goals=[_progress(goal, measured, reached) for goal in (charter.goals if charter else ())],
        closed_at=closing.closed_at if closing else None,
    )


def _charter_goal(goal: Goal) -> CharterGoal:
    return CharterGoal(code=goal.code, metric=goal.metric, target=goal.target, due_on=goal.due_on)


def _progress(goal: CharterGoal, measured: Mapping[str, float | None], reached: Mapping[str, int]) -> GoalProgress:
    value = measured.get(goal.metric)
    return GoalProgress(
        code=goal.code,
        metric=goal.metric,
        target=goal.target,
        due_on=goal.due_on,
        value=value,
        attained=None if value is None else value >= goal.target,
        pairs_reached=reached.get(goal.code, 0),
    )


def _means(cells: Sequence[Cell]) -> Means:
    return Means(
        satisfaction=_mean(cells, Question.SATISFACTION),
        quality=_mean(cells, Question.QUALITY),
        trust=_mean(cells, Question.TRUST),
        skill_gain=_mean(cells, Question.SKILL_GAIN),
        practice_adopted=_mean(cells, Question.PRACTICE_ADOPTED),
    )


def _skills(cells: Sequence[Cell]) -> list[SkillMean]:
    means = []
    for skill in sorted({cell.skill for cell in cells if cell.skill is not None}):
        of_skill = [cell for cell in cells if cell.skill == skill]
        gain = _mean(of_skill, Question.SKILL_GAIN)
        if gain is not None:
            ratings = sum(_histogram(of_skill, Question.SKILL_GAIN))
            means.append(SkillMean(skill=skill, ratings=ratings, gain=gain))
    return means


def _histogram(cells: Iterable[Cell], question: Question) -> tuple[int, ...]:
    about = [cell.counts for cell in cells if cell.question is question]
    return tuple(map(sum, zip(*about, strict=True))) if about else (0,) * len(SCALES[question])


def _mean(cells: Iterable[Cell], question: Question) -> float | None:
    counts = _histogram(cells, question)
    total = sum(value * times for value, times in zip(SCALES[question], counts, strict=True))
    return round(total / sum(counts), 2) if sum(counts) else None
