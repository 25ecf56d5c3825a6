"""The bus: subscriptions with every delivery guarantee in one place, so that a handler is three lines.

Settings follow the measured facts of the delivery design: commit only after the handler, one in-flight record per
partition, earliest offset, one group per topic, no reply ever, no topic created from here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.contracts import Delivery, Event
from shared.contracts.cloud_events import Undecodable, event_type, from_record

from .dead_letter import MAX_REDRIVES, REDRIVES_HEADER, DeliveryPolicy, middleware_for
from .in_flight import GRACEFUL_SECONDS, InFlight
from .kafka_security import ssl_context
from .kafka_sender import KafkaSender
from .logging import follow
from .metrics import Metrics
from .settings import ServiceSettings
from .telemetry import Traces, on_kafka, running
from .topics import TopicNames

E = TypeVar("E", bound=Event)
Handler = Callable[[Delivery[Any]], Awaitable[None]]

SAFE_POLICIES = frozenset({AckPolicy.NACK_ON_ERROR})


class UnsafeAckPolicy(Exception):
    """This acknowledgement policy loses messages (docs/decisions/0003)."""


class Bus:
    """Everything that one service reads and the wire format of what it emits."""

    def __init__(
        self, settings: ServiceSettings, *, sender: KafkaSender, metrics: Metrics, traces: Traces | None = None
    ) -> None:
        self._settings = settings
        self._traces = traces or Traces()
        self._service = settings.service_name
        self.topics = TopicNames.of(settings)
        self._handlers: dict[str, Handler] = {}
        self._known: dict[str, type[Event]] = {}
        self.policy = DeliveryPolicy(
            service=self._service,
            topic=self.topics.dead_letter(self._service),
            sender=sender,
            metrics=metrics,
            traces=self._traces,
        )
        self.broker = build_broker(settings, policy=self.policy, decode=self._decode)
        self._reads: list[str] = []
        self._flights: list[InFlight] = []

    def subscribe(
        self, event: type[E]
    ) -> Callable[[Callable[[Delivery[E]], Awaitable[None]]], Callable[[Delivery[E]], Awaitable[None]]]:
        """Hand every delivery of ``event`` to the decorated handler, at least once, in order per key."""

        def register(
            handler: Callable[[Delivery[E]], Awaitable[None]],
        ) -> Callable[[Delivery[E]], Awaitable[None]]:
            self._known[event_type(event)] = event
            self._handlers[event_type(event)] = handler
            self._listen(self.topics.event(event), event.name, event, handler.__doc__)
            return handler

        return register

    def listen_to_redrives(self) -> None:
        """Read the service's own re-drive topic: repaired dead letters, for the handlers registered so far."""
        if self._handlers:
            self._listen(self.topics.retry(self._service), "retry", Event, "Dead letters sent again.")

    async def stop(self) -> None:
        """Finish and commit what is in flight, and read no more."""
        self.policy.stop_waiting()
        await asyncio.gather(*(flight.commit_from_now_on() for flight in self._flights))
        await self.broker.stop()

    @property
    def subscriptions(self) -> dict[type[Event], str]:
        """The events subscribed to, with what the service does about each."""
        return {self._known[type_]: (handler.__doc__ or "").strip() for type_, handler in self._handlers.items()}

    @property
    def reads(self) -> tuple[str, ...]:
        """Every topic that this service subscribes to."""
        return tuple(self._reads)

    async def _dispatch(self, delivery: Delivery[Event], topic: str) -> None:
        envelope = delivery.envelope
        about = {"messaging.message.id": envelope.event_id, **on_kafka("process", topic)}
        name = f"process {delivery.event.name}"
        with self._traces.span(name, "consumer", parent=envelope.traceparent, attributes=about):
            follow(
                correlation_id=envelope.correlation_id,
                traceparent=running() or envelope.traceparent,
                event_id=envelope.event_id,
            )
            await self._handlers[envelope.type](delivery)

    def _listen(self, topic: str, reads: str, payload: type[Event], description: str | None) -> None:
        async def handle(delivery: Any) -> None:
            await self._dispatch(delivery, topic)

        handle.__annotations__ = {"delivery": payload, "return": None}  # what AsyncAPI shows
        handle.__name__ = f"on_{reads}"
        handle.__doc__ = description
        flight = InFlight()
        self._flights.append(flight)
        self._reads.append(topic)
        subscriber = self.broker.subscriber(
            topic,
            group_id=self.topics.group(self._service, reads),
            listener=flight,
            **subscription_settings(self._settings),
        )
        subscriber(handle, parser=flight.parse)

    async def _decode(self, message: StreamMessage[Any]) -> Delivery[Event]:
        record = message.raw_message
        for name, value in record.headers:
            if name == REDRIVES_HEADER and value and value.isdigit() and int(value[:9]) >= MAX_REDRIVES:
                raise Undecodable("redriven_too_often", f"sent again {MAX_REDRIVES} times already")
        return from_record(record.value, record.headers, self._known)


