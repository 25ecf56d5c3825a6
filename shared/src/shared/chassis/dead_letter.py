"""Retry in place, then the dead-letter topic: a bad record never blocks its partition, a good one is never lost.

* Permanent (undecodable, wrong schema or version, refused as invalid): dead-lettered at once.
* Transient (another writer, a reference not known yet) and unknown exceptions: four tries, then dead-lettered.
* The database is away: nothing is dead-lettered. The partition waits, and order holds.

The offset is committed only after Kafka acknowledged the dead letter; if that fails the record is read again.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from aiokafka import ConsumerRecord
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faststream import BaseMiddleware
from faststream.message import StreamMessage

from shared.contracts import Refusal
from shared.contracts.cloud_events import Undecodable

from .failpoints import Failpoint, reach
from .kafka_sender import KafkaSender, SenderNotStarted
from .logging import follow, follow_nothing, get_logger
from .metrics import Metrics
from .mongo import DatabaseUnavailable
from .telemetry import Traces, on_kafka

log = get_logger(__name__)

ATTEMPTS = 4
FIRST_DELAY = 0.1
LONGEST_DELAY = 2.0
BUDGET_SECONDS = 20.0
DATABASE_DELAYS = (1.0, 15.0)
MAX_MESSAGE = 1024
MAX_REDRIVES = 5
REDRIVES_HEADER = "dlq-redrives"


class NotYetKnown(Exception):
    """The event refers to something whose own event has not arrived yet; try again soon."""


class DeliveryPolicy:
    """What happens to a record, for every subscriber of one service."""

    def __init__(
        self, *, service: str, topic: str, sender: KafkaSender, metrics: Metrics, traces: Traces | None = None
    ) -> None:
        self.service = service
        self._topic = topic
        self._sender = sender
        self._metrics = metrics
        self._traces = traces or Traces()
        self._stopping = asyncio.Event()
        self._database_failures = 0

    def stop_waiting(self) -> None:
        """The process is going down: end every wait between tries."""
        self._stopping.set()

    async def apply(self, record: "ConsumerRecord[Any, Any]", group: str, handle: Callable[[], Awaitable[Any]]) -> Any:
        """Run the handler under the policy.

        Raises:
            DatabaseUnavailable: After a pause; the record must be read again.
            KafkaError: The dead letter was not acknowledged; the record must be read again.
        """
        started = time.monotonic()
        for attempt in range(1, ATTEMPTS + 1):
            reach(Failpoint.CONSUMER_BEFORE_EFFECT)
            try:
                result = await handle()
            except DatabaseUnavailable:
                await self._pause_for_the_database()
                self._count(record.topic, "postponed", started)
                raise
            except Exception as error:  # noqa: BLE001 - a bug in a handler must not block the partition
                delay = min(LONGEST_DELAY, FIRST_DELAY * 2 ** (attempt - 1)) * random.uniform(0.5, 1.5)  # noqa: S311
                spent = time.monotonic() - started
                if attempt < ATTEMPTS and not _is_permanent(error) and spent + delay < BUDGET_SECONDS:
                    self._metrics.handled.labels(record.topic, "retried").inc()
                    await self._wait(delay)
                    continue
                await self._dead_letter(record, group, error, attempts=attempt)
                self._count(record.topic, "dead_lettered", started)
                return None
            else:
                reach(Failpoint.CONSUMER_AFTER_EFFECT)
                self._database_failures = 0
                self._count(record.topic, "applied", started)
                return result
        raise AssertionError("every attempt ends in an outcome")

    def _count(self, topic: str, outcome: str, started: float) -> None:
        self._metrics.handled.labels(topic, outcome).inc()
        self._metrics.handler_seconds.labels(topic).observe(time.monotonic() - started)

    async def _pause_for_the_database(self) -> None:
        shortest, longest = DATABASE_DELAYS
        delay = min(longest, shortest * 2 ** min(self._database_failures, 10)) * random.uniform(0.5, 1)  # noqa: S311
        self._database_failures += 1
        log.warning("the database is away; the partition waits", seconds=round(delay, 1))
        await self._wait(delay)

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _dead_letter(
        self, record: "ConsumerRecord[Any, Any]", group: str, error: Exception, *, attempts: int
    ) -> None:
        """Copy the record, bytes and headers unchanged, with the reason beside them."""
        reason = _reason(error)
        log.error(
            "dead letter",
            reason=reason,
            error=type(error).__name__,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            exc_info=error if reason == "exception" else None,
        )
        added = {
            "dlq-reason": reason,
            "dlq-error-class": type(error).__name__,
            "dlq-error-message": _message(error),
            "dlq-original-topic": record.topic,
            "dlq-original-partition": str(record.partition),
            "dlq-original-offset": str(record.offset),
            "dlq-original-timestamp": str(record.timestamp),
            "dlq-group": group,
            "dlq-attempts": str(attempts),
            "dlq-first-failed-at": datetime.now(UTC).isoformat(),
            "dlq-service-version": version("telemachus-shared"),
            REDRIVES_HEADER: _redrives(record),
        }
        why = [(name, value.encode()) for name, value in added.items()]
        kept = [(name, value) for name, value in record.headers if name not in added]
        about = {"telemachus.reason": reason, "error.type": type(error).__name__, **on_kafka("send", self._topic)}
        parent = _text(record, "traceparent")
        try:
            with self._traces.span("dead letter", "producer", parent=parent, attributes=about):
                await self._send(record, [*kept, *why], why)
        except (KafkaError, SenderNotStarted):
            await self._wait(FIRST_DELAY * 10)
            raise
        reach(Failpoint.DEAD_LETTER_SENT)
        self._metrics.dead_letters.labels(reason).inc()

    async def _send(
        self,
        record: "ConsumerRecord[Any, Any]",
        headers: list[tuple[str, bytes | None]],
        why: list[tuple[str, bytes]],
    ) -> None:
        """A record at the broker's size limit has no room for reasons: then only they go, and name its place."""
        try:
            await self._sender.send(self._topic, key=record.key, value=record.value, headers=headers)
        except MessageSizeTooLargeError:
            size = str(len(record.value or b"")).encode()
            await self._sender.send(self._topic, key=None, value=None, headers=[*why, ("dlq-value-omitted", size)])


