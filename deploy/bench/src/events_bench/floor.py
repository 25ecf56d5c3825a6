"""The floor: bare compare-and-set writes, sends and reads of the same number and concurrency, nothing in between.

Same drivers, same write concern, same acknowledgements. A send does not hold up the next write, and offsets are
committed every quarter of a second, as the chassis does it. Nothing is decoded, decided, remembered or retried.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from shared.chassis.in_flight import COMMIT_EVERY_SECONDS
from shared.chassis.mongo import Collection, Mongo
from shared.chassis.topics import TopicNames
from shared.contracts import Paired, SessionScheduled

from .cleaning import database_prefix
from .jobs import PARTITIONS, Job
from .meter import Meter
from .ours import SERVICE
from .story import in_order, place, scheduled

SENDS_AT_ONCE = 16


async def floor(job: Job, meter: Meter, ready: Callable[[], Awaitable[None]]) -> None:
    """Do the job with the drivers alone."""
    database = f"{database_prefix(job.prefix)}{SERVICE}"
    mongo = Mongo(job.mongo, database, timeout_ms=10_000, selection_timeout_ms=3_000)
    producer = AIOKafkaProducer(bootstrap_servers=job.kafka, acks="all", linger_ms=0)
    await producer.start()
    await mongo.ping()
    bare = _Bare(job, meter, mongo.collection("plans"), producer)
    try:
        await (bare.read(ready) if job.scenario.reads else bare.write(ready))
        meter.end()
    finally:
        await producer.stop()
        mongo.close()


class _Bare:
    def __init__(self, job: Job, meter: Meter, plans: Collection, producer: AIOKafkaProducer) -> None:
        self._job = job
        self._meter = meter
        self._plans = plans
        self._producer = producer
        self._names = TopicNames(job.prefix, {})
        self._records = [scheduled(number) for number in range(job.events)] if job.scenario.sends else []
        self._versions: dict[str, int] = {}
        self._sends: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(SENDS_AT_ONCE)

    async def write(self, ready: Callable[[], Awaitable[None]]) -> None:
        """As many writers as the job says."""
        await ready()
        waiting = iter(in_order(self._job.events))

        async def work() -> None:
            for number in waiting:
                self._meter.begin()
                await self._event(place(number)[0])

        async with asyncio.TaskGroup() as workers:
            for _ in range(self._job.concurrency):
                workers.create_task(work())
        await self._all_sent()

    async def read(self, ready: Callable[[], Awaitable[None]]) -> None:
        """As many readers as the job says."""
        topic = self._names.event(Paired)
        consumers = [
            AIOKafkaConsumer(
                topic,
                bootstrap_servers=self._job.kafka,
                group_id=self._names.group(SERVICE, "paired"),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                partition_assignment_strategy=(RoundRobinPartitionAssignor,),
            )
            for _ in range(self._job.concurrency)
        ]
        await asyncio.gather(*(consumer.start() for consumer in consumers))
        while sum(len(consumer.assignment()) for consumer in consumers) != PARTITIONS // self._job.replicas:  # noqa: ASYNC110 - the client tells nobody
            await asyncio.sleep(0.05)
        await ready()
        readers = [asyncio.create_task(self._reader(consumer)) for consumer in consumers]
        try:
            await self._meter.until_done()
            await self._all_sent()
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*readers, return_exceptions=True)
            await asyncio.gather(*(consumer.stop() for consumer in consumers))

    async def _reader(self, consumer: AIOKafkaConsumer) -> None:
        offsets: dict[TopicPartition, int] = {}
        committing = asyncio.create_task(_commit_for_ever(consumer, offsets))
        try:
            async for record in consumer:
                self._meter.begin()
                await self._event(record.key.decode())
                offsets[TopicPartition(record.topic, record.partition)] = record.offset + 1
        finally:
            committing.cancel()

    async def _event(self, pairing_id: str) -> None:
        version = self._versions.get(pairing_id, 0)
        self._versions[pairing_id] = version + 1
        fields = {"told": version + 1, "seen_at": datetime.now(UTC)}
        if version:
            change = {"$set": fields, "$inc": {"v": 1}}
            # another writer has not come so far yet: rare, and only with few documents
            while not await self._plans.update_one({"_id": pairing_id, "v": version}, change):  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        else:
            await self._plans.insert_one({"_id": pairing_id, "tenant": "default", "v": 1, **fields})
        if self._job.scenario.sends:
            await self._gate.acquire()
            send = asyncio.create_task(self._send(self._meter.result.events))
            self._sends.add(send)
            send.add_done_callback(self._sends.discard)
        self._meter.count()

    async def _send(self, number: int) -> None:
        key, value, headers = self._records[number % len(self._records)]
        try:
            topic = self._names.event(SessionScheduled)
            await self._producer.send_and_wait(topic, value=value, key=key.encode(), headers=headers)
        finally:
            self._gate.release()

    async def _all_sent(self) -> None:
        if self._sends:
            await asyncio.wait(set(self._sends))


async def _commit_for_ever(consumer: AIOKafkaConsumer, offsets: dict[TopicPartition, int]) -> None:
    while True:
        await asyncio.sleep(COMMIT_EVERY_SECONDS)
        with contextlib.suppress(Exception):  # a rebalance between two commits
            if offsets:
                await consumer.commit(dict(offsets))
