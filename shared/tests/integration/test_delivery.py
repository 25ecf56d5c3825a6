"""The delivery promise on a real broker and a real database."""

import asyncio
import json
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from harness import Harness, read
from samples import counted, reached
from shared.chassis.aggregates import Cause
from shared.chassis.mongo import DatabaseUnavailable
from shared.chassis.settings import ServiceSettings
from shared.contracts import Delivery, Envelope, GoalReached, Invalid, Principal
from shared.contracts.cloud_events import data_schema, event_type, to_headers
from shared.testing.waiting import eventually

pytestmark = pytest.mark.integration

US = Principal.service("test", tenant="default")


def headers_of(event: GoalReached, number: int = 1, **changes: str) -> list[tuple[str, bytes]]:
    envelope = Envelope(
        event_id=f"{event.aggregate_id}.{number}",
        source="/mentoring/feedback",
        type=changes.get("type", event_type(event)),
        time=event.occurred_at,
        subject=event.aggregate_id,
        dataschema=data_schema(event),
        correlation_id="corr-1",
    )
    return to_headers(envelope)


async def send_good(producer: AIOKafkaProducer, harness: Harness, name: str) -> None:
    event = reached(name, 1)
    await producer.send_and_wait(
        harness.source_topic, event.model_dump_json().encode(), key=b"k", headers=headers_of(event)
    )


async def test_a_change_is_published_as_a_cloud_event_with_plain_json(harness: Harness) -> None:
    await harness.samples.change("a", Cause(principal=US), counted)
    record = (await read(harness.settings.kafka_bootstrap, harness.source_topic, 1))[0]
    headers = dict(record.headers)
    assert json.loads(record.value)["goal_id"] == "a"
    assert record.key == b"pair_1"
    assert headers["ce_id"] == b"a.1"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"io.telemachus.mentoring.goal_reached.v1"
    assert headers["content-type"] == b"application/json"
    await eventually(harness.chassis.relay.total_pending, equals=0)


async def test_events_of_one_aggregate_arrive_in_order_each_once(harness: Harness) -> None:
    await asyncio.gather(*(harness.samples.change("a", Cause(principal=US), counted) for _ in range(6)))
    for _ in range(20):
        await harness.samples.change("a", Cause(principal=US), counted)
    records = await read(harness.settings.kafka_bootstrap, harness.source_topic, 26)
    ids = [dict(record.headers)["ce_id"].decode() for record in records]
    assert ids == [f"a.{number}" for number in range(1, 27)]


async def test_a_redelivered_event_changes_nothing(harness: Harness, producer: AIOKafkaProducer) -> None:
    for _ in range(3):
        await send_good(producer, harness, "same")
    await eventually(lambda: len(harness.handled), equals=3)
    assert await harness.counted() == 1


BAD_RECORDS: dict[str, tuple[bytes | None, list[tuple[str, Any]] | None, str]] = {
    "invalid JSON": (b"{", None, "invalid_json"),
    "not UTF-8": (b"\xff\xfe\xfa", None, "invalid_json"),
    "wrong schema": (b'{"version": "x"}', None, "schema"),
    "an operator as a value": (b'{"version": {"$gt": 1}}', None, "schema"),
    "an integer of 400 digits": (b'{"version": ' + b"9" * 400 + b"}", None, "schema"),
    "deep nesting": (b"[" * 100_000, None, "invalid_json"),
    "tombstone": (None, None, "tombstone"),
    "empty value": (b"", None, "tombstone"),
    "no headers": (b"{}", [], "not_a_cloud_event"),
    "null header": (b"{", [("x", None)], "not_a_cloud_event"),
    "binary header": (b"{", [("x", b"\xff\x00")], "not_a_cloud_event"),
    "oversized": (b" " * 600_000, None, "oversized"),
    "structured without data": (b"{}", [("content-type", b"application/cloudevents+json")], "not_a_cloud_event"),
}


