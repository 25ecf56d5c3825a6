"""When a component can be used: asked as its users will ask."""

import asyncio
from collections.abc import Awaitable, Callable

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from shared.chassis.kafka_security import security_arguments

from .record import Component, ReadyWhen
from .topics import settings_for

_BETWEEN_TRIES = 0.1


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
    """Whether a service (its base URL) says that it is ready."""
    host, _, port = address.removeprefix("http://").partition(":")
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


async def _listens(port: int) -> bool:
    try:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


_ASK: dict[ReadyWhen, Callable[[str], Awaitable[bool]]] = {
    "mongo answers": mongo_answers,
    "kafka answers": kafka_answers,
    "http answers": http_answers,
}


async def until_ready(component: Component) -> None:
    """Return once the component can be used; the caller bounds the wait."""
    ask = _ASK[component.ready_when]
    # a bare connection first: a client costs more than a program that is starting can spare
    while not (await _listens(component.port) and await ask(component.address)):  # noqa: ASYNC110 - it cannot call us
        await asyncio.sleep(_BETWEEN_TRIES)
