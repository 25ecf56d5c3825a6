"""One session of a pair: what is known of it, and what every event about it tells."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from shared.contracts import CancelReason, Event, Modality

from .refusals import NoSuchSession, SessionAlreadyCancelled, SessionAlreadyCompleted, SessionAlreadyMissed
from .slots import occupied
from .zones import Interval

FINISH_WITHIN = timedelta(seconds=30)
"""What was begun (a proposal, a release) and not finished after this is left to the sweeper."""
LATE_AFTER = timedelta(days=1)


class SessionStatus(StrEnum):
    """Where a session stands."""

    PROPOSED = "proposed"
    """It has no confirmed time yet; nobody is told of it."""
    PLANNED = "planned"
    ACCEPTED = "accepted"
    """Both people have accepted the time."""
    COMPLETED = "completed"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two people of a session."""

    person_ref: str
    time_zone: str
    """As it was when the time was chosen; local times are shown in it."""


@dataclass(frozen=True, kw_only=True)
class Time:
    """When and how a session takes place."""

    starts_at: datetime
    minutes: int
    modality: Modality
    travel_minutes: int = 0
    outside_availability: bool = False
    """Chosen by a person, outside the hours that one of the two has stated."""

    @property
    def ends_at(self) -> datetime:
        """When it is planned to end."""
        return self.starts_at + timedelta(minutes=self.minutes)

    @property
    def occupied(self) -> Interval:
        """What it takes from both calendars."""
        return occupied(self.starts_at, self.minutes, self.travel_minutes)


@dataclass(frozen=True, kw_only=True)
class Booking:
    """A confirmed time."""

    time: Time
    holder: str | None
    """Under this name both calendars are claimed; ``None`` once the session needs its hour no more."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A time that is being booked, until then."""

    time: Time
    holder: str
    until: datetime
    layout: int
    asked_by: str | None = None
    """The participant who asked for it, and thereby accepts it."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One meeting of a pair."""

    id: str
    tenant: str
    version: int
    pairing_id: str
    programme_id: str
    number: int
    mentor: Side
    mentee: Side
    people: tuple[str, str]
    status: SessionStatus
    announced: bool = False
    """Whether the world was told of it; what was never announced is never shown."""
    objective: str
    objective_note: str | None = None
    own_objective: bool = False
    """The pair chose it: a change of plan leaves it alone."""
    booking: Booking | None = None
    proposal: Proposal | None = None
    stale: tuple[str, ...] = ()
    """Holder names whose claims are still to be released."""
    layout: int
    """The revision of the plan under which its time was chosen."""
    sequence: int = 0
    """The calendar entry's revision (RFC 5545 SEQUENCE)."""
    changed_at: datetime
    attention_at: datetime | None = None
    """From when on the sweeper should finish what was begun; ``None`` when nothing is open."""
    accepted_by: tuple[str, ...] = ()
    started_at: datetime | None = None
    actual_minutes: int | None = None
    objective_reached: bool | None = None
    outcome_note: str | None = None
    cancel_reason: CancelReason | None = None
    answers: int = 0
    """How many of the two sides have given feedback."""

    @property
    def time(self) -> Time:
        """The confirmed time. Raises: NoSuchSession for one that has none yet, and so was never announced."""
        if self.booking is None:
            raise NoSuchSession("there is no such session")
        return self.booking.time

    @property
    def is_open(self) -> bool:
        """Announced, and neither held nor given up."""
        return self.status in {SessionStatus.PLANNED, SessionStatus.ACCEPTED}

    @property
    def may_be_placed(self) -> bool:
        """Whether the plan may give it a time: it has none yet, or a change of plan took it away."""
        if self.status is SessionStatus.CANCELLED:
            return self.cancel_reason is CancelReason.PLAN_CHANGED
        return self.status is SessionStatus.PROPOSED

    def is_late(self, now: datetime) -> bool:
        """Whether its time has passed and nobody has said how it went (4-15)."""
        return self.is_open and now > self.time.ends_at + LATE_AFTER

    def require_open(self) -> None:
        """Refuse what only a planned or accepted session allows.

        Raises: NoSuchSession, SessionAlreadyCompleted, SessionAlreadyMissed, SessionAlreadyCancelled.
        """
        match self.status:
            case SessionStatus.PLANNED | SessionStatus.ACCEPTED:
                return
            case SessionStatus.PROPOSED:
                raise NoSuchSession("there is no such session")
            case SessionStatus.COMPLETED:
                raise SessionAlreadyCompleted("this session was held already")
            case SessionStatus.MISSED:
                raise SessionAlreadyMissed("this session was recorded as missed")
            case SessionStatus.CANCELLED:
                raise SessionAlreadyCancelled("this session was cancelled")


SessionChange = tuple[Session, list[Event]]


def session_id(tenant: str, pairing_id: str, number: int) -> str:
    """The same pairing and number always give the same id; ids of one pairing sort by number."""
    return f"ses_{uuid5(NAMESPACE_URL, f'telemachus:{tenant}:pairing:{pairing_id}').hex}_{number:03d}"


def changed(session: Session, now: datetime, **values: Any) -> Session:
    """The next version, as a change that matters to people."""
    return replace(session, version=session.version + 1, changed_at=now, **values)


def without_proposal(session: Session, *, now: datetime) -> Session:
    """The session with its proposal dropped, and the claims of that to be released."""
    if session.proposal is None:
        return session
    stale = (*session.stale, session.proposal.holder)
    return replace(session, proposal=None, stale=stale, attention_at=now + FINISH_WITHIN)


def vacated(session: Session, *, now: datetime) -> Session:
    """The session without any claim: it keeps showing its time, which is free for others again."""
    left = without_proposal(session, now=now)
    if left.booking is None or left.booking.holder is None:
        return left
    return replace(
        left,
        booking=replace(left.booking, holder=None),
        stale=(*left.stale, left.booking.holder),
        attention_at=now + FINISH_WITHIN,
    )


def told(session: Session, now: datetime) -> dict[str, Any]:
    """The full public state, as every event about a session tells it."""
    return {
        "version": session.version,
        "occurred_at": now,
        "session_id": session.id,
        "pairing_id": session.pairing_id,
        "programme_id": session.programme_id,
        "mentor_ref": session.mentor.person_ref,
        "mentee_ref": session.mentee.person_ref,
        "number": session.number,
        "starts_at": session.time.starts_at,
        "minutes": session.time.minutes,
        "modality": session.time.modality,
        "objective": session.objective,
    }
