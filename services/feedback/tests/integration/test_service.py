"""The whole service on real Kafka and MongoDB: events in, HTTP, events out."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI
from feedback.domain import Journey, Response, answer, follow_pairing, follow_session, request_id
from feedback.main import build
from feedback.settings import Settings
from feedback_builders import PROGRAMME, a_request, an_answer, completed, missed, paired, published, scheduled
from pymongo import MongoClient
from shared.chassis.documents import StateCodec
from shared.chassis.topics import TopicNames
from shared.contracts import Envelope, Event, FeedbackSubmitted, GoalReached, PairingAtRisk, Role
from shared.contracts.cloud_events import event_type, to_headers
from shared.testing.backends import create_topics

pytestmark = pytest.mark.integration

TENANT = "default"
MANAGER = {"X-Telemachus-Subject": "maya", "X-Telemachus-Roles": "programme_manager"}
OFFICER = {"X-Telemachus-Subject": "olga", "X-Telemachus-Roles": "programme_officer"}
SECRET = "canary: we do not get along"


def as_person(ref: str) -> dict[str, str]:
    return {"X-Telemachus-Subject": ref, "X-Telemachus-Roles": "participant"}


@dataclass
class Running:
    client: httpx2.AsyncClient
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
                tenant=TENANT,
            )
            await self.producer.send_and_wait(
                TopicNames.of(self.settings).event(event),
                event.model_dump_json().encode(),
                key=event.key.encode(),
                headers=to_headers(envelope),
            )

    async def told(self, event: type[Event]) -> list[Event]:
        """Everything on one topic so far."""
        consumer = AIOKafkaConsumer(
            TopicNames.of(self.settings).event(event),
            bootstrap_servers=self.settings.kafka_bootstrap,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            records = [one for batch in (await consumer.getmany(timeout_ms=1500)).values() for one in batch]
        finally:
            await consumer.stop()
        return [event.model_validate_json(record.value) for record in records]

    async def get(self, path: str, headers: dict[str, str]) -> Any:
        answered = await self.client.get(f"/v1{path}", headers=headers)
        assert answered.status_code == 200, answered.text
        return answered.json()

    async def say(self, ref: str, pair: int, number: int = 1, key: str | None = None, **said: Any) -> httpx2.Response:
        body = {"person_ref": ref, "satisfaction": 4, "quality": 4, "trust": 4} | said
        headers = as_person(ref) | ({"Idempotency-Key": key} if key else {})
        path = f"/v1/requests/{request_id(TENANT, f'ses_{pair}_{number}')}/answers"
        return await self.client.post(path, json=body, headers=headers)


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
    app: FastAPI = build(settings)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all")
    await producer.start()
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    client = httpx2.AsyncClient(transport=transport, base_url="http://feedback", timeout=30)
    async with app.router.lifespan_context(app), client:
        yield Running(client, settings, producer)
    await producer.stop()


@pytest.fixture
async def service(settings: Settings, eventually: Callable[..., Any]) -> AsyncIterator[Running]:
    async with running(settings) as service:

        async def is_ready() -> bool:
            return (await service.client.get("/readyz")).status_code == 200

        await eventually(is_ready, timeout=30)
        yield service


async def test_from_a_held_session_to_figures_signal_and_goal(service: Running, eventually: Callable[..., Any]) -> None:
    pairs = range(1, 6)
    events = [published(), *(paired(pair) for pair in pairs), *(scheduled(pair) for pair in pairs)]
    events += [completed(pair, at=datetime.now(UTC)) for pair in pairs]
    await service.happens(*events, *events)  # every event twice

    async def asked() -> int:
        return int((await service.get(f"/programmes/{PROGRAMME}/kpis", MANAGER))["feedback_requested"])

    await eventually(asked_safely(asked), equals=10, timeout=60)
    for pair in pairs:
        for side in ("mentor", "mentee"):
            unhappy = side == "mentee" and pair == 5
            said = {
                "satisfaction": 2 if unhappy else 5,
                "skills": [{"skill": "ai", "before": 1, "after": 3}],
                "goals_reached": ["digital_skills"] if pair < 3 else [],
                "text": SECRET,
                "wants_re_match": unhappy,
            }
            taken = await service.say(f"{side}_{pair}", pair, key="once", **said)
            again = await service.say(f"{side}_{pair}", pair, key="once", **said)
            assert taken.status_code == 201
            assert again.json() == taken.json()

    async def goals_reached() -> int:
        return int((await service.get(f"/programmes/{PROGRAMME}/kpis", MANAGER))["goals_reached"])

    await eventually(goals_reached, equals=2, timeout=60)

    async def at_risk() -> list[str]:
        course = await service.get("/pairings/pair_5/timeline", MANAGER)
        return [entry["event"] for entry in course["items"] if entry["event"] == "pairing_at_risk"]

    await eventually(at_risk, equals=["pairing_at_risk"], timeout=60)
    figures = await service.get(f"/programmes/{PROGRAMME}/kpis", MANAGER)
    assert (figures["pairs"], figures["participation"], figures["sessions_completed"]) == (5, 1.0, 5)
    assert (figures["feedback_submitted"], figures["answers_published"]) == (10, 5)
    assert (figures["satisfaction"], figures["skill_gain"]) == (5.0, None)
    closed = await service.client.post(f"/v1/programmes/{PROGRAMME}/close", headers=MANAGER)
    assert (closed.json()["answers_published"], closed.json()["satisfaction"]) == (10, 4.7)
    assert closed.json()["skill_gain_mentees"] == 2.0
    assert (await service.say("mentor_1", 1, 1)).status_code == 409

    submitted = await service.told(FeedbackSubmitted)
    assert len({(event.aggregate_id, event.version) for event in submitted}) == 10
    assert {event.pairing_id for event in await service.told(PairingAtRisk)} == {"pair_5"}  # type: ignore[attr-defined]
    assert {event.pairing_id for event in await service.told(GoalReached)} == {"pair_1", "pair_2"}  # type: ignore[attr-defined]
    answers = await service.get(f"/programmes/{PROGRAMME}/answers", OFFICER)
    assert [one["text"] for item in answers["items"] for one in item["answers"]] == [SECRET] * 10
    _text_stands_only_in_responses(service.settings)
    status = (await service.client.get("/status")).json()
    assert status["outbox_pending"] == 0


def asked_safely(probe: Callable[[], Any]) -> Callable[[], Any]:
    """The programme is not known before its first event has arrived."""

    async def safely() -> Any:
        try:
            return await probe()
        except AssertionError:
            return None

    return safely


def _text_stands_only_in_responses(settings: Settings) -> None:
    with MongoClient[dict[str, Any]](settings.mongo_uri.get_secret_value()) as client:
        database = client[settings.mongo_database]
        holding = {
            name
            for name in database.list_collection_names()
            if any("canary" in str(one) for one in database[name].find())
        }
        assert holding == {"responses"}
        assert database["audit"].count_documents({"subject": "olga"}) == 1


async def test_two_missed_sessions_in_a_row_are_signalled(service: Running, eventually: Callable[..., Any]) -> None:
    await service.happens(paired(), missed(number=1), missed(number=2))

    async def signals() -> int:
        return len(await service.told(PairingAtRisk))

    await eventually(signals, equals=1, timeout=60)


async def test_an_answer_given_before_a_restart_has_its_consequences_after_it(
    settings: Settings, eventually: Callable[..., Any]
) -> None:
    """The event of the answer is what carries on: it was written with the answer, in one document."""
    codec = StateCodec(Response)
    asked = replace(a_request(), tenant=TENANT, id=request_id(TENANT, "ses_1_1"))
    answered, [event] = answer(asked, Role.MENTEE, an_answer(wants_re_match=True), closed=False)
    async with running(settings) as service:

        async def is_ready() -> bool:
            return (await service.client.get("/readyz")).status_code == 200

        await eventually(is_ready, timeout=30)
        await service.happens(paired())

        async def known() -> bool:
            return (await service.client.get("/v1/pairings/pair_1/timeline", headers=MANAGER)).status_code == 200

        await eventually(known, timeout=60)
    with MongoClient[dict[str, Any]](settings.mongo_uri.get_secret_value()) as client:
        body = {"_id": answered.id, "tenant": TENANT, "v": answered.version, "seq": 1} | codec.encode(answered)
        client[settings.mongo_database]["responses"].insert_one(body | {"outbox": [], "inbox": [], "cmds": []})
    async with running(settings) as service:
        await service.happens(event)

        async def signals() -> int:
            return len(await service.told(PairingAtRisk))

        await eventually(signals, equals=1, timeout=60)


async def test_the_figures_of_500_pairs_and_3000_sessions_come_in_well_under_a_second(
    service: Running, eventually: Callable[..., Any]
) -> None:
    await _charter_arrives(service, eventually)
    _store_a_large_programme(service.settings, pairs=500, sessions=6)
    seconds = []
    for _ in range(6):  # the first publishes 5,995 answers, the others find everything done
        began = time.perf_counter()
        figures = await service.get(f"/programmes/{PROGRAMME}/kpis", MANAGER)
        seconds.append(time.perf_counter() - began)
    assert (figures["pairs"], figures["sessions_completed"], figures["feedback_submitted"]) == (500, 3000, 6000)
    assert figures["answers_published"] == 6000 - 5
    assert (figures["satisfaction"], figures["skill_gain"]) == (4.0, 1.0)
    print(f"figures of 6,000 answers: {seconds[0]:.2f} s when published, {min(seconds):.3f} s later")  # noqa: T201 - a measurement
    assert min(seconds) < 0.5


async def _charter_arrives(service: Running, eventually: Callable[..., Any]) -> None:
    await service.happens(published())

    async def known() -> bool:
        return (await service.client.get(f"/v1/programmes/{PROGRAMME}/kpis", headers=MANAGER)).status_code == 200

    await eventually(known, timeout=60)


def _store_a_large_programme(settings: Settings, *, pairs: int, sessions: int) -> None:
    journeys, responses = [], []
    for pair in range(1, pairs + 1):
        journey = follow_pairing(None, paired(pair), tenant=TENANT)
        for number in range(1, sessions + 1):
            held = completed(pair, number)
            journey, _ = follow_session(journey, held, tenant=TENANT, now=held.occurred_at)
            response = replace(a_request(pair, number), id=request_id(TENANT, held.session_id), tenant=TENANT)
            for side in Role:
                given = an_answer(skills={"ai": (1, 2)}, at=held.occurred_at)
                response, _ = answer(response, side, given, closed=False)
            responses.append(response)
        journeys.append(journey)
    with MongoClient[dict[str, Any]](settings.mongo_uri.get_secret_value()) as client:
        for name, states in (("journeys", journeys), ("responses", responses)):
            codec: StateCodec[Any] = StateCodec(Journey if name == "journeys" else Response)
            client[settings.mongo_database][name].insert_many(
                [{"_id": one.id, "tenant": TENANT, "v": one.version, "seq": 0, **codec.encode(one)} for one in states]
            )


async def test_reports_made_at_the_same_time_publish_no_answer_twice(
    service: Running, eventually: Callable[..., Any]
) -> None:
    await _charter_arrives(service, eventually)
    _store_a_large_programme(service.settings, pairs=20, sessions=2)
    reports = [service.client.post(f"/v1/programmes/{PROGRAMME}/close", headers=MANAGER) for _ in range(4)]
    reports += [service.client.get(f"/v1/programmes/{PROGRAMME}/kpis", headers=MANAGER) for _ in range(4)]
    await asyncio.gather(*reports)
    figures = await service.get(f"/programmes/{PROGRAMME}/kpis", MANAGER)
    assert (figures["answers_published"], sum(figures["histograms"]["trust"])) == (80, 80)
    with MongoClient[dict[str, Any]](service.settings.mongo_uri.get_secret_value()) as client:
        members = [
            key for tally in client[service.settings.mongo_database]["tallies"].find() for key in tally["members"]
        ]
    assert len(members) == len(set(members))
