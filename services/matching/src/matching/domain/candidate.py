"""The people of a pool: copies of what volunteers said, built from their events."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any, TypeVar

from shared.contracts import (
    MatchPolicy,
    OfferedSkill,
    ProgrammePublished,
    Role,
    SessionPlan,
    Side,
    VolunteerState,
    VolunteerWithdrawn,
    WantedSkill,
    WeeklyWindow,
)

from .hours import require_known_zone

Fact = TypeVar("Fact")
_FIRST_WEEK, _LAST_WEEK = date(1970, 1, 5), date(2199, 12, 30)
"""Outside these, zone offsets mean nothing (and the calendar may overflow)."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A volunteer as matching knows them: the newest state that an event told.

    Lists hold no repetition and, but for ranked wishes, are sorted, so that equal people are equal whatever order
    their lists came in.
    """

    id: str
    tenant: str
    version: int
    programme_id: str
    person_ref: str
    role: Role
    withdrawn: bool = False
    ready: bool = False
    capacity: int = 1
    skills_offered: tuple[OfferedSkill, ...] = ()
    skills_wanted: tuple[WantedSkill, ...] = ()
    interests: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    time_zone: str = "UTC"
    availability: tuple[WeeklyWindow, ...] = ()
    unit: str | None = None
    site: str | None = None
    line_self: str | None = None
    line_above: tuple[str, ...] = ()
    age_band: str | None = None
    grade_band: int | None = None
    motivation: int = 3
    ranked_wishes: tuple[str, ...] = ()
    """Volunteers of the other side, the first choice first. Whoever is not in the pool keeps their rank."""
    grid_score: int | None = None

    @property
    def takes_part(self) -> bool:
        """Whether a run may pair this person."""
        return self.ready and not self.withdrawn

    @cached_property
    def _facts(self) -> dict[Hashable, Any]:
        return {}

    def fact(self, name: Hashable, work_out: "Callable[[Candidate], Fact]") -> Fact:
        """What follows from the fields, worked out once per person: it is neither stored, nor compared, nor told."""
        if name not in self._facts:
            self._facts[name] = work_out(self)
        fact: Fact = self._facts[name]
        return fact

    def side(self) -> Side:
        """What scheduling needs to know of this person."""
        return Side(
            volunteer_id=self.id,
            person_ref=self.person_ref,
            time_zone=self.time_zone,
            availability=self.availability,
        )


@dataclass(frozen=True, kw_only=True)
class Programme:
    """A programme's charter, as far as matching needs it."""

    id: str
    tenant: str
    version: int
    title: str
    starts_on: date
    plan: SessionPlan
    policy: MatchPolicy

    @property
    def reference_week(self) -> date:
        """The Monday of the week in which weekly hours of different zones are compared."""
        start = min(max(self.starts_on, _FIRST_WEEK), _LAST_WEEK)
        return start - timedelta(days=start.weekday())


def candidate_from(event: VolunteerState, tenant: str) -> Candidate:
    """The candidate whom this event tells of. Raises: UnknownTimeZone."""
    require_known_zone(event.time_zone)
    return Candidate(
        id=event.volunteer_id,
        tenant=tenant,
        version=event.version,
        programme_id=event.programme_id,
        person_ref=event.person_ref,
        role=event.role,
        ready=event.readiness.ready,
        capacity=event.capacity,
        skills_offered=_best_offers(event.skills_offered),
        skills_wanted=_strongest_wishes(event.skills_wanted),
        interests=tuple(sorted(set(event.interests))),
        goals=tuple(sorted(set(event.goals))),
        languages=tuple(sorted(set(event.languages))),
        time_zone=event.time_zone,
        availability=tuple(sorted(set(event.availability), key=lambda w: (w.day, w.start, w.end))),
        unit=event.unit,
        site=event.site,
        line_self=event.line_self,
        line_above=event.line_above,
        age_band=event.age_band,
        grade_band=event.grade_band,
        motivation=event.motivation,
        ranked_wishes=tuple(dict.fromkeys(event.ranked_wishes)),
        grid_score=event.grid_score,
    )


def withdrawn_candidate(event: VolunteerWithdrawn, tenant: str) -> Candidate:
    """A volunteer who left: nothing of their profile is kept."""
    return Candidate(
        id=event.volunteer_id,
        tenant=tenant,
        version=event.version,
        programme_id=event.programme_id,
        person_ref=event.person_ref,
        role=event.role,
        withdrawn=True,
    )


def programme_from(event: ProgrammePublished, tenant: str) -> Programme:
    """The programme whose charter was published."""
    return Programme(
        id=event.programme_id,
        tenant=tenant,
        version=event.version,
        title=event.title,
        starts_on=event.starts_on,
        plan=event.plan,
        policy=event.policy,
    )


def _best_offers(offers: tuple[OfferedSkill, ...]) -> tuple[OfferedSkill, ...]:
    """One offer per skill: the highest level."""
    best = {offer.skill: offer for offer in sorted(offers, key=lambda o: o.level)}
    return tuple(best[skill] for skill in sorted(best))


def _strongest_wishes(wishes: tuple[WantedSkill, ...]) -> tuple[WantedSkill, ...]:
    """One wish per skill: the highest priority, then the lowest present level."""
    best = {wish.skill: wish for wish in sorted(wishes, key=lambda w: (w.priority, -w.level))}
    return tuple(best[skill] for skill in sorted(best))
