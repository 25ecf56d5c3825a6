from datetime import UTC, date, datetime, timedelta

import pytest
from feedback.domain import (
    AlreadyAnswered,
    NamedTwice,
    NoSuchRequest,
    ProgrammeClosed,
    RequestExpired,
    RequestStatus,
    SkillRating,
    answer,
    ask,
    request_id,
    seen_by,
    status_of,
)
from feedback_builders import MONDAY, TENANT, a_request, an_answer, completed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from shared.contracts import FeedbackSubmitted, Role

LONG_AFTER = MONDAY + timedelta(days=60)


def test_a_held_session_asks_both_sides_for_two_weeks() -> None:
    request = a_request()
    assert request.people == ("mentor_1", "mentee_1")
    assert request.due_on == date(2026, 3, 16)
    assert [status_of(request, side, on=MONDAY.date(), closed=False) for side in Role] == [RequestStatus.OPEN] * 2


def test_a_session_held_at_the_end_of_all_days_is_asked_about_until_then() -> None:
    held = completed().model_copy(update={"occurred_at": datetime(9999, 12, 30, tzinfo=UTC)})
    assert ask(held, tenant=TENANT, days=14).due_on == date.max


def test_the_same_session_gives_the_same_request_and_another_tenant_another() -> None:
    assert request_id("ge", "ses_1") == request_id("ge", "ses_1")
    assert len({request_id("ge", "ses_1"), request_id("ge", "ses_2"), request_id("axa", "ses_1")}) == 3


def test_an_answer_is_told_without_rating_text_or_author() -> None:
    request = a_request()
    given = an_answer(satisfaction=1, text="He is always late.", wants_re_match=True)
    _, [event] = answer(request, Role.MENTOR, given, closed=False)
    assert event == FeedbackSubmitted(
        request_id=request.id,
        pairing_id="pair_1",
        programme_id=request.programme_id,
        session_id="ses_1_1",
        session_number=1,
        answers=1,
        version=2,
        occurred_at=given.submitted_at,
    )


def test_the_events_of_mentor_and_mentee_cannot_be_told_apart() -> None:
    request = a_request()
    _, by_mentor = answer(request, Role.MENTOR, an_answer(satisfaction=1), closed=False)
    _, by_mentee = answer(request, Role.MENTEE, an_answer(satisfaction=5), closed=False)
    assert by_mentor == by_mentee


def test_the_second_side_makes_two_answers() -> None:
    answered, _ = answer(a_request(), Role.MENTOR, an_answer(), closed=False)
    answered, [event] = answer(answered, Role.MENTEE, an_answer(satisfaction=2), closed=False)
    assert (event.answers, event.version) == (2, 3)
    assert [side for side, _ in answered.given()] == [Role.MENTOR, Role.MENTEE]


def test_a_side_answers_once() -> None:
    answered, _ = answer(a_request(), Role.MENTOR, an_answer(), closed=False)
    with pytest.raises(AlreadyAnswered):
        answer(answered, Role.MENTOR, an_answer(), closed=False)


def test_a_closed_programme_takes_no_answer() -> None:
    with pytest.raises(ProgrammeClosed):
        answer(a_request(), Role.MENTOR, an_answer(), closed=True)


def test_an_answer_is_taken_on_the_last_day_and_not_after() -> None:
    answer(a_request(), Role.MENTOR, an_answer(at=MONDAY + timedelta(days=14)), closed=False)
    with pytest.raises(RequestExpired):
        answer(a_request(), Role.MENTOR, an_answer(at=MONDAY + timedelta(days=15)), closed=False)


def test_a_request_expires_by_itself_or_when_the_programme_closes() -> None:
    request = a_request()
    assert status_of(request, Role.MENTEE, on=LONG_AFTER.date(), closed=False) is RequestStatus.EXPIRED
    assert status_of(request, Role.MENTEE, on=MONDAY.date(), closed=True) is RequestStatus.EXPIRED


def test_an_answered_request_never_expires() -> None:
    answered, _ = answer(a_request(), Role.MENTEE, an_answer(), closed=False)
    assert status_of(answered, Role.MENTEE, on=LONG_AFTER.date(), closed=True) is RequestStatus.ANSWERED


def test_a_third_person_learns_nothing_not_even_that_there_is_a_request() -> None:
    with pytest.raises(NoSuchRequest) as somebody_else:
        seen_by(a_request(), "mentor_2")
    with pytest.raises(NoSuchRequest) as nothing_there:
        seen_by(None, "mentor_2")
    assert str(somebody_else.value) == str(nothing_there.value)


def test_a_goal_named_twice_is_refused_by_its_place() -> None:
    with pytest.raises(NamedTwice) as refused:
        answer(a_request(), Role.MENTEE, an_answer(goals_reached=("a", "b", "a")), closed=False)
    assert refused.value.field == "goals_reached.2"


def test_what_is_gained_is_after_less_before() -> None:
    assert SkillRating(skill="ai", before=1, after=4).gain == 3
    assert SkillRating(skill="ai", before=4, after=3).gain == -1


class OneRequest(RuleBasedStateMachine):
    """Whatever is tried in whatever order, each side answers at most once, in time, before the close."""

    @initialize()
    def ask(self) -> None:
        self.request = a_request()
        self.now = completed().occurred_at
        self.closed = False
        self.taken: list[Role] = []

    @rule(days=st.integers(0, 6))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def the_programme_closes(self) -> None:
        self.closed = True

    @rule(side=st.sampled_from(Role))
    def somebody_answers(self, side: Role) -> None:
        before = status_of(self.request, side, on=self.now.date(), closed=self.closed)
        try:
            self.request, [event] = answer(self.request, side, an_answer(at=self.now), closed=self.closed)
        except AlreadyAnswered:
            assert before is RequestStatus.ANSWERED
        except (ProgrammeClosed, RequestExpired):
            assert before is RequestStatus.EXPIRED
        else:
            assert before is RequestStatus.OPEN
            self.taken.append(side)
            assert (event.answers, event.version) == (len(self.taken), self.request.version)

    @invariant()
    def it_holds_exactly_what_was_taken(self) -> None:
        if hasattr(self, "request"):
            assert sorted(side for side, _ in self.request.given()) == sorted(set(self.taken)) == sorted(self.taken)
            assert self.request.answers == len(self.taken)
            assert self.request.answered == bool(self.taken)
            assert self.request.version == 1 + len(self.taken)
            assert self.request.tenant == TENANT


TestOneRequest = OneRequest.TestCase
