"""A manager at work on the whole service: questions, locks, exclusions, simulations, approval."""

import csv
import io
import time
from collections import Counter
from typing import Any

import httpx2
import pytest
from matching.domain.candidate import Candidate
from matching.domain.rules import Charter, History, broken_rules
from matching.settings import Settings
from matching.use_cases.people_file import MOST_BYTES
from matching_builders import a_crowd, a_programme, a_programme_published
from matching_running import Eventually, Running, a_process_of_its_own, a_proposed_run, knows, running, volunteered
from shared.contracts import Paired

pytestmark = pytest.mark.integration

Pair = tuple[str, str]
PROGRAMME = "/programmes/prog_1"


async def pairs_of(service: Running, run_id: str) -> dict[Pair, dict[str, Any]]:
    pairs = await service.every(f"/runs/{run_id}/pairs")
    return {(pair["mentor_volunteer_id"], pair["mentee_volunteer_id"]): pair for pair in pairs}


def a_missing_pair(mentors: tuple[Candidate, ...], mentees: tuple[Candidate, ...], pairs: set[Pair]) -> Pair:
    """Two who might be a pair, each of whom was given somebody else."""
    charter = Charter.of(a_programme())
    taken_mentors, taken_mentees = ({pair[side] for pair in pairs} for side in (0, 1))
    return next(
        (mentor.id, mentee.id)
        for mentee in mentees
        if mentee.id in taken_mentees
        for mentor in mentors
        if mentor.id in taken_mentors
        and (mentor.id, mentee.id) not in pairs
        and not broken_rules(mentor, mentee, charter, History())
    )


def two(pair: Pair) -> dict[str, str]:
    return {"mentor_volunteer_id": pair[0], "mentee_volunteer_id": pair[1]}


@pytest.mark.timeout(300)  # three runs, six questions and 500 pairings, and other tests beside it
async def test_a_manager_reviews_six_hundred_by_five_hundred(service: Running, eventually: Eventually) -> None:
    mentors, mentees = a_crowd(600, 500)
    await service.happens(a_programme_published())
    await service.happens(*map(volunteered, (*mentors, *mentees)))
    await knows(service, eventually, 1_100)
    first = await a_proposed_run(service, eventually)
    run, pairs = await service.get(f"/runs/{first}"), await pairs_of(service, first)
    reached = {name: run[name] for name in ("pairs", "worst_score", "score")}

    missing = a_missing_pair(mentors, mentees, set(pairs))
    began = time.monotonic()
    asked = {"mentor": missing[0], "mentee": missing[1]}
    why_not = await service.get(f"{PROGRAMME}/why-not", **asked)
    seconds = time.monotonic() - began
    assert seconds < 20, f"why not took {seconds:.1f} s"
    assert why_not["verdict"] in {"costs", "equally_good"}
    assert why_not["price"]["best"] == reached
    assert await service.get(f"{PROGRAMME}/why-not", **asked, run_id=first) == why_not
    some = next(iter(pairs))
    why = await service.get(f"{PROGRAMME}/why", mentor=some[0], mentee=some[1])
    assert (why["terms"], why["score"]) == (pairs[some]["terms"], pairs[some]["score"])

    await service.post(f"{PROGRAMME}/locks", two(missing))
    excluded = next(pair for pair in pairs if not {*pair} & {*missing})
    second = await a_proposed_run(service, eventually)
    locked = await service.get(f"/runs/{second}")
    assert {name: locked[name] for name in reached} == why_not["price"]["with_pair"]  # as it was foretold
    assert (await pairs_of(service, second))[missing]["locked"]
    await service.post(f"{PROGRAMME}/exclusions", two(excluded))
    third = await a_proposed_run(service, eventually)
    proposal = await pairs_of(service, third)
    assert missing in proposal
    assert excluded not in proposal
    shut_out = await service.get(f"{PROGRAMME}/why-not", mentor=excluded[0], mentee=excluded[1])
    assert [rule["rule"] for rule in shut_out["pair"]["forbidden_by"]] == ["excluded"]
    assert (await service.get(f"{PROGRAMME}/blocking-pairs", run_id=third))["complete"]
    left = next(
        one for one in await service.every(f"/runs/{third}/unmatched") if one["reason"] in {"rules", "capacity"}
    )
    help_ = await service.get(f"{PROGRAMME}/what-would-let-in", volunteer=left["volunteer_id"], run_id=third)
    assert 0 < len(help_["tried"]) < 8

    approved = await service.post(f"/runs/{third}/approve")
    assert (len(approved["pairings"]), approved["conflicts"]) == (len(proposal), [])
    others = (tuple(one for one in side if one.id not in missing) for side in (mentors, mentees))
    other = a_missing_pair(*others, {*proposal, excluded})
    asked = {"mentor": other[0], "mentee": other[1]}
    assert (await service.get(f"{PROGRAMME}/why-not", **asked))["verdict"] == "no_place"
    after = await service.get(f"{PROGRAMME}/why-not", **asked, run_id=third)
    figures = await service.get(f"/runs/{third}")
    assert after["price"]["best"] == {name: figures[name] for name in reached}
    chosen = next(iter(proposal))
    assert (await service.get(f"{PROGRAMME}/why-not", mentor=chosen[0], mentee=chosen[1]))["verdict"] == "paired"

    async def told() -> int:
        return int((await service.client.get("/status")).json()["outbox_pending"])

    await eventually(told, equals=0, timeout=30)
    assert len(await service.told(Paired)) == len(proposal)


