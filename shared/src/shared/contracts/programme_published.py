from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from .codes import Cadence, MatchMode, Modality, Objective
from .event import Code, Event, LanguageTag, Part, Ref


class Goal(Part):
    """What the programme wants to reach, in a measurable form (4-01)."""

    code: Code
    """From the goal catalogue, for instance ``digital_skills`` or ``inclusion`` (4-02)."""
    metric: Code
    """What is measured, for instance ``skill_gain`` or ``satisfaction``."""
    target: Annotated[float, Field(ge=0, le=1_000_000)]
    due_on: date | None = None


class SessionPlan(Part):
    """How many sessions, how often, how long and how (0-11, 2-07, 4-15, 4-16)."""

    sessions: Annotated[int, Field(ge=1, le=52)] = 6
    cadence: Cadence = Cadence.MONTHLY
    minutes: Annotated[int, Field(ge=30, le=180)] = 60
    modality: Modality = Modality.REMOTE
    objectives: Annotated[tuple[Code, ...], Field(max_length=52)] = ()
    """One code per session, in order; the last one serves for any further session. Empty: the pair's shared skills."""


class MatchWeights(Part):
    """The most points that each soft term may give to a pair; zero switches the term off (B-14)."""

    skills: Annotated[int, Field(ge=0, le=20_000)] = 6000
    age_gap: Annotated[int, Field(ge=0, le=20_000)] = 1500
    other_unit: Annotated[int, Field(ge=0, le=20_000)] = 1000
    motivation: Annotated[int, Field(ge=0, le=20_000)] = 1000
    proximity: Annotated[int, Field(ge=0, le=20_000)] = 900
    shared_hours: Annotated[int, Field(ge=0, le=20_000)] = 600
    shared_languages: Annotated[int, Field(ge=0, le=20_000)] = 300
    interests: Annotated[int, Field(ge=0, le=20_000)] = 300
    reciprocity: Annotated[int, Field(ge=0, le=20_000)] = 300
    seniority_gap: Annotated[int, Field(ge=0, le=20_000)] = 300
    ranked_wishes: Annotated[int, Field(ge=0, le=20_000)] = 600
    """Half for the mentee's wish and half for the mentor's, each by its rank; nothing where nobody wished (1-05)."""
    grid: Annotated[int, Field(ge=0, le=20_000)] = 0
    """For the mentor's score on the competence grid (1-33); off unless the programme uses one."""


class MatchPolicy(Part):
    """The rules by which a programme's pairs are chosen: settings, published, owned by the customer (B-14)."""

    mode: MatchMode = MatchMode.REVIEW
    objective: Annotated[tuple[Objective, ...], Field(min_length=1, max_length=3)] = (
        Objective.PARTICIPATION,
        Objective.WORST_SERVED,
        Objective.TOTAL,
    )
    weights: MatchWeights = MatchWeights()
    age_gap_target: Annotated[int, Field(ge=0, le=60)] = 20
    """Years by which the mentee is the elder, as a soft target and never a threshold (2-01)."""
    forbid_same_line: bool = True
    """No pair within one reporting line (1-21, 1-36)."""
    forbid_same_unit: bool = False
    require_shared_language: bool = True
    require_shared_hour: bool = True
    require_wanted_skill: bool = True
    require_training: bool = True
    """A volunteer is ready only once the training is recorded (2-05, B-09)."""
    require_charter: bool = True
    """A volunteer is ready only once the code of conduct is signed (3-12)."""
    require_grid: bool = False
    """A mentor is ready only once the newest result on the competence grid is a pass (1-33)."""


class ProgrammePublished(Event):
    """A programme's charter was published, or published again after a change.

    Emitted by enrollment, keyed by programme, read by matching, scheduling and feedback. Carries no personal data.
    """

    name: ClassVar[str] = "programme_published"
    minor: ClassVar[int] = 1
    emitter: ClassVar[str] = "enrollment"
    aggregate_field: ClassVar[str] = "programme_id"
    key_field: ClassVar[str] = "programme_id"

    programme_id: Ref
    title: Annotated[str, Field(min_length=1, max_length=200)]
    starts_on: date
    ends_on: date | None = None
    languages: Annotated[tuple[LanguageTag, ...], Field(max_length=20)] = ()
    goals: Annotated[tuple[Goal, ...], Field(max_length=50)] = ()
    plan: SessionPlan = SessionPlan()
    policy: MatchPolicy = MatchPolicy()
    anonymity_floor: Annotated[int, Field(ge=3, le=100)] = 5
    """No figure is shown for fewer answers than this (4-08, B-05)."""
