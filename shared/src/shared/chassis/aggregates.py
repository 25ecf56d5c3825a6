"""Aggregates: state, inbox and outbox in one document, changed by one compare-and-set.

This is what makes the delivery promise hold without transactions: the effect, the memory of its cause and the
events that tell of it are one atomic write. The relay in :mod:`shared.chassis.outbox` does the sending.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from uuid import uuid4

from shared.contracts import Delivery, Event, NotFound, Principal

from .clock import Clock
from .documents import Scalar, State, StateCodec
from .failpoints import Failpoint, reach
from .metrics import Metrics
from .mongo import Collection, DatabaseUnavailable, Document, DuplicateKey
from .outbox import OutboxFull, entries, new_lease
from .recent import Recent
from .telemetry import Traces

S = TypeVar("S", bound=State)
Change = tuple[S, Sequence[Event]]
Decide = Callable[[S | None], Change[S]]

TRIES = 8
INBOX_SIZE = 512
COMMANDS_SIZE = 64
OUTBOX_LIMIT = 500
_ABSENT = object()
_KEYS = random.Random(uuid4().int)  # noqa: S311 - unlike any other, and no secret; the system's cost a call each time
_LIMITS = {"inbox": INBOX_SIZE, "cmds": COMMANDS_SIZE}


class WriteConflict(Exception):
    """Other writers won every try."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why a document changes: a command (HTTP) or a delivered event. The same cause has its effect once."""

    principal: Principal
    event_id: str | None = None
    """Inbox id of the event; remembered in the document."""
    command_key: str = field(default_factory=lambda: f"{_KEYS.getrandbits(128):032x}")
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


