"""The whole service on real Kafka and MongoDB: events in, a run in a worker process, events out."""

import asyncio
import time
from collections import Counter

import pytest
from matching.settings import Settings
from matching_builders import NOW, a_crowd, a_programme_published, a_volunteered, with_wishes
from matching_running import Eventually, Running, a_proposed_run, knows, running, volunteered
from shared.contracts import (
    FeedbackSubmitted,
    MatchMode,
    MatchPolicy,
    Paired,
    PairingAtRisk,
    Role,
    Unpaired,
    VolunteerWithdrawn,
    WithdrawalReason,
)

pytestmark = pytest.mark.integration


async def test_five_hundred_executives_from_events_to_pairings(service: Running, eventually: Eventually) -> None:
    mentors, mentees = a_crowd(600, 500)
    mentors, mentees = with_wishes(mentors, mentees, seed=1), with_wishes(mentees, mentors, seed=2)
    await service.happens(a_programme_published())
    await service.happens(*map(volunteered, (*mentors, *mentees)))
    await knows(service, eventually, 1_100)
    run_id = await a_proposed_run(service, eventually)
    run = await service.get(f"/runs/{run_id}")
    pairs = await service.every(f"/runs/{run_id}/pairs")
    assert run["certificate"]["primal"] == run["certificate"]["dual"]
    assert len(pairs) == run["pairs"] > 400
    assert sum(pair["score"] for pair in pairs) == run["score"]
    unmatched = await service.every(f"/runs/{run_id}/unmatched")
    assert Counter(person["role"] for person in unmatched) == {
        "mentee": run["unmatched_mentees"],
        "mentor": run["unmatched_mentors"],
    }

    began, worked = time.monotonic(), time.process_time()
    approved = await service.post(f"/runs/{run_id}/approve", {"effective_on": "2026-04-06"})
    seconds, worked = time.monotonic() - began, time.process_time() - worked
    told_in_numbers = f"{run['pairs']} pairs computed in {run['seconds']} s, approved in {seconds:.1f} s"
    assert len(approved["pairings"]) == run["pairs"]
    assert approved["conflicts"] == []
    assert worked < 10, told_in_numbers  # the clock on the wall also counts what else the machine does

    async def outbox() -> int:
        return int((await service.client.get("/status")).json()["outbox_pending"])

    await eventually(outbox, equals=0, timeout=30)
    told = await service.told(Paired)
    assert Counter(event.pairing_id for event in told) == Counter(approved["pairings"])
    capacity = {person.id: person.capacity for person in (*mentors, *mentees)}
    for side in ("mentor", "mentee"):
        for volunteer, taken in Counter(getattr(event, side).volunteer_id for event in told).items():
            assert taken <= capacity[volunteer]
    assert all(sum(term.points for term in event.terms) == event.score for event in told)
    assert any(term.points for event in told for term in event.terms if term.term == "ranked_wishes")
    assert {str(event.effective_on) for event in told} == {"2026-04-06"}
    again = await service.post(f"/runs/{run_id}/approve")
    assert again == approved


async def test_events_that_come_twice_or_late_change_nothing(service: Running, eventually: Eventually) -> None:
    await service.happens(a_programme_published())
    newest = a_volunteered("m1", version=3, motivation=5)
    for event in (newest, a_volunteered("m1", version=1), newest, a_volunteered("e1", role=Role.MENTEE)):
        await service.happens(event, event)
    await knows(service, eventually, 2)
    (mentor,) = (await service.get("/programmes/prog_1/candidates", role="mentor"))["items"]
    assert (mentor["version"], mentor["motivation"]) == (3, 5)
    run_id = await a_proposed_run(service, eventually)
    (pairing,) = (await service.post(f"/runs/{run_id}/approve"))["pairings"]
    at_risk = PairingAtRisk(version=1, occurred_at=NOW, pairing_id=pairing, programme_id="prog_1")
    answers = FeedbackSubmitted(
        version=1,
        occurred_at=NOW,
        request_id="req_1",
        pairing_id=pairing,
        programme_id="prog_1",
        session_id="ses_1",
        session_number=1,
        answers=2,
    )
    await service.happens(at_risk, answers, at_risk, answers)

    async def seen() -> tuple[bool, int]:
        found = await service.get(f"/pairings/{pairing}")
        return found["at_risk"], found["answers"]

    await eventually(seen, equals=(True, 2))
    leaves = VolunteerWithdrawn(
        version=4,
        occurred_at=NOW,
        volunteer_id="m1",
        person_ref="person_m1",
        programme_id="prog_1",
        role=Role.MENTOR,
        reason=WithdrawalReason.NO_TIME,
    )
    await service.happens(leaves, leaves, newest)

    async def ended() -> str | None:
        reason: str | None = (await service.get(f"/pairings/{pairing}"))["ended_reason"]
        return reason

    await eventually(ended, equals="withdrawn")
    assert [event.reason for event in await service.told(Unpaired)] == ["withdrawn"]
    assert (await service.get("/programmes/prog_1/pool"))["mentors"] == 0


async def test_a_continuous_programme_pairs_arrivals_at_once(service: Running, eventually: Eventually) -> None:
    early = [a_volunteered("m1"), a_volunteered("e1", role=Role.MENTEE)]
    await service.happens(*early)

    async def candidates() -> int:
        return len((await service.get("/programmes/prog_1/candidates"))["items"])

    await eventually(candidates, equals=2, timeout=30)
    await service.happens(a_programme_published(policy=MatchPolicy(mode=MatchMode.CONTINUOUS)))

    async def paired() -> set[tuple[str, str]]:
        found = await service.get("/pairings", programme_id="prog_1", status="active")
        return {(one["mentor"]["volunteer_id"], one["mentee"]["volunteer_id"]) for one in found["items"]}

    await eventually(paired, equals={("m1", "e1")}, timeout=30)  # those who came before the charter
    await service.happens(a_volunteered("e2", role=Role.MENTEE), a_volunteered("m2"))
    await eventually(paired, equals={("m1", "e1"), ("m2", "e2")}, timeout=30)


async def test_two_replicas_share_the_work_and_make_nothing_twice(settings: Settings, eventually: Eventually) -> None:
    async with running(settings) as one, running(settings) as other:
        for replica in (one, other):

            async def ready(replica: Running = replica) -> bool:
                return (await replica.client.get("/readyz")).status_code == 200

            await eventually(ready, timeout=30)
        mentors, mentees = a_crowd(30, 30)
        await one.happens(a_programme_published(), *map(volunteered, (*mentors, *mentees)))
        await knows(one, eventually, 60)
        run_id = await a_proposed_run(one, eventually)
        answers = await asyncio.gather(*(replica.post(f"/runs/{run_id}/approve") for replica in (one, other) * 2))
        assert all(answer == answers[0] for answer in answers)

        async def outbox() -> int:
            return int((await one.client.get("/status")).json()["outbox_pending"])

        await eventually(outbox, equals=0, timeout=30)
        told = await one.told(Paired)
        assert {event.pairing_id for event in told} == set(answers[0]["pairings"])
        assert len({(event.pairing_id, event.version) for event in told}) == len(answers[0]["pairings"])


async def test_metrics_and_documents_are_served(service: Running) -> None:
    for path in ("/livez", "/readyz", "/status", "/metrics", "/openapi.json", "/asyncapi.json", "/docs"):
        assert (await service.client.get(path)).status_code == 200
