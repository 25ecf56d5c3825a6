"""Matching's own database: its collections, their indexes, and the questions beyond the generic ports."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime

from pydantic import TypeAdapter
from shared.chassis.documents import StateCodec
from shared.chassis.mongo import Collection, Document
from shared.chassis.service import Chassis
from shared.contracts import Role

from .domain.candidate import Candidate, Programme
from .domain.pairing import Pairing, PairingStatus
from .domain.proposal import StoredLeftOut, StoredPair
from .domain.renewal import Renewal
from .domain.restriction import Restriction
from .domain.run import MatchRun, RunStatus
from .domain.study import Study, StudyStatus
from .use_cases.ports import PoolFigures, Stores, Upload, Work
from .use_cases.snapshot import HOLDING

A_BATCH = 200
RESULTS = ("proposed_pairs", "left_out")
PEOPLE_A_DOCUMENT = 500
VERSIONS_AT_ONCE = 2000
PEOPLE_AT_ONCE = 100
PEOPLE_KNOWN = 10_000
"""In memory, per process: some 12 kB each."""
_PEOPLE = TypeAdapter(tuple[Candidate, ...])


def stores(chassis: Chassis) -> Stores:
    """Everything that the service keeps, on MongoDB."""
    return Stores(
        programmes=chassis.projections("programmes", Programme),
        candidates=chassis.projections("candidates", Candidate),
        ready=MongoReady(chassis),
        pairings=chassis.aggregates("pairings", Pairing),
        runs=chassis.aggregates("match_runs", MatchRun),
        renewals=chassis.aggregates("renewals", Renewal),
        restrictions=chassis.aggregates("restrictions", Restriction),
        studies=chassis.aggregates("studies", Study),
        uploads=MongoUploads(chassis),
        proposed=chassis.projections("proposed_pairs", StoredPair),
        left_out=chassis.projections("left_out", StoredLeftOut),
        results=MongoResults(chassis),
        claims=chassis.reservations("places"),
        backlog=MongoBacklog(chassis),
        clock=chassis.clock,
    )


class MongoReady:
    """People by versions from the database and by content from memory: what was read once is not decoded again.

    A version of a person never changes, so nothing that was remembered can be wrong; what is not the newest any more is
    replaced when it is met. The database answers from its index alone, in parts small enough for the event loop.
    """

    def __init__(self, chassis: Chassis) -> None:
        self._candidates = chassis.collection("candidates")
        self._codec = StateCodec(Candidate)
        self._known: OrderedDict[str, Candidate] = OrderedDict()

    async def of_role(self, tenant: str, programme_id: str, role: Role) -> Sequence[Candidate]:
        """See the port."""
        where: Document = {
            "tenant": {"$eq": tenant},
            "programme_id": {"$eq": programme_id},
            "role": {"$eq": role.value},
            "ready": True,
            "withdrawn": False,
        }
        people: list[Candidate] = []
        last = ""
        while newest := await self._versions({**where, "_id": {"$gt": last}}):
            read = await self._read(where, [id_ for id_, version in newest.items() if not self._knows(id_, version)])
            people += [person for id_ in newest if (person := read.get(id_) or self._known.get(id_)) is not None]
            last = max(newest)
        self._forget()
        return people

    async def _versions(self, where: Document) -> Mapping[str, int]:
        """By id, in the order of ids."""
        in_one_document: list[Document] = [
            {"$match": where},
            {"$sort": {"_id": 1}},
            {"$limit": VERSIONS_AT_ONCE},
            {"$group": {"_id": None, "ids": {"$push": "$_id"}, "versions": {"$push": "$v"}}},
        ]
        return {
            id_: version
            async for everybody in self._candidates.aggregate(in_one_document)
            for id_, version in zip(everybody["ids"], everybody["versions"], strict=True)
        }

    def _knows(self, id_: str, version: int) -> bool:
        known = self._known.pop(id_, None)
        if known is None or known.version != version:
            return False
        self._known[id_] = known  # behind whoever was not asked about for longer
        return True

    async def _read(self, where: Document, ids: Sequence[str]) -> Mapping[str, Candidate]:
        """Who has left since their version was read is not among them."""
        read: dict[str, Candidate] = {}
        for begin in range(0, len(ids), PEOPLE_AT_ONCE):
            some = self._candidates.find({**where, "_id": {"$in": ids[begin : begin + PEOPLE_AT_ONCE]}})
            read |= {document["_id"]: self._codec.decode(document) async for document in some}
        self._known |= read
        return read

    def _forget(self) -> None:
        while len(self._known) > PEOPLE_KNOWN:
            self._known.popitem(last=False)


class MongoBacklog:
    """What waits for work, over all tenants. The background jobs ask every second, so each question has an index."""

    def __init__(self, chassis: Chassis) -> None:
        self._runs = chassis.collection("match_runs")
        self._renewals = chassis.collection("renewals")
        self._programmes = chassis.collection("programmes")
        self._studies = chassis.collection("studies")
        self._pairings = chassis.collection("pairings")
        self._candidates = chassis.collection("candidates")

    async def runs_to_take(self, now: datetime) -> Sequence[Work]:
        """Queued, or running under a lease that ran out; the oldest first."""
        nobody_works_on_it = [
            {"status": RunStatus.QUEUED.value},
            {"status": RunStatus.RUNNING.value, "lease_until": {"$lte": now}},
        ]
        return await _work(self._runs, {"$or": nobody_works_on_it}, oldest_by="requested_at")

    async def studies_to_take(self, now: datetime) -> Sequence[Work]:
        """Queued, or running under a lease that ran out; the oldest first."""
        nobody_works_on_it = [
            {"status": StudyStatus.QUEUED.value},
            {"status": StudyStatus.RUNNING.value, "lease_until": {"$lte": now}},
        ]
        return await _work(self._studies, {"$or": nobody_works_on_it}, oldest_by="requested_at")

    async def renewals_to_take(self, now: datetime) -> Sequence[Work]:
        """Due, or claimed and not settled; the longest due first."""
        return await _work(self._renewals, {"$or": [{"due": {"$lte": now}}, {"asked": {"$gt": ""}}]}, oldest_by="due")

    async def programmes(self) -> Sequence[Work]:
        """Every published programme."""
        return [(found["tenant"], found["_id"]) async for found in self._programmes.find({}, fields=["tenant"])]

    async def approvals_to_resume(self, now: datetime) -> Sequence[Work]:
        """Proposed, with an approval that should have been finished by now."""
        where = {"status": RunStatus.PROPOSED.value, "approval_due": {"$lte": now}}
        return await _work(self._runs, where, oldest_by="approval_due")

    async def runs_with_leftovers(self, before: datetime) -> Sequence[Work]:
        """By when they came about."""
        return await _work(self._runs, {"leftovers_since": {"$lte": before}}, oldest_by="leftovers_since")

    async def proposals_to_settle(self, now: datetime) -> Sequence[Work]:
        """Proposed pairings past their time."""
        where = {"status": PairingStatus.PROPOSED.value, "until": {"$lte": now}}
        return await _work(self._pairings, where, oldest_by="until")

    async def places_to_give_back(self) -> Sequence[Work]:
        """Pairings that are over and did not note that their places are free."""
        over = [PairingStatus.ENDED.value, PairingStatus.ABORTED.value]
        return await _work(self._pairings, {"status": {"$in": over}, "claims_held": True}, oldest_by="until")

    async def places_taken(self, tenant: str, programme_id: str) -> Mapping[str, int]:
        """Counted where the data is, and told in one document: 200,000 people are some 11 MB of its 16."""
        holding = {"$in": sorted(status.value for status in HOLDING)}
        groups = self._pairings.aggregate(
            [
                {"$match": {"tenant": {"$eq": tenant}, "programme_id": {"$eq": programme_id}, "status": holding}},
                {"$unwind": "$volunteers"},
                {"$group": {"_id": "$volunteers", "pairings": {"$sum": 1}}},
                {"$group": {"_id": None, "ids": {"$push": "$_id"}, "pairings": {"$push": "$pairings"}}},
            ]
        )
        return {
            id_: pairings
            async for everybody in groups
            for id_, pairings in zip(everybody["ids"], everybody["pairings"], strict=True)
        }

    async def pool(self, tenant: str, programme_id: str) -> PoolFigures:
        """Sums by role and readiness, made where the data is."""
        of_programme: Document = {"tenant": {"$eq": tenant}, "programme_id": {"$eq": programme_id}}
        groups = [
            group
            async for group in self._candidates.aggregate(
                [
                    {"$match": of_programme},
                    {
                        "$group": {
                            "_id": {"role": "$role", "ready": "$ready", "withdrawn": "$withdrawn"},
                            "people": {"$sum": 1},
                            "places": {"$sum": "$capacity"},
                        }
                    },
                ]
            )
        ]
        return PoolFigures(
            programme_id=programme_id,
            known=sum(group["people"] for group in groups),
            mentors=_total(groups, "people", role=Role.MENTOR),
            mentees=_total(groups, "people", role=Role.MENTEE),
            mentors_ready=_total(groups, "people", role=Role.MENTOR, ready=True),
            mentees_ready=_total(groups, "people", role=Role.MENTEE, ready=True),
            places=_total(groups, "places", role=Role.MENTOR, ready=True),
            paired=await self._pairings.count({**of_programme, "status": PairingStatus.ACTIVE.value}),
        )

    async def ensure_indexes(self) -> None:
        """Repeatable."""
        await self._candidates.ensure_index(
            [*((name, 1) for name in ("tenant", "programme_id", "role", "ready", "withdrawn", "_id", "v"))]
        )
        await self._runs.ensure_index([("status", 1), ("requested_at", 1)])
        await self._runs.ensure_index([("tenant", 1), ("programme_id", 1), ("status", 1)])
        await self._runs.ensure_index([("leftovers_since", 1)])
        await self._renewals.ensure_index([("due", 1)])
        await self._renewals.ensure_index([("asked", 1)])
        await self._studies.ensure_index([("status", 1), ("requested_at", 1)])
        await self._studies.ensure_index([("tenant", 1), ("programme_id", 1), ("kind", 1)])
        await self._pairings.ensure_index([("tenant", 1), ("programme_id", 1), ("status", 1)])
        await self._pairings.ensure_index([("tenant", 1), ("people", 1)])
        await self._pairings.ensure_index([("tenant", 1), ("volunteers", 1)])
        await self._pairings.ensure_index([("status", 1), ("claims_held", 1), ("until", 1)])


class MongoResults:
    """Removes results part by part: to delete all at once would keep the database from other work."""

    def __init__(self, chassis: Chassis) -> None:
        self._collections = [chassis.collection(name) for name in RESULTS]

    async def remove(self, tenant: str, result: str, *, most: int) -> int:
        """See the port."""
        whose: Document = {"tenant": {"$eq": tenant}, "result": {"$eq": result}}
        removed = 0
        for collection in self._collections:
            if removed < most:
                found = collection.find(whose, limit=most - removed, fields=["_id"])
                removed += await collection.delete_many({"_id": {"$in": [document["_id"] async for document in found]}})
        return removed


class MongoUploads:
    """Uploaded people, some hundreds to a document. The head is written last, so that none is ever half there.

    The database itself deletes what is past its time, should nobody else.
    """

    def __init__(self, chassis: Chassis) -> None:
        self._documents = chassis.collection("uploaded_people")

    async def keep(self, upload: Upload, people: Sequence[Candidate]) -> None:
        """See the port."""
        whose: Document = {"tenant": upload.tenant, "upload": upload.id, "until": upload.until}
        for number, start in enumerate(range(0, len(people), PEOPLE_A_DOCUMENT)):
            part = _PEOPLE.dump_json(tuple(people[start : start + PEOPLE_A_DOCUMENT]))
            await self._documents.insert_one({"_id": f"{upload.id}.{number:04}", **whose, "people": part})
        await self._documents.insert_one(
            {"_id": upload.id, **whose, "mentors": upload.mentors, "mentees": upload.mentees}
        )

    async def find(self, tenant: str, id: str, now: datetime) -> Upload | None:
        """See the port."""
        head = await self._documents.find_one({"_id": {"$eq": id}, "tenant": {"$eq": tenant}, "until": {"$gt": now}})
        if head is None or "mentors" not in head:
            return None
        return Upload(id=id, tenant=tenant, mentors=head["mentors"], mentees=head["mentees"], until=head["until"])

    async def people(self, upload: Upload) -> tuple[Candidate, ...]:
        """See the port."""
        whose: Document = {"tenant": {"$eq": upload.tenant}, "upload": {"$eq": upload.id}}
        found: list[Candidate] = []
        async for document in self._documents.find(whose, sort=[("_id", 1)]):
            found += _PEOPLE.validate_json(document["people"]) if "people" in document else ()
        return tuple(found)

    async def delete(self, tenant: str, id: str) -> None:
        """See the port. The head goes first."""
        await self._documents.delete_one({"_id": {"$eq": id}, "tenant": {"$eq": tenant}})
        await self._documents.delete_many({"tenant": {"$eq": tenant}, "upload": {"$eq": id}})

    async def ensure_indexes(self) -> None:
        """Repeatable."""
        await self._documents.ensure_index([("tenant", 1), ("upload", 1)])
        await self._documents.ensure_index([("until", 1)], expire_after_seconds=0)


async def ensure_indexes(chassis: Chassis) -> None:
    """Every index that is not the chassis' own. Repeatable."""
    await MongoUploads(chassis).ensure_indexes()
    await MongoBacklog(chassis).ensure_indexes()
    await chassis.collection("restrictions").ensure_index([("tenant", 1), ("programme_id", 1)])
    for results in RESULTS:
        await chassis.collection(results).ensure_index([("tenant", 1), ("result", 1), ("_id", 1)])


async def _work(collection: Collection, where: Document, *, oldest_by: str) -> Sequence[Work]:
    found = collection.find(where, sort=[(oldest_by, 1)], limit=A_BATCH, fields=["tenant"])
    return [(document["tenant"], document["_id"]) async for document in found]


def _total(groups: Sequence[Document], sum_of: str, *, role: Role, ready: bool | None = None) -> int:
    """Of those who have not left."""
    return sum(
        group[sum_of]
        for group in groups
        if group["_id"]["role"] == role.value
        and not group["_id"]["withdrawn"]
        and (ready is None or group["_id"]["ready"] == ready)
    )
