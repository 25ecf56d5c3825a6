"""Who the people are, which pairs the hard rules allow, and what a pair scores: read from the instance, in plain loops.

Written from the description of the model, not from the engine. Everything is a whole number; a division rounds down.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .files import Unreadable

HALF_HOURS = 7 * 48
"""Of a week, which runs round into itself."""

WEIGHTS = {
    "skills": 6000,
    "age_gap": 1500,
    "other_unit": 1000,
    "motivation": 1000,
    "proximity": 900,
    "shared_hours": 600,
    "shared_languages": 300,
    "interests": 300,
    "reciprocity": 300,
    "seniority_gap": 300,
    "ranked_wishes": 600,
    "grid": 0,
}
POLICY: dict[str, Any] = {
    "objective": ["participation", "worst_served", "total"],
    "weights": {},
    "age_gap_target": 20,
    "forbid_same_line": True,
    "forbid_same_unit": False,
    "require_shared_language": True,
    "require_shared_hour": True,
    "require_wanted_skill": True,
}
PERSON: dict[str, Any] = {
    "id": None,
    "person": None,
    "ready": True,
    "capacity": 1,
    "places": None,
    "skills_offered": [],
    "skills_wanted": [],
    "interests": [],
    "goals": [],
    "languages": [],
    "time_zone": "UTC",
    "availability": [],
    "unit": None,
    "site": None,
    "line_self": None,
    "line_above": [],
    "age_band": None,
    "grade_band": None,
    "motivation": 3,
    "ranked_wishes": [],
    "grid_score": None,
}
INSTANCE: dict[str, Any] = {
    "format": None,
    "policy": {},
    "week": "2026-01-05",
    "session_minutes": 60,
    "mentors": None,
    "mentees": None,
    "previous": [],
    "excluded": [],
    "locked": [],
}
"""The fields of the format, with the value of one that is not given."""


def fields(given: dict[str, Any], known: dict[str, Any], where: str) -> dict[str, Any]:
    """An object of the instance, completed by what holds where a field is not given. Raises: Unreadable."""
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise Unreadable(f"{where} has a field that the format does not know: {unknown[0]}")
    for name, value in given.items():
        if known[name] is not None and type(value) is not type(known[name]):
            raise Unreadable(f"{where}: {name} is {value!r}, which is of another type than in the format")
    return {**known, **given}


def whole(value: Any, lowest: int = 0, highest: int = 20_000) -> int:
    """A whole number within the format's bounds. Raises: Unreadable."""
    if type(value) is not int or not lowest <= value <= highest:
        raise Unreadable(f"{value!r} stands where a whole number from {lowest} to {highest} belongs")
    return value


class Person:
    """Somebody of the instance, with what every pair needs worked out once."""

    def __init__(self, given: dict[str, Any], week: date, half_hours_on_end: int) -> None:
        said = fields(given, PERSON, "a person")
        if type(said["id"]) is not str:
            raise Unreadable(f"the id {said['id']!r} is no text")
        self.id: str = said["id"]
        self.person: str = said["person"] or said["id"]
        self.ready: bool = said["ready"]
        self.capacity = whole(said["capacity"], 1, 5)
        self.places = self.capacity if said["places"] is None else whole(said["places"], 0, self.capacity)
        self.offered = {offer["skill"]: whole(offer["level"], 1, 5) for offer in said["skills_offered"]}
        self.wanted = [
            (wish["skill"], whole(wish.get("level", 0), 0, 5), whole(wish.get("priority", 1), 1, 3))
            for wish in said["skills_wanted"]
        ]
        self.priorities = sum(priority for _, _, priority in self.wanted)
        self.interests, self.goals = set(said["interests"]), set(said["goals"])
        # Regional forms are one language: en-GB is en.
        self.languages = {tag.split("-")[0] for tag in said["languages"]}
        zone = ZoneInfo(said["time_zone"])
        noon = datetime.combine(week + timedelta(days=2), time(12), tzinfo=zone)
        self.minutes_ahead = round((noon.utcoffset() or timedelta()).total_seconds()) // 60
        self.hours = free_half_hours(said["availability"], zone, week)
        self.starts = 0
        for first in range(HALF_HOURS):
            if all(self.hours >> (first + more) % HALF_HOURS & 1 for more in range(half_hours_on_end)):
                self.starts |= 1 << first
        self.unit, self.site = said["unit"], said["site"]
        self.line, self.above = said["line_self"], set(said["line_above"])
        # First and last year of the band, added up: twice the middle.
        self.born = None if said["age_band"] is None else sum(map(int, said["age_band"].split("-")))
        self.grade = None if said["grade_band"] is None else whole(said["grade_band"], 0, 20)
        self.motivation = whole(said["motivation"], 1, 5)
        # The first choice counts 10, the tenth 1.
        self.wished = {other: 10 - rank for rank, other in enumerate(said["ranked_wishes"][:10])}
        self.grid_score = None if said["grid_score"] is None else whole(said["grid_score"], 0, 100)

    @property
    def takes_part(self) -> bool:
        """Whether the run may pair this person."""
        return self.ready and self.places > 0