def _is_permanent(error: Exception) -> bool:
    return isinstance(error, Undecodable) or (isinstance(error, Refusal) and error.kind == "invalid")


def _reason(error: Exception) -> str:
    match error:
        case Undecodable():
            return error.reason
        case Refusal():
            return "refused"
        case NotYetKnown():
            return "not_yet_known"
        case _:
            return "exception"


def _message(error: Exception) -> str:
    """The error's own words where they are ours; of a foreign one only its class, since it may quote the payload."""
    ours = isinstance(error, Undecodable | Refusal | NotYetKnown)
    return (str(error) if ours else type(error).__name__)[:MAX_MESSAGE]


def _redrives(record: "ConsumerRecord[Any, Any]") -> str:
    told = _text(record, REDRIVES_HEADER) or ""
    return told if told.isascii() and told.isdigit() else "0"


def _text(record: "ConsumerRecord[Any, Any]", header: str) -> str | None:
    """The first header of this name that has a value, as text."""
    for name, value in record.headers:
        if name == header and value:
            return bytes(value).decode(errors="replace")
    return None


class DeliveryMiddleware(BaseMiddleware):
    """FastStream's hook into :class:`DeliveryPolicy`; decoding happens inside it, so that it is judged as well."""

    policy: DeliveryPolicy  # set on the subclass that :func:`middleware_for` makes

    async def consume_scope(self, call_next: Callable[..., Awaitable[Any]], msg: StreamMessage[Any]) -> Any:
        """Decode, follow the correlation, handle: under the policy."""
        record = msg.raw_message
        group = str(self.context.get("handler_").group_id)

        async def handle() -> Any:
            follow(correlation_id=None, traceparent=None, topic=record.topic)
            return await call_next(msg)

        try:
            return await self.policy.apply(record, group, handle)
        finally:
            follow_nothing()


def middleware_for(policy: DeliveryPolicy) -> type[DeliveryMiddleware]:
    """The middleware class bound to one policy."""
    return type("BoundDeliveryMiddleware", (DeliveryMiddleware,), {"policy": policy})
