"""In: Kafka -> use case."""

from shared.chassis.aggregates import Cause
from shared.chassis.messaging import Bus
from shared.contracts import (
    Delivery,
    FeedbackSubmitted,
    GoalReached,
    PairingAtRisk,
    ProgrammePublished,
    Volunteered,
    VolunteerUpdated,
    VolunteerWithdrawn,
)

from .use_cases import Matching


def consumers(bus: Bus, matching: Matching) -> None:
    """Every subscription of the service."""

    @bus.subscribe(ProgrammePublished)
    async def on_programme_published(delivery: Delivery[ProgrammePublished]) -> None:
        """A charter says by which rules people are paired."""
        await matching.pool.keep_programme(delivery.event, Cause.of(delivery, "matching"))

    @bus.subscribe(Volunteered)
    async def on_volunteered(delivery: Delivery[Volunteered]) -> None:
        """A volunteer enters the pool."""
        cause = Cause.of(delivery, "matching")
        person = await matching.pool.keep_volunteer(delivery.event, cause)
        await matching.newcomers.arrive(person, cause.principal)

    @bus.subscribe(VolunteerUpdated)
    async def on_volunteer_updated(delivery: Delivery[VolunteerUpdated]) -> None:
        """A volunteer's profile or readiness changed."""
        cause = Cause.of(delivery, "matching")
        person = await matching.pool.keep_volunteer(delivery.event, cause)
        await matching.newcomers.arrive(person, cause.principal)

    @bus.subscribe(VolunteerWithdrawn)
    async def on_volunteer_withdrawn(delivery: Delivery[VolunteerWithdrawn]) -> None:
        """A volunteer left: their pairings end, and their partners go on."""
        cause = Cause.of(delivery, "matching")
        await matching.pool.withdraw(delivery.event, cause)
        await matching.newcomers.go_on_without(delivery.event.volunteer_id, cause.principal)

    @bus.subscribe(PairingAtRisk)
    async def on_pairing_at_risk(delivery: Delivery[PairingAtRisk]) -> None:
        """A re-match should be offered."""
        await matching.pairings.put_at_risk(delivery.event, Cause.of(delivery, "matching"))

    @bus.subscribe(FeedbackSubmitted)
    async def on_feedback_submitted(delivery: Delivery[FeedbackSubmitted]) -> None:
        """A pairing was answered about."""
        await matching.pairings.count_answers(delivery.event, Cause.of(delivery, "matching"))

    @bus.subscribe(GoalReached)
    async def on_goal_reached(delivery: Delivery[GoalReached]) -> None:
        """A pairing reached a goal."""
        await matching.pairings.reach_goal(delivery.event, Cause.of(delivery, "matching"))
