"""Whatever is sent: a problem that names the field, never a 500, and nothing stored."""

import json
from typing import Any

import pytest
from shared.chassis.mongo import Mongo

from .conftest import Json, Service

pytestmark = pytest.mark.integration

HUGE = 10**400
OPERATOR: Json = {"$gt": ""}
PROGRAMME: Json = {"title": "T", "starts_on": "2026-02-02"}
OFFERED: Json = {"skill": "inclusion", "level": 1}
WINDOW: Json = {"day": 1, "start": "09:00", "end": "10:00"}
GOAL: Json = {"code": "inclusion", "metric": "trust", "target": 4}

BAD_PROGRAMMES: list[tuple[Json, str]] = [
    ({"surprise": 1}, "surprise"),
    ({"$where": "1"}, "$where"),
    ({"title": ""}, "title"),
    ({"title": "   "}, "title"),
    ({"title": None}, "title"),
    ({"title": 5}, "title"),
    ({"title": OPERATOR}, "title"),
    ({"title": "a\u0000b"}, "title"),
    ({"title": "a\u001b[31m"}, "title"),
    ({"title": "a\ud800"}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"starts_on": "0000-01-01"}, "starts_on"),
    ({"starts_on": "1999-12-31"}, "starts_on"),
    ({"starts_on": "2101-01-01"}, "starts_on"),
    ({"starts_on": "9999-12-31"}, "starts_on"),
    ({"starts_on": "2026-02-30"}, "starts_on"),
    ({"starts_on": "2026-02-02T00:00:00"}, "starts_on"),
    ({"starts_on": "02/02/2026"}, "starts_on"),
    ({"starts_on": 0}, "starts_on"),
    ({"starts_on": 1.5}, "starts_on"),
    ({"starts_on": True}, "starts_on"),
    ({"starts_on": OPERATOR}, "starts_on"),
    ({"starts_on": None}, "starts_on"),
    ({"ends_on": "2026-02-01"}, "ends_on"),
    ({"ends_on": [1]}, "ends_on"),
    ({"languages": "fr"}, "languages"),
    ({"languages": ["français"]}, "languages.0"),
    ({"languages": ["fr", "fr"]}, "languages.1"),
    ({"languages": [OPERATOR]}, "languages.0"),
    ({"languages": ["fr"] * 21}, "languages"),
    ({"languages": OPERATOR}, "languages"),
    ({"goals": [GOAL] * 51}, "goals"),
    ({"goals": [GOAL, GOAL]}, "goals.1"),
    ({"goals": [{**GOAL, "code": "world_peace"}]}, "goals.0.code"),
    ({"goals": [{**GOAL, "code": OPERATOR}]}, "goals.0.code"),
    ({"goals": [{**GOAL, "metric": "mood"}]}, "goals.0.metric"),
    ({"goals": [{**GOAL, "target": -1}]}, "goals.0.target"),
    ({"goals": [{**GOAL, "target": HUGE}]}, "goals.0.target"),
    ({"goals": [{**GOAL, "target": "4"}]}, "goals.0.target"),
    ({"goals": [{**GOAL, "target": float("nan")}]}, "goals.0.target"),
    ({"goals": [{**GOAL, "target": float("inf")}]}, "goals.0.target"),
    ({"goals": [{**GOAL, "target": True}]}, "goals.0.target"),
    ({"goals": [{**GOAL, "due_on": "2025-01-01"}]}, "goals.0.due_on"),
    ({"goals": [{**GOAL, "extra": 1}]}, "goals.0.extra"),
    ({"goals": [1]}, "goals.0"),
    ({"plan": {"sessions": 0}}, "plan.sessions"),
    ({"plan": {"sessions": HUGE}}, "plan.sessions"),
    ({"plan": {"sessions": -HUGE}}, "plan.sessions"),
    ({"plan": {"sessions": 6.0}}, "plan.sessions"),
    ({"plan": {"sessions": "6"}}, "plan.sessions"),
    ({"plan": {"sessions": True}}, "plan.sessions"),
    ({"plan": {"sessions": None}}, "plan.sessions"),
    ({"plan": {"minutes": 29}}, "plan.minutes"),
    ({"plan": {"cadence": "hourly"}}, "plan.cadence"),
    ({"plan": {"cadence": "unknown"}}, "plan.cadence"),
    ({"plan": {"modality": OPERATOR}}, "plan.modality"),
    ({"plan": {"objectives": ["A B"]}}, "plan.objectives.0"),
    ({"plan": {"objectives": ["a"] * 53}}, "plan.objectives"),
    ({"plan": {"surprise": 1}}, "plan.surprise"),
    ({"plan": "monthly"}, "plan"),
    ({"plan": None}, "plan"),
    ({"policy": {"mode": "unknown"}}, "policy.mode"),
    ({"policy": {"mode": "chaos"}}, "policy.mode"),
    ({"policy": {"objective": []}}, "policy.objective"),
    ({"policy": {"objective": ["luck"]}}, "policy.objective"),
    ({"policy": {"objective": ["total", "total"]}}, "policy.objective.1"),
    ({"policy": {"age_gap_target": 61}}, "policy.age_gap_target"),
    ({"policy": {"forbid_same_line": "yes"}}, "policy.forbid_same_line"),
    ({"policy": {"forbid_same_line": 1}}, "policy.forbid_same_line"),
    ({"policy": {"weights": {"skills": 20_001}}}, "policy.weights.skills"),
    ({"policy": {"weights": {"skills": HUGE}}}, "policy.weights.skills"),
    ({"policy": {"weights": {"height": 1}}}, "policy.weights.height"),
    ({"policy": {"weights": OPERATOR}}, "policy.weights.$gt"),
    ({"policy": {"weights": {"ranked_wishes": 20_001}}}, "policy.weights.ranked_wishes"),
    ({"policy": {"weights": {"grid": "600"}}}, "policy.weights.grid"),
    ({"policy": {"require_grid": 1}}, "policy.require_grid"),
    ({"anonymity_floor": 2}, "anonymity_floor"),
    ({"anonymity_floor": "5"}, "anonymity_floor"),
]

