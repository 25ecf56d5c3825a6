"""Who takes part, what they offer and how they behave: decided by the seed and a staff number, and by nothing else."""

import random
from dataclasses import dataclass
from typing import Any

SKILLS = ("digcomp.1.1", "digcomp.2.1", "digcomp.3.1", "digcomp.4.1", "digcomp.5.1", "generative_ai", "inclusion")
GOAL = "digital_skills"
MENTEES = 0.45
"""Fewer than mentors, so that nobody waits for long."""
WAVE = 200
"""So many people take part in one programme: lists stay short, however many people there are."""
SESSIONS = 2
COLUMNS = "staff_number,first_name,last_name,email,hire_date,birth_year,grade,unit,site,time_zone,languages"


@dataclass(frozen=True)
class Person:
    """One employee. ``number`` counts within the whole run."""

    number: int
    mentor: bool
    ref: str = ""

    @property
    def staff_number(self) -> str:
        """As the HR system writes it."""
        return f"C{self.number:06d}"


def waves(volunteers: int) -> list[list[Person]]:
    """Everybody, programme by programme; at least two programmes, one of each kind."""
    size = max(2, min(WAVE, -(-volunteers // 2)))
    everybody = range(volunteers)
    parts = [everybody[start : start + size] for start in range(0, volunteers, size)]
    return [
        [Person(number, mentor=place >= MENTEES * len(part)) for place, number in enumerate(part)] for part in parts
    ]


def hr_export(people: list[Person]) -> bytes:
    """The file from which enrollment learns who exists."""
    rows = [COLUMNS]
    for one in people:
        born, grade, hired = (1994, "J1", "2022-02-03") if one.mentor else (1966, "E1", "2001-02-03")
        number = one.staff_number
        rows.append(
            f"{number},Ada,{number},{number}@example.com,{hired},{born},{grade},unit {one.number % 40},"
            "Paris,Europe/Paris,fr|en"
        )
    return "\n".join(rows).encode()


def chance(seed: int, *about: object) -> random.Random:
    """Chance in one matter: the same in every run with this seed, whatever order things happen in."""
    return random.Random("/".join(map(str, (seed, *about))))  # noqa: S311 - it has to be repeatable


def charter(number: int, *, continuous: bool) -> dict[str, Any]:
    """A programme: two sessions a week apart, and no rule that leaves anybody out."""
    mode = "continuous" if continuous else "review"
    return {
        "title": f"Chaos {number}",
        "starts_on": "2026-01-12",
        "plan": {"sessions": SESSIONS, "cadence": "weekly"},
        "goals": [{"code": GOAL, "metric": "skill_gain", "target": 0.5}],
        "policy": {"mode": mode, "forbid_same_line": False},
        "anonymity_floor": 3,
    }


def offer(one: Person, seed: int) -> dict[str, Any]:
    """What somebody offers and asks for. Everybody has the office hours in common."""
    dice = chance(seed, "offer", one.number)
    skills = dice.sample(SKILLS, k=4)
    opens = dice.choice((8, 9, 10))
    return {
        "role": "mentor" if one.mentor else "mentee",
        "capacity": 2 if one.mentor and dice.random() < 0.1 else 1,  # noqa: PLR2004 - one in ten
        "skills_offered": [{"skill": skill, "level": 4} for skill in (SKILLS if one.mentor else ())],
        "skills_wanted": [
            {"skill": skill, "level": 1, "priority": 1 + place % 3}
            for place, skill in enumerate(() if one.mentor else skills)
        ],
        "availability": [{"day": day, "start": f"{opens:02d}:00", "end": "18:00"} for day in range(1, 6)],
        "motivation": dice.randint(1, 5),
        "charter_signed": True,
    }


def answer(seed: int, session_id: str, person_ref: str) -> dict[str, Any]:
    """What somebody says after a session; a few are unhappy, which sets off a re-match."""
    dice = chance(seed, "answer", session_id, person_ref)
    unhappy = dice.random() < 0.02  # noqa: PLR2004 - one in fifty
    return {
        "person_ref": person_ref,
        "satisfaction": 1 if unhappy else dice.randint(3, 5),
        "quality": dice.randint(3, 5),
        "trust": dice.randint(3, 5),
        "skills": [{"skill": "generative_ai", "before": 1, "after": 2}],
        "goals_reached": [GOAL] if dice.random() < 0.2 else [],  # noqa: PLR2004 - one in five
        "wants_re_match": unhappy,
    }
