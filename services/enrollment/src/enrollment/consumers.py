"""In: Kafka -> use case."""

from shared.chassis.aggregates import Cause
from shared.chassis.messaging import Bus
from shared.contracts import Delivery, Paired, Unpaired

from .use_cases import Volunteers


def consumers(bus: Bus, volunteers: Volunteers) -> None:
    """Every subscription of the enrollment service."""

    @bus.subscribe(Paired)
    async def on_paired(delivery: Delivery[Paired]) -> None:
        """Two volunteers leave the waiting list."""
        await volunteers.note_paired(delivery.event, Cause.of(delivery, "enrollment"))

    @bus.subscribe(Unpaired)
    async def on_unpaired(delivery: Delivery[Unpaired]) -> None:
        """Two volunteers are free of a pairing, and perhaps wait again."""
        await volunteers.note_unpaired(delivery.event, Cause.of(delivery, "enrollment"))