class TakesOver(Protocol):
    """A relay that sends what a writer has leased for it in the write itself."""

    def take_over(self, collection: Collection, document: Document) -> None:
        """Send this document's outbox; never blocks and may be lost, since the lease ends by itself."""
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
        leases_for: TakesOver | None = None,
        traces: Traces | None = None,
    ) -> None:
        super().__init__(collection, state)
        self._clock = clock
        self._relay = relay
        self._metrics = metrics
        self._leases_for = leases_for
        self._traces = traces or Traces()
        self._recent = Recent()

    async def ensure_indexes(self) -> None:
        """The relay's index holds only documents with something to send."""
        await self.collection.ensure_index([("ob.due", 1)], sparse=True)

    async def find(self, tenant: str, id: str) -> S | None:
        """The state, or None where the tenant has none of this id. A change that follows need not read again."""
        document = await self._read(id)
        return None if document is None or document["tenant"] != tenant else self.codec.decode(document)

    async def change(self, id: str, cause: Cause, decide: Decide[S]) -> S:
        """See :meth:`Aggregates.change`. What it tells others carries its span (:mod:`shared.chassis.telemetry`)."""
        with self._traces.span(f"change {self.codec.name}", attributes={"telemachus.id": id}):
            return await self._change(id, cause, decide)

    async def _change(self, id: str, cause: Cause, decide: Decide[S]) -> S:
        guessed = await self._guess(id, cause, decide)
        if guessed is not None:
            return guessed
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

    async def _guess(self, id: str, cause: Cause, decide: Decide[S]) -> S | None:
        """One decision on what was last seen here, one write; None when that needs a reading after all."""
        document = self._recent.guess(id)
        if document is None or document["tenant"] != cause.tenant or _already_applied(document, cause):
            return None
        old = self.codec.decode(document)
        try:
            new, events = decide(old)
        except Exception:  # noqa: BLE001 - only what is stored can be the reason of a refusal, or of a fault
            return None
        if new is old and not events:
            return None
        with contextlib.suppress(DatabaseUnavailable, OutboxFull):  # read, and look for the cause
            if await self._store(id, document, new, events, cause):
                return new
        return None

    async def _try(self, id: str, cause: Cause, decide: Decide[S]) -> S | None:
        """One reading, one decision, one write; None when another writer was faster."""
        document = await self._read(id)
        if document is not None and document["tenant"] != cause.tenant:
            raise NotFound(f"there is no {self.codec.name} {id[:100]!r}")
        old = None if document is None else self.codec.decode(document)
        if document is not None and old is not None and _already_applied(document, cause):
            if self._metrics:
                self._metrics.unchanged.labels("command" if cause.event_id is None else "inbox").inc()
            return old
        new, events = decide(old)
        if new is old and not events:
            return new
        return new if await self._store(id, document, new, events, cause) else None

    async def _read(self, id: str) -> Document | None:
        document = await self.collection.find_one({"_id": {"$eq": id}})
        if document is not None:
            self._recent.keep(document)
        return document

    async def _pause(self, attempt: int) -> None:
        if self._metrics:
            self._metrics.cas_retries.inc()
        await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - jitter

    async def _store(self, id: str, document: Document | None, new: S, events: Sequence[Event], cause: Cause) -> bool:
        """One compare-and-set; False when another writer was faster."""
        before = document or {"_id": id, "tenant": cause.tenant, "v": 0, "seq": 0}
        _check_versions(new, before["v"], events)
        waiting = before.get("outbox", [])
        if events and len(waiting) + len(events) > OUTBOX_LIMIT:
            raise OutboxFull(f"{len(waiting)} events of {id} still wait for Kafka")
        now = self._clock.now()
        outbox = entries(events, after=before["seq"], at=now)
        # only a write that counts up the version brings `ob` into a document: without it nobody else has the lease
        leased = new_lease(now) if self._leases_for and outbox and "ob" not in before else None
        fields = self.codec.encode(new) | ({"ob": leased} if leased else {})
        name, remembered = _remembered(before, cause, new.version)
        after: Document = {
            **before,
            **({"ob": {"due": now}} if outbox else {}),
            **fields,
            "v": new.version,
            "seq": before["seq"] + len(outbox),
            "outbox": [*waiting, *outbox],
            name: remembered,
        }
        self._recent.forget(id)
        reach(Failpoint.WRITE_BEFORE)
        if document is None:
            stored = await self._insert(after)
        else:
            change: Document = {
                "$inc": {"v": 1, "seq": len(outbox)},
                "$push": {name: {"$each": remembered[-1:], "$slice": -_LIMITS[name]}},
            }
            if changed := {field: value for field, value in fields.items() if before.get(field, _ABSENT) != value}:
                change["$set"] = changed
            if outbox:
                change["$push"]["outbox"] = {"$each": outbox}
            if outbox and not leased:
                change["$min"] = {"ob.due": now}
            stored = await self.collection.update_one({"_id": {"$eq": id}, "v": before["v"]}, change)
        if stored:
            reach(Failpoint.WRITE_AFTER)
            self._recent.keep(after)
            if leased and self._leases_for:
                self._leases_for.take_over(self.collection, {**after, "outbox": outbox})
            elif outbox:
                self._relay.nudge(self.collection, id)
        return stored

    async def _insert(self, document: Document) -> bool:
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


def _remembered(before: Document, cause: Cause, version: int) -> tuple[str, list[Any]]:
    """The field that remembers causes of this kind, and what it holds with this one."""
    if cause.event_id is not None:
        return "inbox", [*before.get("inbox", ()), cause.event_id][-INBOX_SIZE:]
    return "cmds", [*before.get("cmds", ()), {"k": cause.command_key, "v": version}][-COMMANDS_SIZE:]


def _check_versions(new: State, version: int, events: Sequence[Event]) -> None:
    """A decision that forgets the version would let readers keep an older state: refuse it loudly."""
    wrong = [event.name for event in events if event.version != version + 1]
    if new.version != version + 1 or wrong:
        raise ValueError(f"a change of version {version} must make version {version + 1}: {new.id}, {wrong}")
