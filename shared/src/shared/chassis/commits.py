"""Offsets are committed together, a little later: one request to Kafka instead of one per record.

Only what has been handled is ever committed, so at-least-once holds. A crash in between means that the records of a
quarter of a second are read again, and inboxes drop them.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from .logging import get_logger

log = get_logger(__name__)

COMMIT_EVERY_SECONDS = 0.25


class Commits:
    """What one consumer has handled and not yet committed."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._handled: dict[TopicPartition, int] = {}
        self._later: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._at_once = False

    def of(self, record: Any) -> "RecordCommit":
        """What FastStream takes for the consumer of this record."""
        return RecordCommit(self, self._consumer, record)

    async def note(self, partition: TopicPartition, offset: int) -> None:
        """Everything before ``offset`` is handled."""
        self._handled[partition] = offset
        if self._at_once:
            await self.commit()
        elif self._later is None or self._later.done():
            self._later = asyncio.create_task(self._commit_later())

    async def commit(self) -> None:
        """Commit what is noted of the partitions that are still this member's."""
        async with self._one_at_a_time:
            noted, self._handled = self._handled, {}
            assigned = self._consumer.assignment()
            offsets = {partition: offset for partition, offset in noted.items() if partition in assigned}
            if not offsets:
                return
            try:
                await self._consumer.commit(offsets)
            except KafkaError as error:  # what can be tried again, the client has tried again
                log.warning("commit refused; the records may be read again", error=repr(error))

    async def commit_from_now_on(self) -> None:
        """The process is going down: what is noted is committed now, and whatever follows at once."""
        self._at_once = True
        await self.commit()

    async def _commit_later(self) -> None:
        while self._handled:
            await asyncio.sleep(COMMIT_EVERY_SECONDS)
            await self.commit()


class RecordCommit:
    """The consumer of one record, as far as FastStream acknowledges or rewinds through it."""

    def __init__(self, commits: Commits, consumer: AIOKafkaConsumer, record: Any) -> None:
        self._commits = commits
        self._consumer = consumer
        self._record = record

    async def commit(self) -> None:
        """The record is handled."""
        record = self._record
        await self._commits.note(TopicPartition(record.topic, record.partition), record.offset + 1)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """The record is to be read again."""
        self._consumer.seek(partition, offset)
