"""Starting with a back-end away, and recovering without a restart."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx2
import pytest
from faststream import AckPolicy
from harness import Harness
from pydantic import SecretStr
from samples import counted
from shared.chassis.aggregates import Cause
from shared.chassis.messaging import UnsafeAckPolicy, build_broker
from shared.chassis.settings import ServiceSettings
from shared.contracts import GoalReached, Principal
from shared.testing.waiting import eventually

pytestmark = pytest.mark.integration


class Door:
    """A TCP line to a real back-end that can be shut and opened."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def shut(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.close()
            return
        self._writers |= {writer, far_writer}
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def serving(settings: ServiceSettings) -> AsyncIterator[tuple[Harness, httpx2.AsyncClient]]:
    harness = Harness(settings)
    async with harness.running():
        assert harness.app is not None
        transport = httpx2.ASGITransport(app=harness.app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
            yield harness, client


@pytest.fixture
async def mongo_door(mongo_uri: str) -> AsyncIterator[Door]:
    parts = urlsplit(mongo_uri)
    door = Door(parts.hostname or "127.0.0.1", parts.port or 27017)
    yield door
    await door.shut()


async def test_a_service_that_starts_without_mongodb_becomes_ready_when_it_comes(
    settings: ServiceSettings, mongo_door: Door
) -> None:
    behind = settings.model_copy(
        update={
            "mongo_uri": SecretStr(f"mongodb://127.0.0.1:{mongo_door.port}/?directConnection=true"),
            "mongo_selection_timeout_ms": 500,
        }
    )
    async with serving(behind) as (harness, client):
        await asyncio.sleep(1)
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        await mongo_door.open()

        async def ready() -> int:
            return (await client.get("/readyz")).status_code

        await eventually(ready, equals=200, timeout=20)
        await harness.samples.change("a", Cause(principal=Principal.service("t", tenant="default")), counted)
        await eventually(harness.counted, equals=1, timeout=20)
        await mongo_door.shut()
        assert (await client.get("/readyz")).status_code == 503


async def test_a_service_that_starts_without_kafka_keeps_its_events_and_sends_them_later(
    settings: ServiceSettings,
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{unused.getsockname()[1]}"
    async with serving(settings.model_copy(update={"kafka_bootstrap": nowhere})) as (harness, client):

        async def ready() -> int:
            return (await client.get("/readyz")).status_code

        await eventually(ready, equals=200)
        for _ in range(3):
            await harness.samples.change("a", Cause(principal=Principal.service("t", tenant="default")), counted)

        async def status() -> tuple[int, bool]:
            found = (await client.get("/status")).json()
            return found["outbox_pending"], found["kafka_producer"].startswith("unavailable")

        await eventually(status, equals=(1, True))
    async with serving(settings) as (harness, client):
        await eventually(harness.counted, equals=3, timeout=40)
        assert harness.handled == ["a.1", "a.2", "a.3"]
        await harness.chassis.mongo.drop()


async def test_a_service_waits_for_topics_that_ops_have_not_created_and_names_them(
    settings: ServiceSettings,
) -> None:
    async with serving(settings.model_copy(update={"topic_prefix": "missing."})) as (harness, client):

        async def consumers() -> bool:
            state = (await client.get("/status")).json()["kafka_consumers"]
            return "TopicsMissing" in state and harness.topics.event(GoalReached) in state

        await eventually(consumers)
        await harness.chassis.mongo.drop()


@pytest.mark.parametrize("policy", [policy for policy in AckPolicy if policy is not AckPolicy.NACK_ON_ERROR])
def test_an_acknowledgement_policy_that_loses_messages_is_refused_at_build(
    settings: ServiceSettings, policy: AckPolicy
) -> None:
    harness = Harness(settings)
    with pytest.raises(UnsafeAckPolicy):
        build_broker(settings, policy=harness.chassis.bus.policy, decode=harness.chassis.bus._decode, ack_policy=policy)
