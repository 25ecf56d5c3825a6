"""Hard rules: why two people can never be paired. Each is a setting of the programme, or a fact."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from shared.contracts import MatchPolicy

from .candidate import Candidate, Programme
from .hours import slots_of_a_meeting, stretch_starts, weekly_slots

MentorMentee = tuple[str, str]
"""Two volunteers by id: the mentor first."""


class HardRule(StrEnum):
    """A reason for which a pair is impossible, in the order in which they are told."""

    NOT_READY = "not_ready"
    SAME_PERSON = "same_person"
    EXCLUDED = "excluded"
    PREVIOUS_PAIRING = "previous_pairing"
    SAME_LINE = "same_line"
    SAME_UNIT = "same_unit"
    SHARED_LANGUAGE = "shared_language"
    SHARED_HOUR = "shared_hour"
    WANTED_SKILL = "wanted_skill"


@dataclass(frozen=True, kw_only=True)
class Charter:
    """What a programme's pairs are judged by: the policy, and the week in which hours are compared."""

    policy: MatchPolicy = field(default_factory=MatchPolicy)
    week: date = date(2026, 1, 5)
    """A Monday."""
    session_minutes: int = 60

    @classmethod
    def of(cls, programme: Programme) -> "Charter":
        """The charter of this programme."""
        return cls(policy=programme.policy, week=programme.reference_week, session_minutes=programme.plan.minutes)


@dataclass(frozen=True, kw_only=True)
class History:
    """What is known of two people beyond their profiles."""

    previous: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    """Mentor and mentee (person references) that are or were paired in this programme."""
    excluded: frozenset[MentorMentee] = field(default_factory=frozenset)


def broken_rules(mentor: Candidate, mentee: Candidate, charter: Charter, history: History) -> tuple[HardRule, ...]:
    """Every hard rule that forbids this pair; empty when the pair is possible."""
    policy = charter.policy
    broken = {
        HardRule.NOT_READY: not (mentor.takes_part and mentee.takes_part),
        HardRule.SAME_PERSON: mentor.person_ref == mentee.person_ref,
        HardRule.EXCLUDED: (mentor.id, mentee.id) in history.excluded,
        HardRule.PREVIOUS_PAIRING: (mentor.person_ref, mentee.person_ref) in history.previous,
        HardRule.SAME_LINE: policy.forbid_same_line and in_one_line(mentor, mentee),
        HardRule.SAME_UNIT: policy.forbid_same_unit and mentor.unit is not None and mentor.unit == mentee.unit,
        HardRule.SHARED_LANGUAGE: policy.require_shared_language and not shared_languages(mentor, mentee),
        HardRule.SHARED_HOUR: policy.require_shared_hour and not can_meet(mentor, mentee, charter),
        HardRule.WANTED_SKILL: policy.require_wanted_skill and not taught_skills(mentor, mentee),
    }
    return tuple(rule for rule in HardRule if broken[rule])


def in_one_line(one: Candidate, other: Candidate) -> bool:
    """Whether one of the two stands above the other in the hierarchy."""
    return one.line_self in other.line_above or other.line_self in one.line_above


def main_language(tag: str) -> str:
    """``en`` of ``en-GB``: regional forms of a language understand each other."""
    return tag.partition("-")[0]


def shared_languages(one: Candidate, other: Candidate) -> tuple[str, ...]:
    """Languages that both speak, without their regions."""
    return tuple(sorted(languages_of(one) & languages_of(other)))


def languages_of(person: Candidate) -> frozenset[str]:
    """What the person speaks, without regions."""
    return person.fact("languages", lambda person: frozenset(map(main_language, person.languages)))


def slots_of(person: Candidate, week: date) -> int:
    """The half hours of this week in which the person can meet."""
    return person.fact(("slots", week), lambda person: weekly_slots(person.availability, person.time_zone, week))


def levels_of(person: Candidate) -> dict[str, int]:
    """What the person can teach, by skill."""
    return person.fact("levels", lambda person: {offer.skill: offer.level for offer in person.skills_offered})


def can_meet(one: Candidate, other: Candidate, charter: Charter) -> bool:
    """Whether both are free, every week, for long enough on end to hold a session."""
    slots = slots_of(one, charter.week) & slots_of(other, charter.week)
    return stretch_starts(slots, slots_of_a_meeting(charter.session_minutes)) != 0


def taught_skills(teacher: Candidate, learner: Candidate) -> tuple[str, ...]:
    """Skills that the learner wants and the teacher masters better, the most wanted first."""
    levels = levels_of(teacher)
    taught = [wish for wish in learner.skills_wanted if levels.get(wish.skill, 0) > wish.level]
    return tuple(wish.skill for wish in sorted(taught, key=lambda wish: (-wish.priority, wish.skill)))
