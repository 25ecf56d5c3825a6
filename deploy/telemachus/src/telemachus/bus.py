"""The bus, as an operator looks at it: without a consumer group, so that nobody's offsets move."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, KafkaTimeoutError, for_code
from shared.chassis.kafka_security import security_arguments
from shared.chassis.settings import ServiceSettings

from .trouble import Exit, Trouble

PATIENCE_MS = 10_000
POLL_MS = 1_000


@contextmanager
def told(settings: ServiceSettings, what: str) -> Iterator[None]:
    """Turn the client's errors, a ValueError for settings that do not fit together included, into Trouble."""
    try:
        yield
    except (KafkaError, OSError, ValueError) as error:
        raise Trouble(
            f"{what} failed: Kafka at {settings.kafka_bootstrap}: {str(error) or type(error).__name__}"[:500],
            "check that the broker runs and that TELEMACHUS_KAFKA_BOOTSTRAP and _KAFKA_SECURITY_PROTOCOL are right.",
            Exit.UNREACHABLE,
        ) from error


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic as it is."""

    name: str
    partitions: int
    replication: int
    """Of the partition that has the fewest."""
    in_sync: int
    """Same."""
    leaderless: int
    configs: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A consumer group as it is."""

    name: str
    state: str
    members: int
    committed: dict[TopicPartition, int]


class Bus:
    """Read-only questions to Kafka, all through one administrator's connection."""

    def __init__(self, settings: ServiceSettings, admin: Any) -> None:
        self._settings = settings
        self._admin = admin

    async def topics(self, names: Sequence[str]) -> dict[str, Topic]:
        """Those of the topics that exist, by name."""
        there = set(await self._admin.list_topics()) & set(names)
        if not there:
            return {}
        described = await self._admin.describe_topics(sorted(there))
        configs = await self._configs(sorted(there))
        return {
            each["topic"]: Topic(
                name=each["topic"],
                partitions=len(each["partitions"]),
                replication=min((len(one["replicas"]) for one in each["partitions"]), default=0),
                in_sync=min((len(one["isr"]) for one in each["partitions"]), default=0),
                leaderless=sum(one["leader"] < 0 for one in each["partitions"]),
                configs=configs.get(each["topic"], {}),
            )
            for each in described
        }

    async def _configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        answers = await self._admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
        found: dict[str, dict[str, str]] = {}
        for answer in answers:
            for code, message, _kind, name, entries in answer.resources:
                if code:
                    raise for_code(code)(f"{name}: {message}")
                found[name] = {entry[0]: entry[1] for entry in entries}
        return found

    async def partitions(self, names: Sequence[str]) -> list[TopicPartition]:
        """Of those of the topics that exist; asking for others could make them."""
        there = sorted(set(await self._admin.list_topics()) & set(names))
        described = await self._admin.describe_topics(there) if there else []
        found = [TopicPartition(topic["topic"], one["partition"]) for topic in described for one in topic["partitions"]]
        return sorted(found)

    async def groups(self, prefix: str) -> dict[str, Group]:
        """The consumer groups whose names begin so, by name."""
        found = {}
        for name, *_ in await self._admin.list_consumer_groups():
            if name.startswith(prefix):
                found[name] = await self._group(name)
        return found

    async def _group(self, name: str) -> Group:
        """One at a time: aiokafka 0.14 cannot read an answer about several (it takes version 3 for version 2)."""
        (answer,) = await self._admin.describe_consumer_groups([name])
        ((code, _name, state, _kind, _protocol, members, *_),) = answer.groups
        if code:
            raise for_code(code)(name)
        offsets = await self._admin.list_consumer_group_offsets(name)
        committed = {partition: offset.offset for partition, offset in offsets.items()}
        return Group(name=name, state=state, members=len(members), committed=committed)


@asynccontextmanager
async def connected(settings: ServiceSettings) -> AsyncIterator[Bus]:
    """A connection to ask through. Raises: Trouble, when no broker answers."""
    with told(settings, "asking Kafka"):
        admin = AIOKafkaAdminClient(
            bootstrap_servers=settings.kafka_bootstrap, request_timeout_ms=PATIENCE_MS, **security_arguments(settings)
        )
        try:
            await admin.start()
            yield Bus(settings, admin)
        finally:
            await admin.close()


class Reader:
    """Reads topics from their beginning to their present end, in no group."""

    def __init__(self, bus: Bus, consumer: Any) -> None:
        self._bus = bus
        self._consumer = consumer

    async def partitions(self, topic: str) -> list[TopicPartition]:
        """Of one topic. Raises: Trouble, when there is no such topic."""
        partitions = await self._bus.partitions([topic])
        if not partitions:
            raise Trouble(f"There is no topic {topic}.", "make it with `telemachus topics create`.", Exit.WRONG)
        return partitions

    async def ends(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that the next record of each partition will have."""
        self._consumer.assign(list(partitions))
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        return found

    async def starts(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset of the first record that each partition still has: so many have expired."""
        found: dict[TopicPartition, int] = await self._consumer.beginning_offsets(list(partitions))
        return found

    async def records(self, topic: str) -> list[Any]:
        """Every record that the topic has now."""
        partitions = await self.partitions(topic)
        ends = await self.ends(partitions)
        starts = await self.starts(partitions)
        for partition in partitions:
            self._consumer.seek(partition, starts[partition])
        found: list[Any] = []
        behind = [one for one in partitions if starts[one] < ends[one]]
        last = time.monotonic()
        while behind:
            batches = await self._consumer.getmany(*behind, timeout_ms=POLL_MS)
            last = time.monotonic() if batches else last
            if time.monotonic() - last > PATIENCE_MS / 1000:
                raise KafkaTimeoutError(f"no record of {topic} for {PATIENCE_MS / 1000:.0f} s; has it a leader?")
            for partition, batch in batches.items():
                found += [record for record in batch if record.offset < ends[partition]]
            behind = [one for one in behind if await self._consumer.position(one) < ends[one]]
        return found


@asynccontextmanager
async def reading(settings: ServiceSettings) -> AsyncIterator[Reader]:
    """A reader. Raises: Trouble, when no broker answers."""
    async with connected(settings) as bus:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            request_timeout_ms=PATIENCE_MS,
            **security_arguments(settings),
        )
        try:
            await consumer.start()
            yield Reader(bus, consumer)
        finally:
            await consumer.stop()
