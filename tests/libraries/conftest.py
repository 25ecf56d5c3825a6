from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiokafka import AIOKafkaProducer
from shared.testing.backends import create_topics

NewTopic = Callable[..., Awaitable[str]]


@pytest.fixture
def new_topic(kafka_bootstrap: str, topic_prefix: str) -> NewTopic:
    """Creates a topic of this test and returns its name."""

    async def create(name: str = "source", *, partitions: int = 1) -> str:
        topic = f"{topic_prefix}{name}"
        await create_topics(kafka_bootstrap, [topic], partitions=partitions)
        return topic

    return create


@pytest.fixture
async def producer(kafka_bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")
    await producer.start()
    yield producer
    await producer.stop()
