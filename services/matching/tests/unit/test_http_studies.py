import csv
import io
import json
from typing import Any

import httpx2
import pytest
from matching.domain.proposal import MOST_PEOPLE_A_SIDE
from matching_stores import Service

FILE = b"""role;languages;time_zone;skills_offered;skills_wanted;availability;unit
mentor;fr;Europe/Paris;generative_ai:4;;1 09:00-12:00;=HYPERLINK("x")
mentee;fr;Europe/Paris;;generative_ai:1:3;1 09:00-12:00;
"""
TWO_POLICIES = {
    "policies": [
        {"name": "published"},
        {"name": "=1+1", "changes": {"require_shared_language": False, "weights": {"skills": 5000}}},
    ]
}
SIMULATIONS = "/programmes/prog_1/simulations"


async def upload(client: httpx2.AsyncClient, body: bytes = FILE, kind: str = "text/csv") -> httpx2.Response:
    return await client.post("/simulation-people", content=body, headers={"content-type": kind})


async def test_a_simulation_from_the_question_to_the_table(client: httpx2.AsyncClient, service: Service) -> None:
    asked = await client.post(SIMULATIONS, json=TWO_POLICIES)
    assert (asked.status_code, asked.json()["status"], asked.json()["outcomes"]) == (202, "queued", [])
    where = f"/simulations/{asked.json()['id']}"
    assert (await client.get(f"{where}/table.csv")).content == b"\xef\xbb\xbfmeasure\r\n"
    await service.matching.studies.work()
    done = (await client.get(where)).json()
    assert (done["status"], done["progress"], done["policy_version"]) == ("done", 100, 1)
    published, loose = done["outcomes"]
    assert published["policy"] == done["policies"][0]["policy"]
    assert (loose["policy"]["weights"]["skills"], loose["policy"]["require_shared_language"]) == (5000, False)
    assert (published["pairs"], published["cross_unit_percent"], published["proven"]) == (1, 100.0, True)
    assert published["unmatched"] == [
        {"role": "mentor", "reason": "rules", "people": 1},
        {"role": "mentee", "reason": "not_ready", "people": 1},
    ]
    assert loose["unmatched"][0]["reason"] == "capacity"
    assert published["coverage"][0]["by_unit"] == [{"value": "unit_a", "people": 2, "paired": 1, "merged": 0}]
    table = await client.get(f"{where}/table.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert rows[0] == ["measure", "published", "'=1+1"]
    figures = {row[0]: row[1:] for row in rows}
    assert figures["pairs"] == ["1", "1"]
    assert figures["score"] == [str(published["score"]), str(loose["score"])]
    assert figures["unmatched mentors, rules"] == ["1", "0"]
    assert figures["mentors, unit unit_a, paired"] == ["1", "1"]
    assert figures["score, decile 0"] == [str(published["worst_score"]), str(loose["worst_score"])]
    assert [one["id"] for one in (await client.get(SIMULATIONS)).json()["items"]] == [done["id"]]
    late = await client.post(f"{where}/cancel")
    assert (late.status_code, late.json()["type"]) == (409, "urn:telemachus:problem:study-ended")


async def test_a_whole_policy_fills_its_gaps_with_the_defaults(client: httpx2.AsyncClient, service: Service) -> None:
    body = {"policies": [{"name": "whole", "policy": {"age_gap_target": 30, "weights": {"interests": 1}}}]}
    (policy,) = (await client.post(SIMULATIONS, json=body)).json()["policies"]
    assert (policy["policy"]["age_gap_target"], policy["policy"]["weights"]["interests"]) == (30, 1)
    assert policy["policy"]["weights"]["skills"] == 6000


async def test_people_are_uploaded_for_one_simulation(client: httpx2.AsyncClient, service: Service) -> None:
    uploaded = await upload(client)
    assert uploaded.status_code == 201
    people = uploaded.json()
    assert (people["mentors"], people["mentees"], people["most_people_a_side"]) == (1, 1, MOST_PEOPLE_A_SIDE)
    body = TWO_POLICIES | {"upload_id": people["id"]}
    study = (await client.post(SIMULATIONS, json=body)).json()
    assert study["upload_id"] == people["id"]
    again = await client.post(SIMULATIONS, json=body)
    assert (again.status_code, again.json()["type"]) == (409, "urn:telemachus:problem:upload-used")
    await service.matching.studies.work()
    done = (await client.get(f"/simulations/{study['id']}")).json()
    assert [outcome["pairs"] for outcome in done["outcomes"]] == [1, 1]
    gone = await client.post(SIMULATIONS, json=body)
    assert (gone.status_code, gone.json()["field"]) == (404, "upload_id")
    table = (await client.get(f"/simulations/{study['id']}/table.csv")).text
    assert "mentors, unit =HYPERLINK" in table
    assert "\n=" not in table.replace('"', "")


async def test_a_file_with_bad_rows_is_refused_with_each_row_and_column(client: httpx2.AsyncClient) -> None:
    refused = await upload(
        client, FILE.replace(b"generative_ai:4", b"generative_ai:9").replace(b"mentee;fr", b"boss;fr")
    )
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:telemachus:problem:unusable-people")
    assert [(one["line"], one["column"]) for one in refused.json()["findings"]] == [
        (2, "skills_offered"),
        (3, "role"),
    ]
    assert refused.json()["found"] == 2
    for kind in ("application/json", "multipart/form-data; boundary=x"):
        assert (await upload(client, b"{}", kind)).status_code == 422


async def test_what_hangs_on_each_weight_is_told(client: httpx2.AsyncClient, service: Service) -> None:
    asked = await client.post("/programmes/prog_1/sensitivities", json={"percent": 10})
    assert (asked.status_code, asked.json()["swings"]) == (202, [])
    plain = await client.post("/programmes/prog_1/sensitivities")
    stopped = await client.post(f"/sensitivities/{plain.json()['id']}/cancel")
    assert (stopped.status_code, stopped.json()["status"]) == (200, "cancelled")
    await service.matching.studies.work()
    done = (await client.get(f"/sensitivities/{asked.json()['id']}")).json()
    assert (done["status"], len(done["swings"])) == ("done", 22)
    assert {(one["weight"], one["percent"]) for one in done["swings"]} >= {("skills", -10), ("skills", 10)}
    assert {one["pairs_changed"] for one in done["swings"]} == {0}
    listed = (await client.get("/programmes/prog_1/sensitivities")).json()["items"]
    assert {one["status"] for one in listed} == {"done", "cancelled"}
    assert (await client.get(f"/simulations/{asked.json()['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "policies"),
        ({"policies": []}, "policies"),
        ({"policies": [{"name": f"p{n}"} for n in range(7)]}, "policies"),
        ({"policies": [{"name": "a"}, {"name": "a"}]}, "policies.1.name"),
        ({"policies": [{"name": ""}]}, "policies.0.name"),
        ({"policies": [{"name": "a", "changes": {"weight": 1}}]}, "policies.0.changes.weight"),
        ({"policies": [{"name": "a", "changes": {"weights": {"skills": -1}}}]}, "policies.0.changes.weights.skills"),
        ({"policies": [{"name": "a", "changes": {"weights": {"charm": 1}}}]}, "policies.0.changes.weights.charm"),
        ({"policies": [{"name": "a", "changes": {"objective": ["fun"]}}]}, "policies.0.changes.objective"),
        ({"policies": [{"name": "a", "changes": {"mode": "magic"}}]}, "policies.0.changes.mode"),
        ({"policies": [{"name": "a", "changes": {}, "policy": {}}]}, "policies.0"),
        ({"policies": [{"name": "a"}], "upload_id": {"$ne": ""}}, "upload_id"),
        ({"policies": [{"name": "a"}], "upload_id": "upload_x"}, "upload_id"),
        ({"policies": [{"name": "a"}], "seed": -1}, "seed"),
    ],
)
async def test_bad_questions_are_refused_with_the_field_at_fault(
    client: httpx2.AsyncClient, service: Service, body: Any, field: str
) -> None:
    refused = await client.post(SIMULATIONS, content=json.dumps(body), headers={"content-type": "application/json"})
    assert refused.status_code in {404, 422}
    assert refused.json()["field"] == field
    assert service.studies.states == {}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/programmes/prog_9/simulations", {"policies": [{"name": "a"}]}),
        ("POST", "/programmes/prog_9/sensitivities", {}),
        ("GET", "/simulations/simulation_x", None),
        ("GET", "/simulations/simulation_x/table.csv", None),
        ("POST", "/simulations/simulation_x/cancel", None),
        ("GET", "/sensitivities/sensitivity_x", None),
    ],
)
async def test_studies_that_do_not_exist_are_not_found(
    client: httpx2.AsyncClient, method: str, path: str, body: Any
) -> None:
    answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


async def test_a_percentage_outside_of_reason_is_refused(client: httpx2.AsyncClient) -> None:
    for percent in (0, 101, "x"):
        refused = await client.post("/programmes/prog_1/sensitivities", json={"percent": percent})
        assert (refused.status_code, refused.json()["field"]) == (422, "percent")
