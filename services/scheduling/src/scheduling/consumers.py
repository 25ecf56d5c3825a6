"""In: Kafka -> use case."""

from shared.chassis.aggregates import Cause
from shared.chassis.messaging import Bus
from shared.contracts import (
    Delivery,
    FeedbackSubmitted,
    Paired,
    ProgrammePublished,
    Unpaired,
    VolunteerUpdated,
    VolunteerWithdrawn,
)

from .use_cases import Conducting, Planning

SERVICE = "scheduling"


def consumers(bus: Bus, *, planning: Planning, conducting: Conducting) -> None:
    """Every subscription of the scheduling service."""

    @bus.subscribe(Paired)
    async def on_paired(delivery: Delivery[Paired]) -> None:
        """A pairing gets its plan."""
        await planning.begin(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(Unpaired)
    async def on_unpaired(delivery: Delivery[Unpaired]) -> None:
        """Sessions that were not held are cancelled."""
        await planning.end(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(VolunteerUpdated)
    async def on_volunteer_updated(delivery: Delivery[VolunteerUpdated]) -> None:
        """Newer hours serve for what is planned from now on."""
        await planning.hours_changed(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(VolunteerWithdrawn)
    async def on_volunteer_withdrawn(delivery: Delivery[VolunteerWithdrawn]) -> None:
        """Nothing more is planned with a volunteer who left."""
        await planning.volunteer_left(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(ProgrammePublished)
    async def on_programme_published(delivery: Delivery[ProgrammePublished]) -> None:
        """The programme's name goes into the calendar."""
        await planning.programme_published(delivery.event, Cause.of(delivery, SERVICE))

    @bus.subscribe(FeedbackSubmitted)
    async def on_feedback_submitted(delivery: Delivery[FeedbackSubmitted]) -> None:
        """A session shows how many of its two sides have answered."""
        await conducting.feedback_submitted(delivery.event, Cause.of(delivery, SERVICE))
