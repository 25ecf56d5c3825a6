"""The relay's leases, order and recovery, on a real database and with a Kafka that fails when told to."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
from samples import Sample, counted
from shared.chassis.aggregates import Cause, MongoAggregates
from shared.chassis.metrics import Metrics
from shared.chassis.mongo import Collection, Mongo
from shared.chassis.outbox import LEASE, WRITERS_LEASE, EventTooLarge, OutboxFull, Relay, entries
from shared.chassis.topics import TopicNames
from shared.contracts import Principal, ProgrammePublished
from shared.testing.clock import ManualClock
from shared.testing.waiting import eventually

pytestmark = pytest.mark.integration

US = Principal.service("test", tenant="default")
OURS = Cause(principal=US)


class FlakyKafka:
    """Remembers what it stored; fails, or stores and still fails, when told to."""

    def __init__(self) -> None:
        self.stored: list[str] = []
        self.fail_before: set[str] = set()
        self.fail_after: set[str] = set()
        self.slow = 0.0

    async def send(self, topic: str, *, key: str, value: bytes, headers: Sequence[tuple[str, bytes]]) -> None:
        event_id = dict(headers)["ce_id"].decode()
        await asyncio.sleep(self.slow)
        if event_id in self.fail_before:
            raise ConnectionError("not stored")
        self.stored.append(event_id)
        if event_id in self.fail_after:
            raise ConnectionError("stored, but the answer was lost")


class Fixture:
    def __init__(self, mongo: Mongo) -> None:
        self.collection: Collection = mongo.collection("samples")
        self.clock = ManualClock()
        self.kafka = FlakyKafka()
        self.samples = MongoAggregates(self.collection, Sample, clock=self.clock, relay=NoNudge())

    def relay(self) -> Relay:
        return Relay(
            [self.collection],
            self.kafka,
            service="test",
            topics=TopicNames("t.", {}),
            clock=self.clock,
            metrics=Metrics("test"),
        )

    async def count(self, times: int, name: str = "a") -> None:
        for _ in range(times):
            await self.samples.change(name, Cause(principal=US), lambda old: counted(old, id=name))

    def writing_beside(self, relay: Relay) -> MongoAggregates[Sample]:
        return MongoAggregates(self.collection, Sample, clock=self.clock, relay=relay, leases_for=relay)

    async def work(self, relay: Relay) -> None:
        """Let the relay do what it was told to do."""
        working = asyncio.create_task(relay.run())
        try:
            await eventually(lambda: relay.idle)
        finally:
            working.cancel()

    async def document(self) -> dict[str, object]:
        return await self.collection.find_one({"_id": "a"}) or {}


class NoNudge:
    def nudge(self, collection: Collection, id: str) -> None:
        pass


@pytest.fixture
async def world(mongo_uri: str) -> AsyncIterator[Fixture]:
    mongo = Mongo(mongo_uri, f"relay_{uuid4().hex}", timeout_ms=10_000, selection_timeout_ms=3_000)
    yield Fixture(mongo)
    await mongo.drop()
    mongo.close()


async def test_a_drained_document_has_nothing_left_to_send(world: Fixture) -> None:
    await world.count(3)
    await world.relay().drain(world.collection, "a")
    assert world.kafka.stored == ["a.1", "a.2", "a.3"]
    document = await world.document()
    assert document["outbox"] == []
    assert "ob" not in document


async def test_a_failed_send_stops_the_rest_and_is_tried_again_later(world: Fixture) -> None:
    await world.count(3)
    world.kafka.fail_before = {"a.2"}
    relay = world.relay()
    await relay.drain(world.collection, "a")
    assert world.kafka.stored == ["a.1"]
    world.kafka.fail_before = set()
    await relay.drain(world.collection, "a")
    assert world.kafka.stored == ["a.1"], "the pause has not passed"
    world.clock.advance(timedelta(seconds=2))
    await relay.drain(world.collection, "a")
    assert world.kafka.stored == ["a.1", "a.2", "a.3"]


async def test_a_lost_acknowledgement_sends_again_and_keeps_first_occurrences_in_order(world: Fixture) -> None:
    await world.count(3)
    world.kafka.fail_after = {"a.2"}
    relay = world.relay()
    await relay.drain(world.collection, "a")
    world.kafka.fail_after = set()
    world.clock.advance(timedelta(seconds=2))
    await relay.drain(world.collection, "a")
    assert world.kafka.stored == ["a.1", "a.2", "a.2", "a.3"]


async def test_a_repeat_is_counted_and_what_is_sent_for_the_first_time_is_not(world: Fixture) -> None:
    await world.count(3)
    world.kafka.fail_after = {"a.2"}
    relay = world.relay()
    await relay.drain(world.collection, "a")
    assert repeats(relay) == 0
    world.kafka.fail_after = set()
    world.clock.advance(timedelta(seconds=2))
    await relay.drain(world.collection, "a")
    assert repeats(relay) == 1, "a.2, and not a.3"


async def test_what_a_dead_relay_may_have_sent_counts_as_repeated(world: Fixture) -> None:
    await world.count(2)
    await world.relay()._claim(world.collection, "a")
    world.clock.advance(LEASE + timedelta(seconds=1))
    relay = world.relay()
    await relay.drain(world.collection, "a")
    assert repeats(relay) == 2


async def test_the_age_of_the_outbox_grows_while_sends_fail_and_falls_to_nothing_afterwards(world: Fixture) -> None:
    await world.count(1)
    world.kafka.fail_before = {"a.1"}
    relay = world.relay()
    for _ in range(8):
        await relay.drain(world.collection, "a")
        world.clock.advance(timedelta(seconds=20))
    await relay.sweep()
    assert relay._metrics.outbox_age._value.get() == 160, "also while the next try lies ahead"
    assert relay._metrics.outbox_pending._value.get() == 1
    world.kafka.fail_before = set()
    world.clock.advance(timedelta(seconds=100))
    await relay.drain(world.collection, "a")
    await relay.sweep()
    assert relay._metrics.outbox_age._value.get() == relay._metrics.outbox_pending._value.get() == 0


def repeats(relay: Relay) -> float:
    return float(relay._metrics.relay_repeats.labels("goal_reached")._value.get())


async def test_two_relays_send_each_event_once(world: Fixture) -> None:
    for name in (f"d{number}" for number in range(20)):
        await world.count(2, name)
    first, second = world.relay(), world.relay()
    names = [f"d{number}" for number in range(20)]
    await asyncio.gather(*(relay.drain(world.collection, name) for name in names for relay in (first, second)))
    assert sorted(world.kafka.stored) == sorted(f"{name}.{number}" for name in names for number in (1, 2))


async def test_a_relay_that_dies_holding_the_lease_is_replaced_when_it_ends(world: Fixture) -> None:
    await world.count(2)
    await world.relay()._claim(world.collection, "a")
    await world.relay().drain(world.collection, "a")
    assert world.kafka.stored == []
    world.clock.advance(LEASE + timedelta(seconds=1))
    await world.relay().drain(world.collection, "a")
    assert world.kafka.stored == ["a.1", "a.2"]


async def test_a_relay_that_slept_past_its_lease_sends_and_removes_nothing(world: Fixture) -> None:
    await world.count(1)
    sleeper = world.relay()
    claimed = await sleeper._claim(world.collection, "a")
    assert claimed is not None
    world.clock.advance(LEASE + timedelta(seconds=1))
    await world.relay().drain(world.collection, "a")
    await world.count(1)
    await sleeper._send_all(world.collection, claimed)
    assert len((await world.document())["outbox"]) == 1  # type: ignore[arg-type]
    await world.relay().drain(world.collection, "a")
    assert world.kafka.stored == ["a.1", "a.2"]


async def test_a_writer_hands_its_event_to_the_relay_beside_it_without_a_claim(world: Fixture) -> None:
    beside, other = world.relay(), world.relay()
    await world.writing_beside(beside).change("a", OURS, lambda old: counted(old, id="a"))
    await other.drain(world.collection, "a")
    assert world.kafka.stored == []
    await world.work(beside)
    assert world.kafka.stored == ["a.1"]
    assert "ob" not in await world.document()


async def test_what_is_written_while_something_waits_is_sent_after_it(world: Fixture) -> None:
    beside = world.relay()
    first, second = world.writing_beside(beside), world.writing_beside(beside)
    for samples in (first, second, first):
        await samples.change("a", Cause(principal=US), lambda old: counted(old, id="a"))
    await world.work(beside)
    assert world.kafka.stored == ["a.1", "a.2", "a.3"]
    assert "ob" not in await world.document()


async def test_what_a_dead_process_had_leased_is_sent_by_another_when_the_lease_ends(world: Fixture) -> None:
    await world.writing_beside(world.relay()).change("a", OURS, lambda old: counted(old, id="a"))
    world.clock.advance(WRITERS_LEASE)
    relay = world.relay()
    await relay.sweep()
    await world.work(relay)
    assert world.kafka.stored == ["a.1"]


async def test_a_hand_over_that_comes_too_late_sends_nothing(world: Fixture) -> None:
    slept, awake = world.relay(), world.relay()
    await world.writing_beside(slept).change("a", OURS, lambda old: counted(old, id="a"))
    world.clock.advance(WRITERS_LEASE)
    await awake.drain(world.collection, "a")
    await world.work(slept)
    assert world.kafka.stored == ["a.1"]


async def test_an_event_added_during_a_drain_is_sent_too(world: Fixture) -> None:
    await world.count(1)
    world.kafka.slow = 0.1
    drain = asyncio.create_task(world.relay().drain(world.collection, "a"))
    await asyncio.sleep(0.05)
    await world.count(1)
    await drain
    assert world.kafka.stored == ["a.1", "a.2"]
    assert "ob" not in await world.document()


async def test_the_sweep_finds_what_no_nudge_announced(world: Fixture) -> None:
    await world.count(1)
    relay = world.relay()
    running = asyncio.create_task(relay.run())
    world.clock.advance(timedelta(seconds=3))
    try:
        for _ in range(100):
            await asyncio.sleep(0.05)
            if world.kafka.stored:
                break
    finally:
        running.cancel()
    assert world.kafka.stored == ["a.1"]


async def test_an_outbox_that_nobody_drains_refuses_further_events(
    world: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.chassis.aggregates.OUTBOX_LIMIT", 3)
    await world.count(3)
    with pytest.raises(OutboxFull):
        await world.count(1)
    assert (await world.document())["count"] == 3


def test_an_oversized_event_is_refused_before_it_is_written() -> None:
    clock = ManualClock()
    event = ProgrammePublished(
        version=1,
        occurred_at=clock.now(),
        programme_id="p",
        title="x",
        starts_on=clock.now().date(),
        goals=[{"code": "a" * 60, "metric": "b" * 60, "target": 1}] * 50,
    )
    assert len(entries([event], after=0, at=clock.now())) == 1
    big = event.model_copy(update={"title": "x" * 70_000})
    with pytest.raises(EventTooLarge):
        entries([big], after=0, at=clock.now())
