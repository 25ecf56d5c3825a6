from typing import Annotated, ClassVar

from pydantic import Field

from .event import Code, Event, Ref


class FeedbackSubmitted(Event):
    """An answer was given about a session: for what and when, and nothing else.

    Emitted by feedback, keyed by pairing, read by scheduling and matching. No rating, no text, no author (4-08).
    """

    name: ClassVar[str] = "feedback_submitted"
    emitter: ClassVar[str] = "feedback"
    aggregate_field: ClassVar[str] = "request_id"
    key_field: ClassVar[str] = "pairing_id"

    request_id: Ref
    """One request covers both sides of a session, so it does not give the author away."""
    pairing_id: Ref
    programme_id: Ref
    session_id: Ref
    session_number: Annotated[int, Field(ge=1, le=200)]
    answers: Annotated[int, Field(ge=1, le=2)]
    """How many of the two sides have answered so far."""


class PairingAtRisk(Event):
    """A re-match should be offered to both sides of a pairing: not who signalled, nor why (4-27, B-10).

    Emitted by feedback, keyed by pairing, read by matching.
    """

    name: ClassVar[str] = "pairing_at_risk"
    emitter: ClassVar[str] = "feedback"
    aggregate_field: ClassVar[str] = "pairing_id"
    key_field: ClassVar[str] = "pairing_id"

    pairing_id: Ref
    programme_id: Ref


class GoalReached(Event):
    """A pairing reached one of its goals (4-22).

    Emitted by feedback, keyed by pairing, read by matching.
    """

    name: ClassVar[str] = "goal_reached"
    emitter: ClassVar[str] = "feedback"
    aggregate_field: ClassVar[str] = "goal_id"
    key_field: ClassVar[str] = "pairing_id"

    goal_id: Ref
    pairing_id: Ref
    programme_id: Ref
    goal: Code
