"""What one subscription has in flight, and the offsets that it may commit.

An offset is committed after its record is handled, together with the others of a quarter of a second: one request to
Kafka instead of one per record. A crash in between makes those records come again, and inboxes drop them. What was
handled stays noted until Kafka has confirmed it, so a commit that fails or is never answered is tried again.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from faststream.message import StreamMessage

from .failpoints import Failpoint, reach
from .logging import get_logger

log = get_logger(__name__)

GRACEFUL_SECONDS = 25.0
"""How long a partition is kept for the record in flight when it is taken away or the process stops."""
COMMIT_EVERY_SECONDS = 0.25
COMMIT_SECONDS = 5.0
"""An answer of Kafka that takes longer is not waited for; the commit is sent anew."""


_FOR_FASTSTREAM = (("correlation_id", b"see the event"),)
"""All that FastStream sees of a record's headers; without one of its own it would ask the system for a random one."""


class InFlight(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """Keeps a partition until the record in flight is handled and committed: no second member starts it.

    Also the tolerant parser: null and non-UTF-8 headers stay readable, and ``reply_to`` is dropped, since any
    producer could use it to have our answers published where it likes.
    """

    def __init__(self) -> None:
        self._current: dict[TopicPartition, Any] = {}
        self._handled: dict[TopicPartition, tuple[AIOKafkaConsumer, int]] = {}
        self._revoked: set[TopicPartition] = set()
        self._one_at_a_time = asyncio.Lock()
        self._later: asyncio.Task[None] | None = None
        self._at_once = False

    async def parse(self, record: Any, original: Callable[[Any], Awaitable[StreamMessage[Any]]]) -> StreamMessage[Any]:
        """Build FastStream's message without ever failing; decoding and its errors come later."""
        headers = record.headers
        record.headers = _FOR_FASTSTREAM
        try:
            message: Any = await original(record)
        finally:
            record.headers = headers
        message.consumer = _RecordOffset(self, message.consumer, record)
        self._current[TopicPartition(record.topic, record.partition)] = message
        parsed: StreamMessage[Any] = message
        return parsed

    async def note(self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
        """Everything before ``offset`` is handled."""
        if partition in self._revoked:
            return  # the member who has it now reads the record again
        self._handled[partition] = (consumer, offset)
        if self._at_once:
            await self.commit()
        elif self._later is None or self._later.done():
            self._later = asyncio.create_task(self._commit_later())

    async def commit(self) -> None:
        """Commit what is noted; what Kafka does not confirm stays noted."""
        async with self._one_at_a_time:
            noted: dict[AIOKafkaConsumer, dict[TopicPartition, int]] = defaultdict(dict)
            for partition, (consumer, offset) in self._handled.items():
                noted[consumer][partition] = offset
            for consumer, offsets in noted.items():
                reach(Failpoint.CONSUMER_BEFORE_COMMIT)
                try:
                    async with asyncio.timeout(COMMIT_SECONDS):
                        await consumer.commit(offsets)
                except (KafkaError, TimeoutError, KeyError) as error:  # KeyError: the client's connection just closed
                    log.warning("offsets not committed, will be tried again", error=repr(error))
                else:
                    self._forget(consumer, offsets)

    async def commit_from_now_on(self) -> None:
        """The process is going down: what is noted is committed now, and whatever follows at once."""
        self._at_once = True
        await self.commit()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Wait for what is in flight and commit it, at most as long as a graceful stop may take.

        Nothing is committed afterwards, until partitions are assigned: while the member joins its group again, the
        answer to a commit of the old generation would make the client forget the new one.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACEFUL_SECONDS):
                while any(_busy(self._current.get(partition)) for partition in revoked):  # noqa: ASYNC110 - FastStream tells nobody
                    await asyncio.sleep(0.02)
                await self.commit()
        self._revoked |= revoked
        for partition in revoked:
            self._handled.pop(partition, None)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """From here on their offsets may be committed; state is in the database."""
        self._revoked -= assigned

    async def _commit_later(self) -> None:
        while self._handled:
            await asyncio.sleep(COMMIT_EVERY_SECONDS)
            await self.commit()

    def _forget(self, consumer: AIOKafkaConsumer, committed: dict[TopicPartition, int]) -> None:
        for partition, offset in committed.items():
            if self._handled.get(partition) == (consumer, offset):
                del self._handled[partition]


class _RecordOffset:
    """The consumer of one record, as far as FastStream acknowledges or rewinds through it."""

    def __init__(self, flight: InFlight, consumer: AIOKafkaConsumer, record: Any) -> None:
        self._flight = flight
        self._consumer = consumer
        self._record = record

    async def commit(self) -> None:
        """The record is handled."""
        record = self._record
        await self._flight.note(self._consumer, TopicPartition(record.topic, record.partition), record.offset + 1)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """The record is to be read again."""
        self._consumer.seek(partition, offset)


def _busy(message: Any) -> bool:
    return message is not None and message.committed is None
