"""Why a pair is impossible, told with the facts it rests on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.contracts import MatchPolicy

from .candidate import Candidate
from .hours import SLOT_MINUTES, SLOTS, shared_minutes, slots_of_a_meeting, stretch_starts, weekly_slots
from .rules import Charter, HardRule, History, broken_rules, main_language

FactValue = str | int | bool | tuple[str, ...] | None

SETTINGS: Mapping[HardRule, str] = {
    HardRule.SAME_LINE: "forbid_same_line",
    HardRule.SAME_UNIT: "forbid_same_unit",
    HardRule.SHARED_LANGUAGE: "require_shared_language",
    HardRule.SHARED_HOUR: "require_shared_hour",
    HardRule.WANTED_SKILL: "require_wanted_skill",
}
"""The hard rules that a programme can switch off, with the field of its policy that does."""


@dataclass(frozen=True, kw_only=True)
class BrokenRule:
    """A hard rule that forbids a pair."""

    rule: HardRule
    setting: str | None
    """The field of the policy that would switch it off; None where the rule is no setting."""
    says: str
    facts: Mapping[str, FactValue] = field(default_factory=dict)


def broken_with_facts(
    mentor: Candidate, mentee: Candidate, charter: Charter, history: History
) -> tuple[BrokenRule, ...]:
    """Every hard rule that forbids this pair, each with what it rests on; empty when the pair is possible."""
    return tuple(_told(rule, mentor, mentee, charter) for rule in broken_rules(mentor, mentee, charter, history))


def without_rule(policy: MatchPolicy, rule: HardRule) -> MatchPolicy:
    """The policy with this rule off. ``rule`` is one of ``SETTINGS``."""
    return policy.model_copy(update={SETTINGS[rule]: False})


def _told(rule: HardRule, mentor: Candidate, mentee: Candidate, charter: Charter) -> BrokenRule:
    says, facts = _FACTS[rule](mentor, mentee, charter)
    return BrokenRule(rule=rule, setting=SETTINGS.get(rule), says=says, facts=facts)


_Told = tuple[str, Mapping[str, FactValue]]


def _not_ready(mentor: Candidate, mentee: Candidate, _: Charter) -> _Told:
    waiting = [role for role, person in (("mentor", mentor), ("mentee", mentee)) if not person.takes_part]
    return f"not ready yet: the {' and the '.join(waiting)}", {"not_ready": tuple(waiting)}


def _same_person(mentor: Candidate, _: Candidate, __: Charter) -> _Told:
    return "the two are one person", {"person_ref": mentor.person_ref}


def _excluded(*_: object) -> _Told:
    return "a manager keeps the two apart", {}


def _previous(*_: object) -> _Told:
    return "the two are, or were, a pair in this programme", {}


def _same_line(mentor: Candidate, mentee: Candidate, _: Charter) -> _Told:
    above, below = ("mentee", "mentor") if mentee.line_self in mentor.line_above else ("mentor", "mentee")
    upper, lower = (mentee, mentor) if above == "mentee" else (mentor, mentee)
    levels = lower.line_above.index(str(upper.line_self)) + 1
    says = f"the {above} stands {levels} above the {below} in one reporting line"
    return says, {"above": above, "levels": levels, "line": upper.line_self}


def _same_unit(mentor: Candidate, _: Candidate, __: Charter) -> _Told:
    return "both are of one unit", {"unit": mentor.unit}


def _no_language(mentor: Candidate, mentee: Candidate, _: Charter) -> _Told:
    spoken = {
        "mentor_speaks": tuple(sorted(set(map(main_language, mentor.languages)))),
        "mentee_speaks": tuple(sorted(set(map(main_language, mentee.languages)))),
    }
    return "the two have no language in common", spoken


def _no_hour(mentor: Candidate, mentee: Candidate, charter: Charter) -> _Told:
    one, other = (weekly_slots(person.availability, person.time_zone, charter.week) for person in (mentor, mentee))
    shared, longest = shared_minutes(one, other), longest_stretch(one & other) * SLOT_MINUTES
    needed = slots_of_a_meeting(charter.session_minutes) * SLOT_MINUTES
    says = f"of the {needed} minutes on end that a session needs each week, the two share {longest} at most"
    return says, {
        "needed_minutes": needed,
        "longest_shared_minutes": longest,
        "shared_minutes_per_week": shared,
        "mentor_time_zone": mentor.time_zone,
        "mentee_time_zone": mentee.time_zone,
    }


def longest_stretch(slots: int) -> int:
    """The most half hours on end."""
    length = 0
    while length < SLOTS and stretch_starts(slots, length + 1):
        length += 1
    return length


def _no_skill(mentor: Candidate, mentee: Candidate, _: Charter) -> _Told:
    levels = {offer.skill: offer.level for offer in mentor.skills_offered}
    wishes = tuple(f"{wish.skill}:{wish.level}" for wish in mentee.skills_wanted)
    offers = tuple(f"{skill}:{level}" for skill, level in levels.items())
    wanted = {wish.skill for wish in mentee.skills_wanted}
    known = tuple(f"{skill}:{level}" for skill, level in levels.items() if skill in wanted)
    says = (
        "the mentor masters none of the wanted skills better than the mentee"
        if known
        else "the mentor offers none of the wanted skills"
    )
    return says, {"wanted": wishes, "offered": offers, "offered_and_wanted": known}


_FACTS: Mapping[HardRule, Callable[[Candidate, Candidate, Charter], _Told]] = {
    HardRule.NOT_READY: _not_ready,
    HardRule.SAME_PERSON: _same_person,
    HardRule.EXCLUDED: _excluded,
    HardRule.PREVIOUS_PAIRING: _previous,
    HardRule.SAME_LINE: _same_line,
    HardRule.SAME_UNIT: _same_unit,
    HardRule.SHARED_LANGUAGE: _no_language,
    HardRule.SHARED_HOUR: _no_hour,
    HardRule.WANTED_SKILL: _no_skill,
}
