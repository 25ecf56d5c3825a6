"""The course of one pairing, rebuilt from the events about it, whatever their order (3-21)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from shared.contracts import (
    CancelReason,
    Event,
    FeedbackSubmitted,
    GoalReached,
    NotFound,
    Paired,
    PairingAtRisk,
    SessionCancelled,
    SessionCompleted,
    SessionEvent,
    SessionMissed,
    Unpaired,
)

from .goals import PairGoal

LONGEST_LOG = 500
"""Entries kept per pairing; a pairing has about a hundred. The oldest go first."""
TELL_TALES = frozenset({FeedbackSubmitted.name, PairingAtRisk.name})
"""Events that give one of the two away to the other."""
NOBODYS_CHOICE = frozenset({CancelReason.UNPAIRED, CancelReason.PLAN_CHANGED})
"""Reasons for which a cancelled session says nothing about the pair."""


class NoSuchPairing(NotFound):
    """There is no such pairing, or it is other people's."""


class PairingStatus(StrEnum):
    """Whether the pairing still runs."""

    ACTIVE = "active"
    ENDED = "ended"


class SessionStatus(StrEnum):
    """What became of a session."""

    SCHEDULED = "scheduled"
    COMPLETED = "completed"
    MISSED = "missed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class PairSession:
    """The newest that is known of one session of the pairing."""

    session_id: str
    version: int
    number: int
    status: SessionStatus
    starts_at: datetime
    minutes: int
    objective: str
    started_at: datetime | None = None
    actual_minutes: int | None = None
    objective_reached: bool | None = None
    reason: CancelReason | None = None

    @property
    def lost(self) -> bool:
        """Whether it did not take place although the two were to meet."""
        dropped = self.status is SessionStatus.CANCELLED and self.reason not in NOBODYS_CHOICE
        return dropped or self.status is SessionStatus.MISSED


@dataclass(frozen=True, kw_only=True)
class LogEntry:
    """One event of the pairing's course: what and when, never a rating or a name."""

    event: str
    of: str
    """The aggregate that the event told of."""
    version: int
    at: datetime
    session_number: int | None = None
    starts_at: datetime | None = None
    answers: int | None = None
    goal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Journey:
    """One pairing as its events tell it. ``sessions_*`` count its sessions by what became of them."""

    id: str
    tenant: str
    version: int
    programme_id: str
    people: tuple[str, ...]
    """Mentor and mentee, in this order."""
    status: PairingStatus = PairingStatus.ACTIVE
    pairing_version: int = 0
    """Of the newest ``paired`` or ``unpaired`` seen."""
    effective_on: date | None = None
    ended_reason: str | None = None
    sessions: tuple[PairSession, ...] = ()
    sessions_scheduled: int = 0
    sessions_completed: int = 0
    sessions_missed: int = 0
    sessions_cancelled: int = 0
    met: bool = False
    """Whether at least one session was held."""
    at_risk_since: datetime | None = None
    log: tuple[LogEntry, ...] = ()


def follow_pairing(known: Journey | None, event: Paired | Unpaired, *, tenant: str) -> Journey:
    """The pairing began or ended. Returns ``known`` itself when the event was already seen."""
    if isinstance(event, Paired):
        people = (event.mentor.person_ref, event.mentee.person_ref)
    else:
        people = (event.mentor_ref, event.mentee_ref)
    journey = known or _begin(event.pairing_id, event.programme_id, people, tenant=tenant)
    entry = LogEntry(event=event.name, of=event.pairing_id, version=event.version, at=event.occurred_at)
    followed = _logged(journey, entry)
    if isinstance(event, Paired):
        followed = replace(followed, effective_on=event.effective_on)
    if event.version > journey.pairing_version:
        followed = replace(
            followed,
            pairing_version=event.version,
            status=PairingStatus.ENDED if isinstance(event, Unpaired) else PairingStatus.ACTIVE,
            ended_reason=event.reason.value if isinstance(event, Unpaired) else None,
        )
    return _settle(known, journey, followed)


def follow_session(
    known: Journey | None, event: SessionEvent, *, tenant: str, now: datetime
) -> tuple[Journey, Sequence[PairingAtRisk]]:
    """A session of the pairing was planned, moved, held, missed or cancelled.

    Two lost sessions in a row are a sign of risk. Returns ``known`` itself when the event was already seen.
    """
    people = (event.mentor_ref, event.mentee_ref)
    journey = known or _begin(event.pairing_id, event.programme_id, people, tenant=tenant)
    entry = LogEntry(
        event=event.name,
        of=event.session_id,
        version=event.version,
        at=event.occurred_at,
        session_number=event.number,
        starts_at=event.starts_at,
    )
    followed = _with_session(_logged(journey, entry), _told_by(event))
    return _settle_and_signal(known, journey, followed, risk=_two_lost_in_a_row(followed.sessions), now=now)


