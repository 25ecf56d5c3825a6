"""The HTTP interface on in-memory ports: shapes and rights."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from icalendar import Calendar
from scheduling_builders import MONDAY, World, because_of, paired, unpaired, windows
from scheduling_http import MANAGER, person


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


async def test_nothing_is_moved_once_the_pairing_has_ended(world: World, http: httpx2.AsyncClient) -> None:
    await world.planning.end(unpaired(), because_of(unpaired()))
    move = await http.post(f"/v1/sessions/{world.session(1).id}/move", json={"starts_at": "2026-03-05T09:00:00Z"})
    assert (move.status_code, move.json()["type"]) == (409, "urn:telemachus:problem:session-already-cancelled")
    amend = await http.patch("/v1/plans/pair_1", json={"minutes": 90})
    assert (amend.status_code, amend.json()["type"]) == (409, "urn:telemachus:problem:pairing-ended")
