"""Four real services, and an organisation in which something has happened already."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from uuid import uuid4

import pytest
from demo.platform import connected
from local_stack import Stack, start_stack

from .fuzzing import MANAGER
from .seed import plant

PREFIX = "openapi."
TENANT = {"X-Telemachus-Tenant": "fuzzed"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka, MongoDB and the four services."""
    databases = {"TELEMACHUS_MONGO_DATABASE_PREFIX": f"openapi_{uuid4().hex[:8]}_", "TELEMACHUS_LOG_LEVEL": "ERROR"}
    folder = tmp_path_factory.mktemp("stack")
    with start_stack(data=folder, topic_prefix=PREFIX, environment=databases, keeps_data=False) as running:
        yield running


@pytest.fixture(scope="module")
async def known(stack: Stack) -> AsyncIterator[Mapping[str, Sequence[str]]]:
    """Identifiers of what is there."""
    async with connected(stack.urls) as platform:
        yield await plant(platform.asked_by(TENANT | MANAGER))
