"""What waits in the outboxes, for people and tools: read from the documents themselves, changing nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .mongo import Collection


@dataclass(frozen=True, kw_only=True)
class Incomplete:
    """Incomplete publications of one collection."""

    documents: int
    events: int
    oldest: datetime | None
    """When the event that waits longest happened."""
    leased: int
    """Documents that a relay holds now: it sends, or it died less than a lease ago."""
    tries: int
    """The most failed tries in a row of one document."""


async def incomplete(collection: Collection, now: datetime) -> Incomplete:
    """Look through one collection; its ``ob.due`` is indexed. Raises: DatabaseUnavailable."""
    async for found in collection.aggregate(_pipeline(now)):
        return Incomplete(
            documents=found["documents"],
            events=found["events"],
            oldest=found["oldest"],
            leased=found["leased"],
            tries=found["tries"],
        )
    return Incomplete(documents=0, events=0, oldest=None, leased=0, tries=0)


def _pipeline(now: datetime) -> list[Mapping[str, Any]]:
    return [
        {"$match": {"ob.due": {"$exists": True}}},
        {
            "$group": {
                "_id": None,
                "documents": {"$sum": 1},
                "events": {"$sum": {"$size": {"$ifNull": ["$outbox", []]}}},
                "oldest": {"$min": {"$min": "$outbox.at"}},
                "leased": {"$sum": {"$cond": [{"$gt": ["$ob.until", now]}, 1, 0]}},
                "tries": {"$max": {"$ifNull": ["$ob.tries", 0]}},
            }
        },
    ]
