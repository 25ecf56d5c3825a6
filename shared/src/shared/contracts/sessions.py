from typing import Annotated, ClassVar

from pydantic import Field

from .codes import CancelReason, Modality
from .event import Code, Event, Ref, UtcDatetime


class SessionEvent(Event):
    """What every event about a session says. Not itself an event."""

    emitter: ClassVar[str] = "scheduling"
    aggregate_field: ClassVar[str] = "session_id"
    key_field: ClassVar[str] = "pairing_id"
    personal_data: ClassVar[tuple[str, ...]] = ("mentor_ref", "mentee_ref")

    session_id: Ref
    pairing_id: Ref
    programme_id: Ref
    mentor_ref: Ref
    mentee_ref: Ref
    number: Annotated[int, Field(ge=1, le=200)]
    starts_at: UtcDatetime
    minutes: Annotated[int, Field(ge=1, le=600)]
    modality: Modality
    objective: Code
    """Each session has one (4-17)."""


class SessionScheduled(SessionEvent):
    """A session was planned at a time that suits both people.

    Emitted by scheduling, keyed by pairing, read by feedback.
    """

    name: ClassVar[str] = "session_scheduled"


class SessionRescheduled(SessionEvent):
    """A session was moved; the payload holds the new time.

    Emitted by scheduling, keyed by pairing, read by feedback.
    """

    name: ClassVar[str] = "session_rescheduled"

    previous_starts_at: UtcDatetime


class SessionCancelled(SessionEvent):
    """A session will not take place.

    Emitted by scheduling, keyed by pairing, read by feedback.
    """

    name: ClassVar[str] = "session_cancelled"

    reason: CancelReason


class SessionMissed(SessionEvent):
    """The time of a session passed and it was not held (B-09).

    Emitted by scheduling, keyed by pairing, read by feedback.
    """

    name: ClassVar[str] = "session_missed"


class SessionCompleted(SessionEvent):
    """A session was held; the payload holds what really happened (4-16, 4-22).

    Emitted by scheduling, keyed by pairing, read by feedback.
    """

    name: ClassVar[str] = "session_completed"

    started_at: UtcDatetime
    """When it really began."""
    actual_minutes: Annotated[int, Field(ge=1, le=600)]
    objective_reached: bool
