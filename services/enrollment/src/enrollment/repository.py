"""MongoDB, as far as the chassis' own ports do not reach: the identity map and what imports keep aside."""

from collections.abc import AsyncIterator, Sequence
from collections.abc import Collection as Values
from dataclasses import asdict
from datetime import datetime
from typing import Any

from shared.chassis.aggregates import MongoAggregates, StoredStates
from shared.chassis.clock import Clock
from shared.chassis.documents import StateCodec
from shared.chassis.mongo import Collection, Document, DuplicateKey
from shared.chassis.projections import MongoProjections

from .domain.hr_file import Finding
from .domain.imports import ImportReport
from .domain.people import Person
from .domain.programmes import Programme
from .domain.volunteers import Volunteer

REPORTS_KEPT_SECONDS = 30 * 24 * 3600
"""Reports quote cells, so they are personal data and do not stay."""
_PART = 1000


class MongoPeople(StoredStates[Person]):
    """The identity map: one document per person, found by reference or by staff number."""

    def __init__(self, collection: Collection) -> None:
        super().__init__(collection, Person)

    async def by_refs(self, tenant: str, refs: Values[str]) -> dict[str, Person]:
        """Those of these people who are known, by reference."""
        return {person.id: person async for person in self._among(tenant, "_id", refs)}

    async def by_staff_numbers(self, tenant: str, numbers: Values[str]) -> dict[str, Person]:
        """Those of these people who are known, by staff number."""
        return {person.staff_number: person async for person in self._among(tenant, "staff_number", numbers)}

    async def refs_of(self, tenant: str, numbers: Values[str]) -> dict[str, str]:
        """References only, by staff number, of those who are known."""
        where = {"tenant": {"$eq": tenant}, "staff_number": {"$in": list(numbers)}}
        return {
            found["staff_number"]: found["_id"] async for found in self.collection.find(where, fields=["staff_number"])
        }

    async def save_all(self, people: Sequence[Person]) -> None:
        """Store people; a newer version that is already there stays. May be repeated."""
        documents = [
            (person, {"tenant": person.tenant, "v": person.version, **self.codec.encode(person)}) for person in people
        ]
        await self.collection.bulk_update(
            [({"_id": person.id}, {"$setOnInsert": stored}) for person, stored in documents if person.version == 1],
            upsert=True,
        )
        await self.collection.bulk_update(
            [
                ({"_id": person.id, "tenant": person.tenant, "v": {"$lt": person.version}}, {"$set": stored})
                for person, stored in documents
                if person.version > 1
            ]
        )

    async def _among(self, tenant: str, field: str, values: Values[str]) -> AsyncIterator[Person]:
        if values:
            async for document in self.collection.find({"tenant": {"$eq": tenant}, field: {"$in": list(values)}}):
                yield self.codec.decode(document)


