from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints, model_validator

from .codes import Role, WithdrawalReason
from .event import Code, Event, LanguageTag, Part, Ref, TimeZoneName

ClockTime = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
"""A local wall-clock time, ``HH:MM``; ``24:00`` is the end of the day."""

AgeBand = Annotated[str, StringConstraints(pattern=r"^(19|20)[0-9]{2}-(19|20)[0-9]{2}$")]
"""Five years of birth, such as ``1985-1989``: enough for an age-gap target, and no birth date (B-08)."""


class WeeklyWindow(Part):
    """A part of every week in which the person can meet, in the person's own local time."""

    day: Annotated[int, Field(ge=1, le=7)]
    """ISO weekday: Monday is 1."""
    start: ClockTime
    end: ClockTime

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> "WeeklyWindow":
        if self.end <= self.start:
            raise ValueError(f"a window must end after it starts, on the same day: {self.start} to {self.end}")
        return self


class OfferedSkill(Part):
    """A skill that the person can pass on."""

    skill: Code
    level: Annotated[int, Field(ge=1, le=5)]


class WantedSkill(Part):
    """A skill that the person wants to gain (2-08, 2-09)."""

    skill: Code
    level: Annotated[int, Field(ge=0, le=5)] = 0
    """Where the person stands today; 0 is a beginner."""
    priority: Annotated[int, Field(ge=1, le=3)] = 1
    """3 is the most wanted."""


class Readiness(Part):
    """What was checked before the volunteer may be paired (4-28)."""

    charter_signed: bool = False
    training_completed: bool = False
    grid_passed: bool | None = None
    """Result of the competence grid where the programme uses one (1-33); ``None`` where it does not."""
    ready: bool = False
    """The verdict under the programme's policy."""


class VolunteerState(Event):
    """The public state of a volunteer, shared by the events that tell of one. Not itself an event."""

    minor: ClassVar[int] = 1
    emitter: ClassVar[str] = "enrollment"
    aggregate_field: ClassVar[str] = "volunteer_id"
    key_field: ClassVar[str] = "volunteer_id"
    personal_data: ClassVar[tuple[str, ...]] = (
        "volunteer_id",
        "person_ref",
        "line_above",
        "line_self",
        "ranked_wishes",
    )

    volunteer_id: Ref
    person_ref: Ref
    programme_id: Ref
    role: Role
    capacity: Annotated[int, Field(ge=1, le=5)] = 1
    """How many pairings the volunteer takes at the same time."""
    skills_offered: Annotated[tuple[OfferedSkill, ...], Field(max_length=40)] = ()
    skills_wanted: Annotated[tuple[WantedSkill, ...], Field(max_length=40)] = ()
    interests: Annotated[tuple[Code, ...], Field(max_length=40)] = ()
    goals: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    languages: Annotated[tuple[LanguageTag, ...], Field(min_length=1, max_length=20)]
    time_zone: TimeZoneName
    availability: Annotated[tuple[WeeklyWindow, ...], Field(max_length=50)] = ()
    unit: Ref | None = None
    site: Ref | None = None
    line_self: Ref | None = None
    """Opaque reference of the person's own place in the hierarchy."""
    line_above: Annotated[tuple[Ref, ...], Field(max_length=12)] = ()
    """Opaque references of the places above, the nearest first. One above the other means: in one line."""
    age_band: AgeBand | None = None
    """``None`` when the person did not give it: the term is then off for them (B-08)."""
    grade_band: Annotated[int, Field(ge=0, le=20)] | None = None
    """Coarse seniority; higher is more senior."""
    tenure_years: Annotated[int, Field(ge=0, le=60)] | None = None
    """Full years in the company (1-07)."""
    motivation: Annotated[int, Field(ge=1, le=5)] = 3
    ranked_wishes: Annotated[tuple[Ref, ...], Field(max_length=10)] = ()
    """Volunteers of the other side whom the person would like best, the first choice first (1-05)."""
    grid_score: Annotated[int, Field(ge=0, le=100)] | None = None
    """Newest score of a mentor on the competence grid (1-33); ``None`` where there is none."""
    readiness: Readiness = Readiness()


class Volunteered(VolunteerState):
    """Someone offered to mentor or to be mentored in a programme.

    Emitted by enrollment, keyed by volunteer, read by matching.
    """

    name: ClassVar[str] = "volunteered"


class VolunteerUpdated(VolunteerState):
    """A volunteer's offer, profile or readiness changed. Same payload as ``volunteered``, newer version.

    Emitted by enrollment, keyed by volunteer, read by matching and scheduling.
    """

    name: ClassVar[str] = "volunteer_updated"


class VolunteerWithdrawn(Event):
    """A volunteer left the programme, which is allowed at any time (4-03).

    Emitted by enrollment, keyed by volunteer, read by matching and scheduling.
    """

    name: ClassVar[str] = "volunteer_withdrawn"
    emitter: ClassVar[str] = "enrollment"
    aggregate_field: ClassVar[str] = "volunteer_id"
    key_field: ClassVar[str] = "volunteer_id"
    personal_data: ClassVar[tuple[str, ...]] = ("volunteer_id", "person_ref")

    volunteer_id: Ref
    person_ref: Ref
    programme_id: Ref
    role: Role
    reason: WithdrawalReason = WithdrawalReason.NOT_STATED
