from typing import Any

import pytest
from matching.domain.rules import Charter, HardRule, History, broken_rules
from matching_builders import TUESDAY_MORNING, a_mentee, a_mentor
from shared.contracts import MatchPolicy, OfferedSkill, WantedSkill, WeeklyWindow

NOTHING = History()


def rules(
    mentor: dict[str, Any] | None = None,
    mentee: dict[str, Any] | None = None,
    history: History = NOTHING,
    **policy: Any,
) -> set[HardRule]:
    charter = Charter(policy=MatchPolicy(**policy))
    return set(broken_rules(a_mentor(**(mentor or {})), a_mentee(**(mentee or {})), charter, history))


def test_two_people_who_suit_each_other_break_no_rule() -> None:
    assert rules() == set()


def test_nobody_is_paired_with_themself() -> None:
    assert rules(mentor={"person_ref": "person_1"}, mentee={"person_ref": "person_1"}) == {HardRule.SAME_PERSON}


@pytest.mark.parametrize(
    ("mentor", "mentee"),
    [
        ({"line_above": ("line_x", "line_boss")}, {"line_self": "line_boss"}),
        ({"line_self": "line_boss"}, {"line_above": ("line_boss",)}),
    ],
)
def test_no_pair_within_one_reporting_line_unless_the_programme_allows_it(
    mentor: dict[str, Any], mentee: dict[str, Any]
) -> None:
    assert rules(mentor, mentee) == {HardRule.SAME_LINE}
    assert rules(mentor, mentee, forbid_same_line=False) == set()


def test_people_of_unknown_place_are_in_no_line() -> None:
    assert rules({"line_self": None}, {"line_self": None}) == set()


def test_the_same_unit_is_forbidden_only_where_the_programme_says_so() -> None:
    same = {"unit": "unit_a"}
    assert rules(same, same) == set()
    assert rules(same, same, forbid_same_unit=True) == {HardRule.SAME_UNIT}
    assert rules({"unit": None}, {"unit": None}, forbid_same_unit=True) == set()


def test_people_who_were_paired_before_are_not_paired_again() -> None:
    history = History(previous=frozenset({("person_m1", "person_e1")}))
    assert rules(history=history) == {HardRule.PREVIOUS_PAIRING}


def test_excluded_people_are_never_paired() -> None:
    assert rules(history=History(excluded=frozenset({("m1", "e1")}))) == {HardRule.EXCLUDED}


def test_a_shared_language_is_needed_and_its_regional_forms_are_one() -> None:
    assert rules({"languages": ("de",)}) == {HardRule.SHARED_LANGUAGE}
    assert rules({"languages": ("de",)}, require_shared_language=False) == set()
    assert rules({"languages": ("en-GB",)}, {"languages": ("en-US", "de")}) == set()


def test_a_shared_hour_is_needed() -> None:
    other_day = {"availability": (TUESDAY_MORNING,)}
    assert rules(other_day) == {HardRule.SHARED_HOUR}
    assert rules(other_day, require_shared_hour=False) == set()
    half_an_hour = {"availability": (WeeklyWindow(day=1, start="11:30", end="14:00"),)}
    assert rules(half_an_hour) == {HardRule.SHARED_HOUR}


def test_longer_sessions_need_longer_shared_hours() -> None:
    two_hours = {"availability": (WeeklyWindow(day=1, start="10:00", end="14:00"),)}
    mentor, mentee = a_mentor(**two_hours), a_mentee()
    assert broken_rules(mentor, mentee, Charter(session_minutes=120), NOTHING) == ()
    assert broken_rules(mentor, mentee, Charter(session_minutes=150), NOTHING) == (HardRule.SHARED_HOUR,)


@pytest.mark.parametrize(
    "wanted",
    [
        (),
        (WantedSkill(skill="sustainability"),),
        (WantedSkill(skill="generative_ai", level=4),),  # the mentor is no better than that
    ],
)
def test_the_mentor_must_be_able_to_teach_a_wanted_skill(wanted: tuple[WantedSkill, ...]) -> None:
    assert rules(mentee={"skills_wanted": wanted}) == {HardRule.WANTED_SKILL}
    assert rules(mentee={"skills_wanted": wanted}, require_wanted_skill=False) == set()


@pytest.mark.parametrize("side", ["mentor", "mentee"])
@pytest.mark.parametrize("change", [{"ready": False}, {"withdrawn": True}])
def test_only_ready_people_who_have_not_left_are_paired(side: str, change: dict[str, Any]) -> None:
    assert rules(**{side: change}) == {HardRule.NOT_READY}


def test_every_broken_rule_is_named_in_a_stable_order() -> None:
    stranger = a_mentor(
        languages=("de",), availability=(), skills_offered=(OfferedSkill(skill="x", level=1),), ready=False
    )
    assert broken_rules(stranger, a_mentee(), Charter(), NOTHING) == (
        HardRule.NOT_READY,
        HardRule.SHARED_LANGUAGE,
        HardRule.SHARED_HOUR,
        HardRule.WANTED_SKILL,
    )
