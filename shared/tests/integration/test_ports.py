"""One behaviour suite for the ports: what the in-memory ones do is what MongoDB does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from samples import Part, Sample, counted, reached
from shared.chassis.aggregates import Aggregates, Cause, MongoAggregates
from shared.chassis.mongo import Collection, Mongo
from shared.chassis.projections import MongoProjections, Projections
from shared.chassis.reservations import Claim, MongoReservations, Reservations
from shared.contracts import Event, NotFound, Principal, Role
from shared.testing.clock import ManualClock
from shared.testing.memory import InMemoryAggregates, InMemoryProjections, InMemoryReservations

US = Principal.service("test", tenant="default")
THEM = Principal.service("test", tenant="other")


class NoRelay:
    def nudge(self, collection: Collection, id: str) -> None:
        pass


@pytest.fixture
async def mongo(mongo_uri: str) -> AsyncIterator[Mongo]:
    mongo = Mongo(mongo_uri, f"ports_{uuid4().hex}", timeout_ms=10_000, selection_timeout_ms=3_000)
    yield mongo
    await mongo.drop()
    mongo.close()


@pytest.fixture(params=["memory", "mongodb"])
def samples(request: pytest.FixtureRequest) -> Aggregates[Sample]:
    if request.param == "memory":
        return InMemoryAggregates(Sample)
    mongo: Mongo = request.getfixturevalue("mongo")
    return MongoAggregates(mongo.collection("samples"), Sample, clock=ManualClock(), relay=NoRelay())


@pytest.fixture(params=["memory", "mongodb"])
def copies(request: pytest.FixtureRequest) -> Projections[Sample]:
    if request.param == "memory":
        return InMemoryProjections(Sample)
    mongo: Mongo = request.getfixturevalue("mongo")
    return MongoProjections(mongo.collection("copies"), Sample)


@pytest.fixture(params=["memory", "mongodb"])
def reservations(request: pytest.FixtureRequest) -> Reservations:
    if request.param == "memory":
        return InMemoryReservations()
    mongo: Mongo = request.getfixturevalue("mongo")
    return MongoReservations(mongo.collection("claims"))


async def test_a_state_comes_back_as_it_was_stored(samples: Aggregates[Sample]) -> None:
    rich = Sample(
        id="a",
        tenant="default",
        version=1,
        count=3,
        tags=frozenset({"x", "y"}),
        parts=(Part(role=Role.MENTOR, weight=2),),
        born=date(1960, 2, 29),
        seen_at=datetime(2026, 3, 2, 12, 0, 0, 123000, tzinfo=UTC),
        by_number={1: "one"},
    )
    await samples.change("a", Cause(principal=US), lambda _: (rich, []))
    assert await samples.get("default", "a") == rich


async def test_the_same_event_has_its_effect_once(samples: Aggregates[Sample]) -> None:
    cause = Cause(principal=US, event_id="/mentoring/test#b.1")
    for _ in range(3):
        await samples.change("a", cause, counted)
    assert (await samples.get("default", "a")).count == 1


async def test_the_same_command_has_its_effect_once(samples: Aggregates[Sample]) -> None:
    cause = Cause.command(US, "key-1")
    for _ in range(3):
        await samples.change("a", cause, counted)
    assert (await samples.get("default", "a")).count == 1


async def test_different_causes_each_have_their_effect(samples: Aggregates[Sample]) -> None:
    for number in range(3):
        await samples.change("a", Cause(principal=US, event_id=f"e{number}"), counted)
    assert (await samples.get("default", "a")).count == 3


async def test_concurrent_changes_all_count(samples: Aggregates[Sample]) -> None:
    await asyncio.gather(*(samples.change("a", Cause(principal=US), counted) for _ in range(6)))
    assert (await samples.get("default", "a")).count == 6


@pytest.fixture
def two_processes(mongo: Mongo) -> tuple[Aggregates[Sample], Aggregates[Sample]]:
    collection, clock = mongo.collection("samples"), ManualClock()
    here, there = (MongoAggregates(collection, Sample, clock=clock, relay=NoRelay()) for _ in range(2))
    return here, there


async def test_what_another_process_changed_is_never_overwritten_from_memory(
    two_processes: tuple[Aggregates[Sample], Aggregates[Sample]],
) -> None:
    for samples in two_processes * 4:
        await samples.change("a", Cause(principal=US), counted)
    assert [(await samples.get("default", "a")).count for samples in two_processes] == [8, 8]


async def test_what_another_process_has_applied_is_not_applied_from_memory(
    two_processes: tuple[Aggregates[Sample], Aggregates[Sample]],
) -> None:
    here, there = two_processes
    await here.change("a", Cause(principal=US), counted)
    event = Cause(principal=US, event_id="other#1")
    await there.change("a", event, counted)
    assert (await here.change("a", event, counted)).count == 2


async def test_a_refusal_rests_on_what_is_stored_and_not_on_memory(
    two_processes: tuple[Aggregates[Sample], Aggregates[Sample]],
) -> None:
    here, there = two_processes
    await here.change("a", Cause(principal=US), counted)
    await there.change("a", Cause(principal=US), counted)

    def only_the_third(old: Sample | None) -> tuple[Sample, list[Event]]:
        if old is None or old.count != 2:
            raise NotFound("not the third")
        return counted(old)

    assert (await here.change("a", Cause(principal=US), only_the_third)).count == 3


async def test_a_state_from_memory_equals_the_stored_one(mongo: Mongo) -> None:
    samples = MongoAggregates(mongo.collection("samples"), Sample, clock=ManualClock(), relay=NoRelay())
    full = Sample(
        id="a",
        tenant="default",
        version=1,
        tags=frozenset({"b", "a"}),
        parts=(Part(role=Role.MENTOR, weight=1),),
        born=date(1970, 1, 2),
        seen_at=datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
        by_number={1: "one"},
    )
    await samples.change("a", Cause(principal=US), lambda _: (full, []))
    seen: list[Sample | None] = []

    def look(old: Sample | None) -> tuple[Sample, list[Event]]:
        seen.append(old)
        raise NotFound("only looking")

    with pytest.raises(NotFound):
        await samples.change("a", Cause(principal=US), look)
    guessed, stored = seen
    assert guessed == stored


async def test_nothing_to_do_writes_nothing(samples: Aggregates[Sample]) -> None:
    first = await samples.change("a", Cause(principal=US), counted)

    def leave(state: Sample | None) -> tuple[Sample, list[Event]]:
        assert state is not None
        return state, []

    assert await samples.change("a", Cause(principal=US), leave) == first


async def test_a_decision_that_forgets_the_version_is_refused(samples: Aggregates[Sample]) -> None:
    first = await samples.change("a", Cause(principal=US), counted)
    with pytest.raises(ValueError, match="must make version"):
        await samples.change("a", Cause(principal=US), lambda _: (replace(first, count=9), []))
    with pytest.raises(ValueError, match="must make version"):
        await samples.change("b", Cause(principal=US), lambda _: (counted(None, id="b")[0], [reached("b", 7)]))


async def test_another_tenant_sees_and_changes_nothing(samples: Aggregates[Sample]) -> None:
    await samples.change("a", Cause(principal=US), counted)
    assert await samples.find("other", "a") is None
    with pytest.raises(NotFound):
        await samples.get("other", "a")
    with pytest.raises(NotFound):
        await samples.change("a", Cause(principal=THEM), counted)
    assert (await samples.page("other")).items == ()


async def test_pages_follow_each_other_without_gap_or_repeat(samples: Aggregates[Sample]) -> None:
    for name in "abcde":
        await samples.change(name, Cause(principal=US), lambda _, name=name: counted(None, id=name))  # type: ignore[misc]
    seen, cursor = [], None
    while True:
        page = await samples.page("default", limit=2, cursor=cursor)
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == list("abcde")
    assert await samples.count("default", {"count": 1}) == 5


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ({"tags": "x"}, ["a"]),
        ({"parts.role": "mentor"}, ["a"]),
        ({"parts.weight": 5}, []),
        ({"born": None}, ["b"]),
        ({"born": "1960-01-01"}, ["a"]),
        ({"tags": "$gt"}, []),
    ],
)
async def test_filters_mean_the_same_everywhere(
    samples: Aggregates[Sample], where: dict[str, Any], ids: list[str]
) -> None:
    one = Sample(
        id="a",
        tenant="default",
        version=1,
        tags=frozenset({"x", "y"}),
        parts=(Part(role=Role.MENTOR, weight=2),),
        born=date(1960, 1, 1),
    )
    await samples.change("a", Cause(principal=US), lambda _: (one, []))
    await samples.change("b", Cause(principal=US), lambda _: (Sample(id="b", tenant="default", version=1), []))
    assert [item.id for item in (await samples.page("default", where)).items] == ids
    assert [item.id async for item in samples.stream("default", where)] == ids


async def test_the_newest_version_of_a_copy_wins_in_any_order(copies: Projections[Sample]) -> None:
    def version(number: int) -> Sample:
        return Sample(id="a", tenant="default", version=number, count=number)

    assert await copies.keep_newest(version(2))
    assert not await copies.keep_newest(version(1))
    assert not await copies.keep_newest(version(2))
    assert await copies.keep_newest(version(3))
    assert (await copies.get("default", "a")).count == 3


async def test_concurrent_first_copies_keep_the_newest(copies: Projections[Sample]) -> None:
    versions = [Sample(id="a", tenant="default", version=number) for number in range(1, 9)]
    await asyncio.gather(*(copies.keep_newest(version) for version in versions))
    assert (await copies.get("default", "a")).version == 8


async def test_a_capacity_is_never_exceeded_by_concurrent_claims(reservations: Reservations) -> None:
    def two_places(others: Any, _: Claim) -> bool:
        return len(others) < 2

    refused = await asyncio.gather(
        *(
            reservations.acquire("default", [Claim(holder=f"pair_{number}", on="vol_1")], two_places)
            for number in range(6)
        )
    )
    assert sum(claim is None for claim in refused) == 2
    assert len(await reservations.claims("default", "vol_1")) == 2


async def test_claiming_again_and_releasing_twice_change_nothing(reservations: Reservations) -> None:
    claim = Claim(holder="ses_1", on="per_1", start=datetime(2026, 3, 2, 9, tzinfo=UTC))
    for _ in range(2):
        assert await reservations.acquire("default", [claim], lambda others, _: not others) is None
    assert await reservations.claims("default", "per_1") == (claim,)
    assert await reservations.claims("other", "per_1") == ()
    for _ in range(2):
        await reservations.release("default", "ses_1", ["per_1", "per_2"])
    assert await reservations.claims("default", "per_1") == ()


async def test_claims_before_the_one_that_does_not_fit_stay_until_released(reservations: Reservations) -> None:
    full = Claim(holder="other", on="b")
    await reservations.acquire("default", [full], lambda others, _: True)
    wanted = [Claim(holder="mine", on="a"), Claim(holder="mine", on="b")]
    assert await reservations.acquire("default", wanted, lambda others, _: not others) == wanted[1]
    assert await reservations.claims("default", "a") == (wanted[0],)
    await reservations.release("default", "mine", ["a", "b"])
    assert await reservations.claims("default", "a") == ()
    assert await reservations.claims("default", "b") == (full,)
