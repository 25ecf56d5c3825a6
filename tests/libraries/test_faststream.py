"""What the delivery design takes for granted about FastStream, on a real broker.

A failure after an upgrade means that the design may be changed, or must be: docs/reliability/library-contract.md.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import UnknownTopicOrPartitionError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from shared.testing.waiting import eventually

from .conftest import NewTopic

pytestmark = pytest.mark.integration

Handler = Callable[[KafkaMessage], Awaitable[Any]]
LAST = b'"last"'


@asynccontextmanager
async def reading(
    bootstrap: str,
    topic: str,
    handler: Handler,
    *,
    policy: AckPolicy = AckPolicy.NACK_ON_ERROR,
    **settings: Any,
) -> AsyncIterator[KafkaBroker]:
    """One subscriber of a group that is the topic's own."""
    only = settings.pop("consumer_only", True)
    broker = KafkaBroker(
        bootstrap,
        ack_policy=policy,
        consumer_only=only,
        allow_auto_create_topics=False,
        graceful_timeout=2,
        logger=None,
    )
    chosen: dict[str, Any] = {"no_reply": True, "auto_offset_reset": "earliest"} | settings
    broker.subscriber(topic, group_id=f"{topic}.group", **chosen)(handler)
    async with broker:
        await broker.start()
        yield broker


class Notes:
    """Notes every body that is handled; fails on those that it was told to fail on, and on all of ``poison``."""

    def __init__(self, poison: bytes | None = None, *, acknowledge: bool = False) -> None:
        self.bodies: list[bytes] = []
        self._poison = poison
        self._acknowledge = acknowledge

    async def __call__(self, message: KafkaMessage) -> None:
        self.bodies.append(message.body)
        if message.body == self._poison:
            raise RuntimeError("the handler failed")
        if self._acknowledge:
            await message.ack()


async def fail_on_the_second(
    bootstrap: str, producer: AIOKafkaProducer, topic: str, policy: AckPolicy
) -> tuple[list[bytes], list[bytes]]:
    """Three messages, of which the second fails; then a new start of the same group, and a last message.

    Returns what the first and what the second start handled.
    """
    for body in (b"1", b"2", b"3"):
        await producer.send_and_wait(topic, body)
    first = Notes(poison=b"2", acknowledge=policy is AckPolicy.MANUAL)

    async def handle_first(message: KafkaMessage) -> None:
        await first(message)

    async with reading(bootstrap, topic, handle_first, policy=policy):
        await eventually(lambda: b"3" in first.bodies or first.bodies.count(b"2") >= 3, timeout=30)
    second = Notes(acknowledge=policy is AckPolicy.MANUAL)

    async def handle_second(message: KafkaMessage) -> None:
        await second(message)

    async with reading(bootstrap, topic, handle_second, policy=policy):
        await producer.send_and_wait(topic, LAST)
        await eventually(lambda: LAST in second.bodies, timeout=30)
    return first.bodies, second.bodies


@pytest.mark.parametrize(
    "policy",
    [AckPolicy.ACK_FIRST, AckPolicy.ACK, AckPolicy.REJECT_ON_ERROR, AckPolicy.MANUAL],
    ids=lambda one: one.name,
)
async def test_a_message_whose_handler_failed_is_gone_under_every_policy_but_one(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic, policy: AckPolicy
) -> None:
    first, second = await fail_on_the_second(kafka_bootstrap, producer, await new_topic(), policy)
    assert first == [b"1", b"2", b"3"]
    assert second == [LAST]


async def test_nack_on_error_keeps_it_and_by_itself_tries_again_without_a_pause(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic
) -> None:
    first, second = await fail_on_the_second(kafka_bootstrap, producer, await new_topic(), AckPolicy.NACK_ON_ERROR)
    assert first[0] == b"1"
    assert set(first[1:]) == {b"2"}
    assert second == [b"2", b"3", LAST]


@pytest.mark.parametrize("header", [None, b"\xff\xfe"], ids=["null", "binary"])
async def test_a_header_that_is_no_text_makes_the_default_parser_skip_the_message(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic, header: bytes | None
) -> None:
    topic, notes = await new_topic(), Notes()
    await producer.send_and_wait(topic, b"1")
    await producer.send_and_wait(topic, b"2", headers=[("x", header)])
    await producer.send_and_wait(topic, LAST)

    async def handle(message: KafkaMessage) -> None:
        await notes(message)

    async with reading(kafka_bootstrap, topic, handle):
        await eventually(lambda: LAST in notes.bodies, timeout=30)
    assert notes.bodies == [b"1", LAST]


@pytest.mark.parametrize(("no_reply", "told"), [(False, [b"a secret", LAST]), (True, [LAST])], ids=["replies", "none"])
async def test_a_stranger_s_reply_to_sends_them_what_the_handler_returns_unless_replies_are_off(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic, no_reply: bool, told: list[bytes]
) -> None:
    topic, theirs, notes = await new_topic(), await new_topic("theirs"), Notes()
    await producer.send_and_wait(topic, LAST, headers=[("reply_to", theirs.encode())])

    async def handle(message: KafkaMessage) -> str:
        await notes(message)
        return "a secret"

    async with reading(kafka_bootstrap, topic, handle, consumer_only=False, no_reply=no_reply):
        await eventually(lambda: notes.bodies, equals=[LAST], timeout=30)
    await producer.send_and_wait(theirs, LAST)
    consumer = AIOKafkaConsumer(theirs, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        assert [(await consumer.getone()).value for _ in told] == told
    finally:
        await consumer.stop()


async def test_a_broker_that_only_consumes_says_of_itself_that_it_is_not_connected(
    kafka_bootstrap: str, new_topic: NewTopic
) -> None:
    async def handle(_message: KafkaMessage) -> None:
        return

    async with reading(kafka_bootstrap, await new_topic(), handle) as broker:
        assert await broker.ping(timeout=5) is False


async def test_a_missing_topic_stops_the_start_so_the_services_wait_for_their_topics_first(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    async def handle(_message: KafkaMessage) -> None:
        return

    with pytest.raises(UnknownTopicOrPartitionError):
        async with reading(kafka_bootstrap, f"{topic_prefix}missing", handle):
            pytest.fail("a subscriber of a missing topic started")


async def test_two_workers_keep_the_order_within_each_partition(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic
) -> None:
    topic = await new_topic(partitions=2)
    for number in range(20):
        await producer.send_and_wait(topic, b"%d" % number, partition=number % 2)
    notes = Notes()

    async def handle(message: KafkaMessage) -> None:
        await notes(message)

    async with reading(kafka_bootstrap, topic, handle, max_workers=2):
        await eventually(lambda: len(notes.bodies) >= 20, timeout=30)
    assert [body for body in notes.bodies if int(body) % 2] == [b"%d" % number for number in range(1, 20, 2)]
    assert [body for body in notes.bodies if not int(body) % 2] == [b"%d" % number for number in range(0, 20, 2)]
