from collections.abc import AsyncIterator

import pytest
from matching.settings import Settings
from matching_running import Eventually, Running, running
from shared.chassis.topics import TopicNames
from shared.testing.backends import create_topics


@pytest.fixture
async def settings(mongo_uri: str, kafka_bootstrap: str, mongo_database: str, topic_prefix: str) -> Settings:
    settings = Settings(
        mongo_uri=mongo_uri,
        mongo_database_prefix=mongo_database,
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        log_level="ERROR",
    )
    await create_topics(kafka_bootstrap, TopicNames.of(settings).catalogue(), partitions=2)
    return settings


@pytest.fixture
async def service(settings: Settings, eventually: Eventually) -> AsyncIterator[Running]:
    async with running(settings) as service:

        async def is_ready() -> bool:
            return (await service.client.get("/readyz")).status_code == 200

        await eventually(is_ready, timeout=30)
        yield service
