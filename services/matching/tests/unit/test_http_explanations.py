from typing import Any

import httpx2
import pytest
from matching.domain.proposal import EngineFailed, Problem
from matching_builders import a_mentee, a_mentor
from matching_stores import Service

TWO = {"mentor": "m1", "mentee": "e1"}


async def test_any_two_are_explained_with_rules_facts_and_terms(client: httpx2.AsyncClient) -> None:
    why = (await client.get("/programmes/prog_1/why", params=TWO)).json()
    assert (why["possible"], why["forbidden_by"], why["paired_now"]) == (True, [], False)
    assert sum(term["points"] for term in why["terms"]) == why["score"]
    why = (await client.get("/programmes/prog_1/why", params=TWO | {"mentor": "m2"})).json()
    assert why["forbidden_by"] == [
        {
            "rule": "shared_language",
            "setting": "require_shared_language",
            "says": "the two have no language in common",
            "facts": {"mentor_speaks": ["de"], "mentee_speaks": ["fr"]},
        }
    ]


async def test_a_missing_pair_is_priced(client: httpx2.AsyncClient, service: Service) -> None:
    await service.know(a_mentee("e3", motivation=1))
    answer = (await client.get("/programmes/prog_1/why-not", params=TWO | {"mentee": "e3"})).json()
    assert answer["verdict"] == "costs"
    assert (answer["price"]["change"]["pairs"], answer["price"]["moved"]) == (0, 2)
    assert (
        answer["price"]["change"]["score"] == answer["price"]["with_pair"]["score"] - answer["price"]["best"]["score"]
    )
    assert answer["price"]["change"]["score"] < 0
    assert [(one["mentee_volunteer_id"], one["after"]) for one in answer["price"]["moves"]] == [
        ("e3", "m1"),
        ("e1", None),
    ]
    chosen = (await client.get("/programmes/prog_1/why-not", params=TWO)).json()
    assert (chosen["verdict"], chosen["price"], chosen["pair"]["possible"]) == ("chosen", None, True)
    shut_out = (await client.get("/programmes/prog_1/why-not", params=TWO | {"mentor": "m2"})).json()
    assert (shut_out["verdict"], shut_out["pair"]["possible"]) == ("forbidden", False)


async def test_who_is_left_out_learns_what_would_let_them_in(client: httpx2.AsyncClient, service: Service) -> None:
    await service.know(a_mentor("m2", version=2, languages=("de",), motivation=5))
    answer = (await client.get("/programmes/prog_1/what-would-let-in", params={"volunteer": "m2"})).json()
    assert (answer["role"], answer["left_out"]["reason"], answer["partner_volunteer_id"]) == ("mentor", "rules", None)
    (tried,) = answer["tried"]
    assert (tried["change"], tried["setting"]) == ("rule_off", "require_shared_language")
    assert (tried["lets_in"], tried["gained"]["pairs"], tried["put_out"]) == (True, 0, 1)
    waiting = (await client.get("/programmes/prog_1/what-would-let-in", params={"volunteer": "e2"})).json()
    assert [(one["change"], one["lets_in"]) for one in waiting["tried"]] == [
        ("ready", False),
        ("rule_off", True),
        ("one_more_place_each", True),
        ("one_more_place", True),
    ]


async def test_blocking_pairs_are_counted_and_listed(client: httpx2.AsyncClient, service: Service) -> None:
    assert (await client.get("/programmes/prog_1/blocking-pairs")).json() == {
        "found": 1,  # nobody is paired yet, and these two could be
        "complete": True,
        "mentees": 1,
        "looked_at": 1,
        "pairs": [
            {
                "mentor_volunteer_id": "m1",
                "mentee_volunteer_id": "e1",
                "score": (await client.get("/programmes/prog_1/why", params=TWO)).json()["score"],
                "mentor_has": 0,
                "mentee_has": 0,
            }
        ],
    }
    run = await service.run()
    proposal = (await client.get("/programmes/prog_1/blocking-pairs", params={"run_id": run.id})).json()
    assert (proposal["found"], proposal["pairs"]) == (0, [])


@pytest.mark.parametrize(
    ("path", "params", "status", "field"),
    [
        ("why", {"mentor": "m1"}, 422, "mentee"),
        ("why-not", TWO | {"mentor": "$ne"}, 422, "mentor"),
        ("why-not", TWO | {"mentor": "m9"}, 404, "mentor_volunteer_id"),
        ("why", {"mentor": "e1", "mentee": "m1"}, 422, "mentor_volunteer_id"),
        ("why", TWO | {"run_id": "run_x"}, 404, "run_id"),
        ("blocking-pairs", {"run_id": "{}"}, 422, "run_id"),
        ("what-would-let-in", {"volunteer": "x9"}, 404, "volunteer_id"),
        ("what-would-let-in", {}, 422, "volunteer"),
    ],
)
async def test_questions_about_nobody_are_refused_with_the_field_at_fault(
    client: httpx2.AsyncClient, path: str, params: dict[str, Any], status: int, field: str
) -> None:
    refused = await client.get(f"/programmes/prog_1/{path}", params=params)
    assert (refused.status_code, refused.json()["field"]) == (status, field)


async def test_a_question_that_the_engine_could_not_answer_may_be_asked_again(
    client: httpx2.AsyncClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(_problem: Problem) -> None:
        raise EngineFailed

    await service.know(a_mentor("m3"))
    monkeypatch.setattr(service.engine, "propose", dies)
    for path, params in (("why-not", TWO), ("what-would-let-in", {"volunteer": "m3"})):
        answer = await client.get(f"/programmes/prog_1/{path}", params=params)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["type"] == "urn:telemachus:problem:no-answer-in-time"
