"""The command line beside a small service, on the real Kafka and MongoDB."""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from commands import Commands
from harness import Harness
from samples import reached
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import create_needed
from shared.contracts import Envelope
from shared.contracts.cloud_events import data_schema, event_type, to_headers
from shared.testing.waiting import eventually
from telemachus.settings import OperatorSettings
from telemachus.topics import compared


@pytest.fixture
async def settings(mongo_uri: str, kafka_bootstrap: str) -> AsyncIterator[ServiceSettings]:
    unique = uuid4().hex[:12]
    settings = ServiceSettings(
        service_name="feedback",
        mongo_uri=mongo_uri,
        mongo_database_prefix=f"c{unique}_",
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=f"c{unique}.",
        topic_partitions=1,
        log_level="ERROR",
    )
    created = await create_needed(settings)
    operator = OperatorSettings(**settings.model_dump())

    async def faults() -> int:
        return len((await compared(operator))[2])

    await eventually(faults, equals=0)
    yield settings
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.delete_topics(list(created))
    await admin.close()


@pytest.fixture
def telemachus(settings: ServiceSettings) -> Commands:
    return Commands(
        {
            "TELEMACHUS_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
            "TELEMACHUS_MONGO_URI": settings.mongo_uri.get_secret_value(),
            "TELEMACHUS_MONGO_DATABASE_PREFIX": settings.mongo_database_prefix,
            "TELEMACHUS_TOPIC_PREFIX": settings.topic_prefix,
            "TELEMACHUS_TOPIC_PARTITIONS": "1",
            "TELEMACHUS_OPERATOR": "penelope",
        }
    )


@pytest.fixture
async def harness(settings: ServiceSettings) -> AsyncIterator[Harness]:
    harness = Harness(settings)
    async with harness.running():
        yield harness
        await harness.chassis.mongo.drop()


@pytest.fixture
async def send(harness: Harness, kafka_bootstrap: str) -> AsyncIterator[Callable[..., Any]]:
    """``await send("a")``: an event that reaches a goal; ``value`` replaces its bytes."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")
    await producer.start()

    async def send_one(name: str, *, value: bytes | None = None) -> None:
        event = reached(name, 1)
        envelope = Envelope(
            event_id=f"{name}.1",
            source="/mentoring/feedback",
            type=event_type(event),
            time=event.occurred_at,
            subject=name,
            dataschema=data_schema(event),
        )
        content = event.model_dump_json().encode() if value is None else value
        await producer.send_and_wait(harness.source_topic, content, key=b"pair", headers=to_headers(envelope))

    yield send_one
    await producer.stop()
