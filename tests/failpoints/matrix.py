"""Which service dies where, and the rounds in which all four do so at the same time."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from uuid import uuid4

from aiokafka import AIOKafkaProducer
from demo.platform import connected
from local_stack import Stack, start_stack
from shared.chassis.failpoints import Failpoint

from .checks import all_is_well
from .processes import Services
from .story import Story

PREFIX = "failpoints."
MOST_PAIRS_PER_DEATH = 12
"""A place that is not reached within so many pairs is not reached at all."""

EVERYWHERE = (
    Failpoint.WRITE_BEFORE,
    Failpoint.WRITE_AFTER,
    Failpoint.RELAY_TAKEN_OVER,
    Failpoint.RELAY_AFTER_SEND,
    Failpoint.RELAY_CLAIMED,
    Failpoint.REQUEST_BEGUN,
    Failpoint.REQUEST_DONE,
    Failpoint.REQUEST_STORED,
    Failpoint.CONSUMER_BEFORE_EFFECT,
    Failpoint.CONSUMER_AFTER_EFFECT,
    Failpoint.CONSUMER_BEFORE_COMMIT,
    Failpoint.DEAD_LETTER_SENT,
)
CLAIMING = (Failpoint.RESERVATION_BEFORE_CLAIM, Failpoint.RESERVATION_AFTER_CLAIM)
MATRIX: Mapping[str, Sequence[Failpoint]] = {
    "enrollment": (*EVERYWHERE, Failpoint.RELAY_BETWEEN_SENDS),  # elsewhere a document has one event at a time
    "matching": (*EVERYWHERE, *CLAIMING),  # claims two people; gives them back only when a pairing ends
    "scheduling": (*EVERYWHERE, *CLAIMING, Failpoint.RESERVATION_AFTER_RELEASE),
    "feedback": EVERYWHERE,
}
"""Every place that a service comes to in the story; enrollment and feedback claim nothing."""

SMALL: Sequence[Mapping[str, Failpoint]] = (
    {  # the slow ones: leases and proposals of half a minute have to end
        "enrollment": Failpoint.RELAY_BETWEEN_SENDS,
        "matching": Failpoint.RESERVATION_AFTER_CLAIM,
        "scheduling": Failpoint.RESERVATION_BEFORE_CLAIM,
        "feedback": Failpoint.RELAY_CLAIMED,
    },
    {
        "enrollment": Failpoint.REQUEST_BEGUN,
        "matching": Failpoint.WRITE_BEFORE,
        "scheduling": Failpoint.RESERVATION_AFTER_RELEASE,
        "feedback": Failpoint.CONSUMER_BEFORE_EFFECT,
    },
    {
        "enrollment": Failpoint.WRITE_AFTER,
        "matching": Failpoint.RELAY_TAKEN_OVER,
        "scheduling": Failpoint.REQUEST_DONE,
        "feedback": Failpoint.CONSUMER_AFTER_EFFECT,
    },
    {
        "enrollment": Failpoint.RELAY_AFTER_SEND,
        "matching": Failpoint.CONSUMER_BEFORE_COMMIT,
        "scheduling": Failpoint.DEAD_LETTER_SENT,
        "feedback": Failpoint.REQUEST_STORED,
    },
)
"""Every place once, in some service."""


def full() -> Iterator[Mapping[str, Failpoint]]:
    """Every place in every service that comes to it."""
    for points in zip_longest(*MATRIX.values()):
        yield {service: point for service, point in zip(MATRIX, points, strict=True) if point is not None}


class NeverReached(Exception):
    """A service was told to die at a place to which it does not come."""


@dataclass(frozen=True)
class Outcome:
    """What a round has shown."""

    deaths: Mapping[str, Failpoint]
    deaths_each: int
    lives: Mapping[str, int]
    pairs: int
    seconds: float
    """Until all had died and all was quiet again."""
    complaints: Sequence[str]


@dataclass
class Theatre:
    """The platform on which all rounds are played."""

    stack: Stack
    services: Services
    story: Story
    databases: str
    chance: random.Random

    async def play(self, deaths: Mapping[str, Failpoint], *, each: int) -> Outcome:
        """Have services die while pairs are made, then look.

        Raises: NeverReached, NeverHappened, DiedElsewhere.
        """
        before, began = self.story.pairs, time.monotonic()
        async with asyncio.TaskGroup() as group:
            dying = {
                service: group.create_task(self.services.die(service, point, each, self.chance))
                for service, point in deaths.items()
            }
            while not all(task.done() for task in dying.values()):
                if self.story.pairs - before >= MOST_PAIRS_PER_DEATH * each:
                    alive = [f"{name} at {deaths[name]}" for name, task in dying.items() if not task.done()]
                    raise NeverReached(f"after {self.story.pairs - before} pairs: {', '.join(alive)}")
                await self._one_pair(deaths)
        complaints = await all_is_well(
            self.story,
            bootstrap=self.stack.kafka_bootstrap,
            mongo_uri=self.stack.mongo_uri,
            databases=self.databases,
        )
        lives = {service: task.result() for service, task in dying.items()}
        return Outcome(deaths, each, lives, self.story.pairs - before, time.monotonic() - began, complaints)

    async def _one_pair(self, deaths: Mapping[str, Failpoint]) -> None:
        for service, point in deaths.items():
            if point is Failpoint.DEAD_LETTER_SENT:
                for _ in range(3):
                    await self.story.a_bad_record(service)
        await self.story.one_pair()


@asynccontextmanager
async def theatre(folder: Path, *, most_pairs: int, seed: int) -> AsyncIterator[Theatre]:
    """Back-ends, four services, a programme; all of it gone afterwards."""
    databases = f"failpoints_{uuid4().hex[:8]}_"
    environment = {
        "TELEMACHUS_MONGO_DATABASE_PREFIX": databases,
        "TELEMACHUS_KAFKA_SESSION_TIMEOUT_MS": "6000",  # a dead replica's partitions are given away sooner
    }
    with start_stack(data=folder, services=(), topic_prefix=PREFIX, keeps_data=False) as stack:
        services = Services(stack, environment)
        try:
            await services.start_all()
            async with connected(services.urls) as platform, _producing(stack.kafka_bootstrap) as producer:
                manager = {"X-Telemachus-Subject": "manager", "X-Telemachus-Roles": "programme_manager"}
                tenant = {"X-Telemachus-Tenant": f"org-{uuid4().hex[:12]}"}
                story = Story(platform.asked_by(tenant | manager), PREFIX, producer)
                await story.begin(most_pairs)
                yield Theatre(stack, services, story, databases, random.Random(seed))
        finally:
            await services.stop_all()


@asynccontextmanager
async def _producing(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
