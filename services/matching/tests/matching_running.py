"""The whole service on real Kafka and MongoDB, as tests use it."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from fastapi import FastAPI
from matching.domain.candidate import Candidate
from matching.main import build
from matching.settings import Settings
from matching_builders import NOW
from shared.chassis.topics import TopicNames
from shared.contracts import Envelope, Event, Readiness, Volunteered
from shared.contracts.cloud_events import event_type, to_headers

Eventually = Callable[..., Any]


def volunteered(person: Candidate) -> Volunteered:
    """The event that tells of this candidate."""
    names = Volunteered.model_fields.keys() - {"volunteer_id", "occurred_at", "readiness", "tenure_years"}
    return Volunteered(
        volunteer_id=person.id,
        occurred_at=NOW,
        readiness=Readiness(charter_signed=True, training_completed=person.ready, ready=person.ready),
        **{name: getattr(person, name) for name in names},
    )


@dataclass
class Running:
    client: httpx2.AsyncClient
    settings: Settings
    producer: AIOKafkaProducer

    async def happens(self, *events: Event) -> None:
        """Put events on the bus as their emitters do."""
        sent = []
        for event in events:
            envelope = Envelope(
                event_id=f"{event.aggregate_id}.{event.version}",
                source=f"/mentoring/{event.emitter}",
                type=event_type(event),
                time=event.occurred_at,
                subject=event.aggregate_id,
                partition_key=event.key,
                tenant="default",
            )
            sent.append(
                await self.producer.send(
                    TopicNames.of(self.settings).event(event),
                    event.model_dump_json().encode(),
                    key=event.key.encode(),
                    headers=to_headers(envelope),
                )
            )
        await asyncio.gather(*sent)

    async def told(self, event: type[Event]) -> list[Any]:
        """Everything on one topic so far."""
        consumer = AIOKafkaConsumer(
            TopicNames.of(self.settings).event(event),
            bootstrap_servers=self.settings.kafka_bootstrap,
            auto_offset_reset="earliest",
        )
        await consumer.start()
        try:
            records: list[Any] = []
            while batch := await consumer.getmany(timeout_ms=1500):
                records += [record for some in batch.values() for record in some]
        finally:
            await consumer.stop()
        return [event.model_validate_json(record.value) for record in records]

    async def get(self, path: str, **query: Any) -> Any:
        answered = await self.client.get(f"/v1{path}", params=query)
        assert answered.status_code == 200, answered.text
        return answered.json()

    async def post(self, path: str, body: Any = None) -> Any:
        answered = await self.client.post(f"/v1{path}", json=body)
        assert answered.status_code in {200, 201, 202}, answered.text
        return answered.json()

    async def every(self, path: str, **query: Any) -> list[Any]:
        items: list[Any] = []
        cursor = None
        while True:
            page = await self.get(path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    app: FastAPI = build(settings)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all")
    await producer.start()
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    client = httpx2.AsyncClient(transport=transport, base_url="http://matching", timeout=60)
    async with app.router.lifespan_context(app), client:
        yield Running(client, settings, producer)
    await producer.stop()


async def a_proposed_run(service: Running, eventually: Eventually) -> str:
    run = await service.post("/programmes/prog_1/runs", {"seed": 1})

    async def status() -> str:
        return str((await service.get(f"/runs/{run['id']}"))["status"])

    await eventually(status, equals="proposed", timeout=60)
    return str(run["id"])


async def knows(service: Running, eventually: Eventually, people: int) -> None:
    async def known() -> int:
        answered = await service.client.get("/v1/programmes/prog_1/pool")
        return int(answered.json()["known"]) if answered.status_code == 200 else 0

    await eventually(known, equals=people, timeout=90)


@asynccontextmanager
async def a_process_of_its_own(
    settings: Settings, **more: str
) -> AsyncIterator[tuple[Running, asyncio.subprocess.Process]]:
    """A replica that can be killed; it may not be ready yet. ``more`` settings without their prefix."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "TELEMACHUS_MONGO_URI": settings.mongo_uri.get_secret_value(),
        "TELEMACHUS_MONGO_DATABASE_PREFIX": settings.mongo_database_prefix,
        "TELEMACHUS_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "TELEMACHUS_TOPIC_PREFIX": settings.topic_prefix,
        "TELEMACHUS_LOG_LEVEL": "ERROR",
        "TELEMACHUS_PORT": str(port),
        **{f"TELEMACHUS_{name}": value for name, value in more.items()},
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "matching", env=environment)
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all")
    await producer.start()
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield Running(client, settings, producer), process
    finally:
        await producer.stop()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
