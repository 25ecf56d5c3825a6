from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from harness import Harness
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import TopicNames, create_topics
from shared.contracts import GoalReached


@pytest.fixture
async def settings(mongo_uri: str, kafka_bootstrap: str) -> ServiceSettings:
    unique = uuid4().hex[:12]
    settings = ServiceSettings(
        service_name="feedback",
        mongo_uri=mongo_uri,
        mongo_database_prefix=f"t{unique}_",
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=f"t{unique}.",
        log_level="ERROR",
    )
    names = TopicNames.of(settings)
    wanted = [names.event(GoalReached), names.dead_letter("feedback"), names.retry("feedback")]
    await create_topics(settings, wanted, partitions=1, replication=1)
    return settings


@pytest.fixture
async def harness(settings: ServiceSettings) -> AsyncIterator[Harness]:
    harness = Harness(settings)
    async with harness.running():
        yield harness
        await harness.chassis.mongo.drop()


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", max_request_size=4_000_000)
    await producer.start()
    yield producer
    await producer.stop()
