import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from feedback.domain import request_id
from feedback.http_api import router
from feedback.settings import Settings
from feedback.use_cases import Feedback
from feedback_builders import PROGRAMME, TENANT, completed, paired, published
from feedback_memory import World
from shared.chassis import problems
from shared.contracts import FeedbackSubmitted

FIRST = request_id(TENANT, "ses_1_1")
ANSWERS = f"/v1/requests/{FIRST}/answers"
GOOD: dict[str, Any] = {"person_ref": "mentor_1", "satisfaction": 4, "quality": 5, "trust": 3}


def acting(subject: str, roles: str = "participant", tenant: str = TENANT) -> dict[str, str]:
    return {"X-Telemachus-Tenant": tenant, "X-Telemachus-Subject": subject, "X-Telemachus-Roles": roles}


MENTOR = acting("mentor_1")
MENTEE = acting("mentee_1")
MANAGER = acting("maya", "programme_manager")
OFFICER = acting("olga", "programme_officer")


class OnStage:
    """Whichever world is being tested: routes are built once, since building them is what takes time."""

    world: World

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.feedback, name)


@pytest.fixture(scope="module")
def stage() -> OnStage:
    return OnStage()


@pytest.fixture(scope="module")
def app(stage: OnStage) -> FastAPI:
    app = FastAPI()
    app.state.settings = Settings()
    problems.register(app)
    app.include_router(router(cast("Feedback", stage)), prefix="/v1")
    return app


@pytest.fixture
def world(stage: OnStage) -> World:
    stage.world = World()
    return stage.world


