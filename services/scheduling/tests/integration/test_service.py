"""The whole service on real Kafka and MongoDB: events in, HTTP, events out."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from icalendar import Calendar
from scheduling.main import build
from scheduling.settings import Settings
from scheduling_builders import (
    feedback_submitted,
    other_pace,
    paired,
    published,
    unpaired,
    volunteer_updated,
    volunteer_withdrawn,
    windows,
)
from shared.chassis.topics import TopicNames
from shared.contracts import Envelope, Event, SessionCancelled, SessionScheduled
from shared.contracts.cloud_events import event_type, to_headers
from shared.testing.backends import create_topics

pytestmark = pytest.mark.integration

Eventually = Callable[..., Any]


@dataclass
class Running:
    http: httpx2.AsyncClient
    settings: Settings
    producer: AIOKafkaProducer

    async def happens(self, *events: Event) -> None:
        """Put events on the bus as their emitters do."""
        for event in events:
            envelope = Envelope(
                event_id=f"{event.aggregate_id}.{event.version}",
                source=f"/mentoring/{event.emitter}",
                type=event_type(event),
                time=event.occurred_at,
                subject=event.aggregate_id,
                partition_key=event.key,
            )
            await self.producer.send_and_wait(
                TopicNames.of(self.settings).event(event),
                event.model_dump_json().encode(),
                key=event.key.encode(),
                headers=to_headers(envelope),
            )

    async def records(self, topic: str, count: int) -> list[ConsumerRecord]:
        """The first records of a topic; fails when fewer come in time."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.settings.kafka_bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        found: list[ConsumerRecord] = []
        try:
            async with asyncio.timeout(30):
                while len(found) < count:
                    for batch in (await consumer.getmany(timeout_ms=200)).values():
                        found += batch
        finally:
            await consumer.stop()
        return found

    async def told(self, event: type[Event], count: int) -> list[Event]:
        topic = TopicNames.of(self.settings).event(event)
        return [event.model_validate_json(record.value) for record in await self.records(topic, count)]

    async def sessions(self, **filters: str) -> list[dict[str, Any]]:
        answer = await self.http.get("/v1/sessions", params={"limit": 200, **filters})
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def how_many(self, **filters: str) -> int:
        return len(await self.sessions(**filters))


@pytest.fixture
async def settings(mongo_uri: str, kafka_bootstrap: str, mongo_database: str, topic_prefix: str) -> Settings:
    settings = Settings(
        mongo_uri=mongo_uri,
        mongo_database_prefix=mongo_database,
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=topic_prefix,
        log_level="ERROR",
    )
    await create_topics(kafka_bootstrap, TopicNames.of(settings).catalogue(), partitions=2)
    return settings


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    app = build(settings)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all")
    await producer.start()
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    http = httpx2.AsyncClient(transport=transport, base_url="http://scheduling", timeout=30)
    async with app.router.lifespan_context(app), http:
        yield Running(http, settings, producer)
    await producer.stop()


@pytest.fixture
async def service(settings: Settings, eventually: Eventually) -> AsyncIterator[Running]:
    async with running(settings) as service:

        async def is_ready() -> bool:
            status = (await service.http.get("/status")).json()
            return bool(status["mongo"] == status["kafka_consumers"] == "ok")

        await eventually(is_ready, timeout=60)
        yield service


async def test_a_pairing_becomes_sessions_that_everybody_is_told_of(service: Running, eventually: Eventually) -> None:
    await service.happens(published(), paired(), paired())  # the same one twice
    await eventually(lambda: service.how_many(pairing_id="pair_1"), equals=6, timeout=30)
    records = await service.records(TopicNames.of(service.settings).event(SessionScheduled), 6)
    first = min(records, key=lambda record: SessionScheduled.model_validate_json(record.value).number)
    headers = dict(first.headers)
    assert headers["ce_type"] == b"io.telemachus.mentoring.session_scheduled.v1"
    assert headers["ce_source"] == b"/mentoring/scheduling"
    assert first.key == b"pair_1"
    shown = (await service.sessions())[0]
    event = SessionScheduled.model_validate_json(first.value)
    assert (event.session_id, event.number, event.objective) == (shown["id"], 1, "kickoff")
    entry = await service.http.get(f"/v1/sessions/{shown['id']}.ics")
    assert "Digital for leaders" in str(Calendar.from_ical(entry.content).walk("VEVENT")[0]["SUMMARY"])


