"""Counts on Kafka itself, with a plain consumer: what was published, what was refused, what is still unread.

The services' own figures are not asked here, so that this can contradict them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

DEAD_LETTERS = ".dlq"
AGAIN = ".retry"
READ_MS = 2_000


@dataclass(frozen=True, kw_only=True)
class Census:
    """What lies on the topics."""

    events: Mapping[str, int]
    """How many different events, by topic: a repeated one counts once."""
    records: int
    """How many records those are: more than the events after a crash in the middle of sending."""
    dead_letters: Mapping[str, int]
    """By topic and reason."""
    lag: Mapping[str, int] = field(default_factory=dict)
    """Records not yet applied, by consumer group; groups that are up to date are left out."""

    @property
    def events_total(self) -> int:
        """Different events on all topics."""
        return sum(self.events.values())

    @property
    def dead_letters_total(self) -> int:
        """Records on all dead-letter topics."""
        return sum(self.dead_letters.values())

    @property
    def lag_total(self) -> int:
        """Records not yet applied by some group."""
        return sum(self.lag.values())


Record: TypeAlias = ConsumerRecord


async def take(bootstrap: str, prefix: str) -> Census:
    """Count what is on the topics now."""
    records, lag = await read(bootstrap, prefix)
    events = [record for record in records if not record.topic.endswith((DEAD_LETTERS, AGAIN))]
    known = {(record.topic, header(record, "ce_source"), header(record, "ce_id")) for record in events}
    return Census(
        events=Counter(topic for topic, _, _ in sorted(known)),
        records=len(events),
        dead_letters=Counter(
            f"{record.topic}: {header(record, 'dlq-reason')}, {header(record, 'dlq-error-message')}"
            for record in records
            if record.topic.endswith(DEAD_LETTERS)
        ),
        lag=lag,
    )


async def read(bootstrap: str, prefix: str) -> tuple[list[Record], dict[str, int]]:
    """Every record of the platform's topics, from the beginning to the present end; and what is unread, by group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await admin.start()
    try:
        await consumer.start()
        try:
            partitions = await _partitions(admin, prefix)
            consumer.assign(partitions)
            ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
            return await _read(consumer, ends), await _lag(admin, prefix, ends)
        finally:
            await consumer.stop()
    finally:
        await admin.close()


def header(record: Record, name: str) -> str:
    """A header as text; empty where the record has none of this name."""
    return next(((value or b"").decode(errors="replace") for key, value in record.headers if key == name), "")


async def _partitions(admin: AIOKafkaAdminClient, prefix: str) -> list[TopicPartition]:
    names = [name for name in await admin.list_topics() if name.startswith(prefix)]
    described = await admin.describe_topics(names) if names else []
    return [
        TopicPartition(topic["topic"], partition["partition"])
        for topic in described
        for partition in topic["partitions"]
    ]


async def _read(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int]) -> list[Record]:
    records: list[Record] = []
    behind = [partition for partition, end in ends.items() if end > 0]
    while behind:
        for batch in (await consumer.getmany(*behind, timeout_ms=READ_MS)).values():
            records += batch
        behind = [one for one in behind if await consumer.position(one) < ends[one]]
    return records


async def _lag(admin: AIOKafkaAdminClient, prefix: str, ends: Mapping[TopicPartition, int]) -> dict[str, int]:
    """By group. A group that has never committed on a partition of its topic has all of it before it."""
    lag: dict[str, int] = {}
    for group, *_ in await admin.list_consumer_groups():
        if not group.startswith(prefix):
            continue
        committed = await admin.list_consumer_group_offsets(group)
        applied = {partition: offset.offset for partition, offset in committed.items()}
        left = sum(
            max(0, ends[one] - max(0, applied.get(one, 0))) for one in _reads(group, prefix, list(ends), list(applied))
        )
        if left:
            lag[group] = left
    return lag


def _reads(
    group: str, prefix: str, partitions: Sequence[TopicPartition], committed: Sequence[TopicPartition]
) -> set[TopicPartition]:
    """The partitions a group reads: where it has committed, and all of the topic its name speaks of."""
    what = group.removeprefix(prefix).split(".", maxsplit=1)[-1]
    named = {one for one in partitions if one.topic.removeprefix(prefix).startswith(f"{what}.v")}
    return named | {one for one in committed if one in partitions}
