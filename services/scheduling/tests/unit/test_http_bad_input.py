"""Every kind of bad input at the HTTP interface: the field is named and nothing changes."""

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from scheduling_builders import MONDAY, World

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
