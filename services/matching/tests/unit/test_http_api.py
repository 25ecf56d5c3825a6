import json
from typing import Any

import httpx2
import pytest
from matching_builders import NOW, a_mentee, a_mentor, a_programme
from matching_stores import Service, a_cause
from shared.contracts import MatchPolicy, MatchWeights, PairingAtRisk

PERSON = {"X-Telemachus-Subject": "person_m1", "X-Telemachus-Roles": "participant"}
STRANGER = {"X-Telemachus-Subject": "person_x", "X-Telemachus-Roles": "participant"}
LONG = "x" * 97


async def paired(client: httpx2.AsyncClient, service: Service) -> tuple[str, str]:
    """A run that was approved, and its one pairing."""
    run = (await client.post("/programmes/prog_1/runs", json={"seed": 1})).json()["id"]
    await service.matching.runs.work()
    approved = await client.post(f"/runs/{run}/approve", json={"effective_on": "2026-04-06"})
    return run, approved.json()["pairings"][0]


async def test_from_a_pool_to_pairings(client: httpx2.AsyncClient, service: Service) -> None:
    pool = await client.get("/programmes/prog_1/pool")
    assert pool.json() == {
        "programme_id": "prog_1",
        "known": 4,
        "mentors": 2,
        "mentees": 2,
        "mentors_ready": 2,
        "mentees_ready": 1,
        "places": 2,
        "paired": 0,
    }
    asked = await client.post("/programmes/prog_1/runs", json={"seed": 1})
    assert (asked.status_code, asked.json()["status"], asked.json()["pairs"]) == (202, "queued", None)
    await service.matching.runs.work()
    run = (await client.get(f"/runs/{asked.json()['id']}")).json()
    assert (run["status"], run["progress"], run["pairs"], run["unmatched_mentees"]) == ("proposed", 100, 1, 1)
    assert run["objective"] == ["participation", "worst_served", "total"]
    assert [price["objective"] for price in run["price_of_order"]] == run["objective"]
    assert run["certificate"]["primal"] == run["certificate"]["dual"]
    assert run["score"] >= run["greedy_score"] >= run["random_baseline_score"] > 0
    (pair,) = (await client.get(f"/runs/{run['id']}/pairs")).json()["items"]
    assert (pair["mentor_volunteer_id"], pair["mentee_ref"], pair["locked"]) == ("m1", "person_e1", False)
    assert sum(term["points"] for term in pair["terms"]) == pair["score"] == run["score"]
    assert pair["shared_minutes_per_week"] == 180
    unmatched = (await client.get(f"/runs/{run['id']}/unmatched")).json()["items"]
    assert {person["volunteer_id"]: person["reason"] for person in unmatched} == {"e2": "not_ready", "m2": "rules"}
    approved = await client.post(f"/runs/{run['id']}/approve")
    assert (approved.status_code, approved.json()["status"]) == (200, "approved")
    pairing = (await client.get(f"/pairings/{approved.json()['pairings'][0]}")).json()
    assert pairing["mentor"] == {"volunteer_id": "m1", "person_ref": "person_m1"}
    assert (pairing["status"], pairing["at_risk"], pairing["run_id"]) == ("active", False, run["id"])
    assert pairing["effective_on"] == "2026-03-02"
    assert pairing["terms"] == pair["terms"]
    assert (await client.get("/programmes/prog_1/pool")).json()["paired"] == 1
    runs = (await client.get("/programmes/prog_1/runs")).json()["items"]
    assert [one["status"] for one in runs] == ["approved"]


