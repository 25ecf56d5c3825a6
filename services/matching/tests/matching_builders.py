"""People and programmes for tests, complete but for what a test says of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from matching.domain.candidate import Candidate, Programme
from shared.contracts import (
    MatchPolicy,
    OfferedSkill,
    ProgrammePublished,
    Readiness,
    Role,
    SessionPlan,
    Volunteered,
    WantedSkill,
    WeeklyWindow,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MONDAY_MORNING = WeeklyWindow(day=1, start="09:00", end="12:00")
TUESDAY_MORNING = WeeklyWindow(day=2, start="09:00", end="12:00")


def a_mentor(name: str = "m1", **changes: Any) -> Candidate:
    mentor = Candidate(
        id=name,
        tenant="default",
        version=1,
        programme_id="prog_1",
        person_ref=f"person_{name}",
        role=Role.MENTOR,
        ready=True,
        skills_offered=(OfferedSkill(skill="generative_ai", level=4),),
        languages=("en", "fr"),
        time_zone="Europe/Paris",
        availability=(MONDAY_MORNING,),
        unit="unit_a",
        site="site_a",
        line_self=f"line_{name}",
        age_band="1995-1999",
        grade_band=2,
    )
    return replace(mentor, **changes)


def a_mentee(name: str = "e1", **changes: Any) -> Candidate:
    mentee = Candidate(
        id=name,
        tenant="default",
        version=1,
        programme_id="prog_1",
        person_ref=f"person_{name}",
        role=Role.MENTEE,
        ready=True,
        skills_wanted=(WantedSkill(skill="generative_ai", level=1, priority=3),),
        languages=("fr",),
        time_zone="Europe/Paris",
        availability=(MONDAY_MORNING,),
        unit="unit_b",
        site="site_b",
        line_self=f"line_{name}",
        age_band="1975-1979",
        grade_band=6,
    )
    return replace(mentee, **changes)


def a_programme(**changes: Any) -> Programme:
    programme = Programme(
        id="prog_1",
        tenant="default",
        version=1,
        title="Digital for leaders",
        starts_on=date(2026, 3, 2),
        plan=SessionPlan(),
        policy=MatchPolicy(),
    )
    return replace(programme, **changes)


def a_volunteered(name: str = "m1", *, role: Role = Role.MENTOR, **changes: Any) -> Volunteered:
    offer: dict[str, Any] = {
        "version": 1,
        "occurred_at": NOW,
        "volunteer_id": name,
        "person_ref": f"person_{name}",
        "programme_id": "prog_1",
        "role": role,
        "languages": ("fr",),
        "time_zone": "Europe/Paris",
        "availability": (MONDAY_MORNING,),
        "readiness": Readiness(charter_signed=True, training_completed=True, ready=True),
    }
    if role is Role.MENTOR:
        offer["skills_offered"] = (OfferedSkill(skill="generative_ai", level=4),)
    else:
        offer["skills_wanted"] = (WantedSkill(skill="generative_ai", level=1, priority=3),)
    return Volunteered(**(offer | changes))


def a_programme_published(**changes: Any) -> ProgrammePublished:
    charter: dict[str, Any] = {
        "version": 1,
        "occurred_at": NOW,
        "programme_id": "prog_1",
        "title": "Digital for leaders",
        "starts_on": date(2026, 3, 2),
    }
    return ProgrammePublished(**(charter | changes))


_SKILLS = [f"skill_{number}" for number in range(40)]
_SITES = {
    "paris": "Europe/Paris",
    "lyon": "Europe/Paris",
    "berlin": "Europe/Berlin",
    "bangalore": "Asia/Kolkata",
    "boston": "America/New_York",
    "sydney": "Australia/Sydney",
}
_LANGUAGES = ["en", "en-GB", "fr", "de", "pt-BR", "pt-PT"]


def a_crowd(mentors: int, mentees: int, seed: int = 1) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    """A varied company, the same for the same seed."""
    chance = Random(seed)

    def somebody(name: str, role: Role) -> Candidate:
        junior = role is Role.MENTOR
        site = chance.choice(sorted(_SITES))
        born = chance.randrange(1988, 2004, 5) if junior else chance.randrange(1958, 1983, 5)
        windows = {
            WeeklyWindow(day=chance.randint(1, 5), start=f"{hour:02}:00", end=f"{hour + 3:02}:30")
            for hour in chance.sample(range(7, 19), chance.randint(3, 7))
        }
        offered = chance.sample(_SKILLS, chance.randint(4, 10)) if junior or chance.random() < 0.3 else []
        wanted = chance.sample(_SKILLS, chance.randint(3, 6)) if not junior or chance.random() < 0.3 else []
        unit = f"unit_{chance.randrange(12)}"
        return Candidate(
            id=name,
            tenant="default",
            version=1,
            programme_id="prog_1",
            person_ref=f"person_{name}",
            role=role,
            ready=chance.random() < 0.97,
            capacity=chance.choices([1, 2, 3], [5, 3, 2])[0] if junior else 1,
            skills_offered=tuple(OfferedSkill(skill=skill, level=chance.randint(1, 5)) for skill in sorted(offered)),
            skills_wanted=tuple(
                WantedSkill(skill=skill, level=chance.randint(0, 5), priority=chance.randint(1, 3))
                for skill in sorted(wanted)
            ),
            interests=tuple(sorted(chance.sample(["music", "sport", "books", "garden", "chess"], 2))),
            goals=tuple(sorted(chance.sample(["digital_skills", "inclusion", "ai"], chance.randint(0, 2)))),
            languages=tuple(sorted(chance.sample(_LANGUAGES, chance.randint(1, 3)))),
            time_zone=_SITES[site],
            availability=tuple(sorted(windows, key=lambda w: (w.day, w.start, w.end))),
            unit=unit if chance.random() < 0.9 else None,
            site=site if chance.random() < 0.9 else None,
            line_self=f"line_{name}",
            line_above=tuple(f"line_e{chance.randrange(max(mentees, 1))}" for _ in range(2)) if junior else (),
            age_band=f"{born}-{born + 4}" if chance.random() < 0.85 else None,
            grade_band=(chance.randint(1, 4) if junior else chance.randint(4, 9)) if chance.random() < 0.9 else None,
            motivation=chance.randint(1, 5),
        )

    return (
        tuple(somebody(f"m{number}", Role.MENTOR) for number in range(mentors)),
        tuple(somebody(f"e{number}", Role.MENTEE) for number in range(mentees)),
    )


def with_wishes(people: Sequence[Candidate], others: Sequence[Candidate], seed: int = 1) -> tuple[Candidate, ...]:
    """The same people, most of whom wish for some of the others or for somebody who left, and have a grid score."""
    chance = Random(seed)
    ids = [*(other.id for other in others), "gone_1", "gone_2"]
    return tuple(
        replace(
            person,
            ranked_wishes=tuple(chance.sample(ids, chance.randint(0, min(10, len(ids))))),
            grid_score=chance.randint(0, 100) if chance.random() < 0.7 else None,
        )
        for person in people
    )
