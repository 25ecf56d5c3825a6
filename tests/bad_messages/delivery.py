"""Sends the messages to the real feedback service, waits until it has read them all, and counts what became of each."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError
from demo.census import Record, header
from demo.platform import until
from local_stack import Stack, start_stack

from .mutator import Message, examples, mutated
from .oracle import Verdict, judge

PREFIX = "bad."
SERVICE = "feedback"
READS = (
    "programme_published.v1",
    "paired.v1",
    "unpaired.v1",
    "session_scheduled.v1",
    "session_rescheduled.v1",
    "session_completed.v1",
    "session_missed.v1",
    "session_cancelled.v1",
    "feedback_submitted.v1",
)
"""What feedback subscribes to (docs/asyncapi/feedback)."""
REPLIES = f"{PREFIX}erasure_applied.v1"
"""A topic that is there and that nobody writes to: the one on which answers are asked for."""
AT_ONCE = 500
WITHIN = 1800.0

Place: TypeAlias = tuple[str, int, int]
"""Topic, partition, offset."""


@dataclass(frozen=True)
class Sent:
    """One message, and what the specifications say of it."""

    message: Message
    verdict: Verdict


@dataclass(frozen=True)
class Outcome:
    """What became of all messages."""

    sent: int
    bad: int
    open: int
    dead_letters: int
    seconds: float
    """From the first message sent until the last was read."""
    replies: int
    restarted: bool
    reasons: Mapping[str, int]
    kinds: Mapping[str, int]
    complaints: Sequence[str]

    @property
    def rate(self) -> float:
        """Messages per second."""
        return self.sent / self.seconds


@asynccontextmanager
async def service(folder: Path) -> AsyncIterator[Stack]:
    """Real back-ends and the real feedback service, which knows the things that the examples speak of."""
    environment = {"TELEMACHUS_MONGO_DATABASE_PREFIX": f"bad_{uuid4().hex[:8]}_", "TELEMACHUS_LOG_LEVEL": "ERROR"}
    with start_stack(
        data=folder, services=[SERVICE], topic_prefix=PREFIX, environment=environment, keeps_data=False
    ) as stack:
        for event in READS:  # a pairing before what is told of it
            await _send(stack, examples((event,)))
            await _read_to_the_end(stack)
        yield stack


async def deliver(stack: Stack, count: int, *, seed: int) -> Outcome:
    """Send so many mutated messages, and look when all are read. Once per stack."""
    before = stack.component(SERVICE).process
    began = time.monotonic()
    sent = await _send(stack, mutated(examples(READS), count, seed=seed, reply_to=REPLIES))
    await _read_to_the_end(stack)
    seconds = time.monotonic() - began
    dead = await _lying_on(stack.kafka_bootstrap, f"{PREFIX}{SERVICE}.dlq")
    replies = await _lying_on(stack.kafka_bootstrap, REPLIES)
    after = stack.component(SERVICE).process
    judged = [one.verdict.good for one in sent.values()]
    return Outcome(
        sent=len(sent),
        bad=judged.count(False),
        open=judged.count(None),
        dead_letters=len(dead),
        seconds=seconds,
        replies=len(replies),
        restarted=before != after or after is None or not after.alive(),
        reasons=dict(Counter(header(one, "dlq-reason") for one in dead)),
        kinds=dict(Counter(one.message.kind for one in sent.values() if one.verdict.good is False)),
        complaints=list(_complaints(sent, dead)),
    )


def _complaints(sent: Mapping[Place, Sent], dead: Iterable[Record]) -> Iterable[str]:
    """Every bad one lies in the dead letters, once, unchanged, with a fitting reason; no good one does."""
    letters: dict[Place, list[Record]] = {}
    for one in dead:
        letters.setdefault(_place(one), []).append(one)
    for place in letters.keys() - sent.keys():
        yield f"a dead letter names {place}, where nothing was sent"
    for place, one in sent.items():
        found = letters.get(place, [])
        what = f"{one.message.kind} at {place}"
        if one.verdict.good is False and len(found) != 1:
            yield f"{what}: bad, and {len(found)} times among the dead letters"
        if one.verdict.good and found:
            yield f"{what}: good, and refused: {_why(found[0])}"
        for letter in found:
            if header(letter, "dlq-value-omitted") == "" and (letter.value or b"") != (one.message.value or b""):
                yield f"{what}: its dead letter has another value"
            if one.verdict.reasons and header(letter, "dlq-reason") not in one.verdict.reasons:
                yield f"{what}: refused as {_why(letter)}, expected {sorted(one.verdict.reasons)}"


def _why(letter: Record) -> str:
    return (
        f"{header(letter, 'dlq-reason')} ({header(letter, 'dlq-error-class')}: {header(letter, 'dlq-error-message')})"
    )


def _place(letter: Record) -> Place:
    topic, partition, offset = (header(letter, f"dlq-original-{what}") for what in ("topic", "partition", "offset"))
    return topic, int(partition), int(offset)


async def _send(stack: Stack, messages: Iterable[Message]) -> dict[Place, Sent]:
    """Send them all, many at once; where each of them lies."""
    sent: dict[Place, Sent] = {}
    known, gate = frozenset(READS), asyncio.Semaphore(AT_ONCE)
    producer = AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, acks="all", max_request_size=4_000_000)

    async def send(message: Message, number: int) -> None:
        async with gate:
            acknowledged = await producer.send_and_wait(
                f"{PREFIX}{message.event}",
                value=message.value,
                key=b"key-%d" % (number % 97),
                headers=list(message.headers),
            )
        verdict = judge(message.value, list(message.headers), known)
        sent[acknowledged.topic, acknowledged.partition, acknowledged.offset] = Sent(message, verdict)

    await producer.start()
    try:
        async with asyncio.TaskGroup() as group:
            for number, message in enumerate(messages):
                group.create_task(send(message, number))
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
    finally:
        await producer.stop()
    return sent


async def _read_to_the_end(stack: Stack) -> None:
    """Raises: NeverHappened, when some partition is stuck."""

    async def no_lag() -> bool | None:
        try:
            return await _lag(stack.kafka_bootstrap) == 0 or None
        except GroupCoordinatorNotAvailableError:  # the broker is making its own topics, a moment after its start
            return None

    await until("lag 0", no_lag, within=WITHIN)


async def _lag(bootstrap: str) -> int:
    """Records that feedback has not committed. A group that committed nothing has all of its topic before it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        committed: dict[TopicPartition, int] = {}
        for event in READS:
            group = f"{PREFIX}{SERVICE}.{event.rpartition('.')[0]}"
            offsets = await admin.list_consumer_group_offsets(group)
            committed |= {partition: found.offset for partition, found in offsets.items()}
    finally:
        await admin.close()
    async with _consuming(bootstrap, *(f"{PREFIX}{event}" for event in READS)) as (_, ends):
        return sum(end - max(0, committed.get(partition, 0)) for partition, end in ends.items())


async def _lying_on(bootstrap: str, topic: str) -> list[Record]:
    records: list[Record] = []
    async with _consuming(bootstrap, topic) as (consumer, ends):
        left = {partition for partition, end in ends.items() if end}
        while left:
            for batch in (await consumer.getmany(*left, timeout_ms=1_000)).values():
                records += batch
            left = {one for one in left if await consumer.position(one) < ends[one]}
    return records


@asynccontextmanager
async def _consuming(bootstrap: str, *topics: str) -> AsyncIterator[tuple[AIOKafkaConsumer, dict[TopicPartition, int]]]:
    """A plain consumer at the beginning of these topics, and where they end."""
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        yield consumer, await consumer.end_offsets(list(consumer.assignment()))
    finally:
        await consumer.stop()