async def test_the_end_of_a_pairing_cancels_its_sessions_whatever_comes_first(
    service: Running, eventually: Eventually
) -> None:
    await service.happens(unpaired(1), paired(2))
    await eventually(lambda: service.how_many(pairing_id="pair_2"), equals=6, timeout=30)
    await service.happens(unpaired(2), paired(1))
    await eventually(lambda: service.how_many(pairing_id="pair_2", status="cancelled"), equals=6, timeout=30)
    cancelled = await service.told(SessionCancelled, 6)
    assert {event.pairing_id for event in cancelled if isinstance(event, SessionCancelled)} == {"pair_2"}
    late = {"pairing_id": "pair_1"}
    assert (await service.http.get("/v1/plans", params=late)).json()["items"][0]["status"] == "ended"
    assert await service.how_many(**late) == 0


async def test_newer_hours_fill_the_gaps_and_a_withdrawal_stops_planning(
    service: Running, eventually: Eventually
) -> None:
    apart = (windows(1), windows(2))
    await service.happens(paired(1, hours=apart), paired(2, hours=apart))

    async def gaps() -> list[int]:
        plans = (await service.http.get("/v1/plans")).json()["items"]
        return [len(plan["unplaced"]) for plan in plans]

    await eventually(gaps, equals=[6, 6], timeout=30)
    await service.happens(volunteer_withdrawn("vol_e2", person="mentee_2"))
    await asyncio.sleep(1)
    await service.happens(volunteer_updated(availability=windows(2)))
    await service.happens(volunteer_updated("vol_m2", person="mentor_2", availability=windows(2)))
    await eventually(gaps, equals=[0, 6], timeout=30)
    assert await service.how_many(pairing_id="pair_1") == 6


async def test_an_impossible_pairing_is_put_aside_with_the_reason(service: Running, eventually: Eventually) -> None:
    await service.happens(paired(1, zones=("Mars/Phobos", "UTC")), paired(2))
    await eventually(lambda: service.how_many(pairing_id="pair_2"), equals=6, timeout=30)
    (letter,) = await service.records(TopicNames.of(service.settings).dead_letter("scheduling"), 1)
    headers = dict(letter.headers)
    assert headers["dlq-error-class"] == b"UnknownTimeZone"
    assert letter.key == b"pair_1"


async def test_the_life_of_a_session_over_http_and_kafka(service: Running, eventually: Eventually) -> None:
    await service.happens(paired(effective_on=date(2025, 9, 1), plan=other_pace(sessions=2)))
    await eventually(service.how_many, equals=2, timeout=30)
    first, second = await service.sessions()
    path = f"/v1/sessions/{first['id']}"
    outcome = {"started_at": first["starts_at"], "actual_minutes": 62, "objective_reached": True}
    key = {"Idempotency-Key": "complete-1"}
    held = await service.http.post(f"{path}/complete", json=outcome, headers=key)
    assert (held.status_code, held.json()["status"]) == (200, "completed")
    again = await service.http.post(f"{path}/complete", json=outcome, headers=key)
    assert again.json() == held.json()
    missed = await service.http.post(f"/v1/sessions/{second['id']}/miss")
    assert missed.json()["status"] == "missed"
    await service.happens(feedback_submitted(first["id"], answers=2))

    async def answers() -> int:
        return int((await service.http.get(path)).json()["answers"])

    await eventually(answers, equals=2, timeout=30)
    opened = await service.http.post("/v1/people/mentor_1/calendar-feed")
    feed = await service.http.get(opened.json()["url"])
    assert len(Calendar.from_ical(feed.content).walk("VEVENT")) == 2


async def test_a_restarted_service_goes_on_where_it_stopped(settings: Settings, eventually: Eventually) -> None:
    async with running(settings) as before:
        await before.happens(*(paired(pair) for pair in range(1, 9)))
        await eventually(before.how_many, timeout=60)  # some are planned, others perhaps not
    async with running(settings) as after:
        await eventually(after.how_many, equals=48, timeout=60)
        events = await after.told(SessionScheduled, 48)
        assert len({event.aggregate_id for event in events}) == 48