def follow_feedback(
    known: Journey | None, event: FeedbackSubmitted, *, risk: bool, now: datetime
) -> tuple[Journey, Sequence[PairingAtRisk]]:
    """An answer was given; ``risk`` is what the pairing's answers say together. Raises: NoSuchPairing."""
    if known is None:
        raise NoSuchPairing("nothing is known of this pairing")
    entry = LogEntry(
        event=event.name,
        of=event.request_id,
        version=event.version,
        at=event.occurred_at,
        session_number=event.session_number,
        answers=event.answers,
    )
    return _settle_and_signal(known, known, _logged(known, entry), risk=risk, now=now)


def timeline(journey: Journey, reached: Sequence[PairGoal] = (), *, for_the_pair: bool) -> tuple[LogEntry, ...]:
    """The pairing's course with the goals it reached, oldest first.

    The two people themselves see neither answers nor risk: who knows that it was not them knows who it was.
    """
    shown = [entry for entry in journey.log if not (for_the_pair and entry.event in TELL_TALES)]
    shown += [
        LogEntry(event=GoalReached.name, of=goal.id, version=goal.version, at=goal.reached_at, goal=goal.goal)
        for goal in reached
    ]
    return tuple(sorted(shown, key=lambda entry: (entry.at, entry.of, entry.version)))


def _begin(pairing_id: str, programme_id: str, people: tuple[str, str], *, tenant: str) -> Journey:
    return Journey(id=pairing_id, tenant=tenant, version=0, programme_id=programme_id, people=people)


def _settle(known: Journey | None, before: Journey, after: Journey) -> Journey:
    """The next version, or ``known`` itself when nothing is new."""
    if known is not None and after == before:
        return known
    return replace(after, version=before.version + 1)


def _settle_and_signal(
    known: Journey | None, before: Journey, after: Journey, *, risk: bool, now: datetime
) -> tuple[Journey, Sequence[PairingAtRisk]]:
    """As ``_settle``; and tell once in the life of a running pairing that a re-match should be offered."""
    if not risk or after.at_risk_since is not None or after.status is PairingStatus.ENDED:
        return _settle(known, before, after), []
    version = before.version + 1
    event = PairingAtRisk(pairing_id=after.id, programme_id=after.programme_id, version=version, occurred_at=now)
    entry = LogEntry(event=event.name, of=after.id, version=version, at=now)
    return _settle(known, before, replace(_logged(after, entry), at_risk_since=now)), [event]


def _logged(journey: Journey, entry: LogEntry) -> Journey:
    if any((seen.event, seen.of, seen.version) == (entry.event, entry.of, entry.version) for seen in journey.log):
        return journey
    return replace(journey, log=(*journey.log, entry)[-LONGEST_LOG:])


def _told_by(event: SessionEvent) -> PairSession:
    held = event if isinstance(event, SessionCompleted) else None
    return PairSession(
        session_id=event.session_id,
        version=event.version,
        number=event.number,
        status=_status_after(event),
        starts_at=event.starts_at,
        minutes=event.minutes,
        objective=event.objective,
        started_at=held.started_at if held else None,
        actual_minutes=held.actual_minutes if held else None,
        objective_reached=held.objective_reached if held else None,
        reason=event.reason if isinstance(event, SessionCancelled) else None,
    )


def _status_after(event: Event) -> SessionStatus:
    if isinstance(event, SessionCompleted):
        return SessionStatus.COMPLETED
    if isinstance(event, SessionMissed):
        return SessionStatus.MISSED
    if isinstance(event, SessionCancelled):
        return SessionStatus.CANCELLED
    return SessionStatus.SCHEDULED


def _with_session(journey: Journey, told: PairSession) -> Journey:
    others = [session for session in journey.sessions if session.session_id != told.session_id]
    same = [session for session in journey.sessions if session.session_id == told.session_id]
    if same and same[0].version >= told.version:
        return journey
    sessions = tuple(sorted([*others, told], key=lambda session: (session.number, session.session_id)))
    times = {status: sum(session.status is status for session in sessions) for status in SessionStatus}
    return replace(
        journey,
        sessions=sessions,
        sessions_scheduled=times[SessionStatus.SCHEDULED],
        sessions_completed=times[SessionStatus.COMPLETED],
        sessions_missed=times[SessionStatus.MISSED],
        sessions_cancelled=times[SessionStatus.CANCELLED],
        met=times[SessionStatus.COMPLETED] > 0,
    )


def _two_lost_in_a_row(sessions: Sequence[PairSession]) -> bool:
    settled = [session for session in sessions if session.lost or session.status is SessionStatus.COMPLETED]
    return any(earlier.lost and later.lost for earlier, later in pairwise(settled))
