"""What the measured service does: like scheduling, it hears of pairings and tells of sessions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from shared.contracts import Envelope, Event, Paired, SessionScheduled
from shared.contracts.cloud_events import data_schema, event_type, to_headers
from shared.contracts.example_messages import example_events

from .jobs import EVENTS_PER_AGGREGATE

_PAIRED = next(event for event in example_events() if isinstance(event, Paired))
_SCHEDULED = next(event for event in example_events() if isinstance(event, SessionScheduled))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """As large as a small aggregate of a service."""

    id: str
    tenant: str
    version: int
    programme_id: str
    mentor: str
    mentee: str
    told: int
    """Events that were applied."""
    seen_at: datetime
    skills: tuple[str, ...] = ()


def place(number: int) -> tuple[str, int]:
    """Aggregate and version of the event with this number, counted from 0."""
    return f"pair_{number // EVENTS_PER_AGGREGATE:08d}", number % EVENTS_PER_AGGREGATE + 1


def in_order(events: int) -> list[int]:
    """First every document's first event, then every second: as usual, events of one document are far apart."""
    return sorted(range(events), key=lambda number: (place(number)[1], number))


def paired(number: int) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """A delivery of ``paired`` as matching would send it: key, value, headers."""
    pairing_id, version = place(number)
    event = _PAIRED.model_copy(update={"pairing_id": pairing_id, "version": version})
    envelope = Envelope(
        event_id=f"{pairing_id}.{version}",
        source="/mentoring/matching",
        type=event_type(event),
        time=event.occurred_at,
        subject=pairing_id,
        dataschema=data_schema(event),
        partition_key=pairing_id,
        sequence=f"{version:012d}",
        correlation_id="bench",
    )
    return pairing_id, event.model_dump_json().encode(), to_headers(envelope)


def decide(old: Plan | None, pairing_id: str, *, tells: bool) -> tuple[Plan, Sequence[Event]]:
    """One more event applied; where it ``tells``, a session is scheduled by it."""
    now = datetime.now(UTC)
    if old is None:
        new = Plan(
            id=pairing_id,
            tenant="default",
            version=1,
            programme_id=_PAIRED.programme_id,
            mentor=_PAIRED.mentor.volunteer_id,
            mentee=_PAIRED.mentee.volunteer_id,
            told=1,
            seen_at=now,
            skills=_PAIRED.shared_skills,
        )
    else:
        new = replace(old, version=old.version + 1, told=old.told + 1, seen_at=now)
    if not tells:
        return new, ()
    return new, (_SCHEDULED.model_copy(update={"session_id": pairing_id, "version": new.version}),)


def scheduled(number: int) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """What the service would send about its event with this number, ready-made: key, value, headers."""
    session_id, version = place(number)
    event = _SCHEDULED.model_copy(update={"session_id": session_id, "version": version})
    envelope = Envelope(
        event_id=f"{session_id}.{version}",
        source="/mentoring/scheduling",
        type=event_type(event),
        time=event.occurred_at,
        subject=session_id,
        dataschema=data_schema(event),
        partition_key=event.key,
        sequence=f"{version:012d}",
        correlation_id="bench",
    )
    return event.key, event.model_dump_json().encode(), to_headers(envelope)
