import uuid

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pymongo import AsyncMongoClient
from shared.testing.backends import Backends, create_topics

pytestmark = pytest.mark.integration


async def test_a_message_sent_is_a_message_read(kafka_bootstrap: str, topic_prefix: str) -> None:
    topic = f"{topic_prefix}greetings.v1"
    await create_topics(kafka_bootstrap, [topic], partitions=3)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap) as producer:
        sent = await producer.send_and_wait(topic, b"good morning", key=b"one")
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=kafka_bootstrap, group_id=f"{topic_prefix}readers", auto_offset_reset="earliest"
    ) as consumer:
        read = await consumer.getone()
    assert (read.value, read.key, read.partition) == (b"good morning", b"one", sent.partition)


async def test_topics_that_exist_can_be_created_again(kafka_bootstrap: str, topic_prefix: str) -> None:
    await create_topics(kafka_bootstrap, [f"{topic_prefix}once.v1"])
    await create_topics(kafka_bootstrap, [f"{topic_prefix}once.v1", f"{topic_prefix}twice.v1"])


@pytest.mark.parametrize("run", [1, 2])
async def test_each_test_has_an_empty_database(mongo_uri: str, mongo_database: str, run: int) -> None:
    async with AsyncMongoClient[dict[str, object]](mongo_uri) as client:
        notes = client[mongo_database]["notes"]
        assert await notes.count_documents({}) == 0
        await notes.insert_one({"_id": uuid.uuid4().hex, "run": run})


def test_the_back_ends_say_what_they_are(backends: Backends) -> None:
    assert backends.description
