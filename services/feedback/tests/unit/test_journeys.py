from datetime import timedelta
from itertools import permutations

import pytest
from feedback.domain import (
    Journey,
    NoSuchPairing,
    PairingStatus,
    answer,
    follow_feedback,
    follow_pairing,
    follow_session,
    timeline,
)
from feedback_builders import (
    MONDAY,
    PROGRAMME,
    TENANT,
    a_request,
    an_answer,
    cancelled,
    completed,
    every_session_event,
    missed,
    paired,
    scheduled,
    unpaired,
)
from hypothesis import given
from hypothesis import strategies as st
from shared.contracts import (
    CancelReason,
    Event,
    FeedbackSubmitted,
    Paired,
    PairingAtRisk,
    Role,
    SessionEvent,
    Unpaired,
)

NOW = MONDAY + timedelta(days=200)


def submitted(number: int = 1) -> FeedbackSubmitted:
    _, [event] = answer(a_request(number=number), Role.MENTOR, an_answer(), closed=False)
    return event


def play(*events: Event, risk: bool = False) -> tuple[Journey, list[PairingAtRisk]]:
    journey: Journey | None = None
    signals: list[PairingAtRisk] = []
    for event in events:
        match event:
            case Paired() | Unpaired():
                journey = follow_pairing(journey, event, tenant=TENANT)
            case SessionEvent():
                journey, told = follow_session(journey, event, tenant=TENANT, now=NOW)
                signals += told
            case FeedbackSubmitted():
                journey, told = follow_feedback(journey, event, risk=risk, now=NOW)
                signals += told
    assert journey is not None
    return journey, signals


def test_the_course_of_a_pairing_is_rebuilt_from_its_events() -> None:
    journey, _ = play(paired(), *every_session_event(), submitted(1))
    assert (journey.sessions_completed, journey.sessions_missed, journey.sessions_scheduled) == (2, 1, 0)
    assert journey.met
    assert journey.people == ("mentor_1", "mentee_1")
    assert [entry.event for entry in timeline(journey, for_the_pair=False)] == [
        "paired",
        "session_scheduled",
        "session_scheduled",
        "session_scheduled",
        "session_completed",
        "feedback_submitted",
        "session_missed",
        "session_completed",
    ]


def test_any_order_of_a_pairings_events_tells_the_same_course() -> None:
    events = [paired(), scheduled(), completed(), unpaired(at=MONDAY + timedelta(days=3))]
    courses = set()
    for order in permutations(events):
        journey, _ = play(*order)
        courses.add(
            (
                journey.status,
                journey.effective_on,
                journey.ended_reason,
                journey.sessions,
                journey.met,
                timeline(journey, for_the_pair=False),
            )
        )
    assert len(courses) == 1
    assert courses.pop()[0] is PairingStatus.ENDED


@given(st.permutations([paired(), *every_session_event(), unpaired()]), st.data())
def test_repeated_and_late_events_change_nothing(order: list[Event], data: st.DataObject) -> None:
    repeats = data.draw(st.lists(st.sampled_from(order), max_size=8))
    once, _ = play(*order)
    again, _ = play(*order, *repeats)
    assert again == once


def test_an_event_already_seen_gives_back_the_very_same_state() -> None:
    journey, _ = play(paired(), completed())
    assert follow_pairing(journey, paired(), tenant=TENANT) is journey
    assert follow_session(journey, completed(), tenant=TENANT, now=NOW)[0] is journey


def test_every_change_is_the_next_version() -> None:
    journey, _ = play(paired(), completed(number=1), missed(number=2))
    assert journey.version == 3


def test_two_sessions_lost_in_a_row_are_told_once() -> None:
    journey, signals = play(paired(), missed(number=1), missed(number=2), missed(number=3))
    assert signals == [PairingAtRisk(pairing_id="pair_1", programme_id=PROGRAMME, version=3, occurred_at=NOW)]
    assert journey.at_risk_since == NOW


def test_a_session_held_between_two_lost_ones_is_no_sign_of_risk() -> None:
    _, signals = play(paired(), missed(number=1), completed(number=2), cancelled(number=3))
    assert signals == []


def test_sessions_still_to_come_do_not_interrupt_a_row() -> None:
    _, signals = play(paired(), scheduled(number=2), missed(number=1), missed(number=3))
    assert len(signals) == 1


@pytest.mark.parametrize("reason", [CancelReason.UNPAIRED, CancelReason.PLAN_CHANGED])
def test_a_cancellation_that_neither_chose_is_no_sign_of_risk(reason: CancelReason) -> None:
    _, signals = play(paired(), *(cancelled(number=number, reason=reason) for number in (1, 2, 3)))
    assert signals == []


def test_answers_that_show_risk_are_told_once_with_the_same_version_as_the_state() -> None:
    journey, signals = play(paired(), submitted(1), submitted(2), risk=True)
    assert [event.version for event in signals] == [2]
    assert journey.version == 3


def test_a_pairing_that_has_ended_is_at_no_risk() -> None:
    _, signals = play(paired(), unpaired(), submitted(), risk=True)
    assert signals == []


def test_the_signal_says_neither_who_nor_why() -> None:
    assert set(PairingAtRisk.model_fields) == {"pairing_id", "programme_id", "version", "occurred_at"}


def test_the_pair_itself_does_not_see_that_a_risk_was_signalled() -> None:
    journey, _ = play(paired(), submitted(), risk=True)
    assert "pairing_at_risk" in [entry.event for entry in timeline(journey, for_the_pair=False)]
    assert "pairing_at_risk" not in [entry.event for entry in timeline(journey, for_the_pair=True)]


def test_feedback_about_an_unknown_pairing_waits() -> None:
    with pytest.raises(NoSuchPairing):
        follow_feedback(None, submitted(), risk=False, now=NOW)


def test_a_log_is_bounded() -> None:
    journey, _ = play(*(scheduled(version=version) for version in range(1, 600)))
    assert len(journey.log) == 500
    assert journey.log[-1].version == 599
