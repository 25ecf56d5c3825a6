from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from .codes import UnpairReason
from .event import MAX_INTEGER, Code, Event, LanguageTag, Part, Ref, TimeZoneName
from .programme_published import SessionPlan
from .volunteered import WeeklyWindow


class Side(Part):
    """One of the two people of a pairing, with what scheduling needs to find an hour."""

    volunteer_id: Ref
    person_ref: Ref
    time_zone: TimeZoneName
    availability: Annotated[tuple[WeeklyWindow, ...], Field(max_length=50)] = ()


class ScoreTerm(Part):
    """One summand of a pair's score."""

    term: Code
    points: Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]


class Paired(Event):
    """A junior mentor and a senior mentee were paired.

    Emitted by matching, keyed by pairing, read by enrollment, scheduling and feedback. The terms add up to the
    score exactly (B-02). The plan is copied from the charter, so that no reader depends on another topic's order.
    """

    name: ClassVar[str] = "paired"
    emitter: ClassVar[str] = "matching"
    aggregate_field: ClassVar[str] = "pairing_id"
    key_field: ClassVar[str] = "pairing_id"
    personal_data: ClassVar[tuple[str, ...]] = ("mentor", "mentee")

    pairing_id: Ref
    programme_id: Ref
    run_id: Ref | None = None
    """The match run that proposed the pair; ``None`` when a manager made it by hand."""
    mentor: Side
    mentee: Side
    effective_on: date
    """First day of the pairing; sessions are planned from it on."""
    score: Annotated[int, Field(ge=-MAX_INTEGER, le=MAX_INTEGER)]
    terms: Annotated[tuple[ScoreTerm, ...], Field(max_length=40)] = ()
    shared_skills: Annotated[tuple[Code, ...], Field(max_length=40)] = ()
    """Skills wanted by the mentee and offered by the mentor, the most wanted first."""
    shared_languages: Annotated[tuple[LanguageTag, ...], Field(max_length=20)] = ()
    shared_minutes_per_week: Annotated[int, Field(ge=0, le=10_080)] = 0
    plan: SessionPlan = SessionPlan()


class Unpaired(Event):
    """A pairing ended, with a reason that blames nobody (4-27).

    Emitted by matching, keyed by pairing, read by enrollment, scheduling and feedback.
    """

    name: ClassVar[str] = "unpaired"
    emitter: ClassVar[str] = "matching"
    aggregate_field: ClassVar[str] = "pairing_id"
    key_field: ClassVar[str] = "pairing_id"
    personal_data: ClassVar[tuple[str, ...]] = (
        "mentor_volunteer_id",
        "mentee_volunteer_id",
        "mentor_ref",
        "mentee_ref",
    )

    pairing_id: Ref
    programme_id: Ref
    mentor_volunteer_id: Ref
    mentee_volunteer_id: Ref
    mentor_ref: Ref
    mentee_ref: Ref
    reason: UnpairReason