BAD_OFFERS: list[tuple[Json, str]] = [
    ({"surprise": 1}, "surprise"),
    ({"capacity": 0}, "capacity"),
    ({"capacity": 6}, "capacity"),
    ({"capacity": HUGE}, "capacity"),
    ({"capacity": "1"}, "capacity"),
    ({"capacity": 1.5}, "capacity"),
    ({"capacity": True}, "capacity"),
    ({"capacity": OPERATOR}, "capacity"),
    ({"capacity": None}, "capacity"),
    ({"motivation": 6}, "motivation"),
    ({"skills_offered": []}, "skills_offered"),
    ({"skills_offered": None}, "skills_offered"),
    ({"skills_offered": "inclusion"}, "skills_offered"),
    ({"skills_offered": ["inclusion"]}, "skills_offered.0"),
    ({"skills_offered": [OFFERED, {"skill": "flying", "level": 1}]}, "skills_offered.1.skill"),
    ({"skills_offered": [OFFERED, OFFERED]}, "skills_offered.1.skill"),
    ({"skills_offered": [{"skill": OPERATOR, "level": 1}]}, "skills_offered.0.skill"),
    ({"skills_offered": [{"skill": "inclusion", "level": 6}]}, "skills_offered.0.level"),
    ({"skills_offered": [{"skill": "inclusion", "level": HUGE}]}, "skills_offered.0.level"),
    ({"skills_offered": [{"skill": "inclusion", "level": "1"}]}, "skills_offered.0.level"),
    ({"skills_offered": [{"skill": "inclusion"}]}, "skills_offered.0.level"),
    ({"skills_offered": [{**OFFERED, "extra": 1}]}, "skills_offered.0.extra"),
    ({"skills_offered": [OFFERED] * 41}, "skills_offered"),
    ({"skills_wanted": [{"skill": "inclusion", "priority": 4}]}, "skills_wanted.0.priority"),
    ({"skills_wanted": [{"skill": "a\u0000"}]}, "skills_wanted.0.skill"),
    ({"interests": ["A B"]}, "interests.0"),
    ({"interests": ["chess", "chess"]}, "interests.1"),
    ({"interests": ["chess"] * 41}, "interests"),
    ({"interests": [OPERATOR]}, "interests.0"),
    ({"goals": ["fame"]}, "goals.0"),
    ({"goals": ["inclusion", "inclusion"]}, "goals.1"),
    ({"languages": []}, "languages"),
    ({"languages": ["Français"]}, "languages.0"),
    ({"languages": ["fr", "en", "fr"]}, "languages.2"),
    ({"time_zone": "Mars/Olympus"}, "time_zone"),
    ({"time_zone": "../../etc/passwd"}, "time_zone"),
    ({"time_zone": OPERATOR}, "time_zone"),
    ({"time_zone": "Europe/Paris\u0000"}, "time_zone"),
    ({"availability": [WINDOW, {"day": 1, "start": "09:59", "end": "11:00"}]}, "availability.1"),
    ({"availability": [{**WINDOW, "day": 0}]}, "availability.0.day"),
    ({"availability": [{**WINDOW, "day": 8}]}, "availability.0.day"),
    ({"availability": [{**WINDOW, "start": "25:00"}]}, "availability.0.start"),
    ({"availability": [{**WINDOW, "start": 900}]}, "availability.0.start"),
    ({"availability": [{**WINDOW, "end": "09:00"}]}, "availability.0"),
    ({"availability": [WINDOW] * 51}, "availability"),
]

