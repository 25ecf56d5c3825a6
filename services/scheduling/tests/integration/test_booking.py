"""Booking on a real MongoDB: several replicas, the same people, the same moment."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from scheduling import repository
from scheduling.domain.sessions import Session
from scheduling.settings import Settings
from scheduling.use_cases import Booker, Conducting, Planning, Stores, Wish
from scheduling_builders import TENANT, because_of, manager, on_behalf_of, other_pace, paired, unpaired, windows
from shared.chassis.service import Chassis
from shared.contracts import Cadence, Refusal
from shared.testing.clock import ManualClock

pytestmark = pytest.mark.integration


class Replica:
    """One process of the service, without Kafka: what its handlers and endpoints call."""

    def __init__(self, settings: Settings, clock: ManualClock) -> None:
        self.chassis = Chassis(settings, clock=clock)
        self.stores: Stores = repository.stores(self.chassis)
        booker = Booker(self.stores)
        self.planning = Planning(self.stores, booker)
        self.conducting = Conducting(self.stores, booker)
        self.clock = clock

    async def sessions(self) -> list[Session]:
        return [session async for session in self.stores.sessions.stream(TENANT)]


@pytest.fixture
async def replicas(mongo_uri: str, mongo_database: str) -> AsyncIterator[list[Replica]]:
    settings = Settings(mongo_uri=mongo_uri, mongo_database_prefix=mongo_database, log_level="ERROR")
    clock = ManualClock(datetime(2026, 2, 2, 8, tzinfo=UTC))
    found = [Replica(settings, clock) for _ in range(3)]
    await repository.ensure_indexes(found[0].chassis)
    yield found
    for replica in found:
        replica.chassis.mongo.close()


def check_nobody_is_booked_twice(sessions: list[Session]) -> None:
    by_person: dict[str, list[Session]] = {}
    for session in sessions:
        if session.is_open:
            for person in session.people:
                by_person.setdefault(person, []).append(session)
    for theirs in by_person.values():
        theirs.sort(key=lambda session: session.time.starts_at)
        for one, other in pairwise(theirs):
            assert not one.time.occupied.overlaps(other.time.occupied), (one.id, other.id)


async def test_a_pairing_is_planned_quickly_and_once(replicas: list[Replica]) -> None:
    first, second, _ = replicas
    await first.planning.begin(paired(99), because_of(paired(99)))  # warms the connections
    began = time.perf_counter()
    for pair in range(1, 11):
        await first.planning.begin(paired(pair), because_of(paired(pair)))
    each = (time.perf_counter() - began) / 10
    await second.planning.begin(paired(1), because_of(paired(1)))
    sessions = [session for session in await first.sessions() if session.pairing_id == "pair_1"]
    assert [session.number for session in sessions] == [1, 2, 3, 4, 5, 6]
    assert all(session.is_open and session.attention_at is None for session in sessions)
    assert each < 1.0, f"{each * 1000:.0f} ms for a pair"  # some 50 ms on an idle machine


async def test_replicas_that_plan_for_the_same_people_at_once_never_book_one_twice(replicas: list[Replica]) -> None:
    narrow = windows(2, 3, start="09:00", end="11:00")
    events = [
        paired(
            pair,
            mentor=f"mentor_{pair % 2}",
            mentee=f"mentee_{pair % 3}",
            hours=(narrow, narrow),
            plan=other_pace(sessions=3),
        )
        for pair in range(1, 7)
    ]
    await asyncio.gather(
        *(replica.planning.begin(event, because_of(event)) for event in events for replica in replicas[:2])
    )
    replicas[0].clock.advance(timedelta(minutes=1))
    for _ in range(3):
        await replicas[2].planning.sweep()
    sessions = await replicas[0].sessions()
    assert len([session for session in sessions if session.is_open]) == 18
    check_nobody_is_booked_twice(sessions)
    assert [session.id for session in sessions if session.attention_at] == []


async def test_two_people_who_want_the_same_hour_of_a_third_get_it_once(replicas: list[Replica]) -> None:
    weekly = other_pace(sessions=1, cadence=Cadence.WEEKLY)
    for pair in (1, 2, 3):
        event = paired(pair, mentor="wanted", plan=weekly)
        await replicas[0].planning.begin(event, because_of(event))
    hour = datetime(2026, 2, 12, 13, tzinfo=UTC)
    ids = [session.id for session in await replicas[0].sessions()]
    outcomes = await asyncio.gather(
        *(
            replica.conducting.move(session, on_behalf_of(manager()), Wish(starts_at=hour))
            for replica, session in zip(replicas, ids, strict=True)
        ),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, Refusal) for outcome in outcomes) == 1
    sessions = await replicas[0].sessions()
    assert sum(session.time.starts_at == hour for session in sessions) == 1
    check_nobody_is_booked_twice(sessions)


async def test_a_pairing_that_ends_while_it_is_planned_leaves_no_session(replicas: list[Replica]) -> None:
    for pair in range(1, 6):
        begin, end = paired(pair), unpaired(pair)
        await asyncio.gather(
            replicas[0].planning.begin(begin, because_of(begin)), replicas[1].planning.end(end, because_of(end))
        )
    replicas[0].clock.advance(timedelta(minutes=1))
    for _ in range(2):
        await replicas[2].planning.sweep()
    assert [session.id for session in await replicas[0].sessions() if session.is_open] == []
    for pair in range(1, 6):
        assert await replicas[0].stores.calendars.claims(TENANT, f"mentor_{pair}") == ()


async def test_the_sweeper_finds_what_was_left_in_any_organisation(replicas: list[Replica]) -> None:
    dying, surviving, _ = replicas
    event = paired()

    async def no_more(*_: object) -> None:
        raise ConnectionError

    dying.stores.calendars.acquire = no_more  # type: ignore[method-assign,assignment]
    with pytest.raises(ConnectionError):
        await dying.planning.begin(event, because_of(event))
    assert [session.announced for session in await surviving.sessions()] == [False] * 6
    await surviving.planning.sweep()
    assert not any(session.announced for session in await surviving.sessions())
    surviving.clock.advance(timedelta(minutes=1))
    await surviving.planning.sweep()
    assert all(session.is_open for session in await surviving.sessions())
    assert (await surviving.stores.plans.get(TENANT, "pair_1")).attention_at is None


async def test_states_come_back_as_they_were_stored(replicas: list[Replica]) -> None:
    stores = replicas[0].stores
    event = paired(plan=other_pace(sessions=2))
    await replicas[0].planning.begin(event, because_of(event))
    plan = await stores.plans.get(TENANT, "pair_1")
    assert (plan.effective_on, plan.mentor.availability[0].start) == (event.effective_on, "09:00")
    session = (await stores.sessions.page(TENANT, {"people": "mentee_1", "announced": True})).items[0]
    assert session.booking is not None
    assert session.time.starts_at.tzinfo is not None
    assert (await stores.plans.page(TENANT, {"_id": "pair_1"})).items == (plan,)
    assert (await stores.plans.page(TENANT, {"volunteers": "vol_m1", "has_unplaced": False})).items == (plan,)
