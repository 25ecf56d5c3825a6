"""Reading what there is: topics with aiokafka, collections with pymongo, lists over HTTP. Nothing is changed."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import AsyncMongoClient

from .evidence import READERS, WITH_OUTBOX, Command, Document, Evidence, Record, Rest

READ_MS = 2_000
SIDES = ("mentor", "mentee")
PAYLOAD = frozenset(
    {
        "version", "capacity", "pairing_id", "session_id", "answers", "goal", "mentor_volunteer_id",
        "mentee_volunteer_id", "mentor_ref", "mentee_ref", "starts_at", "minutes",
    }
)  # fmt: skip
"""What is compared of a payload; the rest would only fill memory."""
STORED = (
    "_id", "v", "seq", "cmds", "status", "announced", "pairing_id", "session_id", "number", "answers", "log.event",
    "log.of", "log.version", "pairings", "at_risk", "goals_reached",
)  # fmt: skip
"""What is compared of a document."""
NOBODYS_EFFECT = frozenset({"answers", "people", "people_import_parts", "places", "calendars"})
"""Collections that are not read: answers kept for those who ask again, names of people, claims."""
UNFINISHED: Mapping[str, Document] = {
    "scheduling.sessions": {"attention_at": {"$gt": None}},
    "scheduling.plans": {"attention_at": {"$gt": None}},
    "matching.pairings": {"status": "proposed"},
    "matching.match_runs": {"status": {"$in": ["queued", "running"]}},
}
"""Documents that a sweeper has still to finish."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where everything is: addresses without a proxy in between."""

    bootstrap: str
    mongo_uri: str
    topics: str
    """What the names of topics and groups begin with."""
    databases: str
    """What the names of databases begin with."""
    matching: str
    """Base address of the service."""
    tenant: str
    ledger: Path


async def gather(place: Place, programmes: Sequence[str]) -> Evidence:
    """Read everything."""
    records, dead = await read_topics(place)
    return Evidence(
        commands=read_ledger(place.ledger),
        records=records,
        dead_letters=dead,
        documents=await read_documents(place),
        active_pairings=await read_pairings(place, programmes),
        rest=await rest(place),
    )


def read_ledger(path: Path) -> list[Command]:
    """What the client noted."""
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return [
        Command(
            outcome=line["outcome"],
            kind=line["kind"],
            key=line["key"],
            owes=tuple((event, subject, bool(exactly)) for event, subject, exactly in line["owes"]),
        )
        for line in lines
    ]


async def read_topics(place: Place) -> tuple[list[Record], list[str]]:
    """Every event from the beginning to the present end, and every dead letter."""
    records: list[Record] = []
    dead: list[str] = []
    consumer = AIOKafkaConsumer(
        bootstrap_servers=place.bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = await _partitions(place)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        behind = [partition for partition, end in ends.items() if end > 0]
        while behind:
            for partition, batch in (await consumer.getmany(*behind, timeout_ms=READ_MS)).items():
                name = partition.topic.removeprefix(place.topics)
                if name.endswith(".dlq"):
                    dead += [line for raw in batch if (line := _dead_letter(raw))]
                elif not name.endswith(".retry"):
                    records += [_record(name, raw) for raw in batch]
            behind = [one for one in behind if await consumer.position(one) < ends[one]]
    finally:
        await consumer.stop()
    return records, dead


def _record(name: str, raw: Any) -> Record:
    payload = json.loads(raw.value)
    data = {field: payload[field] for field in PAYLOAD & payload.keys()}
    for side in SIDES:
        if isinstance(payload.get(side), dict):
            data[side] = {"volunteer_id": payload[side]["volunteer_id"]}
    return Record(
        event=name.rpartition(".v")[0],
        id=_header(raw, "ce_id"),
        source=_header(raw, "ce_source").rpartition("/")[2],
        partition=raw.partition,
        offset=raw.offset,
        digest=hashlib.sha256(raw.value).digest()[:8],
        data=data,
    )


def _dead_letter(raw: Any) -> str:
    """One line about it; empty for the record that only settles an earlier one."""
    if _header(raw, "dlq-settles") and not _header(raw, "dlq-reason"):
        return ""
    why = f"{_header(raw, 'dlq-reason')}: {_header(raw, 'dlq-error-class')} {_header(raw, 'dlq-error-message')}"
    return f"{raw.topic}: {_header(raw, 'dlq-original-topic')} {_header(raw, 'ce_id')}: {why}"


def _header(raw: Any, name: str) -> str:
    return next(((value or b"").decode(errors="replace") for key, value in raw.headers if key == name), "")


async def _partitions(place: Place) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=place.bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(place.topics)]
        described = await admin.describe_topics(names)
    finally:
        await admin.close()
    return [TopicPartition(topic["topic"], one["partition"]) for topic in described for one in topic["partitions"]]


