"""When a component can be used: asked as its users will ask."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from shared.chassis.kafka_security import security_arguments

from .record import Component, ReadyWhen
from .topics import settings_for

_BETWEEN_TRIES = 0.05


async def mongo_answers(address: str) -> bool:
    """Whether this database (host:port, or a URI) answers a ping."""
    uri = address if "://" in address else f"mongodb://{address}/?directConnection=true"
    async with AsyncMongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=1_000) as client:
        try:
            await client.admin.command("ping")
        except PyMongoError:
            return False
        return True


async def mongo_version(uri: str) -> str:
    """Which release the database says it is."""
    async with AsyncMongoClient[dict[str, object]](uri, serverSelectionTimeoutMS=5_000) as client:
        return str((await client.server_info())["version"])


async def kafka_answers(address: str) -> bool:
    """Whether this broker answers a client's request, which it does only once it has joined its cluster."""
    settings = settings_for(address, "")
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=5_000, **security_arguments(settings))
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    else:
        return True
    finally:
        await admin.close()


async def http_answers(address: str) -> bool:
    """Whether a service says that it is ready."""
    try:
        async with httpx2.AsyncClient(timeout=5.0, trust_env=False) as client:
            return (await client.get(f"{address}/readyz")).is_success
    except httpx2.HTTPError:
        return False


_ASK: dict[ReadyWhen, Callable[[str], Awaitable[bool]]] = {
    "mongo answers": mongo_answers,
    "kafka answers": kafka_answers,
    "http answers": http_answers,
}


async def until_ready(component: Component) -> None:
    """Return once the component can be used; the caller bounds the wait."""
    while not await _ASK[component.ready_when](component.address):  # noqa: ASYNC110 - it cannot call us
        await asyncio.sleep(_BETWEEN_TRIES)
