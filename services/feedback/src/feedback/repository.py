"""What feedback asks of MongoDB beyond the chassis' ports."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from shared.chassis.documents import StateCodec
from shared.chassis.mongo import Collection, Document, DuplicateKey
from shared.contracts import Role

from .domain import Answer, AnswerCounts, PairCounts, PairingStatus, Rating, Reading, Response, Tally, ratings_in

WITHOUT_MEMBERS = ("tenant", "v", *(field.name for field in fields(Tally) if field.name != "members"))
WITHOUT_TEXT = (
    "tenant",
    "v",
    *(field.name for field in fields(Response) if field.name not in set(Role)),
    *(f"{side.value}.{field.name}" for side in Role for field in fields(Answer) if field.name != "text"),
)


class MongoLedger:
    """:class:`~feedback.use_cases.Ledger`: a batch is one document whose identifier is its number."""

    def __init__(self, tallies: Collection, responses: Collection) -> None:
        self._tallies = tallies
        self._responses = responses
        self._tally = StateCodec(Tally)
        self._response = StateCodec(Response)

    async def latest(self, tenant: str, programme_id: str) -> Tally | None:
        """See the port. Its members stay in the database: they can be many, and no reader of figures needs them."""
        newest = self._tallies.find(_of(tenant, programme_id), sort=[("number", -1)], limit=1, fields=WITHOUT_MEMBERS)
        return next(iter([self._tally.decode(document | {"members": ()}) async for document in newest]), None)

    async def add(self, tally: Tally) -> bool:
        """See the port: the first to insert a number wins."""
        document = {"_id": tally.id, "tenant": tally.tenant, "v": tally.version, **self._tally.encode(tally)}
        try:
            await self._tallies.insert_one(document)
        except DuplicateKey:
            return False
        return True

    async def pending(self, tenant: str, programme_id: str) -> Sequence[Rating]:
        """See the port. Free text stays in the database."""
        published: set[str] = set()
        async for document in self._tallies.find(_of(tenant, programme_id), fields=["members"]):
            published.update(document["members"])
        answered = _of(tenant, programme_id) | {"answered": {"$eq": True}}
        responses = [
            self._response.decode(document) async for document in self._responses.find(answered, fields=WITHOUT_TEXT)
        ]
        return [rating for rating in ratings_in(responses) if rating.key not in published]


class MongoOverview:
    """:class:`~feedback.use_cases.Overview`: sums are worked out in the database."""

    def __init__(self, journeys: Collection, responses: Collection, goals: Collection) -> None:
        self._journeys = journeys
        self._responses = responses
        self._goals = goals

    async def pairs(self, tenant: str, programme_id: str) -> PairCounts:
        """See the port: one group per status and whether the pair met, then added up here."""
        sums = ("sessions_scheduled", "sessions_completed", "sessions_missed", "sessions_cancelled")
        groups = [
            document
            async for document in self._journeys.aggregate(
                [
                    {"$match": _of(tenant, programme_id)},
                    {
                        "$group": {
                            "_id": {"status": "$status", "met": "$met"},
                            "pairs": {"$sum": 1},
                            **{name: {"$sum": f"${name}"} for name in sums},
                        }
                    },
                ]
            )
        ]
        return PairCounts(
            pairs=sum(group["pairs"] for group in groups),
            pairs_active=sum(
                group["pairs"] for group in groups if group["_id"]["status"] == PairingStatus.ACTIVE.value
            ),
            pairs_that_met=sum(group["pairs"] for group in groups if group["_id"]["met"]),
            **{name: sum(group[name] for group in groups) for name in sums},
        )

    async def answers(self, tenant: str, programme_id: str) -> AnswerCounts:
        """See the port: each response asks both sides."""
        pipeline: list[Mapping[str, Any]] = [
            {"$match": _of(tenant, programme_id)},
            {"$group": {"_id": None, "responses": {"$sum": 1}, "answers": {"$sum": "$answers"}}},
        ]
        async for total in self._responses.aggregate(pipeline):
            return AnswerCounts(requested=len(Role) * total["responses"], submitted=total["answers"])
        return AnswerCounts()

    async def goals(self, tenant: str, programme_id: str) -> Mapping[str, int]:
        """See the port."""
        pipeline: list[Mapping[str, Any]] = [
            {"$match": _of(tenant, programme_id)},
            {"$group": {"_id": "$goal", "pairs": {"$sum": 1}}},
        ]
        return {group["_id"]: group["pairs"] async for group in self._goals.aggregate(pipeline)}


class MongoAuditTrail:
    """:class:`~feedback.use_cases.AuditTrail`: documents are inserted, never changed."""

    def __init__(self, audit: Collection) -> None:
        self._audit = audit
        self._reading = StateCodec(Reading)

    async def note(self, reading: Reading) -> None:
        """See the port."""
        await self._audit.insert_one(
            {
                "_id": reading.id,
                "tenant": reading.tenant,
                "v": reading.version,
                **self._reading.encode(reading),
            }
        )


async def ensure_indexes(
    *, responses: Collection, journeys: Collection, goals: Collection, tallies: Collection, audit: Collection
) -> None:
    """Every query of this service is served by one of these, or by an identifier."""
    for collection in (responses, goals):
        await collection.ensure_index([("tenant", 1), ("programme_id", 1), ("_id", 1)])
        await collection.ensure_index([("tenant", 1), ("pairing_id", 1), ("_id", 1)])
    await responses.ensure_index([("tenant", 1), ("people", 1), ("_id", 1)])
    await journeys.ensure_index([("tenant", 1), ("programme_id", 1)])
    await tallies.ensure_index([("tenant", 1), ("programme_id", 1), ("number", -1)])
    await audit.ensure_index([("tenant", 1), ("programme_id", 1), ("at", 1)])


def _of(tenant: str, programme_id: str) -> Document:
    return {"tenant": {"$eq": tenant}, "programme_id": {"$eq": programme_id}}
