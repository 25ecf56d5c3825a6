"""Out: MongoDB. The generic ports store the states; here is what is particular to scheduling."""

import random
from collections.abc import Sequence
from datetime import datetime

from shared.chassis.mongo import Collection
from shared.chassis.service import Chassis

from .domain.copies import ProgrammeCopy, VolunteerCopy
from .domain.feeds import Feed
from .domain.plans import Plan
from .domain.sessions import Session
from .use_cases import Due, Stores

PLANS, SESSIONS, FEEDS = "plans", "sessions", "feeds"
VOLUNTEERS, PROGRAMMES, CALENDARS = "volunteers", "programmes", "calendars"
_BATCH = 100


def stores(chassis: Chassis) -> Stores:
    """Every collection that scheduling owns."""
    return Stores(
        plans=chassis.aggregates(PLANS, Plan),
        sessions=chassis.aggregates(SESSIONS, Session),
        feeds=chassis.aggregates(FEEDS, Feed),
        volunteers=chassis.projections(VOLUNTEERS, VolunteerCopy),
        programmes=chassis.projections(PROGRAMMES, ProgrammeCopy),
        calendars=chassis.reservations(CALENDARS),
        unfinished=MongoUnfinished(sessions=chassis.collection(SESSIONS), plans=chassis.collection(PLANS)),
        clock=chassis.clock,
    )


async def ensure_indexes(chassis: Chassis) -> None:
    """What lists, arrangements and the sweeper look for."""
    for name in (SESSIONS, PLANS):
        collection = chassis.collection(name)
        await collection.ensure_index([("attention_at", 1)], sparse=True)
        await collection.ensure_index([("tenant", 1), ("programme_id", 1), ("_id", 1)])
        await collection.ensure_index([("tenant", 1), ("people", 1), ("_id", 1)])
    await chassis.collection(SESSIONS).ensure_index([("pairing_id", 1), ("_id", 1)])
    await chassis.collection(PLANS).ensure_index([("volunteers", 1), ("has_unplaced", 1)])
    await chassis.collection(FEEDS).ensure_index([("secret_hash", 1)])


class MongoUnfinished:
    """Finds what was begun and not finished, over all tenants."""

    def __init__(self, *, sessions: Collection, plans: Collection) -> None:
        self._sessions = sessions
        self._plans = plans

    async def sessions(self, now: datetime) -> Sequence[Due]:
        """See :class:`~scheduling.use_cases.Unfinished`."""
        return await _due(self._sessions, now)

    async def plans(self, now: datetime) -> Sequence[Due]:
        """See :class:`~scheduling.use_cases.Unfinished`."""
        return await _due(self._plans, now)


async def _due(collection: Collection, now: datetime) -> list[Due]:
    found = collection.find(
        {"attention_at": {"$lte": now}}, sort=[("attention_at", 1)], limit=_BATCH, fields=["tenant"]
    )
    due = [Due(tenant=document["tenant"], id=document["_id"]) async for document in found]
    random.shuffle(due)  # replicas begin at different ends and seldom meet
    return due