class MongoImportStore:
    """Whose turn it is per directory, and what imports keep aside, in parts well under MongoDB's document limit."""

    def __init__(self, turns: Collection, parts: Collection, clock: Clock) -> None:
        self._turns = turns
        self._parts = parts
        self._clock = clock
        self._people = StateCodec(Person)

    async def take_turn(self, tenant: str, import_id: str, *, until: datetime) -> str | None:
        """See the port: an insert decides between two imports."""
        try:
            await self._turns.insert_one({"_id": tenant, "holder": import_id, "until": until})
        except DuplicateKey:
            if await self.prolong(tenant, import_id, until=until):
                return None
            holder = await self._turns.find_one({"_id": {"$eq": tenant}})
            return await self.take_turn(tenant, import_id, until=until) if holder is None else str(holder["holder"])
        return None

    async def prolong(self, tenant: str, import_id: str, *, until: datetime) -> bool:
        """Hold the directory for longer; False when it is held no more."""
        return await self._turns.update_one(
            {"_id": {"$eq": tenant}, "holder": {"$eq": import_id}}, {"$set": {"until": until}}
        )

    async def end_turn(self, tenant: str, import_id: str) -> None:
        """Give the directory free; harmless when somebody else holds it."""
        await self._turns.delete_one({"_id": {"$eq": tenant}, "holder": {"$eq": import_id}})

    async def abandoned(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Tenant and import of every claim that ran out."""
        return [(turn["_id"], turn["holder"]) async for turn in self._turns.find({"until": {"$lt": now}})]

    async def stage(self, tenant: str, import_id: str, people: Sequence[Person]) -> None:
        """Keep people aside, to be stored once the whole import is decided."""
        items = [{"_id": one.id, "v": one.version, **self._people.encode(one)} for one in people]
        await self._append(tenant, import_id, "people", items)

    async def staged(self, tenant: str, import_id: str) -> AsyncIterator[Sequence[Person]]:
        """What was kept aside, batch by batch."""
        async for items in self._read(tenant, import_id, "people"):
            yield [self._people.decode({"tenant": tenant, **item}) for item in items]

    async def keep_refusals(self, tenant: str, import_id: str, findings: Sequence[Finding]) -> None:
        """Keep refusals for the CSV, in order."""
        await self._append(tenant, import_id, "refusals", [asdict(finding) for finding in findings])

    async def refusals(self, tenant: str, import_id: str) -> AsyncIterator[Sequence[Finding]]:
        """Every refusal of an import, batch by batch."""
        async for items in self._read(tenant, import_id, "refusals"):
            yield [Finding(**item) for item in items]

    async def discard_staged(self, tenant: str, import_id: str) -> None:
        """Drop what was kept aside."""
        await self._parts.delete_many(_part(tenant, import_id, "people"))

    async def discard_refusals(self, tenant: str, import_id: str) -> None:
        """Drop the refusals of an earlier try."""
        await self._parts.delete_many(_part(tenant, import_id, "refusals"))

    async def _append(self, tenant: str, import_id: str, kind: str, items: list[dict[str, Any]]) -> None:
        number = await self._parts.count(_part(tenant, import_id, kind))
        for start in range(0, len(items), _PART):
            part: Document = {
                "_id": f"{tenant}/{import_id}/{kind}/{number:06d}",
                "tenant": tenant,
                "import_id": import_id,
                "kind": kind,
                "items": items[start : start + _PART],
                "at": self._clock.now(),
            }
            await self._parts.insert_one(part)
            number += 1

    async def _read(self, tenant: str, import_id: str, kind: str) -> AsyncIterator[list[dict[str, Any]]]:
        async for part in self._parts.find(_part(tenant, import_id, kind), sort=[("_id", 1)]):
            yield part["items"]


class MongoUncheckedProgrammes:
    """Publications by which the volunteers were not judged yet."""

    def __init__(self, programmes: Collection) -> None:
        self._programmes = programmes

    async def unchecked(self) -> Sequence[tuple[str, str]]:
        """Tenant and programme of each."""
        found = self._programmes.find({"volunteers_checked": {"$eq": False}}, fields=["tenant"], limit=100)
        return [(programme["tenant"], programme["_id"]) async for programme in found]


async def ensure_indexes(
    *,
    people: Collection,
    parts: Collection,
    reports: MongoProjections[ImportReport],
    volunteers: MongoAggregates[Volunteer],
    programmes: MongoAggregates[Programme],
) -> None:
    """One reference per staff number is a promise; the other indexes are for speed and for forgetting."""
    await people.ensure_index([("tenant", 1), ("staff_number", 1)], unique=True)
    await people.ensure_index([("tenant", 1), ("unit", 1)])
    await people.ensure_index([("tenant", 1), ("site", 1)])
    await people.ensure_index([("tenant", 1), ("_id", 1)])
    await parts.ensure_index([("tenant", 1), ("import_id", 1), ("kind", 1), ("_id", 1)])
    await parts.ensure_index([("at", 1)], expire_after_seconds=REPORTS_KEPT_SECONDS)
    await reports.collection.ensure_index([("created_at", 1)], expire_after_seconds=REPORTS_KEPT_SECONDS)
    await volunteers.collection.ensure_index([("tenant", 1), ("programme_id", 1), ("status", 1), ("_id", 1)])
    await volunteers.collection.ensure_index([("tenant", 1), ("person_ref", 1)])
    await volunteers.collection.ensure_index([("tenant", 1), ("_id", 1)])
    await programmes.collection.ensure_index([("tenant", 1), ("_id", 1)])
    await programmes.collection.ensure_index([("volunteers_checked", 1)])


def _part(tenant: str, import_id: str, kind: str) -> Document:
    return {"tenant": {"$eq": tenant}, "import_id": {"$eq": import_id}, "kind": {"$eq": kind}}
