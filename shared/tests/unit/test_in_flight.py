"""What a subscription commits, with a consumer whose Kafka refuses, hangs or has given the partition away."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError
from shared.chassis import in_flight
from shared.chassis.in_flight import InFlight
from shared.testing.waiting import eventually

FIRST, SECOND = TopicPartition("paired", 0), TopicPartition("paired", 1)


class Consumer:
    """Answers each commit with the next of ``answers``, then always well."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.committed: dict[TopicPartition, int] = {}
        self.commits = 0

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.commits += 1
        match self.answers.pop(0) if self.answers else "well":
            case "never":
                await asyncio.Event().wait()
            case "refused":
                raise CommitFailedError
            case "disconnected":
                raise KeyError("the connection")
            case _:
                self.committed |= offsets


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "COMMIT_SECONDS", 0.05)
    monkeypatch.setattr(in_flight, "COMMIT_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(in_flight, "GRACEFUL_SECONDS", 0.3)


async def deliver(flight: InFlight, consumer: Consumer, partition: TopicPartition, offset: int) -> Any:
    async def original(_record: object) -> Any:
        return SimpleNamespace(consumer=consumer, committed=None)

    record = SimpleNamespace(topic=partition.topic, partition=partition.partition, offset=offset, headers=())
    return await flight.parse(record, original)


async def handle(flight: InFlight, consumer: Consumer, partition: TopicPartition, offset: int) -> None:
    message = await deliver(flight, consumer, partition, offset)
    await message.consumer.commit()
    message.committed = True


async def test_records_handled_in_quick_succession_are_committed_together() -> None:
    flight, consumer = InFlight(), Consumer()
    for offset in range(5):
        await handle(flight, consumer, FIRST, offset)
        await handle(flight, consumer, SECOND, offset)
    await eventually(lambda: consumer.committed, equals={FIRST: 5, SECOND: 5})
    assert consumer.commits == 1


@pytest.mark.parametrize("answer", ["never", "refused", "disconnected"])
async def test_a_commit_that_is_not_confirmed_is_tried_again_though_no_record_follows(answer: str) -> None:
    flight, consumer = InFlight(), Consumer(answer, answer)
    await handle(flight, consumer, FIRST, 0)
    await eventually(lambda: consumer.committed, equals={FIRST: 1})


async def test_a_partition_is_given_away_only_with_its_record_handled_and_committed() -> None:
    flight, consumer = InFlight(), Consumer()
    message = await deliver(flight, consumer, FIRST, 0)
    giving_away = asyncio.create_task(flight.on_partitions_revoked({FIRST}))
    await asyncio.sleep(0.1)
    assert not giving_away.done()
    await message.consumer.commit()
    message.committed = True
    await giving_away
    assert consumer.committed == {FIRST: 1}


async def test_nothing_is_committed_for_a_partition_that_was_given_away_until_it_is_back() -> None:
    flight, consumer = InFlight(), Consumer()
    await flight.on_partitions_revoked({FIRST})
    await handle(flight, consumer, FIRST, 0)
    await asyncio.sleep(0.2)
    assert consumer.commits == 0
    await flight.on_partitions_assigned({FIRST})
    await handle(flight, consumer, FIRST, 0)
    await eventually(lambda: consumer.committed, equals={FIRST: 1})


async def test_what_kafka_does_not_confirm_before_the_partition_goes_is_left_to_its_next_reader() -> None:
    flight, consumer = InFlight(), Consumer(*["never"] * 3)
    await handle(flight, consumer, FIRST, 0)
    await flight.on_partitions_revoked({FIRST})
    tried = consumer.commits
    await asyncio.sleep(0.2)
    assert consumer.commits == tried
    assert consumer.committed == {}


async def test_in_a_process_that_goes_down_each_record_is_committed_at_once() -> None:
    flight, consumer = InFlight(), Consumer()
    await handle(flight, consumer, FIRST, 0)
    await flight.commit_from_now_on()
    assert consumer.committed == {FIRST: 1}
    await handle(flight, consumer, FIRST, 1)
    assert consumer.committed == {FIRST: 2}
