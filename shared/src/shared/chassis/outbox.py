"""The relay of the transactional outbox: claims by lease, sends in order, and loses nothing.

The outbox is an array inside the aggregate's document. A document with something to send has ``ob.due``; a relay
claims it by setting a token and a lease, and every later write filters on the token. An expired lease is the only
recovery path. Sending again is possible, so readers keep an inbox.
"""

import asyncio
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from shared.contracts import Envelope, Event
from shared.contracts.cloud_events import SOURCE_PREFIX, data_schema, event_type, to_headers

from .clock import Clock
from .failpoints import Failpoint, reach
from .logging import followed, get_logger
from .metrics import Metrics
from .mongo import Collection, DatabaseUnavailable, Document
from .telemetry import Traces, on_kafka
from .topics import TopicNames

log = get_logger(__name__)

LEASE = timedelta(seconds=30)
WRITERS_LEASE = timedelta(seconds=5)
"""What a writer takes for the relay beside it; after a crash a sweep takes the document over so much later."""
GRACE = timedelta(seconds=2)
"""Fresh work is left to the nudge for this long before a sweep takes it."""
SWEEP_SECONDS = 1.0
SWEEP_LIMIT = 200
DRAIN_LIMIT = 50
WORKERS = 16
BACKOFF_BASE = 0.5
BACKOFF_CAP = 60.0
MAX_EVENT_BYTES = 64 * 1024

_TOKENS = random.Random(uuid4().int)  # noqa: S311 - a name for a lease, unlike any other; no secret


class OutboxFull(Exception):
    """Too many events of one aggregate are still waiting for Kafka."""


class EventTooLarge(ValueError):
    """An event above the limit is refused before it is written, so the relay never meets one."""


