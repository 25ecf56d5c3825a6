from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Json, Service

pytestmark = pytest.mark.integration

Participant = Callable[[str], dict[str, Any]]
OFFER: Json = {
    "capacity": 2,
    "skills_offered": [{"skill": "generative_ai", "level": 4}],
    "skills_wanted": [{"skill": "inclusion", "level": 1, "priority": 3}],
    "interests": ["chess"],
    "goals": ["digital_skills"],
    "availability": [{"day": 1, "start": "09:00", "end": "12:00"}],
    "motivation": 5,
}


def a_wish(programme: str, person: str, **fields: Any) -> Json:
    return {"programme_id": programme, "person_ref": person, "role": "mentor", **OFFER, **fields}


async def test_the_catalogue_speaks_french_and_english(service: Service) -> None:
    english = await service.get("/skills")
    french = await service.get("/skills", lang="fr")
    assert len(english["items"]) == len(french["items"]) == 25
    names = {one["code"]: one["name"] for one in french["items"]}
    assert names["generative_ai"] == "IA générative"
    assert [step["level"] for step in english["items"][0]["levels"]] == [0, 1, 2, 3, 4, 5]
    first = await service.get("/goals", lang="fr", limit=4)
    rest = await service.get("/goals", lang="fr", limit=4, cursor=first["next_cursor"])
    assert len(first["items"]) + len(rest["items"]) == 6
    assert rest["next_cursor"] is None
    await service.get("/goals", expect=422, lang="de")
    assert "skill_gain" in {one["code"] for one in (await service.get("/goal-metrics"))["items"]}


async def test_a_programme_from_draft_to_second_cohort(service: Service, as_participant: Participant) -> None:
    drafted = await service.post(
        "/programmes",
        {
            "title": " Digital for leaders ",
            "starts_on": "2026-02-02",
            "ends_on": "2026-08-31",
            "languages": ["fr", "en"],
            "goals": [{"code": "digital_skills", "metric": "skill_gain", "target": 1.5, "due_on": "2026-07-31"}],
            "plan": {"sessions": 6, "cadence": "monthly", "minutes": 60},
            "policy": {"age_gap_target": 20, "weights": {"skills": 7000}},
        },
    )
    path = f"/programmes/{drafted['id']}"
    assert (drafted["status"], drafted["title"], drafted["version"]) == ("draft", "Digital for leaders", 1)
    assert drafted["policy"]["weights"]["skills"] == 7000
    assert drafted["policy"]["forbid_same_line"] is True
    published = await service.post(f"{path}/publish", expect=200)
    assert (published["status"], published["version"], published["has_unpublished_changes"]) == ("published", 2, False)
    edited = await service.patch(path, {"plan": {"minutes": 45}, "ends_on": None})
    assert (edited["plan"]["minutes"], edited["plan"]["sessions"], edited["ends_on"]) == (45, 6, None)
    assert edited["has_unpublished_changes"]
    copy = await service.post(f"{path}/clone", {"title": "Second cohort", "starts_on": "2027-02-02"})
    assert (copy["cloned_from"], copy["status"], copy["goals"][0]["due_on"]) == (drafted["id"], "draft", "2027-07-31")
    assert len((await service.get("/programmes"))["items"]) == 2
    service.http.headers.update(as_participant("per_1"))
    seen = await service.get(path)
    assert (seen["plan"]["minutes"], seen["has_unpublished_changes"]) == (60, False)
    assert [one["id"] for one in (await service.get("/programmes"))["items"]] == [drafted["id"]]
    await service.get(f"/programmes/{copy['id']}", expect=404)
    await service.post("/programmes", {"title": "Mine", "starts_on": "2026-02-02"}, expect=403)