async def test_bad_records_are_dead_lettered_with_their_reason_and_good_ones_pass(
    harness: Harness, producer: AIOKafkaProducer
) -> None:
    event = reached("x", 1)
    for number, (value, headers, _reason) in enumerate(BAD_RECORDS.values()):
        await producer.send_and_wait(
            harness.source_topic, value, key=b"k", headers=headers_of(event) if headers is None else headers
        )
        await send_good(producer, harness, f"good-{number}")
    await eventually(lambda: len(harness.handled), equals=len(BAD_RECORDS), timeout=30)
    letters = await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, len(BAD_RECORDS))
    assert [dict(letter.headers)["dlq-reason"].decode() for letter in letters] == [
        reason for _, _, reason in BAD_RECORDS.values()
    ]
    assert [letter.value for letter in letters] == [value for value, _, _ in BAD_RECORDS.values()]
    assert dict(letters[0].headers)["dlq-original-topic"].decode() == harness.source_topic
    assert await harness.counted() == len(BAD_RECORDS)


async def test_a_record_at_the_brokers_limit_is_dead_lettered_without_its_value(
    harness: Harness, producer: AIOKafkaProducer
) -> None:
    await producer.send_and_wait(harness.source_topic, b" " * 1_048_000, headers=headers_of(reached("x", 1)))
    await send_good(producer, harness, "next")
    letter = (await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, 1))[0]
    headers = dict(letter.headers)
    assert (headers["dlq-value-omitted"], headers["dlq-original-offset"]) == (b"1048000", b"0")
    await eventually(harness.counted, equals=1)


async def test_headers_that_are_null_or_binary_do_not_lose_a_good_message(
    harness: Harness, producer: AIOKafkaProducer
) -> None:
    event = reached("a", 1)
    await producer.send_and_wait(
        harness.source_topic,
        event.model_dump_json().encode(),
        headers=[*headers_of(event), ("schema-guid", b"\xff\xfe\x00"), ("nothing", None)],
    )
    await eventually(harness.counted, equals=1)


async def test_a_newer_major_version_is_dead_lettered_by_name(harness: Harness, producer: AIOKafkaProducer) -> None:
    event = reached("a", 1)
    type_ = event_type(event).replace(".v1", ".v2")
    await producer.send_and_wait(harness.source_topic, b"{}", headers=headers_of(event, type=type_))
    letter = (await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, 1))[0]
    assert dict(letter.headers)["dlq-reason"] == b"unknown_version"


async def test_structured_mode_and_a_registry_prefix_are_accepted(harness: Harness, producer: AIOKafkaProducer) -> None:
    event = reached("a", 1)
    attributes = {
        name.removeprefix("ce_"): value.decode() for name, value in headers_of(event) if name.startswith("ce_")
    }
    whole = {**attributes, "data": event.model_dump(mode="json")}
    await producer.send_and_wait(
        harness.source_topic,
        json.dumps(whole).encode(),
        headers=[("content-type", b"application/cloudevents+json; charset=utf-8")],
    )
    await producer.send_and_wait(
        harness.source_topic,
        b"\x00\x00\x00\x00\x07" + event.model_dump_json().encode(),
        headers=headers_of(event, number=2),
    )
    await eventually(harness.counted, equals=2)


async def test_reply_to_never_publishes_an_answer(harness: Harness, producer: AIOKafkaProducer) -> None:
    event = reached("a", 1)
    await producer.send_and_wait(
        harness.source_topic,
        event.model_dump_json().encode(),
        headers=[*headers_of(event), ("reply_to", harness.dead_letter_topic.encode())],
    )
    await eventually(harness.counted, equals=1)
    assert await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, 1, seconds=1) == []


async def test_while_the_database_is_away_nothing_is_dead_lettered_and_order_holds(
    harness: Harness, producer: AIOKafkaProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.chassis.dead_letter.DATABASE_DELAYS", (0.05, 0.1))
    tries: list[str] = []

    async def handler(delivery: Delivery[GoalReached]) -> None:
        tries.append(delivery.envelope.event_id)
        if len(tries) <= 6:
            raise DatabaseUnavailable("test")
        await harness.count(delivery)

    harness.handler = handler
    for name in "abc":
        await send_good(producer, harness, name)
    await eventually(harness.counted, equals=3, timeout=30)
    assert tries[:7] == ["a.1"] * 7
    assert harness.handled == ["a.1", "b.1", "c.1"]
    assert await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, 1, seconds=1) == []


