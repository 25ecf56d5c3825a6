"""Removes what a run has left on back-ends that outlive it."""

from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient


async def clean(kafka: str, mongo: str, prefixes: tuple[str, ...]) -> None:
    """Delete the topics and databases whose names begin with one of these prefixes. Raises: KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        if left := [name for name in await admin.list_topics() if name.startswith(prefixes)]:
            await admin.delete_topics(left)
    finally:
        await admin.close()
    databases = tuple(database_prefix(prefix) for prefix in prefixes)
    with MongoClient[dict[str, Any]](mongo) as client:
        for name in client.list_database_names():
            if name.startswith(databases):
                client.drop_database(name)


def database_prefix(prefix: str) -> str:
    """What database names begin with, where topics begin with ``prefix``: MongoDB takes no dots in them."""
    return prefix.replace(".", "_")
