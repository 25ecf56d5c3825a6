"""What the delivery design takes for granted about MongoDB and its driver.

A failure after an upgrade means that the design may be changed, or must be: docs/reliability/library-contract.md.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import bson
import pytest
from pydantic import TypeAdapter
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import DuplicateKeyError, OperationFailure

pytestmark = pytest.mark.integration

TRANSACTIONS_NEED_A_REPLICA_SET = 20


@pytest.fixture
async def client(mongo_uri: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](mongo_uri, retryWrites=False) as client:
        yield client


@pytest.fixture
def documents(client: AsyncMongoClient[dict[str, Any]], mongo_database: str) -> AsyncCollection[dict[str, Any]]:
    return client[mongo_database]["documents"]


async def test_of_many_writers_who_compare_the_version_exactly_one_wins_each_round(
    documents: AsyncCollection[dict[str, Any]],
) -> None:
    await documents.insert_one({"_id": "a", "v": 0})
    for version in range(10):
        results = await asyncio.gather(
            *(documents.update_one({"_id": "a", "v": version}, {"$inc": {"v": 1}}) for _ in range(8))
        )
        assert sum(result.modified_count for result in results) == 1


async def test_state_inbox_outbox_and_lease_change_in_one_write(documents: AsyncCollection[dict[str, Any]]) -> None:
    await documents.insert_one({"_id": "a", "v": 0, "seq": 0, "inbox": [], "outbox": []})
    change = {
        "$set": {"state": "active"},
        "$inc": {"v": 1, "seq": 2},
        "$push": {
            "outbox": {"$each": [{"n": 1}, {"n": 2}]},
            "inbox": {"$each": ["e.1"], "$slice": -2},
        },
        "$min": {"ob.due": 5},
    }
    absent = {"_id": "a", "v": 0, "inbox": {"$ne": "e.1"}}
    assert (await documents.update_one(absent, change)).modified_count == 1
    assert (await documents.update_one(absent, change)).modified_count == 0
    assert await documents.find_one({"_id": "a"}) == {
        "_id": "a",
        "v": 1,
        "seq": 2,
        "state": "active",
        "inbox": ["e.1"],
        "outbox": [{"n": 1}, {"n": 2}],
        "ob": {"due": 5},
    }


async def test_an_id_can_be_inserted_once(documents: AsyncCollection[dict[str, Any]]) -> None:
    await documents.insert_one({"_id": "a"})
    with pytest.raises(DuplicateKeyError):
        await documents.insert_one({"_id": "a"})


async def test_a_transaction_needs_a_replica_set_so_there_is_none(
    client: AsyncMongoClient[dict[str, Any]], mongo_database: str
) -> None:
    if "setName" in await client.admin.command("hello"):
        pytest.skip("this MongoDB is a replica set: only a standalone refuses transactions")
    with pytest.raises(OperationFailure) as refused:
        async with client.start_session() as session, await session.start_transaction():
            await client[mongo_database]["documents"].insert_one({"_id": "a"}, session=session)
    assert refused.value.code == TRANSACTIONS_NEED_A_REPLICA_SET


def test_an_integer_of_400_digits_is_one_for_pydantic_and_none_for_the_database() -> None:
    number = TypeAdapter(int).validate_json("9" * 400)
    with pytest.raises(OverflowError):
        bson.encode({"number": number})
