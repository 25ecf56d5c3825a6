"""The HTTP interface on in-memory ports: shapes, rights, and every kind of bad input."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from icalendar import Calendar
from scheduling import http_api
from scheduling.settings import Settings
from scheduling_builders import MONDAY, World, because_of, paired, published, unpaired, windows
from shared.chassis import problems

MANAGER = {"X-Telemachus-Tenant": "ge", "X-Telemachus-Subject": "hr_1", "X-Telemachus-Roles": "programme_manager"}


def person(ref: str) -> dict[str, str]:
    return {"X-Telemachus-Tenant": "ge", "X-Telemachus-Subject": ref, "X-Telemachus-Roles": "participant"}


@pytest.fixture(scope="module")
def service() -> tuple[World, FastAPI]:
    world, app = World(), FastAPI()
    app.state.settings = Settings()
    problems.register(app)
    app.include_router(
        http_api.router(
            planning=world.planning,
            conducting=world.conducting,
            reading=world.reading,
            clock=world.clock,
            public_url="https://mentoring.example",
        ),
        prefix="/v1",
    )
    return world, app


@pytest.fixture
async def world(service: tuple[World, FastAPI]) -> World:
    world, _ = service
    world.forget()
    await world.pair()
    await world.planning.programme_published(published(), because_of(published()))
    return world


@pytest.fixture
async def http(world: World, service: tuple[World, FastAPI]) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=service[1])
    async with httpx2.AsyncClient(transport=transport, base_url="http://scheduling", headers=MANAGER) as client:
        yield client


async def test_a_session_is_shown_with_both_local_times(world: World, http: httpx2.AsyncClient) -> None:
    await world.pair(paired(2, zones=("Europe/Paris", "America/New_York"), hours=(windows(2, end="20:00"), windows(2))))
    session = world.session(1, pair=2)
    shown = (await http.get(f"/v1/sessions/{session.id}")).json()
    assert shown == {
        "id": session.id,
        "version": 2,
        "pairing_id": "pair_2",
        "programme_id": "prg_digital",
        "number": 1,
        "mentor_ref": "mentor_2",
        "mentee_ref": "mentee_2",
        "status": "planned",
        "starts_at": "2026-02-03T14:00:00Z",
        "ends_at": "2026-02-03T15:00:00Z",
        "minutes": 60,
        "modality": "remote",
        "outside_availability": False,
        "objective": "kickoff",
        "objective_note": None,
        "accepted_by": [],
        "late": False,
        "started_at": None,
        "actual_minutes": None,
        "objective_reached": None,
        "outcome_note": None,
        "cancel_reason": None,
        "answers": 0,
        "sequence": 0,
        "local_times": {
            "mentor_2": {
                "time_zone": "Europe/Paris",
                "starts_at": "2026-02-03T15:00:00+01:00",
                "ends_at": "2026-02-03T16:00:00+01:00",
            },
            "mentee_2": {
                "time_zone": "America/New_York",
                "starts_at": "2026-02-03T09:00:00-05:00",
                "ends_at": "2026-02-03T10:00:00-05:00",
            },
        },
    }


async def test_a_plan_is_shown_and_amended(http: httpx2.AsyncClient) -> None:
    shown = (await http.get("/v1/plans/pair_1")).json()
    assert (shown["id"], shown["status"], shown["sessions"], shown["cadence"]) == ("pair_1", "active", 6, "monthly")
    answer = await http.patch(
        "/v1/plans/pair_1",
        json={
            "cadence": "fortnightly",
            "minutes": 90,
            "modality": "in_person",
            "place": "Room 4",
            "travel_minutes": 15,
        },
    )
    assert answer.status_code == 200
    assert (answer.json()["place"], answer.json()["unplaced"]) == ("Room 4", [])
    sessions = (await http.get("/v1/sessions", params={"pairing_id": "pair_1"})).json()["items"]
    assert {(session["minutes"], session["modality"]) for session in sessions} == {(90, "in_person")}
    cleared = await http.patch("/v1/plans/pair_1", json={"place": None})
    assert cleared.json()["place"] is None


async def test_the_reason_why_a_session_has_no_time_is_shown(world: World, http: httpx2.AsyncClient) -> None:
    await world.pair(paired(2, hours=(windows(1), windows(2))))
    shown = (await http.get("/v1/plans/pair_2")).json()
    assert shown["unplaced"][0] == {"number": 1, "reason": "no_shared_hours"}
    assert (await http.get("/v1/sessions", params={"pairing_id": "pair_2"})).json() == {
        "items": [],
        "next_cursor": None,
    }


async def test_lists_are_filtered_and_paged(world: World, http: httpx2.AsyncClient) -> None:
    await world.pair(paired(2))
    await http.post(f"/v1/sessions/{world.session(1).id}/cancel", json={"reason": "other"})
    first = (await http.get("/v1/sessions", params={"programme_id": "prg_digital", "limit": 7})).json()
    rest = (await http.get("/v1/sessions", params={"limit": 7, "cursor": first["next_cursor"]})).json()
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (7, 5, None)
    cancelled = (await http.get("/v1/sessions", params={"status": "cancelled"})).json()["items"]
    assert [session["number"] for session in cancelled] == [1]
    assert len((await http.get("/v1/plans", params={"person_ref": "mentee_2"})).json()["items"]) == 1
    assert len((await http.get("/v1/plans", params={"pairing_id": "pair_1"})).json()["items"]) == 1


async def test_the_life_of_a_session_over_http(world: World, http: httpx2.AsyncClient) -> None:
    path = f"/v1/sessions/{world.session(1).id}"
    new_start = (world.session(1).time.starts_at + timedelta(days=1)).isoformat()
    assert (await http.post(f"{path}/move", json={"starts_at": new_start, "minutes": 90})).json()["sequence"] == 1
    assert (await http.post(f"{path}/accept", json={"person_ref": "mentor_1"})).json()["status"] == "planned"
    assert (await http.post(f"{path}/accept", json={"person_ref": "mentee_1"})).json()["status"] == "accepted"
    noted = await http.patch(path, json={"objective": "prompting", "objective_note": "two\nlines"})
    assert (noted.json()["objective"], noted.json()["objective_note"]) == ("prompting", "two\nlines")
    world.clock.set(world.session(1).time.ends_at)
    outcome = {"started_at": new_start, "actual_minutes": 85, "objective_reached": True, "note": "it\nworked"}
    held = (await http.post(f"{path}/complete", json=outcome)).json()
    assert (held["status"], held["actual_minutes"], held["outcome_note"]) == ("completed", 85, "it\nworked")
    again = await http.post(f"{path}/miss")
    assert (again.status_code, again.json()["type"]) == (409, "urn:telemachus:problem:session-already-completed")
    missed = await http.post(f"/v1/sessions/{world.session(2).id}/miss")
    assert missed.json()["type"] == "urn:telemachus:problem:session-not-started"


async def test_a_busy_person_is_a_conflict_with_the_field_named(world: World, http: httpx2.AsyncClient) -> None:
    await world.pair(paired(2, mentee="mentee_1"))
    taken = world.session(1).time.starts_at.isoformat()
    answer = await http.post(f"/v1/sessions/{world.session(1, pair=2).id}/move", json={"starts_at": taken})
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:telemachus:problem:person-already-booked"
    assert answer.json()["field"] == "starts_at"


async def test_calendar_entries_and_feeds(world: World, http: httpx2.AsyncClient) -> None:
    entry = await http.get(f"/v1/sessions/{world.session(1).id}.ics", params={"lang": "fr"})
    assert entry.headers["content-type"] == "text/calendar; charset=utf-8"
    assert "Séance 1 sur 6" in entry.text
    opened = await http.post("/v1/people/mentor_1/calendar-feed", headers=person("mentor_1"))
    assert (opened.status_code, opened.headers["cache-control"]) == (201, "no-store")
    url = opened.json()["url"]
    assert url.startswith("https://mentoring.example/v1/calendar-feeds/ge.")
    feed = await http.get(url.removeprefix("https://mentoring.example"), headers={"X-Telemachus-Tenant": "elsewhere"})
    assert len(Calendar.from_ical(feed.content).walk("VEVENT")) == 6
    assert feed.headers["cache-control"] == "private, max-age=300"


async def test_every_wrong_secret_gets_the_same_answer(http: httpx2.AsyncClient) -> None:
    await http.post("/v1/people/mentor_1/calendar-feed")
    answers = {
        (answer.status_code, answer.text)
        for answer in [
            await http.get(f"/v1/calendar-feeds/{secret}.ics")
            for secret in ("wrong", "ge.wrong", "other.wrong", "ge.", "%00", "..", "ge." + "A" * 43)
        ]
    }
    assert len(answers) == 1
    assert next(iter(answers))[0] == 404


READS = ["/v1/sessions/{session}", "/v1/sessions/{session}.ics", "/v1/plans/pair_1"]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", "/v1/sessions/{session}/accept", {"person_ref": "mentor_1"}),
    ("POST", "/v1/sessions/{session}/move", {"starts_at": "2026-03-05T09:00:00Z"}),
    ("POST", "/v1/sessions/{session}/cancel", {"reason": "other"}),
    ("POST", "/v1/sessions/{session}/miss", None),
    (
        "POST",
        "/v1/sessions/{session}/complete",
        {"started_at": "2026-02-03T09:00:00Z", "actual_minutes": 60, "objective_reached": True},
    ),
    ("PATCH", "/v1/sessions/{session}", {"objective": "other"}),
    ("PATCH", "/v1/plans/pair_1", {"minutes": 90}),
    ("POST", "/v1/people/mentor_1/calendar-feed", None),
]
STRANGERS = [
    person("somebody"),
    person("mentor_1") | {"X-Telemachus-Tenant": "other"},
    MANAGER | {"X-Telemachus-Tenant": "other"},
    MANAGER | {"X-Telemachus-Roles": "operator"},
    MANAGER | {"X-Telemachus-Roles": ""},
    MANAGER | {"X-Telemachus-Roles": "programme_officer"},
]


@pytest.mark.parametrize("headers", STRANGERS)
@pytest.mark.parametrize(("method", "path", "body"), [*[("GET", path, None) for path in READS], *WRITES])
async def test_somebody_elses_record_is_not_found(
    *, world: World, http: httpx2.AsyncClient, headers: dict[str, str], method: str, path: str, body: Any
) -> None:
    if path.startswith("/v1/people") and headers["X-Telemachus-Tenant"] == "other":
        return  # a person of the other organisation, who may have the same reference
    before = dict(world.sessions.states)
    answer = await http.request(method, path.format(session=world.session(1).id), headers=headers, json=body)
    assert answer.status_code == 404, answer.text
    assert world.sessions.states == before


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_people_act_on_their_own_sessions(
    world: World, http: httpx2.AsyncClient, method: str, path: str, body: Any
) -> None:
    world.clock.set(MONDAY + timedelta(days=3))
    answer = await http.request(method, path.format(session=world.session(1).id), headers=person("mentor_1"), json=body)
    assert answer.status_code in {200, 201}, answer.text


async def test_lists_show_people_their_own(world: World, http: httpx2.AsyncClient) -> None:
    await world.pair(paired(2))
    for path in ("/v1/sessions", "/v1/plans"):
        mine = (await http.get(path, headers=person("mentor_2"))).json()["items"]
        assert {item["pairing_id"] for item in mine} == {"pair_2"}
        theirs = await http.get(path, headers=person("mentor_2"), params={"person_ref": "mentor_1"})
        assert theirs.status_code == 404
        assert (await http.get(path, headers=person("somebody"))).json()["items"] == []


HUGE = 10**400
BAD_BODIES: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "accept", {"person_ref": {"$ne": None}}, "person_ref"),
    ("POST", "accept", {"person_ref": "a\u0000b"}, "person_ref"),
    ("POST", "accept", {"person_ref": "x" * 97}, "person_ref"),
    ("POST", "accept", {"person_ref": "somebody"}, "person_ref"),
    ("POST", "accept", {"person_ref": ["mentor_1"]}, "person_ref"),
    ("POST", "accept", {"person_ref": "mentor_1", "as": "admin"}, "as"),
    ("POST", "accept", {}, "person_ref"),
    ("POST", "move", {}, "starts_at"),
    ("POST", "move", {"starts_at": "0001-01-01T00:00:00+14:00"}, "starts_at"),
    ("POST", "move", {"starts_at": "9999-12-31T23:59:59-14:00"}, "starts_at"),
    ("POST", "move", {"starts_at": "2031-01-01T00:00:00Z"}, "starts_at"),
    ("POST", "move", {"starts_at": "2001-01-01T00:00:00Z"}, "starts_at"),
    ("POST", "move", {"starts_at": "2026-03-05T09:00:00"}, "starts_at"),
    ("POST", "move", {"starts_at": "2026-02-30T09:00:00Z"}, "starts_at"),
    ("POST", "move", {"starts_at": "2026-03-05"}, "starts_at"),
    ("POST", "move", {"starts_at": "tomorrow"}, "starts_at"),
    ("POST", "move", {"starts_at": "2026-03-05T09:00:00+99:99"}, "starts_at"),
    ("POST", "move", {"starts_at": 1772701200}, "starts_at"),
    ("POST", "move", {"starts_at": HUGE}, "starts_at"),
    ("POST", "move", {"starts_at": str(HUGE)}, "starts_at"),
    ("POST", "move", {"starts_at": {"$gt": ""}}, "starts_at"),
    ("POST", "move", {"starts_at": None}, "starts_at"),
    ("POST", "move", {"starts_at": "2026-03-05T09:00:00Z", "minutes": HUGE}, "minutes"),
    ("POST", "move", {"starts_at": "2026-03-05T09:00:00Z", "minutes": -60}, "minutes"),
    ("POST", "move", {"starts_at": "2026-03-05T09:00:00Z", "minutes": "60"}, "minutes"),
    ("POST", "move", {"starts_at": "2026-03-05T09:00:00Z", "minutes": 60.5}, "minutes"),
    ("POST", "move", {"starts_at": "2026-03-05T09:00:00Z", "minutes": True}, "minutes"),
    ("POST", "cancel", {"reason": "unknown"}, "reason"),
    ("POST", "cancel", {"reason": "unpaired"}, "reason"),
    ("POST", "cancel", {"reason": {"$regex": ".*"}}, "reason"),
    ("POST", "cancel", {}, "reason"),
    ("POST", "complete", {"started_at": "9999-12-31T23:59:59Z"}, "started_at"),
    ("POST", "complete", {"started_at": "2030-01-01T00:00:00Z"}, "started_at"),
    ("POST", "complete", {"started_at": "2025-01-01T00:00:00Z"}, "started_at"),
    ("POST", "complete", {"actual_minutes": 0}, "actual_minutes"),
    ("POST", "complete", {"actual_minutes": 601}, "actual_minutes"),
    ("POST", "complete", {"actual_minutes": HUGE}, "actual_minutes"),
    ("POST", "complete", {"objective_reached": "yes"}, "objective_reached"),
    ("POST", "complete", {"objective_reached": 1}, "objective_reached"),
    ("POST", "complete", {"note": "x" * 2001}, "note"),
    ("POST", "complete", {"note": "bell \u0007"}, "note"),
    ("POST", "complete", {"note": {"$where": "1"}}, "note"),
    ("PATCH", "", {"objective": "Not A Code"}, "objective"),
    ("PATCH", "", {"objective": {"$ne": 1}}, "objective"),
    ("PATCH", "", {"objective_note": "x" * 1001}, "objective_note"),
]
GOOD_OUTCOME = {"started_at": "2026-02-03T09:00:00Z", "actual_minutes": 60, "objective_reached": True}


@pytest.mark.parametrize(("method", "what", "body", "field"), BAD_BODIES)
async def test_bad_input_names_its_field_and_changes_nothing(
    *, world: World, http: httpx2.AsyncClient, method: str, what: str, body: dict[str, Any], field: str
) -> None:
    world.clock.set(MONDAY + timedelta(days=3))
    before = dict(world.sessions.states)
    if what == "complete":
        body = GOOD_OUTCOME | body
    path = f"/v1/sessions/{world.session(1).id}{'/' if what else ''}{what}"
    answer = await http.request(method, path, content=json.dumps(body), headers={"content-type": "application/json"})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field
    assert world.sessions.states == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"cadence": "daily"}, "cadence"),
        ({"cadence": "unknown"}, "cadence"),
        ({"cadence": None}, "body"),
        ({"cadence": {"$ne": "x"}}, "cadence"),
        ({"minutes": 29}, "minutes"),
        ({"minutes": 181}, "minutes"),
        ({"minutes": HUGE}, "minutes"),
        ({"minutes": None}, "body"),
        ({"modality": "unknown"}, "modality"),
        ({"sessions": 0}, "sessions"),
        ({"sessions": 53}, "sessions"),
        ({"sessions": -HUGE}, "sessions"),
        ({"travel_minutes": 241}, "travel_minutes"),
        ({"place": ""}, "place"),
        ({"place": "x" * 201}, "place"),
        ({"place": "two\nlines"}, "place"),
        ({"place": "\ud800"}, "place"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"link": "http://meet.example"}, "link"),
        ({"link": "https://"}, "link"),
        ({"link": "https://[broken"}, "link"),
        ({"link": "https://meet.example/" + "x" * 500}, "link"),
        ({"status": "ended"}, "status"),
    ],
)
async def test_a_bad_change_of_plan_names_its_field(
    world: World, http: httpx2.AsyncClient, body: dict[str, Any], field: str
) -> None:
    before = dict(world.plans.states)
    answer = await http.patch(
        "/v1/plans/pair_1", content=json.dumps(body), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"] == field
    assert world.plans.states == before


@pytest.mark.parametrize("path", ["/v1/sessions", "/v1/plans"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "201"}, "limit"),
        ({"limit": str(HUGE)}, "limit"),
        ({"cursor": "$gt{"}, "cursor"),
        ({"person_ref": "a b"}, "person_ref"),
        ({"pairing_id": "\x00"}, "pairing_id"),
        ({"programme_id": '{"$ne": 1}'}, "programme_id"),
    ],
)
async def test_a_bad_filter_names_its_field(
    http: httpx2.AsyncClient, path: str, query: dict[str, str], field: str
) -> None:
    answer = await http.get(path, params=query)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_an_unknown_status_is_refused(http: httpx2.AsyncClient) -> None:
    for status in ("proposed", "unknown", "$ne"):
        answer = await http.get("/v1/sessions", params={"status": status})
        assert (answer.status_code, answer.json()["field"]) == (422, "status")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b"[" * 2000, b'{"minutes": ' + b"9" * 5000 + b"}"]
)
async def test_a_broken_body_is_a_problem_document(http: httpx2.AsyncClient, content: bytes) -> None:
    answer = await http.patch("/v1/plans/pair_1", content=content, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("identifier", ["nobody", "%00", "$ne", "a" * 300, "..%2f..", "%F0%9F%92%A9", "%ff%fe", "{}"])
async def test_an_absurd_id_is_not_found(http: httpx2.AsyncClient, identifier: str) -> None:
    for path in (f"/v1/sessions/{identifier}", f"/v1/plans/{identifier}", f"/v1/sessions/{identifier}.ics"):
        answer = await http.get(path)
        assert answer.status_code in {404, 422}, answer.text
    moved = await http.post(f"/v1/sessions/{identifier}/move", json={"starts_at": "2026-03-05T09:00:00Z"})
    assert moved.status_code in {404, 422}


async def test_nothing_is_moved_once_the_pairing_has_ended(world: World, http: httpx2.AsyncClient) -> None:
    await world.planning.end(unpaired(), because_of(unpaired()))
    move = await http.post(f"/v1/sessions/{world.session(1).id}/move", json={"starts_at": "2026-03-05T09:00:00Z"})
    assert (move.status_code, move.json()["type"]) == (409, "urn:telemachus:problem:session-already-cancelled")
    amend = await http.patch("/v1/plans/pair_1", json={"minutes": 90})
    assert (amend.status_code, amend.json()["type"]) == (409, "urn:telemachus:problem:pairing-ended")
