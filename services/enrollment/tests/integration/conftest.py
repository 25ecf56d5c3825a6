from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from enrollment.main import build
from enrollment.settings import Settings
from fastapi import FastAPI
from pymongo import MongoClient
from shared.chassis.topics import TopicNames
from shared.contracts import Paired, ProgrammePublished, Unpaired, Volunteered, VolunteerUpdated, VolunteerWithdrawn
from shared.testing.backends import create_topics
from shared.testing.waiting import eventually

from ..builders import TENANT, a_file, a_row

EVENTS = (ProgrammePublished, Volunteered, VolunteerUpdated, VolunteerWithdrawn, Paired, Unpaired)
Json = dict[str, Any]


@dataclass
class Service:
    """The whole service on real back-ends, asked over HTTP."""

    app: FastAPI
    http: httpx2.AsyncClient
    settings: Settings
    tenant: str

    async def get(self, path: str, expect: int = 200, **query: Any) -> Json:
        answer = await self.http.get(f"/v1{path}", params=query)
        return _checked(answer, expect)

    async def post(self, path: str, body: Any = None, expect: int = 201, **headers: str) -> Json:
        answer = await self.http.post(f"/v1{path}", json=body, headers=headers)
        return _checked(answer, expect)

    async def patch(self, path: str, body: Any, expect: int = 200, **headers: str) -> Json:
        answer = await self.http.patch(f"/v1{path}", json=body, headers=headers)
        return _checked(answer, expect)

    async def put(self, path: str, body: Any, expect: int = 200, **headers: str) -> Json:
        answer = await self.http.put(f"/v1{path}", json=body, headers=headers)
        return _checked(answer, expect)

    async def import_people(self, data: bytes, expect: int = 201, key: str | None = None, **query: Any) -> Json:
        headers = {"Content-Type": "text/csv"} | ({"Idempotency-Key": key} if key else {})
        answer = await self.http.post("/v1/people/imports", content=data, params=query, headers=headers)
        return _checked(answer, expect)

    async def people(self, count: int) -> list[str]:
        """References of so many new people."""
        await self.import_people(a_file(*(a_row(number) for number in range(count))))
        page = await self.get("/people", limit=200)
        return [person["id"] for person in sorted(page["items"], key=lambda one: str(one["staff_number"]))]

    async def a_programme(self, **fields: Any) -> str:
        drafted = await self.post("/programmes", {"title": "Digital for leaders", "starts_on": "2026-02-02", **fields})
        await self.post(f"/programmes/{drafted['id']}/publish", expect=200)
        return str(drafted["id"])


def _checked(answer: httpx2.Response, status: int) -> Json:
    assert answer.status_code == status, answer.text
    kind = "application/problem+json" if status >= 400 else "application/json"
    assert answer.headers["content-type"] == kind
    body: Json = answer.json()
    return body


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[FastAPI]:
    app = build(settings)
    async with app.router.lifespan_context(app), _client(app, TENANT) as http:

        async def ready() -> bool:
            return (await http.get("/readyz")).status_code == 200

        await eventually(ready, timeout=30)
        yield app


def _client(app: FastAPI, tenant: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app, raise_app_exceptions=False),
        base_url="http://enrollment",
        headers={"X-Telemachus-Tenant": tenant},
    )


@pytest.fixture(scope="session")
async def settings(mongo_uri: str, kafka_bootstrap: str) -> AsyncIterator[Settings]:
    unique = uuid4().hex[:12]
    settings = Settings.model_validate(
        {
            "mongo_uri": mongo_uri,
            "mongo_database_prefix": f"test_{unique}_",
            "kafka_bootstrap": kafka_bootstrap,
            "topic_prefix": f"test-{unique}.",
            "log_level": "ERROR",
        }
    )
    names = TopicNames.of(settings)
    topics = [*(names.event(event) for event in EVENTS), names.dead_letter("enrollment"), names.retry("enrollment")]
    await create_topics(kafka_bootstrap, topics)
    yield settings
    with MongoClient[Json](mongo_uri) as client:
        client.drop_database(settings.mongo_database)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    await admin.delete_topics(topics)
    await admin.close()


@pytest.fixture(scope="session")
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    async with running(settings) as app:
        yield app


async def a_tenant(app: FastAPI, settings: Settings) -> AsyncIterator[Service]:
    """The service, asked by an organisation of its own: tests share the process and nothing else."""
    tenant = f"t{uuid4().hex[:12]}"
    async with _client(app, tenant) as http:
        yield Service(app, http, settings, tenant)


@pytest.fixture
async def service(app: FastAPI, settings: Settings) -> AsyncIterator[Service]:
    async for service in a_tenant(app, settings):
        yield service


@pytest.fixture
def as_participant() -> Callable[[str], dict[str, Any]]:
    def headers(ref: str) -> dict[str, Any]:
        return {"X-Telemachus-Subject": ref, "X-Telemachus-Roles": "participant"}

    return headers


# The cases of the table of bad input share one organisation: nothing they send is ever stored.


@pytest.fixture(scope="module")
async def service_for_all(app: FastAPI, settings: Settings) -> AsyncIterator[Service]:
    async for service in a_tenant(app, settings):
        yield service


@pytest.fixture(scope="module")
async def person(service_for_all: Service) -> str:
    return (await service_for_all.people(1))[0]


@pytest.fixture(scope="module")
async def programme(service_for_all: Service) -> str:
    return await service_for_all.a_programme()


@pytest.fixture(scope="module")
async def volunteer(service_for_all: Service, programme: str) -> str:
    await service_for_all.import_people(a_file(a_row(7, last_name="Volunteer")))
    (somebody,) = (await service_for_all.get("/people", staff_number="00007"))["items"]
    wish = {"programme_id": programme, "person_ref": somebody["id"], "role": "mentor"}
    offer = {"skills_offered": [{"skill": "inclusion", "level": 1}]}
    return str((await service_for_all.post("/volunteers", wish | offer))["id"])
