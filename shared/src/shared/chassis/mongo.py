"""The only module that knows the MongoDB driver.

Motor was asked for and is past its end of life; everything else sees :class:`Collection` and its own two
errors, so that another driver is a change of this file alone (docs/decisions/0002).
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import bson
import pymongo
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReturnDocument, WriteConcern
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    PyMongoError,
    WaitQueueTimeoutError,
    WTimeoutError,
)
from pymongo.read_concern import ReadConcern

Document = dict[str, Any]
Filter = Mapping[str, Any]

_DUPLICATE_KEY = 11000
_OPTIONS: CodecOptions[Document] = CodecOptions(tz_aware=True)


class DatabaseUnavailable(Exception):
    """MongoDB did not answer. The outcome of a write is then unknown; read again before you repeat it."""


class DuplicateKey(Exception):
    """A document with this unique key is already there."""

    def __init__(self, index: Mapping[str, Any]) -> None:
        super().__init__(f"unique index on {', '.join(index)}")
        self.index = tuple(index)
        """The fields of the index."""


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DuplicateKeyError as error:
        raise DuplicateKey((error.details or {}).get("keyPattern", {"_id": 1})) from error
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError, WaitQueueTimeoutError) as error:
        raise DatabaseUnavailable(type(error).__name__) from error
    except PyMongoError as error:
        if error.timeout or error.has_error_label("RetryableWriteError"):
            raise DatabaseUnavailable(type(error).__name__) from error
        raise


def packed(document: Document) -> bytes:
    """The document as MongoDB would store it."""
    return bson.encode(document)


def unpacked(content: bytes) -> Document:
    """The document as a reading would give it."""
    document: Document = bson.decode(content, _OPTIONS)
    return document


class Collection:
    """The part of a collection's interface that standalone servers and compatible databases agree on."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        """The collection's name."""
        return str(self._inner.name)

    def unhurried(self) -> "Collection":
        """The same collection for writes that may be lost in a crash: they do not wait for the journal."""
        return Collection(self._inner.with_options(write_concern=WriteConcern(w=1)))

    async def find_one(self, where: Filter, *, fields: Sequence[str] | None = None) -> Document | None:
        """The first document that matches, or None."""
        with _translated():
            found: Document | None = await self._inner.find_one(where, projection=fields)
            return found

    async def find(
        self,
        where: Filter,
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int = 0,
        skip: int = 0,
        fields: Sequence[str] | None = None,
    ) -> AsyncIterator[Document]:
        """Matching documents, fetched batch by batch."""
        with _translated():
            cursor = self._inner.find(where, projection=fields, limit=limit, skip=skip)
            if sort:
                cursor = cursor.sort(list(sort))
            async for document in cursor:
                yield document

    async def insert_one(self, document: Document) -> None:
        """Insert a document. Raises: DuplicateKey, DatabaseUnavailable."""
        with _translated():
            await self._inner.insert_one(document)

    async def insert_all(self, documents: Sequence[Document]) -> list[bool]:
        """Insert each document unless its key is taken; which ones were inserted. Raises: DatabaseUnavailable."""
        taken: set[int] = set()
        with _translated():
            try:
                await self._inner.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                faults = (error.details or {}).get("writeErrors", [])
                taken = {fault["index"] for fault in faults if fault["code"] == _DUPLICATE_KEY}
                if len(taken) != len(faults) or not taken:
                    raise
        return [place not in taken for place in range(len(documents))]

    async def update_one(self, where: Filter, change: Mapping[str, Any], *, upsert: bool = False) -> bool:
        """Change one document; whether one matched or was inserted. Raises: DuplicateKey, DatabaseUnavailable."""
        with _translated():
            result = await self._inner.update_one(where, change, upsert=upsert)
            return bool(result.matched_count or result.upserted_id is not None)

    async def update_many(self, where: Filter, change: Mapping[str, Any]) -> int:
        """Change every matching document; how many were changed. Not atomic over documents."""
        with _translated():
            result = await self._inner.update_many(where, change)
            return int(result.modified_count)

    async def find_one_and_update(
        self,
        where: Filter,
        change: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] | None = None,
        upsert: bool = False,
        before: bool = False,
    ) -> Document | None:
        """Change one document atomically and return it as it is afterwards, or was ``before``."""
        which = ReturnDocument.BEFORE if before else ReturnDocument.AFTER
        with _translated():
            found: Document | None = await self._inner.find_one_and_update(
                where, change, sort=sort, upsert=upsert, return_document=which
            )
            return found

    async def bulk_update(self, changes: Iterable[tuple[Filter, Mapping[str, Any]]], *, upsert: bool = False) -> None:
        """Apply many single-document changes in one round trip, in any order."""
        requests = [pymongo.UpdateOne(where, change, upsert=upsert) for where, change in changes]
        if requests:
            with _translated():
                await self._inner.bulk_write(requests, ordered=False)

    async def delete_one(self, where: Filter) -> bool:
        """Delete one document; whether there was one."""
        with _translated():
            return bool((await self._inner.delete_one(where)).deleted_count)

    async def delete_many(self, where: Filter) -> int:
        """Delete every matching document; how many."""
        with _translated():
            return int((await self._inner.delete_many(where)).deleted_count)

    async def count(self, where: Filter) -> int:
        """How many documents match."""
        with _translated():
            return int(await self._inner.count_documents(where))

    async def aggregate(self, pipeline: Sequence[Mapping[str, Any]]) -> AsyncIterator[Document]:
        """Run an aggregation pipeline."""
        with _translated():
            async for document in self._inner.aggregate(list(pipeline)):
                yield document

    async def ensure_index(
        self,
        keys: Sequence[tuple[str, int]],
        *,
        unique: bool = False,
        sparse: bool = False,
        expire_after_seconds: int | None = None,
    ) -> None:
        """Create the index unless it is there."""
        options: dict[str, Any] = {}
        if expire_after_seconds is not None:
            options["expireAfterSeconds"] = expire_after_seconds
        with _translated():
            await self._inner.create_index(list(keys), unique=unique, sparse=sparse, **options)


class Mongo:
    """One client and one database: a service owns its own and reads no other."""

    def __init__(self, uri: str, database: str, *, timeout_ms: int, selection_timeout_ms: int) -> None:
        self._client: Any = AsyncIOMotorClient(
            uri,
            tz_aware=True,
            retryWrites=False,  # a standalone refuses them; the compare-and-set makes our own retries safe
            retryReads=False,  # callers learn sooner, and know best what to do
            # not timeoutMS: that sets the socket's time-out anew for every command, a fight for the interpreter each
            socketTimeoutMS=timeout_ms,
            serverSelectionTimeoutMS=selection_timeout_ms,
            connectTimeoutMS=selection_timeout_ms,
            maxPoolSize=50,
            appname=database,
        )
        self._database = self._client.get_database(
            database,
            codec_options=_OPTIONS,
            # what was read may decide "already applied": it must not be taken back by a fail-over
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern(w="majority", j=True, wtimeout=timeout_ms),
        )

    def collection(self, name: str) -> Collection:
        """A collection of the service's database."""
        return Collection(self._database[name])

    async def ping(self) -> None:
        """Raises: DatabaseUnavailable."""
        with _translated():
            await self._database.command("ping")

    async def collection_names(self) -> tuple[str, ...]:
        """The collections that there are, by name. Raises: DatabaseUnavailable."""
        with _translated():
            return tuple(sorted(await self._database.list_collection_names()))

    async def replica_set(self) -> str | None:
        """The name of the replica set that answers, None for a standalone. Raises: DatabaseUnavailable."""
        with _translated():
            answer: Document = await self._database.command("hello")
            return answer.get("setName")

    async def drop(self) -> None:
        """Drop the whole database: for tests and fresh starts."""
        with _translated():
            await self._client.drop_database(self._database.name)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
