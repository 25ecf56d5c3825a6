"""Taking a time that must be free in two calendars, in three steps.

The session first *proposes* a time; then both calendars are claimed under the proposal's holder name; then the session
*confirms* it. A confirmed time stays claimed until its successor is confirmed. To give up, the session is decided first
and the claims are released afterwards. A holder name that is neither proposed nor confirmed any more never becomes
valid again, so whoever meets a claim under such a name may remove it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.contracts import SessionRescheduled, SessionScheduled

from .refusals import ProposalGone, SessionBeingMoved
from .sessions import (
    FINISH_WITHIN,
    Booking,
    Proposal,
    Session,
    SessionChange,
    SessionStatus,
    Side,
    Time,
    changed,
    session_id,
    told,
    without_proposal,
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A session's place in the plan of its pair: all that is fixed before a time is chosen."""

    tenant: str
    pairing_id: str
    programme_id: str
    number: int
    mentor: Side
    mentee: Side
    objective: str
    layout: int
    """The plan's revision."""

    @property
    def session_id(self) -> str:
        """No repetition can book the same place twice."""
        return session_id(self.tenant, self.pairing_id, self.number)


def session_of(holder: str) -> str:
    """The session to which a holder name belongs."""
    return holder.rpartition(".")[0]


def stands(session: Session | None, holder: str) -> bool:
    """Whether a claim under this name is good. ``session`` must have been read after the claim."""
    if session is None:
        return False
    return holder in {held.holder for held in (session.booking, session.proposal) if held is not None}


def place(session: Session | None, at: Place, time: Time, *, now: datetime) -> SessionChange:
    """Propose a time for a place in the plan.

    Changes nothing where somebody else is proposing one right now, or where the session needs none any more.
    """
    if session is None:
        return _proposing(_new(at, now=now), time, layout=at.layout, now=now), []
    outdated = session.is_open and session.layout < at.layout
    if _is_being_booked(session, now) or not (session.may_be_placed or outdated):
        return session, []
    renewed = replace(
        session,
        version=session.version + 1,
        mentor=at.mentor,
        mentee=at.mentee,
        objective=_objective(session, at),
    )
    return _proposing(renewed, time, layout=at.layout, now=now), []


def move(
    session: Session,
    time: Time,
    *,
    asked_by: str | None,
    sides: tuple[Side, Side],
    layout: int,
    now: datetime,
) -> SessionChange:
    """Propose another time for an open session. Raises: SessionBeingMoved, or why it is not open."""
    session.require_open()
    if _is_being_booked(session, now):
        raise SessionBeingMoved("somebody is moving this session right now; look again in a moment")
    if session.time == time:
        return session, []
    mentor, mentee = sides
    renewed = replace(session, version=session.version + 1, mentor=mentor, mentee=mentee)
    return _proposing(renewed, time, layout=layout, now=now, asked_by=asked_by), []


def confirm(session: Session, holder: str, *, now: datetime) -> SessionChange:
    """Take the proposed time, once both calendars are claimed under ``holder``. Raises: ProposalGone."""
    if session.booking is not None and session.booking.holder == holder:
        return session, []
    proposal = session.proposal
    if proposal is None or proposal.holder != holder:
        raise ProposalGone("this time was given up before it could be confirmed")
    stale = session.stale
    if session.booking is not None and session.booking.holder is not None:
        stale = (*stale, session.booking.holder)
    confirmed = changed(
        session,
        now,
        status=SessionStatus.PLANNED,
        announced=True,
        booking=Booking(holder=holder, time=proposal.time),
        proposal=None,
        stale=stale,
        layout=proposal.layout,
        sequence=session.sequence + 1 if session.announced else 0,
        attention_at=now + FINISH_WITHIN if stale else None,
        accepted_by=() if proposal.asked_by is None else (proposal.asked_by,),
        cancel_reason=None,
    )
    if session.is_open:
        previous = session.time.starts_at
        return confirmed, [SessionRescheduled(**told(confirmed, now), previous_starts_at=previous)]
    return confirmed, [SessionScheduled(**told(confirmed, now))]


def give_up(session: Session, holder: str, *, now: datetime) -> SessionChange:
    """Drop the proposal of that name, if it still stands: its claims may be released afterwards."""
    if session.proposal is None or session.proposal.holder != holder:
        return session, []
    return without_proposal(replace(session, version=session.version + 1), now=now), []


def released(session: Session, holders: Iterable[str]) -> SessionChange:
    """Note that the claims under these names are gone from both calendars."""
    gone = frozenset(holders)
    stale = tuple(holder for holder in session.stale if holder not in gone)
    if stale == session.stale:
        return session, []
    attention = session.attention_at if stale or session.proposal else None
    return replace(session, version=session.version + 1, stale=stale, attention_at=attention), []


def keep_time(session: Session, at: Place, time: Time, *, now: datetime) -> SessionChange:
    """Carry an open session over to a new revision of its plan, where its hour can stay the same."""
    if not session.is_open or session.booking is None or session.layout >= at.layout:
        return session, []
    if session.booking.time.occupied != time.occupied:  # moved meanwhile: only what is claimed may be written
        return session, []
    objective = _objective(session, at)
    if (session.time, session.objective) == (time, objective):
        return replace(session, version=session.version + 1, layout=at.layout), []
    renewed = changed(
        session,
        now,
        booking=replace(session.booking, time=time),
        objective=objective,
        layout=at.layout,
        sequence=session.sequence + 1,
    )
    return renewed, [SessionRescheduled(**told(renewed, now), previous_starts_at=session.time.starts_at)]


def _objective(session: Session, at: Place) -> str:
    return session.objective if session.own_objective else at.objective


def _is_being_booked(session: Session, now: datetime) -> bool:
    return session.proposal is not None and session.proposal.until > now


def _new(at: Place, *, now: datetime) -> Session:
    return Session(
        id=at.session_id,
        tenant=at.tenant,
        version=1,
        pairing_id=at.pairing_id,
        programme_id=at.programme_id,
        number=at.number,
        mentor=at.mentor,
        mentee=at.mentee,
        people=(at.mentor.person_ref, at.mentee.person_ref),
        status=SessionStatus.PROPOSED,
        objective=at.objective,
        layout=at.layout,
        changed_at=now,
    )


def _proposing(session: Session, time: Time, *, layout: int, now: datetime, asked_by: str | None = None) -> Session:
    """The session, whose version is new already, with a proposal named after that version."""
    proposal = Proposal(
        time=time,
        holder=f"{session.id}.{session.version}",
        until=now + FINISH_WITHIN,
        layout=layout,
        asked_by=asked_by,
    )
    left = without_proposal(session, now=now)
    return replace(left, proposal=proposal, attention_at=proposal.until)
