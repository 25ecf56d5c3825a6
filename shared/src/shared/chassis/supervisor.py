"""Starts and stops what a service needs, in the right order, and keeps trying while something is away.

HTTP serves at once. MongoDB, the relay and the consumers come up in the background and are tried again with growing
pauses, so a service that starts before its back-ends recovers by itself.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient

from .in_flight import GRACEFUL_SECONDS
from .kafka_security import security_arguments
from .kafka_sender import KafkaSender
from .logging import get_logger
from .messaging import Bus, lag_of
from .metrics import Metrics
from .mongo import DatabaseUnavailable, Mongo
from .outbox import Relay
from .settings import ServiceSettings
from .telemetry import Traces

log = get_logger(__name__)

FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
LAG_EVERY = 2.0
STALLED_AFTER = 300.0
STOP_SECONDS = GRACEFUL_SECONDS + 10
ENDING_ROUNDS = 10

Step = Callable[[], Awaitable[None]]


class TopicsMissing(Exception):
    """The bus lacks topics that this service reads or writes. Services never create topics."""


@dataclass
class Health:
    """What the probes and ``/status`` tell. Kafka is reported, never a reason to be restarted."""

    mongo: str = "starting"
    kafka_producer: str = "starting"
    kafka_consumers: str = "starting"
    lag: dict[str, int] = field(default_factory=dict)
    consumers_died: bool = False
    stalled_since: float | None = None

    @property
    def alive(self) -> bool:
        """False asks for a restart: a consume task died, or there was lag and no progress for five minutes."""
        return not self.consumers_died and (
            self.stalled_since is None or asyncio.get_running_loop().time() - self.stalled_since < STALLED_AFTER
        )


class Supervisor:
    """Owns every background task of the process."""

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        mongo: Mongo,
        sender: KafkaSender,
        relay: Relay,
        bus: Bus,
        metrics: Metrics,
        prepare: Sequence[Step],
        background: Sequence[Step],
        topics: Sequence[str],
        traces: Traces | None = None,
    ) -> None:
        self._settings = settings
        self._mongo = mongo
        self._sender = sender
        self._relay = relay
        self._bus = bus
        self._metrics = metrics
        self._prepare = prepare
        self._background = background
        self._topics = topics
        self._traces = traces or Traces()
        self._tasks: list[asyncio.Task[None]] = []
        self.health = Health()
        metrics.backend_started.labels("mongo").set_function(lambda: self.health.mongo == "ok")
        metrics.backend_started.labels("kafka_producer").set_function(lambda: self.health.kafka_producer == "ok")
        metrics.backend_started.labels("kafka_consumers").set_function(lambda: self.health.kafka_consumers == "ok")

    def start(self) -> None:
        """Begin; returns at once."""
        self._tasks = [
            asyncio.create_task(self._run_database_side(), name="database"),
            asyncio.create_task(self._run_kafka_side(), name="kafka"),
        ]

    async def stop(self) -> None:
        """Stop consuming and finish what is in flight, then the relay, then the connections."""
        await self._stop_reading()
        if await _ended(self._tasks):
            await self._stop_reading()  # consumers that were just starting, and started all the same
        await self._sender.stop()
        self._mongo.close()
        await asyncio.to_thread(self._traces.close)

    async def _stop_reading(self) -> None:
        with contextlib.suppress(TimeoutError, Exception):
            async with asyncio.timeout(STOP_SECONDS):
                await self._bus.stop()

    async def check_database(self) -> bool:
        """Whether MongoDB answers now and its indexes are there: this is readiness."""
        if self.health.mongo == "starting":
            return False
        try:
            async with asyncio.timeout(2):
                await self._mongo.ping()
        except (DatabaseUnavailable, TimeoutError):
            self.health.mongo = "unavailable"
            return False
        self.health.mongo = "ok"
        return True

    async def _run_database_side(self) -> None:
        async def prepare() -> None:
            await self._mongo.ping()
            for step in self._prepare:
                await step()

        await _until_it_works(prepare, "database")
        self.health.mongo = "ok"
        async with asyncio.TaskGroup() as group:
            group.create_task(self._relay.run())
            for job in self._background:
                group.create_task(_for_ever(job))

    async def _run_kafka_side(self) -> None:
        async def start_producer() -> None:
            await self._sender.start()

        async def start_consumers() -> None:
            await self._require_topics()
            try:
                await self._bus.broker.start()
            except BaseException:
                await self._bus.broker.stop()
                raise

        await _until_it_works(start_producer, "kafka producer", self._note("kafka_producer"))
        await _until_it_works(start_consumers, "kafka consumers", self._note("kafka_consumers"))
        await self._watch_consumers()

    def _note(self, what: str) -> Callable[[str], None]:
        def note(state: str) -> None:
            setattr(self.health, what, state)

        return note

    async def _require_topics(self) -> None:
        admin = AIOKafkaAdminClient(
            bootstrap_servers=self._settings.kafka_bootstrap, **security_arguments(self._settings)
        )
        await admin.start()
        try:
            there = set(await admin.list_topics())
        finally:
            await admin.close()
        if missing := [topic for topic in self._topics if topic not in there]:
            raise TopicsMissing(", ".join(missing))

    async def _watch_consumers(self) -> None:
        """Lag per partition, and whether every consume task still runs and makes progress."""
        before: dict[str, int] = {}
        while True:
            await asyncio.sleep(LAG_EVERY)
            subscribers = list(self._bus.broker.subscribers)
            self.health.consumers_died = any(
                task.done() for subscriber in subscribers for task in getattr(subscriber, "tasks", ())
            )
            lag: dict[str, int] = {}
            positions: dict[str, int] = {}
            for subscriber in subscribers:
                group = getattr(subscriber, "consumer_subgroup", None) or [getattr(subscriber, "consumer", None)]
                for consumer in filter(None, group):
                    with contextlib.suppress(Exception):  # between two rebalances there is nothing to report
                        for partition, behind in (await lag_of(consumer)).items():
                            name = f"{partition.topic}/{partition.partition}"
                            lag[name] = behind
                            positions[name] = (consumer.highwater(partition) or 0) - behind
            self.health.lag = lag
            self._tell_lag()
            progressed = positions != before or not any(lag.values())
            before = positions
            if progressed:
                self.health.stalled_since = None
            elif self.health.stalled_since is None:
                self.health.stalled_since = asyncio.get_running_loop().time()

    def _tell_lag(self) -> None:
        self._metrics.consumer_lag.clear()  # what another replica reads now is no longer told from here
        for name, behind in self.health.lag.items():
            topic, _, partition = name.rpartition("/")
            self._metrics.consumer_lag.labels(topic, partition).set(behind)


async def _ended(tasks: Sequence[asyncio.Task[None]]) -> bool:
    """Cancel until all have ended: a client that is just connecting may swallow a cancellation. Whether one did."""
    left = set(tasks)
    rounds = 0
    while left and rounds < ENDING_ROUNDS:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=1)
        rounds += 1
    return rounds > 1


async def _until_it_works(step: Step, what: str, note: Callable[[str], None] = lambda _state: None) -> None:
    pause = FIRST_PAUSE
    while True:
        try:
            await step()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is away may come back
            note(f"unavailable: {type(error).__name__}: {str(error)[:300]}")
            log.warning("waiting", what=what, error=f"{type(error).__name__}: {error}"[:300], seconds=pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            pause = min(LONGEST_PAUSE, pause * 2)
        else:
            note("ok")
            log.info("started", what=what)
            return


async def _for_ever(job: Step) -> None:
    """Run a background job again and again; each run decides how long it lasts."""
    while True:
        try:
            await job()
        except asyncio.CancelledError:
            raise
        except DatabaseUnavailable:
            log.warning("background job waits for the database", job=getattr(job, "__qualname__", repr(job)))
        except Exception:
            log.exception("background job failed", job=getattr(job, "__qualname__", repr(job)))
        await asyncio.sleep(1)
