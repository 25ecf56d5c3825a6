"""One session: what each change says, and what is refused."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from scheduling.domain import booking, conduct
from scheduling.domain.conduct import Outcome
from scheduling.domain.refusals import (
    NoSuchSession,
    NotAParticipant,
    ProposalGone,
    SessionAlreadyCancelled,
    SessionAlreadyCompleted,
    SessionAlreadyMissed,
    SessionBeingMoved,
    SessionNotStarted,
    StartedFarFromPlan,
    StartedInTheFuture,
)
from scheduling.domain.sessions import Session, SessionChange, SessionStatus, session_id
from scheduling_builders import MONDAY, a_place, a_session, a_time
from shared.contracts import (
    CancelReason,
    Refusal,
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)

STARTS = MONDAY + timedelta(days=7)
AFTER = STARTS + timedelta(hours=2)


def held(session: Session, *, started_at: datetime = STARTS, note: str | None = None) -> SessionChange:
    outcome = Outcome(started_at=started_at, actual_minutes=65, objective_reached=True, note=note)
    return conduct.complete(session, outcome, now=AFTER)


def moved(session: Session, by: timedelta = timedelta(days=1), *, asked_by: str | None = None) -> SessionChange:
    proposed, events = booking.move(
        session,
        a_time(session.time.starts_at + by),
        asked_by=asked_by,
        sides=(session.mentor, session.mentee),
        layout=session.layout,
        now=MONDAY,
    )
    assert events == []
    assert proposed.proposal is not None
    return booking.confirm(proposed, proposed.proposal.holder, now=MONDAY)


def test_nobody_is_told_of_a_session_before_its_time_is_confirmed() -> None:
    proposed, events = booking.place(None, a_place(), a_time(), now=MONDAY)
    assert events == []
    assert not proposed.announced
    assert proposed.proposal is not None
    planned, events = booking.confirm(proposed, proposed.proposal.holder, now=MONDAY)
    assert [type(event) for event in events] == [SessionScheduled]
    assert (planned.status, planned.sequence, planned.version) == (SessionStatus.PLANNED, 0, 2)


def test_an_event_tells_the_full_state() -> None:
    (event,) = moved(a_session())[1]
    assert isinstance(event, SessionRescheduled)
    assert event.model_dump() == {
        "version": 4,
        "occurred_at": MONDAY,
        "session_id": session_id("ge", "pair_1", 1),
        "pairing_id": "pair_1",
        "programme_id": "prg_digital",
        "mentor_ref": "mentor_1",
        "mentee_ref": "mentee_1",
        "number": 1,
        "starts_at": STARTS + timedelta(days=1),
        "minutes": 60,
        "modality": "remote",
        "objective": "kickoff",
        "previous_starts_at": STARTS,
    }


def test_the_old_time_stays_claimed_until_the_new_one_is_confirmed() -> None:
    session = a_session()
    assert session.booking is not None
    proposed, _ = booking.move(
        session,
        a_time(STARTS + timedelta(days=1)),
        asked_by=None,
        sides=(session.mentor, session.mentee),
        layout=1,
        now=MONDAY,
    )
    assert proposed.proposal is not None
    assert booking.stands(proposed, session.booking.holder or "")
    assert proposed.time.starts_at == STARTS
    confirmed, _ = booking.confirm(proposed, proposed.proposal.holder, now=MONDAY)
    assert confirmed.stale == (session.booking.holder,)
    assert not booking.stands(confirmed, session.booking.holder or "")


def test_a_given_up_proposal_can_never_be_confirmed() -> None:
    proposed, _ = booking.place(None, a_place(), a_time(), now=MONDAY)
    assert proposed.proposal is not None
    given_up, events = booking.give_up(proposed, proposed.proposal.holder, now=MONDAY)
    assert events == []
    with pytest.raises(ProposalGone):
        booking.confirm(given_up, proposed.proposal.holder, now=MONDAY)
    again, _ = booking.place(given_up, a_place(), a_time(), now=MONDAY)
    assert again.proposal is not None
    assert again.proposal.holder != proposed.proposal.holder


def test_confirming_twice_changes_nothing() -> None:
    session = a_session()
    assert session.booking is not None
    assert booking.confirm(session, session.booking.holder or "", now=MONDAY) == (session, [])


def test_a_change_of_plan_never_writes_the_old_hour_over_a_move() -> None:
    before = a_session()
    after, _ = moved(before)
    assert booking.keep_time(after, a_place(layout=2), before.time, now=MONDAY) == (after, [])


def test_only_one_move_at_a_time() -> None:
    session = a_session()

    def ask(present: Session, days: int, minutes_later: int = 0) -> SessionChange:
        return booking.move(
            present,
            a_time(STARTS + timedelta(days=days)),
            asked_by=None,
            sides=(session.mentor, session.mentee),
            layout=1,
            now=MONDAY + timedelta(minutes=minutes_later),
        )

    proposed, _ = ask(session, 1)
    with pytest.raises(SessionBeingMoved):
        ask(proposed, 2)
    replaced, _ = ask(proposed, 2, minutes_later=5)  # the first one was never finished
    assert proposed.proposal is not None
    assert replaced.stale == (proposed.proposal.holder,)


def test_a_session_is_accepted_once_both_have() -> None:
    one, events = conduct.accept(a_session(), "mentor_1", now=MONDAY)
    assert (one.status, events) == (SessionStatus.PLANNED, [])
    both, _ = conduct.accept(one, "mentee_1", now=MONDAY)
    assert both.status is SessionStatus.ACCEPTED
    assert conduct.accept(both, "mentee_1", now=MONDAY) == (both, [])


def test_a_stranger_cannot_accept() -> None:
    with pytest.raises(NotAParticipant) as refusal:
        conduct.accept(a_session(), "somebody", now=MONDAY)
    assert refusal.value.field == "person_ref"


def test_a_move_asks_for_acceptance_again_except_from_whoever_moved() -> None:
    accepted, _ = conduct.accept(conduct.accept(a_session(), "mentor_1", now=MONDAY)[0], "mentee_1", now=MONDAY)
    by_mentee, _ = moved(accepted, asked_by="mentee_1")
    assert (by_mentee.status, by_mentee.accepted_by) == (SessionStatus.PLANNED, ("mentee_1",))
    by_manager, _ = moved(accepted)
    assert by_manager.accepted_by == ()


def test_a_cancelled_session_keeps_showing_its_time_but_holds_it_no_more() -> None:
    session = a_session()
    cancelled, (event,) = conduct.cancel(session, CancelReason.OTHER, now=MONDAY)
    assert isinstance(event, SessionCancelled)
    assert cancelled.time.starts_at == STARTS
    assert session.booking is not None
    assert cancelled.stale == (session.booking.holder,)
    assert cancelled.sequence == session.sequence + 1


def test_a_session_is_missed_only_after_its_start() -> None:
    with pytest.raises(SessionNotStarted):
        conduct.miss(a_session(), now=STARTS - timedelta(seconds=1))
    missed, (event,) = conduct.miss(a_session(), now=STARTS)
    assert missed.status is SessionStatus.MISSED
    assert isinstance(event, SessionMissed)


def test_what_really_happened_is_recorded() -> None:
    session, (event,) = held(a_session(), note="we wrote a prompt together")
    assert isinstance(event, SessionCompleted)
    assert (event.started_at, event.actual_minutes, event.objective_reached) == (STARTS, 65, True)
    assert "note" not in event.model_dump()
    assert session.outcome_note == "we wrote a prompt together"
    assert session.stale == ()


def test_a_session_held_ahead_of_its_time_frees_the_hour() -> None:
    early, _ = conduct.complete(
        a_session(),
        Outcome(started_at=MONDAY, actual_minutes=60, objective_reached=True),
        now=MONDAY + timedelta(hours=2),
    )
    assert len(early.stale) == 1


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (timedelta(hours=3), StartedInTheFuture),
        (timedelta(days=-32), StartedFarFromPlan),
    ],
)
def test_a_session_cannot_start_in_the_future_or_far_from_its_plan(by: timedelta, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal) as refused:
        held(a_session(), started_at=STARTS + by)
    assert refused.value.field == "started_at"


CHANGES: dict[str, Callable[[Session], SessionChange]] = {
    "accept": lambda session: conduct.accept(session, "mentor_1", now=AFTER),
    "move": moved,
    "cancel": lambda session: conduct.cancel(session, CancelReason.OTHER, now=AFTER),
    "miss": lambda session: conduct.miss(session, now=AFTER),
    "complete": held,
    "set objective": lambda session: conduct.set_objective(session, objective="other", note=None, now=AFTER),
}
CLOSED: dict[type[Refusal], Session] = {
    SessionAlreadyCompleted: held(a_session())[0],
    SessionAlreadyMissed: conduct.miss(a_session(), now=AFTER)[0],
    SessionAlreadyCancelled: conduct.cancel(a_session(), CancelReason.OTHER, now=MONDAY)[0],
    NoSuchSession: booking.place(None, a_place(), a_time(), now=MONDAY)[0],
}


@pytest.mark.parametrize("refusal", CLOSED, ids=lambda refusal: refusal.__name__)
@pytest.mark.parametrize("change", CHANGES)
def test_a_closed_session_refuses_every_change_by_name(change: str, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        CHANGES[change](CLOSED[refusal])


def test_the_pair_can_choose_its_own_objective() -> None:
    session, (event,) = conduct.set_objective(a_session(), objective="prompting", note="with our data", now=MONDAY)
    assert isinstance(event, SessionRescheduled)
    assert event.objective == "prompting"
    assert (session.own_objective, session.objective_note, session.sequence) == (True, "with our data", 1)


def test_words_to_an_objective_stay_here() -> None:
    session, events = conduct.set_objective(a_session(), objective=None, note="with our data", now=MONDAY)
    assert events == []
    assert session.objective == "kickoff"


def test_answers_are_counted_whatever_their_order() -> None:
    both, _ = conduct.count_answers(a_session(), 2)
    assert both.answers == 2
    assert conduct.count_answers(both, 1) == (both, [])


def test_a_change_of_plan_can_take_a_session_away_and_bring_it_back() -> None:
    away, (cancelled,) = conduct.withdraw(a_session(), CancelReason.PLAN_CHANGED, now=MONDAY)
    proposed, _ = booking.place(away, a_place(layout=2), a_time(), now=MONDAY)
    assert proposed.status is SessionStatus.CANCELLED  # until its new time is confirmed
    assert proposed.proposal is not None
    back, (scheduled,) = booking.confirm(proposed, proposed.proposal.holder, now=MONDAY)
    assert isinstance(cancelled, SessionCancelled)
    assert isinstance(scheduled, SessionScheduled)
    assert (back.status, back.cancel_reason) == (SessionStatus.PLANNED, None)
    assert back.sequence == away.sequence + 1


def test_a_session_that_somebody_cancelled_is_not_brought_back() -> None:
    cancelled, _ = conduct.cancel(a_session(), CancelReason.MENTEE_UNAVAILABLE, now=MONDAY)
    assert booking.place(cancelled, a_place(layout=2), a_time(), now=MONDAY) == (cancelled, [])
