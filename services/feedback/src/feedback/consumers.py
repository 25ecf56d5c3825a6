from shared.chassis.aggregates import Cause
from shared.chassis.messaging import Bus
from shared.contracts import (
    Delivery,
    FeedbackSubmitted,
    Paired,
    ProgrammePublished,
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
    Unpaired,
)

from .use_cases import Feedback

SERVICE = "feedback"


def consumers(bus: Bus, feedback: Feedback) -> None:
    """Everything that feedback listens to."""

    @bus.subscribe(ProgrammePublished)
    async def on_programme_published(delivery: Delivery[ProgrammePublished]) -> None:
        """The charter's goals and anonymity floor are kept."""
        await feedback.keep_charter(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(Paired)
    async def on_paired(delivery: Delivery[Paired]) -> None:
        """A pairing's journey begins."""
        await feedback.follow_pairing(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(Unpaired)
    async def on_unpaired(delivery: Delivery[Unpaired]) -> None:
        """A pairing's journey ends."""
        await feedback.follow_pairing(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(SessionScheduled)
    async def on_session_scheduled(delivery: Delivery[SessionScheduled]) -> None:
        """A session was planned."""
        await feedback.follow_session(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(SessionRescheduled)
    async def on_session_rescheduled(delivery: Delivery[SessionRescheduled]) -> None:
        """A session was moved."""
        await feedback.follow_session(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(SessionCompleted)
    async def on_session_completed(delivery: Delivery[SessionCompleted]) -> None:
        """A session was held: both sides are asked."""
        await feedback.follow_session(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(SessionMissed)
    async def on_session_missed(delivery: Delivery[SessionMissed]) -> None:
        """A session was missed: perhaps not the first in a row."""
        await feedback.follow_session(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(SessionCancelled)
    async def on_session_cancelled(delivery: Delivery[SessionCancelled]) -> None:
        """A session will not take place."""
        await feedback.follow_session(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(FeedbackSubmitted)
    async def on_feedback_submitted(delivery: Delivery[FeedbackSubmitted]) -> None:
        """Our own event: what follows from an answer happens here, so that a crash cannot lose it (0052)."""
        await feedback.weigh_answers(delivery.event, Cause.of(delivery, SERVICE))