async def test_two_people_wish_for_each_other(service: Service, as_participant: Participant) -> None:
    one, other = await service.people(2)
    programme = await service.a_programme()
    mentor = await service.post("/volunteers", a_wish(programme, one))
    mentee = await service.post("/volunteers", a_wish(programme, other, role="mentee"))
    assert (mentor["ranked_wishes"], mentor["grid_score"]) == ([], None)
    service.http.headers.update(as_participant(one))
    path = f"/volunteers/{mentor['id']}/ranked-wishes"
    wishing = await service.put(path, {"ranked_wishes": [mentee["id"]]})
    assert (wishing["ranked_wishes"], wishing["version"]) == ([mentee["id"]], 2)
    assert await service.put(path, {"ranked_wishes": [mentee["id"]]}) == wishing
    problem = await service.put(path, {"ranked_wishes": [mentee["id"], mentor["id"]]}, expect=422)
    assert (problem["type"], problem["field"]) == ("urn:telemachus:problem:unusable-wish", "ranked_wishes.1")
    await service.put(f"/volunteers/{mentee['id']}/ranked-wishes", {"ranked_wishes": [mentor["id"]]}, expect=404)
    assert (await service.put(path, {"ranked_wishes": []}))["ranked_wishes"] == []


async def test_a_mentor_passes_the_grid_that_the_programme_asks(service: Service, as_participant: Participant) -> None:
    one, boss = await service.people(2)
    policy = {"require_grid": True, "require_training": False, "weights": {"grid": 500}}
    programme = await service.a_programme(policy=policy)
    mentor = await service.post("/volunteers", a_wish(programme, one, charter_signed=True))
    assert (mentor["status"], mentor["missing"]) == ("waiting", ["grid"])
    path = f"/volunteers/{mentor['id']}/grid-results"
    failed = await service.post(path, {"score": 40, "threshold": 60, "evaluated_on": "2026-01-05"})
    assert (failed["grid_passed"], failed["grid_score"]) == (False, 40)
    officer = {"X-Telemachus-Subject": boss, "X-Telemachus-Roles": "programme_officer"}
    passed = await service.post(path, {"score": 75, "threshold": 60, "evaluated_on": "2026-02-05"}, **officer)
    assert (passed["grid_passed"], passed["grid_score"], len(passed["results"])) == (True, 75, 2)
    assert passed["results"][1] == {
        "score": 75,
        "threshold": 60,
        "passed": True,
        "evaluated_by": boss,
        "evaluated_on": "2026-02-05",
    }
    service.http.headers.update(as_participant(one))
    ready = await service.get(f"/volunteers/{mentor['id']}")
    assert (ready["status"], ready["grid_score"], ready["readiness"]["grid_passed"]) == ("ready", 75, True)
    assert await service.get(path) == passed
    await service.post(path, {"score": 100, "threshold": 60}, expect=403)
    service.http.headers.update(as_participant(boss))
    await service.get(path, expect=404)


async def test_the_whole_way_of_a_volunteer(service: Service, as_participant: Participant) -> None:
    person, other = await service.people(2)
    programme = await service.a_programme()
    service.http.headers.update(as_participant(person))
    volunteer = await service.post("/volunteers", a_wish(programme, person))
    path = f"/volunteers/{volunteer['id']}"
    assert volunteer["status"] == "waiting"
    assert volunteer["missing"] == ["charter", "training"]
    assert (volunteer["languages"], volunteer["time_zone"]) == (["fr", "en"], "Europe/Paris")
    assert (volunteer["capacity"], volunteer["active_pairings"], volunteer["origin"]) == (2, [], "self")
    assert await service.post("/volunteers", a_wish(programme, person), expect=200) == volunteer
    problem = await service.post("/volunteers", a_wish(programme, person, capacity=1), expect=409)
    assert problem["type"] == "urn:telemachus:problem:already-volunteered"
    signed = await service.post(f"{path}/charter", expect=200)
    assert signed["readiness"] == {
        "charter_signed": True,
        "training_completed": False,
        "grid_passed": None,
        "ready": False,
    }
    await service.post(f"{path}/training", expect=403)
    trained = await service.post(
        f"{path}/training",
        {"module": "listening", "completed_on": "2025-12-01"},
        expect=200,
        **{"X-Telemachus-Subject": "hr", "X-Telemachus-Roles": "programme_manager"},
    )
    assert (trained["status"], trained["missing"]) == ("ready", [])
    assert trained["trainings"] == [{"module": "listening", "completed_on": "2025-12-01"}]
    changed = await service.patch(path, {"motivation": 2, "languages": ["en"], "time_zone": "Asia/Tokyo"})
    assert (changed["motivation"], changed["languages"], changed["time_zone"]) == (2, ["en"], "Asia/Tokyo")
    again = await service.patch(path, {"languages": None, "time_zone": None})
    assert (again["languages"], again["time_zone"]) == (["fr", "en"], "Europe/Paris")
    left = await service.post(f"{path}/withdraw", {"reason": "no_time"}, expect=200)
    assert (left["status"], left["withdrawal_reason"]) == ("withdrawn", "no_time")
    assert (await service.post(f"{path}/withdraw", expect=200))["version"] == left["version"]
    await service.patch(path, {"motivation": 1}, expect=409)
    back = await service.post("/volunteers", a_wish(programme, person, charter_signed=True))
    assert (back["id"], back["status"], back["version"]) == (volunteer["id"], "ready", left["version"] + 1)
    service.http.headers.update(as_participant(other))
    await service.get(path, expect=404)
    await service.patch(path, {"motivation": 1}, expect=404)
    await service.post(f"{path}/withdraw", expect=404)
    assert (await service.get("/volunteers"))["items"] == []
    assert (await service.get("/volunteers", person_ref=person))["items"] == []
    await service.get(f"/programmes/{programme}/waiting-list", expect=403)