@pytest.fixture
async def client(world: World, app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    await world.happens(published(), paired(), completed())
    world.clock.advance(timedelta(days=1))
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://feedback") as client:
        yield client


async def test_a_person_finds_and_answers_their_request(client: httpx2.AsyncClient) -> None:
    found = (await client.get("/v1/requests?person_ref=mentor_1&status=open", headers=MENTOR)).json()
    assert found == {
        "items": [
            {
                "id": FIRST,
                "version": 1,
                "session_id": "ses_1_1",
                "session_number": 1,
                "pairing_id": "pair_1",
                "programme_id": PROGRAMME,
                "person_ref": "mentor_1",
                "role": "mentor",
                "status": "open",
                "asked_at": "2026-03-02T10:00:00Z",
                "due_on": "2026-03-16",
            }
        ],
        "next_cursor": None,
    }
    said = GOOD | {
        "skills": [{"skill": "confidence", "before": 1, "after": 3}],
        "goals_reached": ["inclusion"],
        "practice_adopted": True,
        "text": "Utile.\nMerci !",
    }
    taken = await client.post(ANSWERS, json=said, headers=MENTOR)
    assert taken.status_code == 201
    assert (taken.json()["status"], taken.json()["version"]) == ("answered", 2)
    assert "Utile" not in taken.text
    mine = (await client.get(f"{ANSWERS}/mine?person_ref=mentor_1", headers=MENTOR)).json()
    assert mine["answer"]["text"] == "Utile.\nMerci !"
    assert mine["answer"]["skills"] == said["skills"]


async def test_the_officer_reads_what_the_manager_does_not(client: httpx2.AsyncClient) -> None:
    await client.post(ANSWERS, json=GOOD | {"text": "In confidence."}, headers=MENTOR)
    shown = (await client.get(f"/v1/programmes/{PROGRAMME}/answers", headers=OFFICER)).json()
    [answer] = shown["items"][0]["answers"]
    assert (answer["person_ref"], answer["role"], answer["text"]) == ("mentor_1", "mentor", "In confidence.")
    refused = await client.get(f"/v1/programmes/{PROGRAMME}/answers", headers=MANAGER)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:telemachus:problem:forbidden")


async def test_the_figures_have_the_fields_that_readers_rely_on(client: httpx2.AsyncClient) -> None:
    figures = (await client.get(f"/v1/programmes/{PROGRAMME}/kpis", headers=MANAGER)).json()
    expected = {
        "programme_id": PROGRAMME,
        "pairs": 1,
        "pairs_active": 1,
        "sessions_scheduled": 0,
        "sessions_completed": 1,
        "sessions_missed": 0,
        "sessions_cancelled": 0,
        "participation": 1.0,
        "feedback_requested": 2,
        "feedback_submitted": 0,
        "satisfaction": None,
        "quality": None,
        "trust": None,
        "skill_gain": None,
        "answers_published": 0,
        "anonymity_floor": 5,
        "goals_reached": 0,
        "closed": False,
    }
    assert {name: figures[name] for name in expected} == expected


async def test_closing_gives_the_final_report_and_refuses_later_answers_by_name(client: httpx2.AsyncClient) -> None:
    closed = await client.post(f"/v1/programmes/{PROGRAMME}/close", headers=MANAGER)
    assert (closed.status_code, closed.json()["closed"]) == (200, True)
    late = await client.post(ANSWERS, json=GOOD, headers=MENTOR)
    assert (late.status_code, late.json()["type"]) == (409, "urn:telemachus:problem:programme-closed")


async def test_a_second_answer_is_a_named_conflict(client: httpx2.AsyncClient) -> None:
    await client.post(ANSWERS, json=GOOD, headers=MENTOR)
    again = await client.post(ANSWERS, json=GOOD, headers=MENTOR)
    assert (again.status_code, again.json()["type"]) == (409, "urn:telemachus:problem:already-answered")


async def test_an_answer_that_comes_too_late_is_a_named_conflict(client: httpx2.AsyncClient, world: World) -> None:
    world.clock.advance(timedelta(days=30))
    late = await client.post(ANSWERS, json=GOOD, headers=MENTOR)
    assert (late.status_code, late.json()["type"]) == (409, "urn:telemachus:problem:request-expired")


async def test_the_timeline_tells_events_and_no_rating(client: httpx2.AsyncClient) -> None:
    shown = (await client.get("/v1/pairings/pair_1/timeline", headers=MENTEE)).json()
    assert [entry["event"] for entry in shown["items"]] == ["paired", "session_completed"]
    assert shown["sessions_completed"] == 1


@pytest.mark.parametrize(
    ("headers", "person_ref"),
    [
        (MENTEE, "mentor_1"),
        (MANAGER, "mentor_1"),
        (acting("mentor_1", tenant="other"), "mentor_1"),
        (acting("mentor_2"), "mentor_2"),
    ],
)
async def test_somebody_elses_request_is_not_found(
    client: httpx2.AsyncClient, world: World, headers: dict[str, str], person_ref: str
) -> None:
    refused = await client.post(ANSWERS, json=GOOD | {"person_ref": person_ref}, headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:telemachus:problem:no-such-request")
    assert world.responses.states[FIRST].answers == 0


@pytest.mark.parametrize("path", [f"/v1/requests/{FIRST}", f"{ANSWERS}/mine", "/v1/requests/fb_none"])
async def test_a_stranger_cannot_tell_what_exists(client: httpx2.AsyncClient, path: str) -> None:
    refused = await client.get(path, headers=acting("mentor_2"))
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:telemachus:problem:no-such-request")


BAD_VALUES: list[tuple[str, Any]] = [
    ("satisfaction", 0),
    ("satisfaction", 6),
    ("satisfaction", -1),
    ("satisfaction", 3.5),
    ("satisfaction", 4.0),
    ("satisfaction", True),
    ("satisfaction", "4"),
    ("satisfaction", None),
    ("satisfaction", [4]),
    ("satisfaction", {"$gt": 0}),
    ("satisfaction", 10**400),
    ("quality", 6),
    ("trust", 0),
    ("trust", -(10**400)),
    ("person_ref", {"$ne": None}),
    ("person_ref", "$where"),
    ("person_ref", ""),
    ("person_ref", "a" * 97),
    ("person_ref", "mentor_1\n\x00"),
    ("skills", {"skill": "ai"}),
    ("skills", [{"skill": "ai", "before": 0, "after": 1}] * 41),
    ("skills.0.before", [{"skill": "ai", "before": -1, "after": 1}]),
    ("skills.0.after", [{"skill": "ai", "before": 0, "after": 6}]),
    ("skills.0.after", [{"skill": "ai", "before": 0, "after": True}]),
    ("skills.0.after", [{"skill": "ai", "before": 0}]),
    ("skills.0.skill", [{"skill": "$gt", "before": 0, "after": 1}]),
    ("skills.0.skill", [{"skill": "AI skills", "before": 0, "after": 1}]),
    ("skills.0.certified", [{"skill": "ai", "before": 0, "after": 1, "certified": True}]),
    ("skills.1", [{"skill": "ai", "before": 0, "after": 1}, {"skill": "ai", "before": 0, "after": 2}]),
    ("goals_reached", "inclusion"),
    ("goals_reached", ["inclusion"] * 21),
    ("goals_reached.0", [{"$ne": 1}]),
    ("goals_reached.0", ["a" * 65]),
    ("goals_reached.1", ["inclusion", "inclusion"]),
    ("practice_adopted", 1),
    ("practice_adopted", "yes"),
    ("text", "x" * 4001),
    ("text", "bell \x07"),
    ("text", "null \x00"),
    ("text", "lone \ud800 surrogate"),
    ("text", 12),
    ("text", ["a"]),
    ("wants_re_match", "true"),
    ("wants_re_match", 0),
    ("wants_re_match", None),
    ("unknown", 1),
    ("$set", {"answers": 2}),
    ("submitted_at", "2020-01-01T00:00:00Z"),
]


@pytest.mark.parametrize(("field", "value"), BAD_VALUES)
async def test_a_bad_value_is_refused_by_its_field_and_nothing_is_stored(
    client: httpx2.AsyncClient, world: World, field: str, value: Any
) -> None:
    before = dict(world.responses.states)
    body = json.dumps(GOOD | {field.partition(".")[0]: value})
    headers = MENTOR | {"Content-Type": "application/json"}
    refused = await client.post(ANSWERS, content=body.encode("utf-8", "surrogatepass"), headers=headers)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    problem = refused.json()
    fields = {problem["field"], *(error["field"] for error in problem.get("errors", ()))}
    assert field in fields
    assert world.responses.states == before
    assert not [event for event in world.responses.events if isinstance(event, FeedbackSubmitted)]


@pytest.mark.parametrize("missing", ["person_ref", "satisfaction", "quality", "trust"])
async def test_a_missing_rating_is_named(client: httpx2.AsyncClient, missing: str) -> None:
    body = {name: value for name, value in GOOD.items() if name != missing}
    refused = await client.post(ANSWERS, json=body, headers=MENTOR)
    assert (refused.status_code, refused.json()["field"]) == (422, missing)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b'"text"', b"NaN", b"1" * 5000, b"[" * 5000, b'{"a":1}' * 2]
)
async def test_a_body_that_is_no_answer_is_refused(client: httpx2.AsyncClient, world: World, body: bytes) -> None:
    headers = MENTOR | {"Content-Type": "application/json"}
    refused = await client.post(ANSWERS, content=body, headers=headers)
    assert 400 <= refused.status_code < 500
    assert refused.headers["content-type"] == "application/problem+json"
    assert world.responses.states[FIRST].answers == 0


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        (f"limit=1{'0' * 400}", "limit"),
        ("cursor=%00", "cursor"),
        ("cursor=$gt", "cursor"),
        ("status=lost", "status"),
        ("session_id[$ne]=x&session_id=%24ne", "session_id"),
        ("programme_id=a%00b", "programme_id"),
        ("pairing_id=", "pairing_id"),
        (f"person_ref={'a' * 100}", "person_ref"),
    ],
)
async def test_a_bad_filter_is_refused_by_its_name(client: httpx2.AsyncClient, query: str, field: str) -> None:
    refused = await client.get(f"/v1/requests?{query}", headers=MENTOR)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/requests/%24ne",
        "/v1/requests/a%00b",
        f"/v1/requests/{'a' * 200}",
        "/v1/programmes/%7B%22%24gt%22%3A1%7D/kpis",
        "/v1/programmes/x%0Ay/answers",
        "/v1/pairings/%24where/timeline",
    ],
)
async def test_a_bad_identifier_is_refused(client: httpx2.AsyncClient, path: str) -> None:
    refused = await client.get(path, headers=acting("olga", "programme_officer,programme_manager"))
    assert 400 <= refused.status_code < 500
    assert refused.headers["content-type"] == "application/problem+json"


async def test_what_is_not_known_is_not_found_by_name(client: httpx2.AsyncClient) -> None:
    for path, name in (
        ("/v1/programmes/prg_none/kpis", "no-such-programme"),
        ("/v1/pairings/pair_none/timeline", "no-such-pairing"),
        (f"{ANSWERS}/mine", "no-answer-yet"),
    ):
        headers = MENTOR if path.endswith("mine") else MANAGER
        refused = await client.get(path, headers=headers)
        assert (refused.status_code, refused.json()["type"]) == (404, f"urn:telemachus:problem:{name}")
