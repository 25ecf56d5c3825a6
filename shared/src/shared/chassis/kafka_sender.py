"""The producer of the relay and of the dead letters, apart from FastStream's own: it has its own time-outs."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer

from .kafka_security import security_arguments
from .settings import ServiceSettings


class SenderNotStarted(Exception):
    """Kafka has not been reached since the start."""


class KafkaSender:
    """Sends one record at a time and waits for all in-sync replicas.

    No idempotent producer: in an outage it never gives up (aiokafka issue 1017), and the readers' inbox
    already makes repeats harmless.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises: KafkaError, when no broker answers."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._settings.kafka_bootstrap,
            client_id=f"{self._settings.service_name}-relay",
            acks="all",
            enable_idempotence=False,
            request_timeout_ms=10_000,
            metadata_max_age_ms=60_000,
            linger_ms=0,
            **security_arguments(self._settings),
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def stop(self) -> None:
        """Flush and close, within ten seconds."""
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                async with asyncio.timeout(10):
                    await producer.stop()
            except TimeoutError:
                return  # what was not acknowledged stays in the outbox

    async def send(
        self,
        topic: str,
        *,
        key: str | bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        partition: int | None = None,
    ) -> None:
        """Send one record and wait for its acknowledgement; the key chooses the partition unless one is given.

        Raises:
            KafkaError: It was not acknowledged. It may have been stored all the same.
            SenderNotStarted: Kafka has not been reached since the start.
        """
        if self._producer is None:
            raise SenderNotStarted("not connected to Kafka yet")
        raw_key = key.encode() if isinstance(key, str) else key
        await self._producer.send_and_wait(
            topic,
            value=value,
            key=b"" if value is None and raw_key is None else raw_key,  # aiokafka refuses a record with neither
            headers=list(headers),
            partition=partition,
        )