def free_half_hours(windows: list[dict[str, Any]], zone: ZoneInfo, week: date) -> int:
    """Half hours of the UTC week that lie in a window whole, as bits: bit 0 is Monday 00:00 UTC."""

    def minute_of_the_week(day: int, clock: str) -> int:
        hour, minute = map(int, clock.split(":"))  # 24:00 is 00:00 of the day after
        local = datetime.combine(week + timedelta(days=day - 1 + hour // 24), time(hour % 24, minute), tzinfo=zone)
        return int((local.astimezone(UTC) - datetime.combine(week, time(0), tzinfo=UTC)).total_seconds()) // 60

    free = 0
    for window in windows:
        day = whole(window["day"], 1, 7)
        start, end = minute_of_the_week(day, window["start"]), minute_of_the_week(day, window["end"])
        for half_hour in range(-(-start // 30), end // 30):
            free |= 1 << half_hour % HALF_HOURS
    return free


class Instance:
    """The policy, the people, and what is known between them."""

    def __init__(self, given: Any) -> None:
        said = fields(given, INSTANCE, "the instance")
        if said["format"] != "telemachus-matching-instance/1":
            raise Unreadable(f"the instance has the format {said['format']!r}")
        self.policy = fields(said["policy"], POLICY, "the policy")
        self.weights = fields(self.policy["weights"], WEIGHTS, "the weights")
        for weight in self.weights.values():
            whole(weight)  # never negative: the proof of the order of aims rests on it
        self.target = whole(self.policy["age_gap_target"], 0, 60)
        self.aims: list[str] = self.policy["objective"]
        if not self.aims or len({*self.aims} & {"participation", "worst_served", "total"}) != len(self.aims):
            raise Unreadable(f"the order of aims is {self.aims}")
        # One hour on end, or a whole session where that is longer.
        on_end = -(-max(60, whole(said["session_minutes"], 30, 180)) // 30)
        week = date.fromisoformat(said["week"])
        self.mentors = {one["id"]: Person(one, week, on_end) for one in said["mentors"]}
        self.mentees = {one["id"]: Person(one, week, on_end) for one in said["mentees"]}
        if len({**self.mentors, **self.mentees}) != len(said["mentors"]) + len(said["mentees"]):
            raise Unreadable("two people have the same id")
        self.previous = {(pair["mentor"], pair["mentee"]) for pair in said["previous"]}
        self.excluded = {(pair["mentor"], pair["mentee"]) for pair in said["excluded"]}
        self.locked = {(pair["mentor"], pair["mentee"]) for pair in said["locked"]}

    def broken_rules(self, mentor: Person, mentee: Person) -> list[str]:
        """Every hard rule that forbids the pair, of people who are ready; empty when the pair is possible."""
        policy, broken = self.policy, []
        if mentor.person == mentee.person:
            broken.append("same_person")
        if (mentor.id, mentee.id) in self.excluded:
            broken.append("excluded")
        if (mentor.person, mentee.person) in self.previous:
            broken.append("previous_pairing")
        if policy["forbid_same_line"] and (mentor.line in mentee.above or mentee.line in mentor.above):
            broken.append("same_line")
        if policy["forbid_same_unit"] and mentor.unit is not None and mentor.unit == mentee.unit:
            broken.append("same_unit")
        if policy["require_shared_language"] and mentor.languages.isdisjoint(mentee.languages):
            broken.append("shared_language")
        if policy["require_shared_hour"] and not mentor.starts & mentee.starts:
            broken.append("shared_hour")
        if policy["require_wanted_skill"] and not taught(mentor, mentee):
            broken.append("wanted_skill")
        return broken

    def terms(self, mentor: Person, mentee: Person) -> dict[str, int]:
        """The points of each soft term; the score is their sum. What somebody did not give counts half."""
        weight, points = self.weights, {}
        points["skills"] = lifted(mentor, mentee, weight["skills"])
        if mentor.born is None or mentee.born is None:
            points["age_gap_not_given"] = weight["age_gap"] // 2
        else:  # a bell, half as high at 16 half years off the target
            off = mentor.born - mentee.born - 2 * self.target
            points["age_gap"] = weight["age_gap"] * 256 // (256 + off * off)
        if mentor.unit is None or mentee.unit is None:
            points["other_unit_not_given"] = weight["other_unit"] // 2
        else:
            points["other_unit"] = weight["other_unit"] if mentor.unit != mentee.unit else 0
        points["motivation"] = weight["motivation"] * (mentor.motivation + mentee.motivation) // 10
        if mentor.site is not None and mentor.site == mentee.site:
            points["proximity"] = weight["proximity"]
        else:  # two thirds, less the part of half a day by which the clocks differ
            apart = abs(mentor.minutes_ahead - mentee.minutes_ahead) % 1440
            points["proximity"] = weight["proximity"] * 2 * (720 - min(apart, 1440 - apart)) // (3 * 720)
        points["shared_hours"] = weight["shared_hours"] * min(shared_minutes(mentor, mentee), 360) // 360
        further = max(len(mentor.languages & mentee.languages) - 1, 0)
        points["shared_languages"] = weight["shared_languages"] * min(further, 2) // 2
        common = len(mentor.interests & mentee.interests) + len(mentor.goals & mentee.goals)
        points["interests"] = weight["interests"] * min(common, 4) // 4
        points["reciprocity"] = lifted(mentee, mentor, weight["reciprocity"])
        if mentor.grade is None or mentee.grade is None:
            points["seniority_gap_not_given"] = weight["seniority_gap"] // 2
        else:
            points["seniority_gap"] = weight["seniority_gap"] * min(max(mentee.grade - mentor.grade, 0), 5) // 5
        wished = mentor.wished.get(mentee.id, 0) + mentee.wished.get(mentor.id, 0)
        points["ranked_wishes"] = weight["ranked_wishes"] * wished // 20
        if weight["grid"] and mentor.grid_score is None:
            points["grid_not_given"] = weight["grid"] // 2
        elif weight["grid"]:
            points["grid"] = weight["grid"] * mentor.grid_score // 100
        return points


def taught(teacher: Person, learner: Person) -> list[str]:
    """Skills that the learner wants and the teacher masters better, the most wanted first, then by name."""
    met = [(-wish[2], wish[0]) for wish in learner.wanted if teacher.offered.get(wish[0], 0) > wish[1]]
    return [skill for _, skill in sorted(met)]


def lifted(teacher: Person, learner: Person, weight: int) -> int:
    """Each wish has its share of the weight, by priority; of that, the part of the way to level 5, in sixty-fourths."""
    points = 0
    for skill, level, priority in learner.wanted:
        offered = teacher.offered.get(skill, 0)
        if offered > level:
            share = weight * priority // learner.priorities
            points += share * (64 * (offered - level) // (5 - level)) // 64
    return points


def shared_minutes(one: Person, other: Person) -> int:
    """Minutes of the week in which both are free."""
    return 30 * (one.hours & other.hours).bit_count()
