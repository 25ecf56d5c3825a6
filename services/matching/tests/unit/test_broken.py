from typing import Any

import pytest
from matching.domain.broken import SETTINGS, broken_with_facts, longest_stretch, without_rule
from matching.domain.rules import Charter, HardRule, History, broken_rules
from matching_builders import TUESDAY_MORNING, a_mentee, a_mentor
from shared.contracts import MatchPolicy, OfferedSkill, WantedSkill, WeeklyWindow

CASES: list[tuple[HardRule, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (HardRule.NOT_READY, {"ready": False}, {}, {"not_ready": ("mentor",)}),
    (HardRule.NOT_READY, {"ready": False}, {"ready": False}, {"not_ready": ("mentor", "mentee")}),
    (HardRule.SAME_PERSON, {"person_ref": "p"}, {"person_ref": "p"}, {"person_ref": "p"}),
    (
        HardRule.SAME_LINE,
        {"line_above": ("line_x", "line_e1")},
        {},
        {"above": "mentee", "levels": 2, "line": "line_e1"},
    ),
    (HardRule.SAME_LINE, {}, {"line_above": ("line_m1",)}, {"above": "mentor", "levels": 1, "line": "line_m1"}),
    (HardRule.SAME_UNIT, {"unit": "u"}, {"unit": "u"}, {"unit": "u"}),
    (
        HardRule.SHARED_LANGUAGE,
        {"languages": ("de", "en-GB")},
        {},
        {"mentor_speaks": ("de", "en"), "mentee_speaks": ("fr",)},
    ),
    (
        HardRule.SHARED_HOUR,
        {"availability": (WeeklyWindow(day=1, start="11:30", end="14:00"), TUESDAY_MORNING)},
        {},
        {
            "needed_minutes": 60,
            "longest_shared_minutes": 30,
            "shared_minutes_per_week": 30,
            "mentor_time_zone": "Europe/Paris",
            "mentee_time_zone": "Europe/Paris",
        },
    ),
    (
        HardRule.WANTED_SKILL,
        {"skills_offered": (OfferedSkill(skill="excel", level=5), OfferedSkill(skill="generative_ai", level=2))},
        {"skills_wanted": (WantedSkill(skill="generative_ai", level=2, priority=1),)},
        {
            "wanted": ("generative_ai:2",),
            "offered": ("excel:5", "generative_ai:2"),
            "offered_and_wanted": ("generative_ai:2",),
        },
    ),
]


@pytest.mark.parametrize(("rule", "of_mentor", "of_mentee", "facts"), CASES)
def test_a_rule_that_forbids_tells_the_facts_it_rests_on(
    rule: HardRule, of_mentor: dict[str, Any], of_mentee: dict[str, Any], facts: dict[str, Any]
) -> None:
    charter = Charter(policy=MatchPolicy(forbid_same_unit=True))
    told = broken_with_facts(a_mentor(**of_mentor), a_mentee(**of_mentee), charter, History())
    (found,) = [one for one in told if one.rule is rule]
    assert dict(found.facts) == facts
    assert found.says


def test_what_managers_settled_is_told_without_facts() -> None:
    history = History(previous=frozenset({("person_m1", "person_e1")}), excluded=frozenset({("m1", "e1")}))
    told = broken_with_facts(a_mentor(), a_mentee(), Charter(), history)
    assert [(one.rule, dict(one.facts), one.setting) for one in told] == [
        (HardRule.EXCLUDED, {}, None),
        (HardRule.PREVIOUS_PAIRING, {}, None),
    ]


def test_a_possible_pair_breaks_nothing() -> None:
    assert broken_with_facts(a_mentor(), a_mentee(), Charter(), History()) == ()


@pytest.mark.parametrize("rule", SETTINGS)
def test_a_rule_that_is_off_forbids_nobody(rule: HardRule) -> None:
    mentor = a_mentor(unit="u", languages=("de",), availability=(), skills_offered=(), line_above=("line_e1",))
    mentee, policy = a_mentee(unit="u"), MatchPolicy(forbid_same_unit=True)
    before = set(broken_rules(mentor, mentee, Charter(policy=policy), History()))
    after = set(broken_rules(mentor, mentee, Charter(policy=without_rule(policy, rule)), History()))
    assert before - after == {rule}
    assert after < before


@pytest.mark.parametrize(("slots", "longest"), [(0, 0), (0b1, 1), (0b1110111, 3), ((1 << 336) - 1, 336)])
def test_the_longest_stretch_is_counted_in_half_hours(slots: int, longest: int) -> None:
    assert longest_stretch(slots) == longest


def test_a_week_runs_round_into_itself() -> None:
    assert longest_stretch(0b11 | 1 << 335) == 3
