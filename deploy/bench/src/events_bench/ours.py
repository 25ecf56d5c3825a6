"""A service on the chassis, as a composition root would build it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from shared.chassis.aggregates import Cause, MongoAggregates
from shared.chassis.service import Chassis
from shared.chassis.settings import ServiceSettings
from shared.chassis.supervisor import Health
from shared.contracts import Delivery, Paired, Principal, SessionScheduled

from .cleaning import database_prefix
from .jobs import PARTITIONS, Job
from .meter import Meter
from .story import Plan, decide, in_order, place

SERVICE = "scheduling"
_US = Principal.service("bench", tenant="default")


async def ours(job: Job, meter: Meter, ready: Callable[[], Awaitable[None]]) -> None:
    """Serve until the job is done, with everything published that was to be."""
    settings = ServiceSettings(
        service_name=SERVICE,
        mongo_uri=job.mongo,
        mongo_database_prefix=database_prefix(job.prefix),
        kafka_bootstrap=job.kafka,
        topic_prefix=job.prefix,
        consumer_workers=job.concurrency if job.scenario.reads else 1,
        log_level="ERROR",
    )
    chassis = Chassis(settings)
    plans = chassis.aggregates("plans", Plan)

    async def apply(pairing_id: str, cause: Cause) -> None:
        meter.begin()
        await plans.change(pairing_id, cause, lambda old: decide(old, pairing_id, tells=job.scenario.sends))
        meter.count()

    @chassis.bus.subscribe(Paired)
    async def on_paired(delivery: Delivery[Paired]) -> None:
        """A pairing gets a plan."""
        await apply(delivery.event.pairing_id, Cause.of(delivery, SERVICE))

    app = chassis.app(title="Bench", description="", routers=[], emits=[SessionScheduled])
    async with app.router.lifespan_context(app):
        await _started(chassis, app.state.supervisor.health, job)
        await ready()
        if not job.scenario.reads:
            await (_at_a_pace(job, plans, meter) if job.rate else _commands(job, apply))
        await meter.until_done()
        if job.scenario.sends:
            await _published(chassis, meter)
        meter.end()


async def _commands(job: Job, apply: Callable[[str, Cause], Awaitable[None]]) -> None:
    waiting = iter(in_order(job.events))

    async def work() -> None:
        for number in waiting:
            await apply(place(number)[0], Cause(principal=_US))

    async with asyncio.TaskGroup() as workers:
        for _ in range(job.concurrency):
            workers.create_task(work())


async def _at_a_pace(job: Job, plans: MongoAggregates[Plan], meter: Meter) -> None:
    async def command(number: int) -> None:
        pairing_id, version = place(number)
        began = time.time()
        await plans.change(pairing_id, Cause(principal=_US), lambda old: decide(old, pairing_id, tells=True))
        meter.result.written[f"{pairing_id}.{version}"] = (began, time.time())
        meter.count()

    loop = asyncio.get_running_loop()
    start = loop.time()
    meter.begin()
    async with asyncio.TaskGroup() as commands:
        for step, number in enumerate(in_order(job.events)):
            await asyncio.sleep(max(0.0, start + step / job.rate - loop.time()))
            commands.create_task(command(number))


async def _started(chassis: Chassis, health: Health, job: Job) -> None:
    """The database answers, and this process has its share of the partitions."""
    topic = chassis.bus.topics.event(Paired)
    while health.mongo != "ok" or _held(chassis, topic) != PARTITIONS // job.replicas:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.05)


def _held(chassis: Chassis, topic: str) -> int:
    members = [
        member
        for subscriber in chassis.bus.broker.subscribers
        for member in getattr(subscriber, "consumer_subgroup", None) or [getattr(subscriber, "consumer", None)]
        if member is not None
    ]
    return sum(partition.topic == topic for member in members for partition in member.assignment())


async def _published(chassis: Chassis, meter: Meter) -> None:
    counter = chassis.metrics.events_published.labels(SessionScheduled.name)
    while counter._value.get() < meter.result.events or not chassis.relay.idle:  # noqa: ASYNC110, SLF001 - nobody tells
        await asyncio.sleep(0.002)
