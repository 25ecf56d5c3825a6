"""Aggregates: state, inbox and outbox in one document, changed by one compare-and-set.

This is what makes the delivery promise hold without transactions: the effect, the memory of its cause and the
events that tell of it are one atomic write. The relay in :mod:`shared.chassis.outbox` does the sending.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from shared.contracts import Delivery, Event, NotFound, Principal

from .clock import Clock
from .documents import Scalar, State, StateCodec
from .metrics import Metrics
from .mongo import Collection, DatabaseUnavailable, Document, DuplicateKey
from .outbox import OutboxFull, entries

S = TypeVar("S", bound=State)
Change = tuple[S, Sequence[Event]]
Decide = Callable[[S | None], Change[S]]

TRIES = 8
INBOX_SIZE = 512
COMMANDS_SIZE = 64
OUTBOX_LIMIT = 500


class WriteConflict(Exception):
    """Other writers won every try."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a document changes: a command (HTTP) or a delivered event. The same cause has its effect once."""

    principal: Principal
    event_id: str | None = None
    """Inbox id of the event; remembered in the document."""
    command_key: str = field(default_factory=lambda: uuid4().hex)
    """Idempotency-Key of the command, or a random one; remembered in the document."""

    @classmethod
    def of(cls, delivery: Delivery[Any], service: str) -> "Cause":
        """An event makes ``service`` act."""
        return cls(principal=delivery.principal(service), event_id=delivery.inbox_id)

    @classmethod
    def command(cls, principal: Principal, idempotency_key: str | None) -> "Cause":
        """A principal asks for something, perhaps again."""
        if idempotency_key is None:
            return cls(principal=principal)
        return cls(principal=principal, command_key=f"{principal.subject}:{idempotency_key}")

    @property
    def tenant(self) -> str:
        """Every document touched belongs to this tenant."""
        return self.principal.tenant


@dataclass(frozen=True)
class Page(Generic[S]):
    """One page of a list, in the order of ids."""

    items: tuple[S, ...]
    next_cursor: str | None


