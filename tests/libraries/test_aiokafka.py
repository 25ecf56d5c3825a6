"""What the delivery design takes for granted about aiokafka, on a real broker.

A failure after an upgrade means that the design may be changed, or must be: docs/reliability/library-contract.md.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import aiokafka.client
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError
from shared.testing.waiting import eventually

from .conftest import NewTopic

pytestmark = pytest.mark.integration

REQUEST_SECONDS = 3.0


class Line:
    """A line to the broker that can be made to swallow everything, as a frozen broker does."""

    def __init__(self) -> None:
        self.hangs = False
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def to(self, host: str, port: int) -> AsyncIterator[int]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there_reader, there_writer = await asyncio.open_connection(host, port)
            self._tasks |= {
                asyncio.create_task(self._carry(reader, there_writer)),
                asyncio.create_task(self._carry(there_reader, writer)),
            }

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while read := await reader.read(65_536):
                if not self.hangs:
                    writer.write(read)
                    await writer.drain()
        writer.close()


@pytest.fixture
async def line(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    """Every connection of a client that is made from now on goes through one line."""
    host, _, port = kafka_bootstrap.split(",", maxsplit=1)[0].rpartition(":")
    connect = aiokafka.client.create_conn
    line = Line()
    async with line.to(host, int(port)) as at:

        async def through(_host: str, _port: int, **settings: object) -> object:
            return await connect("127.0.0.1", at, **settings)

        monkeypatch.setattr(aiokafka.client, "create_conn", through)
        yield line


async def test_a_plain_producer_says_within_its_time_that_a_frozen_broker_did_not_answer(
    kafka_bootstrap: str, new_topic: NewTopic, line: Line
) -> None:
    topic = await new_topic()
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, acks="all", request_timeout_ms=int(REQUEST_SECONDS * 1000)
    )
    await producer.start()
    await producer.send_and_wait(topic, b"1")
    line.hangs = True
    began = time.monotonic()
    with pytest.raises(KafkaError):
        await asyncio.wait_for(producer.send_and_wait(topic, b"2"), 4 * REQUEST_SECONDS)
    assert time.monotonic() - began < 3 * REQUEST_SECONDS
    await asyncio.wait_for(producer.stop(), 30)


async def test_an_idempotent_producer_never_gives_up_which_is_why_the_relay_has_none(
    kafka_bootstrap: str, new_topic: NewTopic, line: Line
) -> None:
    topic = await new_topic()
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka_bootstrap, enable_idempotence=True, request_timeout_ms=int(REQUEST_SECONDS * 1000)
    )
    await producer.start()
    await producer.send_and_wait(topic, b"1")
    line.hangs = True
    sending = asyncio.create_task(producer.send_and_wait(topic, b"2"))
    done, _ = await asyncio.wait({sending}, timeout=4 * REQUEST_SECONDS)
    assert not done
    line.hangs = False
    await asyncio.wait_for(sending, 60)
    await producer.stop()


class Barrier(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Gives no partition up before it is opened."""

    def __init__(self, *, opened: bool) -> None:
        self.open = asyncio.Event()
        self.waits = False
        if opened:
            self.open.set()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        if revoked:
            self.waits = True
            await self.open.wait()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        return


@contextlib.asynccontextmanager
async def member(bootstrap: str, topic: str, listener: Barrier) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=f"{topic}.group",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        heartbeat_interval_ms=300,
        rebalance_timeout_ms=30_000,
        request_timeout_ms=45_000,
    )
    consumer.subscribe([topic], listener=listener)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def read_one(bootstrap: str, topic: str) -> bytes:
    """What another member of the group reads first."""
    async with member(bootstrap, topic, Barrier(opened=True)) as other:
        value: bytes = (await other.getone()).value
        return value


async def test_a_rebalance_does_not_wait_for_records_that_are_still_being_handled(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic
) -> None:
    topic = await new_topic(partitions=2)
    for partition in (0, 1):
        await producer.send_and_wait(topic, b"%d" % partition, partition=partition)
    async with member(kafka_bootstrap, topic, Barrier(opened=True)) as first:
        in_hand = {(await first.getone()).value, (await first.getone()).value}
        again = await asyncio.wait_for(read_one(kafka_bootstrap, topic), 30)
        assert again in in_hand


async def test_a_rebalance_waits_for_the_listener_so_that_what_is_in_hand_can_be_committed(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic
) -> None:
    topic = await new_topic(partitions=2)
    for partition in (0, 1):
        await producer.send_and_wait(topic, b"%d" % partition, partition=partition)
    barrier = Barrier(opened=False)
    async with member(kafka_bootstrap, topic, barrier) as first:
        taken = [await first.getone(), await first.getone()]
        reading = asyncio.create_task(read_one(kafka_bootstrap, topic))
        await eventually(lambda: barrier.waits, timeout=30)
        await first.commit({TopicPartition(topic, record.partition): record.offset + 1 for record in taken})
        assert not reading.done()
        barrier.open.set()
        for partition in (0, 1):
            await producer.send_and_wait(topic, b"next %d" % partition, partition=partition)
        assert (await asyncio.wait_for(reading, 30)).startswith(b"next")


async def test_a_record_with_neither_key_nor_value_cannot_be_sent(
    producer: AIOKafkaProducer, new_topic: NewTopic
) -> None:
    with pytest.raises(AssertionError):
        await producer.send_and_wait(await new_topic(), value=None, key=None)


async def test_a_tombstone_and_a_null_header_can_be_sent_and_read(
    kafka_bootstrap: str, producer: AIOKafkaProducer, new_topic: NewTopic
) -> None:
    topic = await new_topic()
    await producer.send_and_wait(topic, value=None, key=b"k", headers=[("x", None)])
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        record = await asyncio.wait_for(consumer.getone(), 30)
    finally:
        await consumer.stop()
    assert (record.value, record.headers) == (None, (("x", None),))


async def test_several_groups_are_described_one_at_a_time_as_the_command_line_does(
    kafka_bootstrap: str, new_topic: NewTopic, topic_prefix: str
) -> None:
    topic, groups = await new_topic(), [f"{topic_prefix}one", f"{topic_prefix}two"]
    for group in groups:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka_bootstrap, group_id=group)
        await consumer.start()
        await consumer.stop()
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        for group in groups:
            answers = await admin.describe_consumer_groups([group])
            assert len(answers) == 1
        with pytest.raises(KafkaConnectionError):
            await admin.describe_consumer_groups(groups)
    finally:
        await admin.close()