async def test_a_bug_is_tried_four_times_then_dead_lettered_and_the_next_is_handled(
    harness: Harness, producer: AIOKafkaProducer
) -> None:
    tries: list[str] = []

    async def handler(delivery: Delivery[GoalReached]) -> None:
        tries.append(delivery.envelope.event_id)
        if delivery.event.goal_id == "bad":
            raise KeyError("secret payload")
        await harness.count(delivery)

    harness.handler = handler
    await send_good(producer, harness, "bad")
    await send_good(producer, harness, "good")
    await eventually(harness.counted, equals=1, timeout=20)
    letter = (await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, 1))[0]
    assert tries == ["bad.1"] * 4 + ["good.1"]
    assert dict(letter.headers)["dlq-attempts"] == b"4"
    assert b"secret" not in b"".join(value for _, value in letter.headers if value)


async def test_an_invalid_event_is_dead_lettered_at_the_first_try(harness: Harness, producer: AIOKafkaProducer) -> None:
    tries = 0

    async def handler(_: Delivery[GoalReached]) -> None:
        nonlocal tries
        tries += 1
        raise Invalid("no such zone", field="time_zone")

    harness.handler = handler
    await send_good(producer, harness, "a")
    letter = (await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, 1))[0]
    assert dict(letter.headers)["dlq-reason"] == b"refused"
    assert tries == 1


async def test_a_redriven_dead_letter_is_handled_once_and_refused_after_five_rounds(
    harness: Harness, producer: AIOKafkaProducer
) -> None:
    event = reached("a", 1)
    retry = harness.topics.retry("feedback")
    for redrives in (b"1", b"2", b"5"):
        await producer.send_and_wait(
            retry, event.model_dump_json().encode(), headers=[*headers_of(event), ("dlq-redrives", redrives)]
        )
    letter = (await read(harness.settings.kafka_bootstrap, harness.dead_letter_topic, 1))[0]
    assert dict(letter.headers)["dlq-reason"] == b"redriven_too_often"
    assert await harness.counted() == 1


async def test_what_is_written_before_a_crash_is_sent_after_the_restart(settings: ServiceSettings) -> None:
    crashed, again = Harness(settings), Harness(settings)
    await crashed.samples.change("a", Cause(principal=US), counted)  # no relay runs: as if killed before the nudge
    crashed.chassis.mongo.close()
    async with again.running():
        records = await read(again.settings.kafka_bootstrap, again.source_topic, 1)
        assert dict(records[0].headers)["ce_id"] == b"a.1"
        await eventually(again.chassis.relay.total_pending, equals=0)
        await again.chassis.mongo.drop()


async def committed(harness: Harness) -> int:
    """Records of the source topic that the group will never read again."""
    group = harness.topics.group(harness.settings.service_name, GoalReached.name)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=harness.settings.kafka_bootstrap, group_id=group, enable_auto_commit=False
    )
    await consumer.start()
    try:
        return int(await consumer.committed(TopicPartition(harness.source_topic, 0)) or 0)
    finally:
        await consumer.stop()


async def test_what_was_handled_is_committed_soon(harness: Harness, producer: AIOKafkaProducer) -> None:
    for number in range(5):
        await send_good(producer, harness, f"goal_{number}")
    await eventually(lambda: len(harness.handled), equals=5)
    await eventually(lambda: committed(harness), equals=5)


async def test_a_record_that_is_being_handled_is_not_committed(harness: Harness, producer: AIOKafkaProducer) -> None:
    gate = asyncio.Event()

    async def wait(_delivery: object) -> None:
        await gate.wait()

    await send_good(producer, harness, "first")
    await eventually(lambda: len(harness.handled), equals=1)
    harness.handler = wait
    await send_good(producer, harness, "second")
    await eventually(lambda: committed(harness), equals=1)
    await asyncio.sleep(0.6)
    assert await committed(harness) == 1
    gate.set()
    await eventually(lambda: committed(harness), equals=2)


async def test_a_graceful_stop_leaves_nothing_to_be_read_again(
    settings: ServiceSettings, producer: AIOKafkaProducer
) -> None:
    stopped = Harness(settings)
    async with stopped.running():
        await send_good(producer, stopped, "last")
        await eventually(lambda: len(stopped.handled), equals=1)
    assert await committed(stopped) == 1
