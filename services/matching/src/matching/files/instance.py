"""The file format of an instance: a programme's policy, its people, and what is known between them."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from shared.contracts import MatchPolicy, MatchWeights, OfferedSkill, Role, WantedSkill, WeeklyWindow
from shared.contracts.event import Code, LanguageTag, TimeZoneName
from shared.contracts.volunteered import AgeBand

from ..domain.candidate import Candidate
from ..domain.hours import require_known_zone
from ..domain.proposal import Problem
from ..domain.refusals import UnknownTimeZone
from ..domain.rules import Charter, History, MentorMentee

Codes = TypeVar("Codes", bound=tuple[str, ...])
Skills = TypeVar("Skills", bound=tuple[OfferedSkill | WantedSkill, ...])


def _known_zone(name: str) -> str:
    try:
        require_known_zone(name)
    except UnknownTimeZone as refusal:
        raise ValueError(refusal.detail) from refusal
    return name


def _monday(day: date) -> date:
    if day.weekday() != 0:
        raise ValueError(f"{day} is not a Monday")
    return day


def _once(codes: Codes) -> Codes:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            raise ValueError(f"{str(code)!r} stands there more than once")
        seen.add(code)
    return codes


def _skills_once(skills: Skills) -> Skills:
    _once(tuple(skill.skill for skill in skills))
    return skills


Name = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
"""Free text that names somebody or something, compared letter by letter."""


class Strict(BaseModel):
    """Base of what stands in the files: no field that the format does not know, no value of another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


class Weights(MatchWeights, Strict):
    """The most points that each soft term may give to a pair; zero switches the term off."""


class Policy(Strict):
    """The rules by which pairs are chosen: those of a programme that bear on matching, with the same defaults."""

    objective: Annotated[
        tuple[Literal["participation", "worst_served", "total"], ...],
        Field(min_length=1, max_length=3),
        AfterValidator(_once),
    ] = ("participation", "worst_served", "total")
    """What counts first: the most pairs, the lowest score as high as possible, the highest total."""
    weights: Weights = Weights()
    age_gap_target: Annotated[int, Field(ge=0, le=60)] = 20
    """Years by which the mentee is the elder, as a soft target."""
    forbid_same_line: bool = True
    """No pair of which one stands above the other."""
    forbid_same_unit: bool = False
    require_shared_language: bool = True
    require_shared_hour: bool = True
    """One hour on end each week, or a whole session where that is longer."""
    require_wanted_skill: bool = True
    """The mentor masters a wanted skill better than the mentee."""


class Offer(OfferedSkill, Strict):
    """A skill that the person can pass on."""


class Wish(WantedSkill, Strict):
    """A skill that the person wants to gain."""


class Window(WeeklyWindow, Strict):
    """A part of every week in which the person can meet, in the person's own local time."""


