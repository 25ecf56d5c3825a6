"""What every service's HTTP interface does before and after the domain is asked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import httpx2
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from harness import Harness
from pydantic import Field
from shared.chassis.http import Acting, Body, Cursor, IdempotencyKey, Limit
from shared.chassis.mongo import DatabaseUnavailable
from shared.chassis.settings import Profile, ServiceSettings
from shared.contracts import AccessRole, Refusal
from shared.testing.waiting import eventually

pytestmark = pytest.mark.integration


class TooManyThings(Refusal):
    kind = "conflict"


class Thing(Body):
    multiline: ClassVar[frozenset[str]] = frozenset({"story"})

    name: str = Field(max_length=20)
    count: int = Field(default=0, ge=0, le=1000)
    tags: list[str] = Field(default_factory=list, max_length=3)
    story: str | None = None


class Effects:
    def __init__(self) -> None:
        self.made: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()


def router(effects: Effects) -> APIRouter:
    routes = APIRouter()

    @routes.post("/things", status_code=201)
    async def make(thing: Thing, acting: Acting, key: IdempotencyKey = None) -> dict[str, Any]:
        await effects.gate.wait()
        match thing.name:
            case "refuse":
                raise TooManyThings("there are too many", field="name")
            case "away":
                raise DatabaseUnavailable("test")
            case "bug":
                raise KeyError("secret")
            case _:
                pass
        effects.made.append(thing.name)
        return {"number": len(effects.made), "by": acting.subject}

    @routes.get("/things")
    async def page(limit: Limit = 50, cursor: Cursor = None) -> dict[str, Any]:
        return {"limit": limit, "cursor": cursor}

    @routes.post("/secrets", status_code=201)
    async def secret(response: Response) -> dict[str, int]:
        effects.made.append("secret")
        response.headers["Cache-Control"] = "no-store"
        return {"secret": len(effects.made)}

    @routes.post("/uploads")
    async def upload(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    return routes


@pytest.fixture
def effects() -> Effects:
    return Effects()


@pytest.fixture
async def client(settings: ServiceSettings, effects: Effects) -> AsyncIterator[httpx2.AsyncClient]:
    harness = Harness(settings)
    app = harness.chassis.app(
        title="Test", description="", routers=[router(effects)], emits=[], body_limits={"/v1/uploads": 200_000}
    )
    async with app.router.lifespan_context(app), client_of(app) as client:
        await eventually(app.state.supervisor.check_database)
        yield client
        await harness.chassis.mongo.drop()


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://test")


BAD_BODIES: list[tuple[str, Any, str]] = [
    ("an unknown field", {"name": "a", "admin": True}, "admin"),
    ("a wrong type", {"name": "a", "count": "many"}, "count"),
    ("an operator as a value", {"name": {"$gt": ""}}, "name"),
    ("a number beyond the bound", {"name": "a", "count": 10**18}, "count"),
    ("a control character", {"name": "a\u0000b"}, "name"),
    ("a control character in a list", {"name": "a", "tags": ["x\u0007"]}, "tags"),
    ("a line break where none belongs", {"name": "a\nb"}, "name"),
    ("an over-long list", {"name": "a", "tags": ["x"] * 4}, "tags"),
    ("a missing field", {}, "name"),
]


@pytest.mark.parametrize(("body", "field"), [case[1:] for case in BAD_BODIES], ids=[case[0] for case in BAD_BODIES])
async def test_bad_input_is_a_problem_that_names_the_field(
    client: httpx2.AsyncClient, effects: Effects, body: Any, field: str
) -> None:
    answer = await client.post("/v1/things", json=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert effects.made == []


RAW_BODIES = {
    "not JSON": b"{",
    "not UTF-8": b'{"name": "\xff"}',
    "an integer of 5000 digits": b'{"name": "a", "count": ' + b"9" * 5000 + b"}",
    "deep nesting": b"[" * 50_000,
    "not a number": b'{"name": "a", "count": NaN}',
    "a lone surrogate": b'{"name": "\\ud800"}',
    "a lone surrogate as a field": b'{"name": "a", "\\ud800": 1}',
    "an array": b"[]",
    "nothing": b"",
}


@pytest.mark.parametrize("body", RAW_BODIES.values(), ids=RAW_BODIES.keys())
async def test_malformed_bodies_are_refused_and_never_a_fault(client: httpx2.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/things", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["type"].startswith("urn:telemachus:problem:")


async def test_line_breaks_pass_where_text_may_have_them(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/v1/things", json={"name": "a", "story": "one\ntwo"})).status_code == 201


async def test_a_body_over_the_limit_is_refused_by_declared_and_by_real_size(client: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1000

    declared = await client.post("/v1/things", content=b" " * 70_000)
    streamed = await client.post("/v1/things", content=endless())
    assert [declared.status_code, streamed.status_code] == [413, 413]
    assert declared.json()["type"] == streamed.json()["type"] == "urn:telemachus:problem:body-too-large"
    assert declared.json()["field"] == streamed.json()["field"] == "body"
    assert (await client.post("/v1/uploads", content=b" " * 150_000)).json() == {"bytes": 150_000}


async def test_refusals_outages_and_faults_each_have_their_problem(client: httpx2.AsyncClient) -> None:
    refused = await client.post("/v1/things", json={"name": "refuse"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:telemachus:problem:too-many-things")
    away = await client.post("/v1/things", json={"name": "away"})
    assert (away.status_code, away.headers["retry-after"]) == (503, "2")
    bug = await client.post("/v1/things", json={"name": "bug"})
    assert bug.status_code == 500
    assert "secret" not in bug.text
    assert (await client.get("/v1/nowhere")).json()["type"] == "urn:telemachus:problem:not-found"


async def test_the_same_key_gives_the_stored_answer_and_no_second_effect(
    client: httpx2.AsyncClient, effects: Effects
) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = await client.post("/v1/things", json={"name": "a"}, headers=headers)
    again = await client.post("/v1/things", json={"name": "a"}, headers=headers)
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (201, first.json(), "true")
    other = await client.post("/v1/things", json={"name": "b"}, headers=headers)
    assert (other.status_code, other.json()["field"]) == (422, "Idempotency-Key")
    assert effects.made == ["a"]


async def test_an_answer_with_a_secret_in_it_is_not_kept(client: httpx2.AsyncClient) -> None:
    answers = [await client.post("/v1/secrets", headers={"Idempotency-Key": "k9"}) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"secret": 1}, {"secret": 2}]


async def test_a_refused_request_may_be_corrected_under_the_same_key(client: httpx2.AsyncClient) -> None:
    headers = {"Idempotency-Key": "k2"}
    assert (await client.post("/v1/things", json={"name": "refuse"}, headers=headers)).status_code == 409
    assert (await client.post("/v1/things", json={"name": "good"}, headers=headers)).status_code == 201


async def test_the_same_key_at_the_same_time_runs_once(client: httpx2.AsyncClient, effects: Effects) -> None:
    effects.gate.clear()
    headers = {"Idempotency-Key": "k3"}
    first = asyncio.create_task(client.post("/v1/things", json={"name": "a"}, headers=headers))
    await asyncio.sleep(0.2)
    second = await client.post("/v1/things", json={"name": "a"}, headers=headers)
    assert (second.status_code, second.json()["type"]) == (409, "urn:telemachus:problem:request-in-progress")
    effects.gate.set()
    assert (await first).status_code == 201
    assert effects.made == ["a"]


@pytest.mark.parametrize("key", ["", "a" * 201, "with\x01control"])
async def test_a_bad_key_is_refused(client: httpx2.AsyncClient, key: str) -> None:
    answer = await client.post("/v1/things", json={"name": "a"}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")


async def test_principals_come_from_headers_and_nobody_plays_the_platform(client: httpx2.AsyncClient) -> None:
    named = {"X-Telemachus-Subject": "per_1", "X-Telemachus-Roles": "participant"}
    assert (await client.post("/v1/things", json={"name": "a"}, headers=named)).json()["by"] == "per_1"
    service = {"X-Telemachus-Subject": "x", "X-Telemachus-Roles": "service"}
    assert (await client.post("/v1/things", json={"name": "a"}, headers=service)).status_code == 403
    unknown = {"X-Telemachus-Subject": "x", "X-Telemachus-Roles": "root"}
    assert (await client.post("/v1/things", json={"name": "a"}, headers=unknown)).status_code == 422
    injected = {"X-Telemachus-Tenant": "a$b"}
    assert (await client.post("/v1/things", json={"name": "a"}, headers=injected)).status_code == 422


async def test_a_cluster_lets_nobody_in_without_a_principal(settings: ServiceSettings, effects: Effects) -> None:
    cluster = settings.model_copy(update={"profile": Profile.CLUSTER})
    app = Harness(cluster).chassis.app(title="Test", description="", routers=[router(effects)], emits=[])
    async with client_of(app) as client:
        answer = await client.post("/v1/things", json={"name": "a"})
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:telemachus:problem:no-principal")


def test_open_doors_are_refused_in_a_cluster() -> None:
    with pytest.raises(ValueError, match="local profile only"):
        ServiceSettings(
            service_name="x", profile=Profile.CLUSTER, default_roles=frozenset({AccessRole.PROGRAMME_MANAGER})
        )


async def test_operators_find_probes_status_metrics_and_documents(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/livez")).status_code == 200
    assert (await client.get("/readyz")).status_code == 200
    status = (await client.get("/status")).json()
    assert (status["service"], status["mongo"], status["outbox_pending"]) == ("feedback", "ok", 0)
    assert "telemachus_http_request_seconds" in (await client.get("/metrics")).text
    assert (await client.get("/asyncapi.json")).json()["asyncapi"].startswith("3.")
    assert "/v1/things" in (await client.get("/openapi.json")).json()["paths"]
    assert (await client.post("/asyncapi/try", json={})).status_code == 404


async def test_a_method_that_a_path_does_not_take_is_answered_with_all_that_it_takes(
    client: httpx2.AsyncClient,
) -> None:
    answer = await client.put("/v1/things", json={})
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST"


async def test_the_openapi_document_names_every_problem_answer_and_its_schema(client: httpx2.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    answers = document["paths"]["/v1/things"]["post"]["responses"]
    refused = (await client.post("/v1/things", json={})).json()
    assert {"400", "401", "403", "404", "409", "413", "422", "503"} <= answers.keys()
    assert answers["422"]["content"].keys() == {"application/problem+json"}
    assert refused.keys() <= document["components"]["schemas"]["Problem"]["properties"].keys()