class Sender(Protocol):
    """Puts one record on a topic and returns once Kafka has acknowledged it from all in-sync replicas."""

    async def send(self, topic: str, *, key: str, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        """Raises: Exception, when the record was not acknowledged. It may have been stored all the same."""
        ...


def entries(events: Sequence[Event], *, after: int, at: datetime) -> list[Document]:
    """Number events for the outbox. Their bytes are fixed here, so sending again sends the same.

    Raises:
        EventTooLarge: Above 64 KiB.
    """
    correlation_id, traceparent = followed()
    numbered = []
    for number, event in enumerate(events, start=after + 1):
        data = event.model_dump_json()
        if len(data.encode()) > MAX_EVENT_BYTES:
            raise EventTooLarge(f"{event.name} of {event.aggregate_id} exceeds {MAX_EVENT_BYTES} bytes")
        numbered.append(
            {
                "n": number,
                "name": event.name,
                "type": event_type(event),
                "schema": data_schema(event),
                "subject": event.aggregate_id,
                "key": event.key,
                "data": data,
                "at": at,
                "correlation_id": correlation_id,
                "traceparent": traceparent,
            }
        )
    return numbered


def new_lease(now: datetime) -> Document:
    """``ob`` of a document that had nothing to send before: pending, and leased to the relay beside the writer."""
    return {"due": now, "tok": _token(), "until": now + WRITERS_LEASE}


def _token() -> str:
    return f"{_TOKENS.getrandbits(128):032x}"


class Relay:
    """Drains the outboxes of a service's collections. One runs in every replica; none is the leader."""

    def __init__(
        self,
        collections: Sequence[Collection],
        sender: Sender,
        *,
        service: str,
        topics: TopicNames,
        clock: Clock,
        metrics: Metrics,
        traces: Traces | None = None,
    ) -> None:
        self._collections = list(collections)
        self._sender = sender
        self._source = f"{SOURCE_PREFIX}{service}"
        self._topics = topics
        self._clock = clock
        self._metrics = metrics
        self._traces = traces or Traces()
        self._queue: asyncio.Queue[tuple[Collection, str, Document | None]] = asyncio.Queue()
        self._queued: set[tuple[str, str]] = set()
        self._busy = 0

    def add(self, collection: Collection) -> None:
        """Sweep this collection too."""
        self._collections.append(collection)

    def nudge(self, collection: Collection, id: str) -> None:
        """Drain this document soon; several nudges of one document become one drain."""
        if (collection.name, id) not in self._queued:
            self._queued.add((collection.name, id))
            self._queue.put_nowait((collection, id, None))

    def take_over(self, collection: Collection, document: Document) -> None:
        """Send what the writer of this document has leased for this relay: no claim is needed."""
        self._queue.put_nowait((collection, document["_id"], document))

    @property
    def idle(self) -> bool:
        """Nothing is queued, and no worker is sending."""
        return self._queue.empty() and not self._busy

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(WORKERS):
                group.create_task(self._work())
            group.create_task(self._sweep_for_ever())

    async def _work(self) -> None:
        while True:
            collection, id_, leased = await self._queue.get()
            self._busy += 1
            if leased is None:
                self._queued.discard((collection.name, id_))
            try:
                if leased is not None:
                    reach(Failpoint.RELAY_TAKEN_OVER)
                if leased is None or await self._send_all(collection, leased):
                    await self.drain(collection, id_)
            except DatabaseUnavailable:
                log.warning("outbox waits for the database", document=id_)
            except Exception:  # the sweep will come back to it; a worker must never die
                log.exception("drain failed", document=id_)
            finally:
                self._busy -= 1

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - jitter
            try:
                await self.sweep()
            except DatabaseUnavailable:
                log.warning("sweep waits for the database")
            except Exception:
                log.exception("sweep failed")

    async def sweep(self) -> None:
        """Queue what nudges have missed: crashes between a write and its nudge, expired leases, backoffs."""
        now = self._clock.now()
        pending = 0
        oldest: datetime | None = None
        for collection in self._collections:
            waiting = [
                document
                async for document in collection.find(
                    {"ob.due": {"$exists": True}},
                    sort=[("ob.due", 1)],
                    limit=SWEEP_LIMIT,
                    fields=["_id", "ob.due", "outbox.at"],
                )
            ]
            due = [document for document in waiting if document["ob"]["due"] <= now - GRACE]
            random.shuffle(due)
            for document in due:
                self.nudge(collection, document["_id"])
            pending += await self.pending(collection)
            # also of those that back off after a failed send: their due date is no age
            firsts = [document["outbox"][0]["at"] for document in waiting if document.get("outbox")]
            oldest = min([*firsts, oldest] if oldest else firsts, default=oldest)
        self._metrics.outbox_pending.set(pending)
        self._metrics.outbox_age.set((now - oldest).total_seconds() if oldest else 0)

    async def pending(self, collection: Collection) -> int:
        """Documents of this collection with incomplete publications."""
        return await collection.count({"ob.due": {"$exists": True}})

    async def total_pending(self) -> int:
        """Documents of the whole service with incomplete publications."""
        return sum([await self.pending(collection) for collection in self._collections])

    async def drain(self, collection: Collection, id: str) -> None:
        """Send what waits in one document, in order, while this relay holds the lease."""
        while True:
            document = await self._claim(collection, id)
            if document is None:
                return
            reach(Failpoint.RELAY_CLAIMED)
            if not await self._send_all(collection, document):
                return

    async def _claim(self, collection: Collection, id: str) -> Document | None:
        """The document under our lease; ``ob.doubtful``, which is not stored, is how many events may repeat others."""
        now = self._clock.now()
        lease = {"tok": _token(), "until": now + LEASE}
        before = await collection.find_one_and_update(
            {
                "_id": {"$eq": id},
                "ob.due": {"$lte": now},
                "$or": [{"ob.until": {"$exists": False}}, {"ob.until": {"$lte": now}}],
            },
            {"$set": {f"ob.{name}": value for name, value in lease.items()}},
            before=True,
        )
        return None if before is None else {**before, "ob": {**before["ob"], **lease, "doubtful": _doubtful(before)}}

    async def _send_all(self, collection: Collection, document: Document) -> bool:
        """Send and remove; whether another drain should follow at once."""
        mine = {"_id": document["_id"], "ob.tok": document["ob"]["tok"]}
        now = self._clock.now()
        renew_at = now + (document["ob"]["until"] - now) / 2
        waiting = document["outbox"]
        last = 0 if waiting else document["seq"]
        failed = False
        for place, entry in enumerate(waiting[:DRAIN_LIMIT]):
            if last:
                reach(Failpoint.RELAY_BETWEEN_SENDS)
            if self._clock.now() >= renew_at:
                if not await collection.update_one(mine, {"$set": {"ob.until": self._clock.now() + LEASE}}):
                    return False
                renew_at = self._clock.now() + LEASE / 2
            try:
                await self._send(document, entry, again=place < document["ob"].get("doubtful", 0))
            except Exception as error:  # noqa: BLE001 - any failed send must stop the rest, to keep the order
                log.warning("publish failed", event_id=f"{document['_id']}.{entry['n']}", error=repr(error))
                self._metrics.publish_failures.inc()
                failed = True
                break
            last = entry["n"]
        if last:
            reach(Failpoint.RELAY_AFTER_SEND)
        # a removal that is lost only sends again: no need to wait for the journal
        if not failed and await collection.unhurried().update_one(
            {**mine, "seq": last}, {"$set": {"outbox": []}, "$unset": {"ob": ""}}
        ):
            return False
        await self._give_back(collection, mine, document, last=last, failed=failed)
        return not failed

    async def _give_back(
        self, collection: Collection, mine: Document, document: Document, *, last: int, failed: bool
    ) -> None:
        """Remove what was sent and free the lease: more was added meanwhile, or a send failed."""
        tries = document["ob"].get("tries", 0)
        delay = min(BACKOFF_CAP, BACKOFF_BASE * 2 ** min(tries, 10)) * random.uniform(0.5, 1.5)  # noqa: S311
        change: Document = {
            "$unset": {"ob.tok": "", "ob.until": ""},
            "$set": {
                "ob.due": self._clock.now() + timedelta(seconds=delay if failed else 0),
                "ob.tries": tries + 1 if failed else 0,
            },
        }
        if last:
            change["$pull"] = {"outbox": {"n": {"$lte": last}}}
        await collection.unhurried().update_one(mine, change)

    async def _send(self, document: Document, entry: Document, *, again: bool) -> None:
        event_id = f"{document['_id']}.{entry['n']}"
        envelope = Envelope(
            event_id=event_id,
            source=self._source,
            type=entry["type"],
            time=entry["at"],
            subject=entry["subject"],
            dataschema=entry["schema"],
            partition_key=entry["key"],
            sequence=f"{entry['n']:012d}",
            tenant=document["tenant"],
            correlation_id=entry.get("correlation_id"),
            traceparent=entry.get("traceparent"),
        )
        topic = self._topics.named(entry["name"], int(entry["type"].rpartition(".v")[2]))
        about = {"messaging.message.id": event_id, "telemachus.again": again, **on_kafka("send", topic)}
        with self._traces.span(f"send {entry['name']}", "producer", parent=envelope.traceparent, attributes=about):
            await self._sender.send(topic, key=entry["key"], value=entry["data"].encode(), headers=to_headers(envelope))
        self._metrics.events_published.labels(entry["name"]).inc()
        if again:
            self._metrics.relay_repeats.labels(entry["name"]).inc()


def _doubtful(before: Document) -> int:
    """How many of a document's events may be on their topics although nobody removed them.

    A relay whose lease ran out may have sent all. One whose send failed has given back all but those before it.
    """
    if "until" in before["ob"]:
        return len(before["outbox"])
    return 1 if before["ob"].get("tries") else 0