async def test_volunteers_are_listed_by_programme_role_status_and_person(service: Service) -> None:
    one, two, three = await service.people(3)
    programme, elsewhere = await service.a_programme(), await service.a_programme()
    await service.post("/volunteers", a_wish(programme, one))
    await service.post("/volunteers", a_wish(programme, two, role="mentee"))
    await service.post("/volunteers", a_wish(elsewhere, three))

    async def found(**where: Any) -> set[str]:
        return {volunteer["person_ref"] for volunteer in (await service.get("/volunteers", **where))["items"]}

    assert await found() == {one, two, three}
    assert await found(programme_id=programme) == {one, two}
    assert await found(programme_id=programme, role="mentee", status="waiting") == {two}
    assert await found(person_ref=three) == {three}
    assert await found(status="paired") == set()
    waiting = (await service.get(f"/programmes/{programme}/waiting-list"))["items"]
    assert {volunteer["person_ref"] for volunteer in waiting} == {one, two}
    assert all(volunteer["missing"] == ["charter", "training"] for volunteer in waiting)


async def test_a_nominated_person_says_yes_themself(service: Service, as_participant: Participant) -> None:
    person, boss = await service.people(2)
    programme = await service.a_programme(policy={"require_training": False, "require_charter": False})
    problem = await service.post(
        "/volunteers", a_wish(programme, person, nominated_by=boss, charter_signed=True), expect=403
    )
    assert problem["field"] == "charter_signed"
    nominated = await service.post("/volunteers", a_wish(programme, person, nominated_by=boss))
    assert (nominated["status"], nominated["origin"], nominated["nominated_by"]) == ("waiting", "nominated", boss)
    path = f"/volunteers/{nominated['id']}/charter"
    await service.post(path, expect=403)
    assert (await service.post(path, expect=200, **as_participant(person)))["status"] == "ready"


async def test_volunteering_for_a_draft_or_for_nobody_is_refused(service: Service) -> None:
    (person,) = await service.people(1)
    drafted = await service.post("/programmes", {"title": "Draft", "starts_on": "2026-02-02"})
    problem = await service.post("/volunteers", a_wish(drafted["id"], person), expect=409)
    assert problem["type"] == "urn:telemachus:problem:programme-not-published"
    problem = await service.post("/volunteers", a_wish("prg_none", person), expect=404)
    assert problem["field"] == "programme_id"
    problem = await service.post("/volunteers", a_wish(await service.a_programme(), "per_none"), expect=404)
    assert problem["field"] == "person_ref"


async def test_the_same_key_gives_the_same_programme(service: Service) -> None:
    body = {"title": "Once", "starts_on": "2026-02-02"}
    key: dict[str, Any] = {"Idempotency-Key": "k"}
    first = await service.post("/programmes", body, **key)
    assert await service.post("/programmes", body, **key) == first
    assert len((await service.get("/programmes"))["items"]) == 1