class Person(Strict):
    """A mentor or a mentee. Only the name is required; what is not given neither helps nor harms, or shuts out."""

    id: Name
    """Different from everybody else's, on both sides."""
    person: Name | None = None
    """Who this is, where somebody stands in the file twice, as a mentor and as a mentee. By default the id."""
    ready: bool = True
    """Whether the person may be paired."""
    capacity: Annotated[int, Field(ge=1, le=5)] = 1
    """How many pairings the person takes at the same time. A run gives a mentee one at most."""
    places: Annotated[int, Field(ge=0, le=5)] | None = None
    """Places that are free, by default all. Who has fewer than their capacity is paired already, and not left out."""
    skills_offered: Annotated[tuple[Offer, ...], Field(max_length=40), AfterValidator(_skills_once)] = ()
    skills_wanted: Annotated[tuple[Wish, ...], Field(max_length=40), AfterValidator(_skills_once)] = ()
    interests: Annotated[tuple[Code, ...], Field(max_length=40), AfterValidator(_once)] = ()
    goals: Annotated[tuple[Code, ...], Field(max_length=20), AfterValidator(_once)] = ()
    languages: Annotated[tuple[LanguageTag, ...], Field(max_length=20), AfterValidator(_once)] = ()
    time_zone: Annotated[TimeZoneName, AfterValidator(_known_zone)] = "UTC"
    """An IANA time zone."""
    availability: Annotated[tuple[Window, ...], Field(max_length=50)] = ()
    unit: Name | None = None
    site: Name | None = None
    line_self: Name | None = None
    """The person's own place in the hierarchy."""
    line_above: Annotated[tuple[Name, ...], Field(max_length=12)] = ()
    """The places above, the nearest first."""
    age_band: AgeBand | None = None
    """Years of birth, such as ``1985-1989``."""
    grade_band: Annotated[int, Field(ge=0, le=20)] | None = None
    """Coarse seniority; higher is more senior."""
    motivation: Annotated[int, Field(ge=1, le=5)] = 3
    ranked_wishes: Annotated[tuple[Name, ...], Field(max_length=10), AfterValidator(_once)] = ()
    """``id`` of those on the other side whom the person would like best, the first choice first."""
    grid_score: Annotated[int, Field(ge=0, le=100)] | None = None
    """Of a mentor: the score on a competence grid. It counts where ``grid`` has a weight."""

    @property
    def free_places(self) -> int:
        """Places that a run may fill."""
        return self.capacity if self.places is None else self.places

    def candidate(self, role: Role) -> Candidate:
        """The person as the engine knows them: lists sorted, so that their order does not matter."""
        return Candidate(
            id=self.id,
            tenant="",
            version=1,
            programme_id="",
            person_ref=self.person or self.id,
            role=role,
            ready=self.ready,
            capacity=self.capacity,
            skills_offered=tuple(sorted(self.skills_offered, key=lambda offer: offer.skill)),
            skills_wanted=tuple(sorted(self.skills_wanted, key=lambda wish: wish.skill)),
            interests=tuple(sorted(self.interests)),
            goals=tuple(sorted(self.goals)),
            languages=tuple(sorted(self.languages)),
            time_zone=self.time_zone,
            availability=tuple(sorted(set(self.availability), key=lambda w: (w.day, w.start, w.end))),
            unit=self.unit,
            site=self.site,
            line_self=self.line_self,
            line_above=self.line_above,
            age_band=self.age_band,
            grade_band=self.grade_band,
            motivation=self.motivation,
            ranked_wishes=self.ranked_wishes,
            grid_score=self.grid_score,
        )


class Pair(Strict):
    """Two people: the mentor first."""

    mentor: Name
    mentee: Name


class Instance(Strict):
    """What to solve. Read by ``matching-solve`` and ``matching-check``."""

    format: Literal["telemachus-matching-instance/1"]
    policy: Policy = Policy()
    week: Annotated[date, Field(ge=date(1970, 1, 5), le=date(2199, 12, 30)), AfterValidator(_monday)] = date(2026, 1, 5)
    """The Monday of the week in which weekly hours of different zones are compared."""
    session_minutes: Annotated[int, Field(ge=30, le=180)] = 60
    mentors: tuple[Person, ...]
    mentees: tuple[Person, ...]
    previous: tuple[Pair, ...] = ()
    """Who were paired before: ``person`` of both. People who are not in the file may be named."""
    excluded: tuple[Pair, ...] = ()
    """Who must never be paired: ``id`` of both."""
    locked: tuple[Pair, ...] = ()
    """Who must be paired: ``id`` of both. A lock that cannot be kept is dropped, and reported."""

    def problem(self) -> Problem:
        """The question to the engine."""
        everybody = (*self.mentors, *self.mentees)
        return Problem(
            charter=Charter(
                policy=MatchPolicy.model_validate(self.policy.model_dump()),
                week=self.week,
                session_minutes=self.session_minutes,
            ),
            history=History(previous=_pairs(self.previous), excluded=_pairs(self.excluded)),
            mentors=tuple(person.candidate(Role.MENTOR) for person in self.mentors),
            mentees=tuple(person.candidate(Role.MENTEE) for person in self.mentees),
            places={person.id: person.free_places for person in everybody},
            paired=frozenset(person.id for person in everybody if person.free_places < person.capacity),
            locked=_pairs(self.locked),
        )


def _pairs(pairs: Iterable[Pair]) -> frozenset[MentorMentee]:
    return frozenset((pair.mentor, pair.mentee) for pair in pairs)