def build_broker(
    settings: ServiceSettings,
    *,
    policy: DeliveryPolicy,
    decode: Callable[[StreamMessage[Any]], Awaitable[Any]],
    ack_policy: AckPolicy = AckPolicy.NACK_ON_ERROR,
) -> KafkaBroker:
    """A broker for consuming only; the relay has a producer of its own.

    Raises:
        UnsafeAckPolicy: For every policy but NACK_ON_ERROR; each of the others was seen to lose messages.
    """
    if ack_policy not in SAFE_POLICIES:
        raise UnsafeAckPolicy(f"{ack_policy} loses messages; use NACK_ON_ERROR")
    return KafkaBroker(
        settings.kafka_bootstrap.split(","),
        client_id=settings.service_name,
        ack_policy=ack_policy,
        consumer_only=True,
        allow_auto_create_topics=False,
        graceful_timeout=GRACEFUL_SECONDS,
        request_timeout_ms=45_000,
        metadata_max_age_ms=60_000,
        decoder=decode,
        middlewares=[middleware_for(policy)],
        security=_security(settings),
        apply_types=False,
        logger=None,
    )


def subscription_settings(settings: ServiceSettings) -> dict[str, Any]:
    """Handler budget 20 s < barrier 25 s < rebalance 30 s < request 45 s: in this order or a group never forms."""
    workers = {"max_workers": settings.consumer_workers} if settings.consumer_workers > 1 else {}
    return {
        "auto_offset_reset": "earliest",
        "no_reply": True,
        "session_timeout_ms": settings.kafka_session_timeout_ms,
        "heartbeat_interval_ms": settings.kafka_session_timeout_ms // 6,
        "max_poll_interval_ms": 300_000,
        "rebalance_timeout_ms": 30_000,
        "partition_assignment_strategy": (RoundRobinPartitionAssignor,),
        "isolation_level": "read_committed",
        **workers,
    }


async def lag_of(consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
    """Records that this member has not read yet, per assigned partition whose end is known."""
    lags = {}
    for partition in consumer.assignment():
        highwater = consumer.highwater(partition)
        if highwater is not None:
            async with asyncio.timeout(1):
                lags[partition] = max(0, highwater - await consumer.position(partition))
    return lags


def _security(settings: ServiceSettings) -> BaseSecurity | None:
    context = ssl_context(settings)
    if settings.kafka_security_protocol.startswith("SASL"):
        user = settings.kafka_sasl_username or ""
        password = settings.kafka_sasl_password.get_secret_value() if settings.kafka_sasl_password else ""
        mechanism = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}
        chosen = mechanism[settings.kafka_sasl_mechanism]
        return chosen(username=user, password=password, ssl_context=context, use_ssl=context is not None)
    return BaseSecurity(ssl_context=context) if context else None