BAD_WISHES: list[tuple[Json, str]] = [
    *BAD_OFFERS,
    ({"role": "boss"}, "role"),
    ({"role": OPERATOR}, "role"),
    ({"role": "mentee"}, "skills_wanted"),
    ({"person_ref": OPERATOR}, "person_ref"),
    ({"person_ref": ""}, "person_ref"),
    ({"person_ref": "$ne"}, "person_ref"),
    ({"person_ref": "x" * 97}, "person_ref"),
    ({"person_ref": "per_none"}, "person_ref"),
    ({"programme_id": ["a"]}, "programme_id"),
    ({"programme_id": "prg_none"}, "programme_id"),
    ({"charter_signed": "true"}, "charter_signed"),
    ({"charter_signed": 1}, "charter_signed"),
    ({"nominated_by": OPERATOR}, "nominated_by"),
    ({"nominated_by": "per_none"}, "nominated_by"),
    ({"id": "vol_mine"}, "id"),
    ({"status": "paired"}, "status"),
]


def described(cases: list[tuple[Json, str]]) -> list[Any]:
    return [pytest.param(*case, id=f"{case[1]}={str(case[0])[:50]!r}") for case in cases]


async def _stored(service: Service) -> dict[str, int]:
    mongo = Mongo(
        service.settings.mongo_uri.get_secret_value(),
        service.settings.mongo_database,
        timeout_ms=5000,
        selection_timeout_ms=5000,
    )
    names = ("people", "programmes", "volunteers", "people_imports", "people_import_parts", "answers")
    counts = {name: await mongo.collection(name).count({}) for name in names}
    mongo.close()
    return counts


async def _refused(service: Service, method: str, path: str, body: Any, field: str) -> None:
    before = await _stored(service)
    answer = await service.http.request(
        method, f"/v1{path}", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {404, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["field"].startswith(field), problem
    assert problem["type"].startswith("urn:telemachus:problem:")
    assert await _stored(service) == before


@pytest.mark.parametrize(("fields", "field"), described(BAD_PROGRAMMES))
async def test_a_bad_programme_is_refused(service_for_all: Service, fields: Json, field: str) -> None:
    await _refused(service_for_all, "POST", "/programmes", PROGRAMME | fields, field)


@pytest.mark.parametrize(("fields", "field"), described(BAD_PROGRAMMES))
async def test_a_bad_change_of_a_programme_is_refused(
    service_for_all: Service, programme: str, fields: Json, field: str
) -> None:
    await _refused(service_for_all, "PATCH", f"/programmes/{programme}", fields, field)


@pytest.mark.parametrize(("fields", "field"), described(BAD_WISHES))
async def test_a_bad_wish_is_refused(
    service_for_all: Service, programme: str, person: str, fields: Json, field: str
) -> None:
    wish = {"programme_id": programme, "person_ref": person, "role": "mentor", "skills_offered": [OFFERED]}
    await _refused(service_for_all, "POST", "/volunteers", wish | fields, field)


@pytest.mark.parametrize(("fields", "field"), described(BAD_OFFERS))
async def test_a_bad_change_of_an_offer_is_refused(
    service_for_all: Service, volunteer: str, fields: Json, field: str
) -> None:
    await _refused(service_for_all, "PATCH", f"/volunteers/{volunteer}", fields, field)


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("training", {"module": OPERATOR}, "module"),
        ("training", {"module": "A B"}, "module"),
        ("training", {"completed_on": "9999-12-31"}, "completed_on"),
        ("training", {"completed_on": "2099-12-31"}, "completed_on"),
        ("training", {"completed_on": 10**400}, "completed_on"),
        ("training", {"surprise": 1}, "surprise"),
        ("training", [], "body"),
        ("withdraw", {"reason": "erased"}, "reason"),
        ("withdraw", {"reason": "a free text"}, "reason"),
        ("withdraw", {"reason": OPERATOR}, "reason"),
        ("withdraw", "no", "body"),
    ],
)
async def test_a_bad_action_is_refused(
    service_for_all: Service, volunteer: str, action: str, body: Any, field: str
) -> None:
    await _refused(service_for_all, "POST", f"/volunteers/{volunteer}/{action}", body, field)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ranked_wishes"),
        ({"ranked_wishes": None}, "ranked_wishes"),
        ({"ranked_wishes": "vol_2"}, "ranked_wishes"),
        ({"ranked_wishes": {"0": "vol_2"}}, "ranked_wishes"),
        ({"ranked_wishes": [OPERATOR]}, "ranked_wishes.0"),
        ({"ranked_wishes": [""]}, "ranked_wishes.0"),
        ({"ranked_wishes": [5]}, "ranked_wishes.0"),
        ({"ranked_wishes": ["$ne"]}, "ranked_wishes.0"),
        ({"ranked_wishes": ["x" * 97]}, "ranked_wishes.0"),
        ({"ranked_wishes": ["vol_none"]}, "ranked_wishes.0"),
        ({"ranked_wishes": [f"vol_{number}" for number in range(11)]}, "ranked_wishes"),
        ({"ranked_wishes": [], "surprise": 1}, "surprise"),
        (["vol_2"], "body"),
    ],
)
async def test_bad_wishes_are_refused(service_for_all: Service, volunteer: str, body: Any, field: str) -> None:
    await _refused(service_for_all, "PUT", f"/volunteers/{volunteer}/ranked-wishes", body, field)