async def read_documents(place: Place) -> dict[str, dict[str, Document]]:
    """Every document of every service, as far as it is compared."""
    found: dict[str, dict[str, Document]] = {}
    async with AsyncMongoClient[Document](place.mongo_uri) as client:
        for service in READERS:
            database = client[f"{place.databases}{service}"]
            for name in await database.list_collection_names():
                if name in NOBODYS_EFFECT:
                    continue
                documents = database[name].find({}, projection=list(STORED), batch_size=1_000)
                found[f"{service}.{name}"] = {str(one["_id"]): one async for one in documents}
    return found


async def read_pairings(place: Place, programmes: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Both volunteers of every pairing that the API of matching calls active."""
    headers = {
        "X-Telemachus-Tenant": place.tenant,
        "X-Telemachus-Subject": "checker",
        "X-Telemachus-Roles": "programme_manager",
    }
    found: dict[str, tuple[str, str]] = {}
    async with httpx2.AsyncClient(base_url=place.matching, headers=headers, timeout=30) as http:
        for programme in programmes:
            cursor = ""
            while cursor is not None:
                query = {"programme_id": programme, "limit": "200"} | ({"cursor": cursor} if cursor else {})
                page = (await http.get("/v1/pairings", params=query)).raise_for_status().json()
                for one in page["items"]:
                    if one["status"] == "active":
                        found[one["id"]] = (one["mentor"]["volunteer_id"], one["mentee"]["volunteer_id"])
                cursor = page["next_cursor"]
    return found


async def rest(place: Place) -> Rest:
    """What is still on its way now."""
    ends = await _ends(place)
    outbox: dict[str, int] = {}
    unfinished: dict[str, int] = {}
    async with AsyncMongoClient[Document](place.mongo_uri) as client:
        for service in READERS:
            database = client[f"{place.databases}{service}"]
            names = {*WITH_OUTBOX[service], *await database.list_collection_names()}
            for name in sorted(names):
                if pending := await database[name].count_documents({"ob.due": {"$exists": True}}):
                    outbox[f"{service}.{name}"] = pending
        for collection, where in UNFINISHED.items():
            service, _, name = collection.partition(".")
            if left := await client[f"{place.databases}{service}"][name].count_documents(where):
                unfinished[collection] = left
    return Rest(outbox=outbox, lag=await _lag(place, ends), unfinished=unfinished, records=sum(ends.values()))


async def _ends(place: Place) -> dict[TopicPartition, int]:
    partitions = await _partitions(place)
    consumer = AIOKafkaConsumer(bootstrap_servers=place.bootstrap, group_id=None, enable_auto_commit=False)
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends
    finally:
        await consumer.stop()


async def _lag(place: Place, ends: Mapping[TopicPartition, int]) -> dict[str, int]:
    """By group, of every group that there must be: one that never committed has everything before it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=place.bootstrap)
    await admin.start()
    lag: dict[str, int] = {}
    try:
        for service, events in READERS.items():
            for event in events:
                group = f"{place.topics}{service}.{event}"
                committed = await admin.list_consumer_group_offsets(group)
                applied = {partition: offset.offset for partition, offset in committed.items()}
                mine = {one: end for one, end in ends.items() if one.topic == f"{place.topics}{event}.v1"}
                if left := sum(max(0, end - max(0, applied.get(one, 0))) for one, end in mine.items()):
                    lag[group] = left
    finally:
        await admin.close()
    return lag