async def test_a_pairing_is_ended_with_a_reason(client: httpx2.AsyncClient, service: Service) -> None:
    _, pairing = await paired(client, service)
    ended = await client.post(f"/pairings/{pairing}/unpair", json={"reason": "manager_decision"})
    assert (ended.status_code, ended.json()["status"]) == (200, "ended")
    again = await client.post(f"/pairings/{pairing}/unpair", json={"reason": "manager_decision"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:telemachus:problem:pairing-not-active")
    listed = (await client.get("/pairings", params={"status": "ended", "person_ref": "person_e1"})).json()
    assert [one["ended_reason"] for one in listed["items"]] == ["manager_decision"]


async def test_only_a_manager_outside_the_pair_sees_the_risk_and_the_answers(
    client: httpx2.AsyncClient, service: Service
) -> None:
    _, pairing = await paired(client, service)
    at_risk = PairingAtRisk(version=1, occurred_at=NOW, pairing_id=pairing, programme_id="prog_1")
    await service.matching.pairings.put_at_risk(at_risk, a_cause())
    inside = {"X-Telemachus-Subject": "person_e1", "X-Telemachus-Roles": "programme_manager"}
    shown = []
    for headers in ({}, PERSON, inside):
        found = (await client.get(f"/pairings/{pairing}", headers=headers)).json()
        shown.append((found["at_risk"], found["answers"]))
    assert shown == [(True, 0), (None, None), (None, None)]


async def test_the_two_do_not_learn_what_the_other_wished_for_or_how_they_were_judged(
    client: httpx2.AsyncClient, service: Service
) -> None:
    policy = MatchPolicy(weights=MatchWeights(grid=400))
    wishing = a_mentor("m1", version=2, ranked_wishes=("e1",), grid_score=80)
    await service.know(wishing, programme=a_programme(version=2, policy=policy))
    _, pairing = await paired(client, service)
    manager, mentor, mentee = [
        (await client.get(f"/pairings/{pairing}", headers=headers)).json()
        for headers in ({}, PERSON, PERSON | {"X-Telemachus-Subject": "person_e1"})
    ]
    terms = {term["term"]: term["points"] for term in manager["terms"]}
    assert (terms["ranked_wishes"], terms["grid"]) == (300, 320)
    for told in (mentor, mentee):
        assert {term["term"]: term["points"] for term in told["terms"]} == {
            name: points for name, points in terms.items() if name not in {"ranked_wishes", "grid"}
        }
        assert told["score"] == sum(term["points"] for term in told["terms"]) == manager["score"] - 620


async def test_a_pairing_is_replaced(client: httpx2.AsyncClient, service: Service) -> None:
    _, pairing = await paired(client, service)
    await service.know(a_mentor("m3"), a_mentee("e3"))
    body = {"pairing_id": pairing, "effective_on": "2026-05-04"}
    answer = (await client.post("/programmes/prog_1/re-match", json=body)).json()
    assert answer["ended"] == pairing
    made = {(one["mentor"]["volunteer_id"], one["mentee"]["volunteer_id"]) for one in answer["pairings"]}
    assert made == {("m3", "e1"), ("m1", "e3")}
    assert {one["effective_on"] for one in answer["pairings"]} == {"2026-05-04"}
    assert answer["unmatched"] == []


@pytest.mark.parametrize("path", ["locks", "exclusions"])
async def test_locks_and_exclusions_are_set_listed_and_removed(client: httpx2.AsyncClient, path: str) -> None:
    two = {"mentor_volunteer_id": "m1", "mentee_volunteer_id": "e1"}
    where = f"/programmes/prog_1/{path}"
    first, second = [await client.post(where, json=two) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert (await client.get(where)).json()["items"] == [first.json()]
    removed = await client.delete(f"{where}/{first.json()['id']}")
    assert (removed.status_code, removed.content) == (204, b"")
    assert (await client.get(where)).json()["items"] == []
    assert (await client.delete(f"{where}/lock_x")).status_code == 404


async def test_a_lock_against_a_rule_is_a_conflict_that_names_it(client: httpx2.AsyncClient) -> None:
    two = {"mentor_volunteer_id": "m2", "mentee_volunteer_id": "e1"}
    refused = await client.post("/programmes/prog_1/locks", json=two)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:telemachus:problem:rule-forbids-pair")
    assert "shared_language" in refused.json()["detail"]


async def test_candidates_are_paged_without_age_grade_or_line(client: httpx2.AsyncClient) -> None:
    first = (await client.get("/programmes/prog_1/candidates", params={"limit": 3})).json()
    rest = (await client.get("/programmes/prog_1/candidates", params={"cursor": first["next_cursor"]})).json()
    names = [person["id"] for person in (*first["items"], *rest["items"])]
    assert names == ["e1", "e2", "m1", "m2"]
    assert rest["next_cursor"] is None
    assert not {"age_band", "grade_band", "line_self", "line_above"} & set(first["items"][0])
    mentors = (await client.get("/programmes/prog_1/candidates", params={"role": "mentor"})).json()["items"]
    assert [person["id"] for person in mentors] == ["m1", "m2"]


async def test_people_see_their_own_pairing_and_nothing_else(client: httpx2.AsyncClient, service: Service) -> None:
    run, pairing = await paired(client, service)
    assert (await client.get(f"/pairings/{pairing}", headers=PERSON)).status_code == 200
    assert (await client.get(f"/pairings/{pairing}", headers=STRANGER)).status_code == 404
    mine = await client.get("/pairings", params={"person_ref": "person_m1"}, headers=PERSON)
    assert len(mine.json()["items"]) == 1
    for path in ("/pairings", f"/runs/{run}", f"/runs/{run}/pairs", "/programmes/prog_1/candidates"):
        assert (await client.get(path, headers=PERSON)).status_code == 403
    for path, body in (
        ("/programmes/prog_1/runs", {}),
        (f"/runs/{run}/approve", {}),
        (f"/pairings/{pairing}/unpair", {"reason": "completed"}),
        ("/programmes/prog_1/re-match", {"pairing_id": pairing}),
        ("/programmes/prog_1/locks", {"mentor_volunteer_id": "m1", "mentee_volunteer_id": "e1"}),
    ):
        assert (await client.post(path, json=body, headers=PERSON)).status_code == 403


TWO = {"mentor_volunteer_id": "m1", "mentee_volunteer_id": "e1"}
BAD_BODIES: list[tuple[str, Any, str]] = [
    ("/programmes/prog_1/runs", {"seed": -1}, "seed"),
    ("/programmes/prog_1/runs", {"seed": 2**53}, "seed"),
    ("/programmes/prog_1/runs", {"seed": "NaN"}, "seed"),
    ("/programmes/prog_1/runs", {"seed": 1.5}, "seed"),
    ("/programmes/prog_1/runs", {"sed": 1}, "sed"),
    ("/programmes/prog_1/runs", [1], "body"),
    ("/programmes/$where/runs", {}, "programme_id"),
    (f"/programmes/{LONG}/runs", {}, "programme_id"),
    ("/runs/run_1/approve", {"effective_on": "tomorrow"}, "effective_on"),
    ("/runs/run_1/approve", {"effective_on": "0001-01-01"}, "effective_on"),
    ("/runs/run_1/approve", {"effective_on": "9999-12-31"}, "effective_on"),
    ("/runs/run_1/approve", {"effective_on": 10**12}, "effective_on"),
    ("/runs/run_1/approve", {"effective_on": {"$gt": ""}}, "effective_on"),
    ("/programmes/prog_1/locks", {}, "mentor_volunteer_id"),
    ("/programmes/prog_1/locks", TWO | {"mentee_volunteer_id": {"$ne": None}}, "mentee_volunteer_id"),
    ("/programmes/prog_1/locks", TWO | {"mentor_volunteer_id": "m1\u0000"}, "mentor_volunteer_id"),
    ("/programmes/prog_1/locks", TWO | {"mentor_volunteer_id": "\ud800"}, "mentor_volunteer_id"),
    ("/programmes/prog_1/locks", TWO | {"mentor_volunteer_id": LONG}, "mentor_volunteer_id"),
    ("/programmes/prog_1/exclusions", TWO | {"$set": 1}, "$set"),
    ("/programmes/prog_1/exclusions", TWO | {"mentor_volunteer_id": "e1"}, "mentor_volunteer_id"),
    ("/pairings/pair_1/unpair", {}, "reason"),
    ("/pairings/pair_1/unpair", {"reason": "unknown"}, "reason"),
    ("/pairings/pair_1/unpair", {"reason": "because"}, "reason"),
    ("/pairings/pair_1/unpair", {"reason": ["completed"]}, "reason"),
    ("/programmes/prog_1/re-match", {"pairing_id": None}, "pairing_id"),
    ("/programmes/prog_1/re-match", {"pairing_id": "pair_1", "effective_on": "2026-02-30"}, "effective_on"),
]


@pytest.mark.parametrize(("path", "body", "field"), BAD_BODIES)
async def test_bad_input_is_refused_with_the_field_at_fault(
    client: httpx2.AsyncClient, service: Service, path: str, body: Any, field: str
) -> None:
    refused = await client.post(path, content=json.dumps(body), headers={"content-type": "application/json"})
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert refused.json()["field"] == field
    assert service.runs.states == {}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/pairings?status=proposed", "status"),
        ("/pairings?person_ref[$ne]=x&limit=0", "limit"),
        ("/pairings?programme_id=$gt", "programme_id"),
        ("/programmes/prog_1/candidates?role=admin", "role"),
        ("/programmes/prog_1/candidates?limit=201", "limit"),
        ("/programmes/prog_1/candidates?cursor=%24x", "cursor"),
        ("/runs/%00", "run_id"),
        ("/pairings/%7B%7D", "pairing_id"),
    ],
)
async def test_bad_queries_are_refused_with_the_field_at_fault(
    client: httpx2.AsyncClient, path: str, field: str
) -> None:
    refused = await client.get(path)
    assert (refused.status_code, refused.json()["field"]) == (422, field)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/programmes/prog_9/pool", None),
        ("POST", "/programmes/prog_9/runs", {}),
        ("GET", "/runs/run_x", None),
        ("GET", "/runs/run_x/pairs", None),
        ("GET", "/runs/run_x/unmatched", None),
        ("POST", "/runs/run_x/approve", {}),
        ("POST", "/programmes/prog_1/locks", TWO | {"mentor_volunteer_id": "m9"}),
        ("POST", "/programmes/prog_9/locks", TWO),
        ("DELETE", "/programmes/prog_1/exclusions/exclusion_x", None),
        ("GET", "/pairings/pair_x", None),
        ("POST", "/pairings/pair_x/unpair", {"reason": "completed"}),
        ("POST", "/programmes/prog_1/re-match", {"pairing_id": "pair_x"}),
    ],
)
async def test_what_does_not_exist_is_not_found(client: httpx2.AsyncClient, method: str, path: str, body: Any) -> None:
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_run_that_was_not_concluded_shows_no_pairs_and_cannot_be_approved(client: httpx2.AsyncClient) -> None:
    run = (await client.post("/programmes/prog_1/runs")).json()["id"]
    for what in ("pairs", "unmatched"):
        assert (await client.get(f"/runs/{run}/{what}")).json() == {"items": [], "next_cursor": None}
    refused = await client.post(f"/runs/{run}/approve")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:telemachus:problem:run-not-proposed")


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe", b'{"seed": 1e400}', b"[" * 5000])
async def test_what_is_no_json_is_refused(client: httpx2.AsyncClient, content: bytes) -> None:
    headers = {"content-type": "application/json"}
    refused = await client.post("/programmes/prog_1/runs", content=content, headers=headers)
    assert refused.status_code in {400, 422}