async def test_a_wish_for_oneself_is_refused(service_for_all: Service, volunteer: str) -> None:
    body = {"ranked_wishes": [volunteer]}
    await _refused(service_for_all, "PUT", f"/volunteers/{volunteer}/ranked-wishes", body, "ranked_wishes.0")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"score": None}, "score"),
        ({"score": -1}, "score"),
        ({"score": 101}, "score"),
        ({"score": HUGE}, "score"),
        ({"score": 5.5}, "score"),
        ({"score": "82"}, "score"),
        ({"score": True}, "score"),
        ({"score": OPERATOR}, "score"),
        ({"threshold": None}, "threshold"),
        ({"threshold": 101}, "threshold"),
        ({"threshold": False}, "threshold"),
        ({"evaluated_by": OPERATOR}, "evaluated_by"),
        ({"evaluated_by": ""}, "evaluated_by"),
        ({"evaluated_by": "per_none"}, "evaluated_by"),
        ({"evaluated_on": "2099-12-31"}, "evaluated_on"),
        ({"evaluated_on": "1999-12-31"}, "evaluated_on"),
        ({"evaluated_on": "31/12/2025"}, "evaluated_on"),
        ({"evaluated_on": 0}, "evaluated_on"),
        ({"passed": True}, "passed"),
        ({"note": "kind and patient"}, "note"),
    ],
)
async def test_a_bad_grid_result_is_refused(service_for_all: Service, volunteer: str, fields: Json, field: str) -> None:
    result = {"score": 82, "threshold": 60, "evaluated_on": "2026-01-05"}
    await _refused(service_for_all, "POST", f"/volunteers/{volunteer}/grid-results", result | fields, field)


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"title": ""}, "title"), ({"starts_on": "1999-01-01"}, "starts_on"), ({"plan": {}}, "plan")],
)
async def test_a_bad_clone_is_refused(service_for_all: Service, programme: str, fields: Json, field: str) -> None:
    await _refused(service_for_all, "POST", f"/programmes/{programme}/clone", PROGRAMME | fields, field)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'{"title": "T", "starts_on": "2026-02-02", "anonymity_floor": ' + b"9" * 5000 + b"}", 400),
        (b'{"title": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400),
        (b'{"title": "' + b"x" * 70_000 + b'"}', 413),
    ],
    ids=["empty", "cut off", "not utf-8", "null", "list", "5000 digits", "20000 deep", "70000 bytes"],
)
async def test_a_body_that_is_no_object_is_refused(service_for_all: Service, body: bytes, status: int) -> None:
    before = await _stored(service_for_all)
    headers = {"Content-Type": "application/json"}
    answer = await service_for_all.http.post("/v1/programmes", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await _stored(service_for_all) == before


@pytest.mark.parametrize(
    "path",
    [
        "/people?limit=0",
        "/people?limit=201",
        "/people?limit=x",
        "/people?unit=",
        f"/people?unit={'x' * 101}",
        "/volunteers?role=boss",
        "/volunteers?status=%24ne",
        "/volunteers?programme_id=%7B%22%24gt%22%3A%22%22%7D",
        "/volunteers?cursor=%00",
        "/skills?lang=de",
        f"/volunteers/{'x' * 97}",
        "/volunteers/%24where",
        "/programmes/a%20b",
        "/people/imports/%00",
    ],
)
async def test_a_bad_path_or_query_is_refused(service_for_all: Service, path: str) -> None:
    answer = await service_for_all.http.get(f"/v1{path}")
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"]


@pytest.mark.parametrize("headers", [{"X-Telemachus-Roles": "king"}, {"Idempotency-Key": "a b" * 100}])
async def test_bad_headers_are_refused(service_for_all: Service, headers: dict[str, str]) -> None:
    answer = await service_for_all.http.post("/v1/programmes", json=PROGRAMME, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["field"] in headers
