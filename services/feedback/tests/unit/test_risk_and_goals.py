import pytest
from feedback.domain import Answer, Response, answer, answers_show_risk, goal_id, reach
from feedback_builders import MONDAY, PROGRAMME, TENANT, a_request, an_answer
from shared.contracts import GoalReached, Role


def said(number: int, mentor: Answer | None = None, mentee: Answer | None = None) -> Response:
    response = a_request(number=number)
    for side, given in ((Role.MENTOR, mentor), (Role.MENTEE, mentee)):
        if given is not None:
            response, _ = answer(response, side, given, closed=False)
    return response


HAPPY = an_answer(satisfaction=5, trust=5)
DISTANT = an_answer(satisfaction=4, trust=2)
UNHAPPY = an_answer(satisfaction=1, trust=4)


def test_no_answers_are_no_sign() -> None:
    assert not answers_show_risk([])
    assert not answers_show_risk([a_request()])


def test_a_happy_pair_is_left_alone() -> None:
    assert not answers_show_risk([said(number, HAPPY, HAPPY) for number in range(1, 7)])


def test_the_wish_for_another_partner_is_enough() -> None:
    assert answers_show_risk([said(1, HAPPY, an_answer(satisfaction=5, wants_re_match=True)), said(2, HAPPY, HAPPY)])


@pytest.mark.parametrize("side", ["mentor", "mentee"])
def test_low_trust_twice_in_a_row_by_the_same_side_is_a_sign(side: str) -> None:
    assert answers_show_risk([said(1, **{side: DISTANT}), said(2, **{side: DISTANT})])


def test_low_trust_once_or_by_turns_or_with_a_recovery_between_is_none() -> None:
    assert not answers_show_risk([said(1, DISTANT)])
    assert not answers_show_risk([said(1, DISTANT, HAPPY), said(2, HAPPY, DISTANT)])
    assert not answers_show_risk([said(1, DISTANT), said(2, HAPPY), said(3, DISTANT)])


def test_a_session_that_this_side_did_not_answer_does_not_interrupt_its_row() -> None:
    assert answers_show_risk([said(1, DISTANT), said(2, None, HAPPY), said(3, DISTANT)])


def test_one_unhappy_answer_is_a_bad_day_and_two_are_a_sign() -> None:
    assert not answers_show_risk([said(1, UNHAPPY)])
    assert answers_show_risk([said(1, UNHAPPY, UNHAPPY)])


def test_only_the_latest_satisfaction_counts() -> None:
    good_start = [said(number, HAPPY, HAPPY) for number in (1, 2, 3)]
    assert answers_show_risk([*good_start, said(4, UNHAPPY, UNHAPPY), said(5, UNHAPPY, UNHAPPY)])


def test_the_order_in_which_answers_are_read_does_not_matter() -> None:
    history = [said(3, DISTANT), said(1, DISTANT), said(2, HAPPY)]
    assert not answers_show_risk(history)
    assert not answers_show_risk(history[::-1])


def test_a_goal_is_reached_once_and_does_not_say_by_whom() -> None:
    whose = {"tenant": TENANT, "pairing_id": "pair_1", "programme_id": PROGRAMME, "now": MONDAY}
    goal, [event] = reach(None, "digital_skills", **whose)
    assert event == GoalReached(
        goal_id=goal_id(TENANT, "pair_1", "digital_skills"),
        pairing_id="pair_1",
        programme_id=PROGRAMME,
        goal="digital_skills",
        version=1,
        occurred_at=MONDAY,
    )
    assert reach(goal, "digital_skills", **whose) == (goal, [])
