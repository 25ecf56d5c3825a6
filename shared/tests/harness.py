"""A small service on real back-ends, and a plain reader of topics, for the chassis' own tests."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from fastapi import FastAPI
from samples import Sample, counted
from shared.chassis.aggregates import Cause, MongoAggregates
from shared.chassis.service import Chassis
from shared.chassis.settings import ServiceSettings
from shared.chassis.telemetry import Traces
from shared.chassis.topics import TopicNames
from shared.contracts import Delivery, GoalReached

Handler = Callable[[Delivery[GoalReached]], Awaitable[None]]


class Harness:
    """One small service on real back-ends: reads ``goal_reached``, counts it, tells of it in another event's outbox."""

    def __init__(self, settings: ServiceSettings, *, traces: Traces | None = None) -> None:
        self.settings = settings
        self.topics = TopicNames.of(settings)
        self.chassis = Chassis(settings, traces=traces)
        self.samples: MongoAggregates[Sample] = self.chassis.aggregates("samples", Sample)
        self.handled: list[str] = []
        self.handler: Handler = self.count
        self.app: FastAPI | None = None

        @self.chassis.bus.subscribe(GoalReached)
        async def on_goal_reached(delivery: Delivery[GoalReached]) -> None:
            """Count a reached goal."""
            await self.handler(delivery)

    async def count(self, delivery: Delivery[GoalReached]) -> None:
        self.handled.append(delivery.envelope.event_id)
        await self.samples.change(
            "counter", Cause.of(delivery, "test"), lambda old: (counted(old, id="counter")[0], [])
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Harness"]:
        self.app = self.chassis.app(title="Test", description="", routers=[], emits=[GoalReached])
        async with self.app.router.lifespan_context(self.app):
            yield self

    @property
    def source_topic(self) -> str:
        return self.topics.event(GoalReached)

    @property
    def dead_letter_topic(self) -> str:
        return self.topics.dead_letter(self.settings.service_name)

    async def counted(self) -> int:
        sample = await self.samples.find("default", "counter")
        return 0 if sample is None else sample.count


async def read(bootstrap: str, topic: str, count: int, *, seconds: float = 15) -> list[ConsumerRecord]:
    """The first ``count`` records of a topic, fewer when they do not come in time."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest", group_id=None)
    await consumer.start()
    records: list[ConsumerRecord] = []
    try:
        for _ in range(int(seconds * 10)):
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                records += batch
            if len(records) >= count:
                break
    finally:
        await consumer.stop()
    return records