def a_file(people: int) -> bytes:
    """A CSV file of as many mentors and as many mentees."""
    mentors, mentees = a_crowd(people, people, seed=7)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["role", "languages", "time_zone", "skills_offered", "skills_wanted", "availability", "unit"])
    for person in (*mentors, *mentees):
        writer.writerow(
            [
                person.role,
                "|".join(person.languages),
                person.time_zone,
                "|".join(f"{one.skill}:{one.level}" for one in person.skills_offered),
                "|".join(f"{one.skill}:{one.level}:{one.priority}" for one in person.skills_wanted),
                "|".join(f"{one.day} {one.start}-{one.end}" for one in person.availability),
                person.unit,
            ]
        )
    return text.getvalue().encode()


@pytest.mark.timeout(300)  # two replicas start, and a lease runs out
async def test_a_simulation_whose_replica_is_killed_is_finished_by_another_and_publishes_nothing(
    settings: Settings, eventually: Eventually
) -> None:
    policies = [
        {"name": f"age {points}", "changes": {"weights": {"age_gap": points}}} for points in range(0, 6000, 1000)
    ]
    async with a_process_of_its_own(settings) as (doomed, process):

        async def is_ready() -> bool:
            try:
                return (await doomed.client.get("/readyz")).status_code == 200
            except httpx2.TransportError:
                return False

        await eventually(is_ready, timeout=60)
        await doomed.happens(a_programme_published())
        await knows(doomed, eventually, 0)
        file = a_file(400)
        uploaded = await doomed.client.post("/v1/simulation-people", content=file, headers={"content-type": "text/csv"})
        assert uploaded.status_code == 201, uploaded.text
        body = {"policies": policies, "upload_id": uploaded.json()["id"]}
        study = (await doomed.post(f"{PROGRAMME}/simulations", body))["id"]

        async def is_under_way() -> bool:
            found = await doomed.get(f"/simulations/{study}")
            assert found["status"] != "done", "too quick to be killed on the way"
            return found["status"] == "running"

        await eventually(is_under_way, timeout=30)
        process.kill()
    async with running(settings) as other:

        async def status() -> str:
            answered = await other.client.get(f"/v1/simulations/{study}")
            return str(answered.json()["status"]) if answered.status_code == 200 else ""

        await eventually(status, equals="done", timeout=120)
        done = await other.get(f"/simulations/{study}")
        assert [outcome["name"] for outcome in done["outcomes"]] == [policy["name"] for policy in policies]
        assert all(outcome["proven"] and outcome["pairs"] > 300 for outcome in done["outcomes"])
        table = await other.client.get(f"/v1/simulations/{study}/table.csv")
        assert table.text.count("\r\n") > 50
        again = await other.client.post(f"/v1{PROGRAMME}/simulations", json=body)
        assert again.status_code == 404  # the people are gone
        assert (await other.get(f"{PROGRAMME}/pool"))["known"] == 0
        assert (await other.get("/pairings", programme_id="prog_1"))["items"] == []
        assert (await other.get(f"{PROGRAMME}/runs"))["items"] == []
        assert (await other.client.get("/status")).json()["outbox_pending"] == 0
        assert await other.told(Paired) == []


async def test_what_hangs_on_each_weight_is_computed_in_the_worker(service: Running, eventually: Eventually) -> None:
    mentors, mentees = a_crowd(60, 50)
    await service.happens(a_programme_published(), *map(volunteered, (*mentors, *mentees)))
    await knows(service, eventually, 110)
    study = (await service.post(f"{PROGRAMME}/sensitivities", {"percent": 20}))["id"]

    async def status() -> str:
        return str((await service.get(f"/sensitivities/{study}"))["status"])

    await eventually(status, equals="done", timeout=60)
    swings = (await service.get(f"/sensitivities/{study}"))["swings"]
    assert Counter(swing["percent"] for swing in swings) == {-20: 11, 20: 11}
    assert any(swing["pairs_changed"] for swing in swings)


async def test_a_file_larger_than_other_bodies_is_taken_and_one_too_large_is_not(
    service: Running, eventually: Eventually
) -> None:
    headers = {"content-type": "text/csv"}
    file = a_file(300)
    assert len(file) > 64 * 1024
    assert (await service.client.post("/v1/simulation-people", content=file, headers=headers)).status_code == 201
    refused = await service.client.post("/v1/simulation-people", content=b"x" * (MOST_BYTES + 1), headers=headers)
    assert refused.status_code == 413
