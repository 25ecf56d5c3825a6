"""What each employee offers when volunteering: decided by the staff number, and by nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .chance import Chance
from .company import SENIORS

INTERESTS = (
    "astronomy",
    "baking",
    "board_games",
    "chess",
    "choir",
    "cinema",
    "climbing",
    "cycling",
    "drawing",
    "gardening",
    "hiking",
    "history",
    "jazz",
    "photography",
    "podcasts",
    "running",
    "sailing",
    "science_fiction",
    "theatre",
    "volunteering",
)

OFFICE_HOURS = {"America": (8, 9, 10), "Asia": (13, 14, 15, 16)}
"""Hours at which people's windows open, where most colleagues are in Europe; elsewhere ``OPENING``."""
OPENING = (8, 9, 10, 11, 13, 14, 15, 16)
WINDOW_HOURS = 3


@dataclass(frozen=True, kw_only=True)
class Person:
    """An imported employee, with the reference that enrollment gave them."""

    ref: str
    staff_number: str
    grade: str
    time_zone: str

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> "Person":
        """From enrollment's representation."""
        return cls(
            ref=body["id"],
            staff_number=body["staff_number"],
            grade=body["grade"],
            time_zone=body["time_zone"],
        )

    @property
    def role(self) -> str:
        """Seniors are taught, juniors teach: the mentor is the junior."""
        return "mentee" if self.grade in SENIORS else "mentor"


def offer(person: Person, skills: Sequence[str], goals: Sequence[str]) -> dict[str, Any]:
    """What the person answers to the call for volunteers, given the catalogue of skills and the goals."""
    chance = Chance("offer", person.staff_number)
    teaches, learns = ((5, 9), (0, 2)) if person.role == "mentor" else ((1, 2), (3, 5))
    known = _popular(chance, "offered", skills, chance.whole("teaches", *teaches))
    wanted = _popular(
        chance, "wanted", [skill for skill in skills if skill not in known], chance.whole("learns", *learns)
    )
    return {
        "role": person.role,
        "capacity": 2 if person.role == "mentor" and chance.happens("two mentees", 0.1) else 1,
        "skills_offered": [{"skill": skill, "level": chance.whole(f"level {skill}", 2, 5)} for skill in known],
        "skills_wanted": [
            {
                "skill": skill,
                "level": chance.whole(f"stands {skill}", 0, 2),
                "priority": chance.whole(f"priority {skill}", 1, 3),
            }
            for skill in wanted
        ],
        "interests": sorted(chance.some("interests", INTERESTS, chance.whole("how many", 1, 5))),
        "goals": sorted(chance.some("goals", sorted(goals), chance.whole("how many goals", 1, 2))),
        "availability": _weekly_hours(chance, person.time_zone),
        "motivation": chance.weighted("motivation", {2: 1, 3: 3, 4: 4, 5: 3}),
    }


def _popular(chance: Chance, what: str, skills: Sequence[str], count: int) -> list[str]:
    """Some skills are known and wanted by many, others by few, as in any company."""
    ranked = sorted(skills)
    taste = {
        skill: chance.share(f"{what} {skill}") ** Chance("popularity", skill).whole("rank", 1, 4) for skill in ranked
    }
    return sorted(sorted(ranked, key=lambda skill: -taste[skill])[:count])


def _weekly_hours(chance: Chance, time_zone: str) -> list[dict[str, Any]]:
    """Two to four free windows of three hours, in local time."""
    opening = OFFICE_HOURS.get(time_zone.split("/", maxsplit=1)[0], OPENING)
    days = sorted(chance.some("days", (1, 2, 3, 4, 5), chance.whole("how many days", 2, 4)))
    starts = {day: chance.pick(f"opens {day}", opening) for day in days}
    return [
        {"day": day, "start": f"{start:02d}:00", "end": f"{start + WINDOW_HOURS:02d}:00"}
        for day, start in starts.items()
    ]
