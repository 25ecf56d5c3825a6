"""What becomes of a planned session: accepted, cancelled, missed, held."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.contracts import CancelReason, SessionCancelled, SessionCompleted, SessionMissed, SessionRescheduled

from .refusals import NotAParticipant, SessionNotStarted, StartedFarFromPlan, StartedInTheFuture
from .sessions import Session, SessionChange, SessionStatus, changed, told, vacated, without_proposal

CLOCK_SKEW = timedelta(minutes=5)
FURTHEST_FROM_PLAN = timedelta(days=31)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What really happened (4-16, 4-17)."""

    started_at: datetime
    actual_minutes: int
    objective_reached: bool
    note: str | None = None


def accept(session: Session, person_ref: str, *, now: datetime) -> SessionChange:
    """A participant agrees to the time; accepted once both have. Raises: NotAParticipant, or why it is not open."""
    if person_ref not in session.people:
        raise NotAParticipant("this person does not take part in the session", field="person_ref")
    session.require_open()
    if person_ref in session.accepted_by:
        return session, []
    accepted_by = (*session.accepted_by, person_ref)
    status = SessionStatus.ACCEPTED if set(session.people) <= set(accepted_by) else session.status
    return changed(session, now, accepted_by=accepted_by, status=status), []


def cancel(session: Session, reason: CancelReason, *, now: datetime) -> SessionChange:
    """The session will not take place. Raises: why it is not open."""
    session.require_open()
    cancelled = changed(
        session,
        now,
        status=SessionStatus.CANCELLED,
        cancel_reason=reason,
        sequence=session.sequence + 1,
    )
    return vacated(cancelled, now=now), [SessionCancelled(**told(cancelled, now), reason=reason)]


def withdraw(session: Session, reason: CancelReason, *, now: datetime) -> SessionChange:
    """Cancel what was not held, because the pairing ended or its plan became shorter; else change nothing."""
    if session.is_open:
        return cancel(session, reason, now=now)
    if session.status is SessionStatus.PROPOSED:  # nobody was told of it: there is nothing to say
        quiet = changed(session, now, status=SessionStatus.CANCELLED, cancel_reason=reason)
        return without_proposal(quiet, now=now), []
    if session.proposal is not None:  # it was cancelled, and about to be planned again
        return without_proposal(changed(session, now, cancel_reason=reason), now=now), []
    return session, []


def miss(session: Session, *, now: datetime) -> SessionChange:
    """Its time came and it was not held (B-09). Raises: SessionNotStarted, or why it is not open."""
    session.require_open()
    if now < session.time.starts_at:
        raise SessionNotStarted("a session can only be missed once its time has come")
    missed = changed(session, now, status=SessionStatus.MISSED)
    return without_proposal(missed, now=now), [SessionMissed(**told(missed, now))]


def complete(session: Session, outcome: Outcome, *, now: datetime) -> SessionChange:
    """The session was held. Raises: StartedInTheFuture, StartedFarFromPlan, or why it is not open."""
    session.require_open()
    if outcome.started_at > now + CLOCK_SKEW:
        raise StartedInTheFuture("a session cannot have started later than now", field="started_at")
    if abs(outcome.started_at - session.time.starts_at) > FURTHEST_FROM_PLAN:
        raise StartedFarFromPlan(
            f"this is more than {FURTHEST_FROM_PLAN.days} days from the planned time; move the session first",
            field="started_at",
        )
    held = changed(
        session,
        now,
        status=SessionStatus.COMPLETED,
        started_at=outcome.started_at,
        actual_minutes=outcome.actual_minutes,
        objective_reached=outcome.objective_reached,
        outcome_note=outcome.note,
    )
    event = SessionCompleted(
        **told(held, now),
        started_at=outcome.started_at,
        actual_minutes=outcome.actual_minutes,
        objective_reached=outcome.objective_reached,
    )
    if session.time.ends_at > now:  # held ahead of its time: the hour that was kept for it is free again
        return vacated(held, now=now), [event]
    return without_proposal(held, now=now), [event]


def set_objective(session: Session, *, objective: str | None, note: str | None, now: datetime) -> SessionChange:
    """Give the session another objective, or words to it (4-17). Raises: why it is not open."""
    session.require_open()
    renewed = changed(
        session,
        now,
        objective=session.objective if objective is None else objective,
        objective_note=session.objective_note if note is None else note,
        own_objective=session.own_objective or objective is not None,
        sequence=session.sequence + 1,
    )
    if (renewed.objective, renewed.objective_note) == (session.objective, session.objective_note):
        return session, []
    if renewed.objective == session.objective:  # words stay in this service: the world has nothing to learn
        return renewed, []
    return renewed, [SessionRescheduled(**told(renewed, now), previous_starts_at=session.time.starts_at)]


def count_answers(session: Session, answers: int) -> SessionChange:
    """Feedback was given; a number not above the known one is old news."""
    if answers <= session.answers:
        return session, []
    return replace(session, version=session.version + 1, answers=answers), []