class Aggregates(Protocol[S]):
    """The port through which use cases read and change aggregates."""

    async def find(self, tenant: str, id: str) -> S | None:
        """The aggregate, or None where the tenant has none of this id."""
        ...

    async def get(self, tenant: str, id: str) -> S:
        """The aggregate. Raises: NotFound."""
        ...

    async def change(self, id: str, cause: Cause, decide: Decide[S]) -> S:
        """Decide on the present state and store the outcome with its events, once per cause.

        ``decide`` must be pure: it may run several times. It gets None where there is no such aggregate yet.
        Returning the very same state and no events writes nothing.

        Raises:
            Refusal: Whatever ``decide`` refuses.
            WriteConflict: Other writers won every try.
            OutboxFull: Too many of this aggregate's events are still waiting for Kafka.
            DatabaseUnavailable: The outcome is unknown; the same cause may safely be tried again.
        """
        ...

    async def page(
        self,
        tenant: str,
        where: Mapping[str, Scalar] | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[S]:
        """Aggregates whose (dotted) fields equal these values, or hold them where the field is a list."""
        ...

    def stream(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> AsyncIterator[S]:
        """All of them, batch by batch."""
        ...

    async def count(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> int:
        """How many there are."""
        ...


class Nudge(Protocol):
    """Tells the relay that a document has something to send."""

    def nudge(self, collection: Collection, id: str) -> None:
        """Ask for a drain soon; never blocks and may be lost without harm."""
        ...


class StoredStates(Generic[S]):
    """Reading states of one type out of one collection."""

    def __init__(self, collection: Collection, state: type[S]) -> None:
        self.collection = collection
        self.codec = StateCodec(state)

    async def find(self, tenant: str, id: str) -> S | None:
        """The state, or None where the tenant has none of this id."""
        document = await self.collection.find_one({"_id": {"$eq": id}, "tenant": {"$eq": tenant}})
        return None if document is None else self.codec.decode(document)

    async def get(self, tenant: str, id: str) -> S:
        """The state. Raises: NotFound."""
        state = await self.find(tenant, id)
        if state is None:
            raise NotFound(f"there is no {self.codec.name} {id[:100]!r}")
        return state

    async def page(
        self,
        tenant: str,
        where: Mapping[str, Scalar] | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[S]:
        """One page in the order of ids; the cursor is the last id of the page before."""
        filters = self._filters(tenant, where)
        if cursor is not None:
            filters["_id"] = {"$gt": cursor}
        found = [
            self.codec.decode(document)
            async for document in self.collection.find(filters, sort=[("_id", 1)], limit=limit + 1)
        ]
        items = tuple(found[:limit])
        return Page(items, items[-1].id if len(found) > limit else None)

    async def stream(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> AsyncIterator[S]:
        """All of them, batch by batch, in the order of ids."""
        async for document in self.collection.find(self._filters(tenant, where), sort=[("_id", 1)]):
            yield self.codec.decode(document)

    async def count(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> int:
        """How many there are."""
        return await self.collection.count(self._filters(tenant, where))

    @staticmethod
    def _filters(tenant: str, where: Mapping[str, Scalar] | None) -> Document:
        """Values only ever stand behind ``$eq``: no client can smuggle in an operator."""
        filters: Document = {"tenant": {"$eq": tenant}}
        filters |= {name: {"$eq": value} for name, value in (where or {}).items()}
        return filters


class MongoAggregates(StoredStates[S]):
    """The port on MongoDB (algorithm W and C of the delivery design)."""

    def __init__(
        self,
        collection: Collection,
        state: type[S],
        *,
        clock: Clock,
        relay: Nudge,
        metrics: Metrics | None = None,
    ) -> None:
        super().__init__(collection, state)
        self._clock = clock
        self._relay = relay
        self._metrics = metrics

    async def ensure_indexes(self) -> None:
        """The relay's index holds only documents with something to send."""
        await self.collection.ensure_index([("ob.due", 1)], sparse=True)

    async def change(self, id: str, cause: Cause, decide: Decide[S]) -> S:
        """See :meth:`Aggregates.change`."""
        for attempt in range(TRIES):
            if attempt:
                await self._pause(attempt)
            try:
                outcome = await self._try(id, cause, decide)
            except DatabaseUnavailable:
                if attempt == TRIES - 1 or not await self._is_back():
                    raise
                continue  # the outcome is unknown: read again and look for the cause
            if outcome is not None:
                return outcome
        raise WriteConflict(f"{self.codec.name} {id}: {TRIES} writers in a row were faster")

    async def _try(self, id: str, cause: Cause, decide: Decide[S]) -> S | None:
        """One reading, one decision, one write; None when another writer was faster."""
        document = await self.collection.find_one({"_id": {"$eq": id}})
        if document is not None and document["tenant"] != cause.tenant:
            raise NotFound(f"there is no {self.codec.name} {id[:100]!r}")
        old = None if document is None else self.codec.decode(document)
        if document is not None and old is not None and _already_applied(document, cause):
            return old
        new, events = decide(old)
        if new is old and not events:
            return new
        if not await self._store(id, document, new, events, cause):
            return None
        if events:
            self._relay.nudge(self.collection, id)
        return new

    async def _pause(self, attempt: int) -> None:
        if self._metrics:
            self._metrics.cas_retries.inc()
        await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter

    async def _store(
        self,
        id: str,
        document: Document | None,
        new: S,
        events: Sequence[Event],
        cause: Cause,
    ) -> bool:
        """One compare-and-set; False when another writer was faster."""
        version = 0 if document is None else document["v"]
        _check_versions(new, version, events)
        now = self._clock.now()
        sequence = 0 if document is None else document["seq"]
        waiting = () if document is None else document.get("outbox", ())
        if events and len(waiting) + len(events) > OUTBOX_LIMIT:
            raise OutboxFull(f"{len(waiting)} events of {id} still wait for Kafka")
        outbox = entries(events, after=sequence, at=now)
        if document is None:
            return await self._insert(id, new, outbox, cause, now)
        change: Document = {
            "$set": self.codec.encode(new),
            "$inc": {"v": 1, "seq": len(events)},
            "$push": {
                **({"outbox": {"$each": outbox}} if outbox else {}),
                **_remembered(cause, new.version),
            },
        }
        if outbox:
            change["$min"] = {"ob.due": now}
        return await self.collection.update_one({"_id": {"$eq": id}, "v": version}, change)

    async def _insert(
        self,
        id: str,
        new: S,
        outbox: list[Document],
        cause: Cause,
        now: Any,
    ) -> bool:
        document = {
            "_id": id,
            "tenant": cause.tenant,
            "v": 1,
            "seq": len(outbox),
            **self.codec.encode(new),
            "outbox": outbox,
            **{name: push["$each"] for name, push in _remembered(cause, new.version).items()},
            **({"ob": {"due": now}} if outbox else {}),
        }
        try:
            await self.collection.insert_one(document)
        except DuplicateKey as error:
            if error.index != ("_id",):  # another unique index: a second reading cannot cure that
                raise
            return False
        return True

    async def _is_back(self) -> bool:
        try:
            await self.collection.find_one({"_id": {"$eq": ""}})
        except DatabaseUnavailable:
            return False
        return True


def _already_applied(document: Document, cause: Cause) -> bool:
    if cause.event_id is not None:
        return cause.event_id in document.get("inbox", ())
    return any(command["k"] == cause.command_key for command in document.get("cmds", ()))


def _remembered(cause: Cause, version: int) -> Document:
    if cause.event_id is not None:
        return {"inbox": {"$each": [cause.event_id], "$slice": -INBOX_SIZE}}
    return {"cmds": {"$each": [{"k": cause.command_key, "v": version}], "$slice": -COMMANDS_SIZE}}


def _check_versions(new: State, version: int, events: Sequence[Event]) -> None:
    """A decision that forgets the version would let readers keep an older state: refuse it loudly."""
    wrong = [event.name for event in events if event.version != version + 1]
    if new.version != version + 1 or wrong:
        raise ValueError(f"a change of version {version} must make version {version + 1}: {new.id}, {wrong}")
