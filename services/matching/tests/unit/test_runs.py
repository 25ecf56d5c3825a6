import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest
from matching.domain.pairing import PairingStatus
from matching.domain.proposal import EngineFailed, Problem, Proposal
from matching.domain.refusals import PoolTooLarge, RunNotProposed, UnknownProgramme, UnknownRun
from matching.domain.restriction import RestrictionKind
from matching.domain.run import LEASE, RunStatus
from matching.use_cases import runs as runs_module
from matching_builders import a_crowd, a_mentee, a_mentor, a_programme
from matching_stores import MANAGER, Service, Weather, somebody
from shared.chassis.reservations import Claim
from shared.contracts import Forbidden, MatchPolicy, MatchWeights, Paired, Principal, UnpairReason


async def a_service(mentors: int = 8, mentees: int = 10, seed: int = 3) -> Service:
    service = Service()
    juniors, seniors = a_crowd(mentors, mentees, seed)
    await service.know(*juniors, *seniors, programme=a_programme())
    return service


async def test_a_run_proposes_pairs_and_publishes_nothing() -> None:
    service = await a_service()
    run = await service.run()
    assert run.status is RunStatus.PROPOSED
    assert run.figures is not None
    page = await service.matching.runs.pairs(MANAGER, run.id, limit=50, cursor=None)
    assert len(page.items) == run.figures.pairs > 0
    scores = [pair.points.total for pair in page.items]
    assert scores == sorted(scores, reverse=True)
    left = await service.matching.runs.left_out(MANAGER, run.id, limit=50, cursor=None)
    assert len(left.items) == run.figures.unmatched_mentees + run.figures.unmatched_mentors
    assert service.told() == []


async def test_a_run_is_judged_by_the_policy_of_the_day_it_was_asked_for() -> None:
    service = await a_service()
    asked = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    newer = a_programme(version=2, policy=MatchPolicy(weights=MatchWeights(skills=0)))
    await service.know(programme=newer)
    await service.matching.runs.work()
    run = service.runs.states[asked.id]
    assert (run.policy_version, run.policy.weights.skills) == (1, 6000)


async def test_the_same_command_asks_for_the_same_run() -> None:
    service = await a_service()
    first = await service.matching.runs.request(MANAGER, "prog_1", seed=0, key="k1")
    second = await service.matching.runs.request(MANAGER, "prog_1", seed=0, key="k1")
    third = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    assert first.id == second.id != third.id


async def test_a_run_needs_a_published_programme_of_this_tenant() -> None:
    service = await a_service()
    other = Principal(tenant="other", subject="x", roles=MANAGER.roles)
    for principal, programme in ((MANAGER, "prog_9"), (other, "prog_1")):
        with pytest.raises(UnknownProgramme):
            await service.matching.runs.request(principal, programme, seed=0)
    run = await service.run()
    with pytest.raises(UnknownRun):
        await service.matching.runs.get(other, run.id)


async def test_runs_are_for_managers() -> None:
    service = await a_service()
    run = await service.run()
    with pytest.raises(Forbidden):
        await service.matching.runs.request(somebody("person_m1"), "prog_1", seed=0)
    with pytest.raises(Forbidden):
        await service.matching.approval.approve(somebody("person_m1"), run.id, None)


LIMIT = "matching.domain.proposal.MOST_PEOPLE_A_SIDE"


async def test_too_many_people_are_refused_when_the_run_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service(4, 2)
    monkeypatch.setattr(LIMIT, 3)
    with pytest.raises(PoolTooLarge):
        await service.matching.runs.request(MANAGER, "prog_1", seed=0)


async def test_too_many_people_by_the_time_it_is_computed_fail_the_run_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service = await a_service(4, 2)
    asked = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    monkeypatch.setattr(LIMIT, 3)
    await service.matching.runs.work()
    run = service.runs.states[asked.id]
    assert run.status is RunStatus.FAILED
    assert run.failure == "4 mentors are more than the 3 that one run can match"


async def test_a_newer_proposal_supersedes_an_older_one() -> None:
    service = await a_service()
    older = await service.run()
    service.clock.advance(timedelta(seconds=1))
    newer = await service.run()
    assert service.runs.states[older.id].status is RunStatus.SUPERSEDED
    assert service.runs.states[newer.id].status is RunStatus.PROPOSED
    with pytest.raises(RunNotProposed):
        await service.matching.approval.approve(MANAGER, older.id, None)


async def test_another_replica_takes_over_when_a_holder_dies() -> None:
    service = await a_service()
    asked = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    dying = service.replica(Weather(crash_at=6))
    with pytest.raises(BaseException):  # noqa: B017, PT011 - however the process dies
        await dying.runs.work()
    assert service.runs.states[asked.id].status is RunStatus.RUNNING
    await service.matching.runs.work()
    assert service.runs.states[asked.id].status is RunStatus.RUNNING  # its lease still holds
    service.clock.advance(LEASE)
    await service.matching.runs.work()
    run = service.runs.states[asked.id]
    assert (run.status, run.attempt) == (RunStatus.PROPOSED, 2)


async def test_a_run_whose_engine_died_is_tried_again_and_given_up_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service()

    async def dies(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        raise EngineFailed

    monkeypatch.setattr(service.engine, "propose", dies)
    monkeypatch.setattr(runs_module, "POLL_SECONDS", 0.01)
    asked = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    for _ in range(4):
        await service.matching.runs.work()
        service.clock.advance(LEASE)
    assert service.runs.states[asked.id].status is RunStatus.FAILED


async def test_a_holder_that_lost_its_lease_stops_and_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service()
    computing = asyncio.Event()

    async def for_ever(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        computing.set()
        await asyncio.sleep(3600)
        raise AssertionError

    monkeypatch.setattr(service.engine, "propose", for_ever)
    monkeypatch.setattr(runs_module, "POLL_SECONDS", 0.01)
    asked = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    work = asyncio.create_task(service.matching.runs.work())
    await computing.wait()
    run = service.runs.states[asked.id]
    service.runs.states[asked.id] = replace(run, owner="replica_9", attempt=2, version=run.version + 1)
    await asyncio.wait_for(work, 5)
    assert service.runs.states[asked.id].owner == "replica_9"


async def test_approving_makes_each_pair_once_and_tells_of_it() -> None:
    service = await a_service()
    run = await service.run()
    approved = await service.matching.approval.approve(MANAGER, run.id, date(2026, 4, 6))
    assert approved.status is RunStatus.APPROVED
    assert set(approved.pairings) == {pairing.id for pairing in service.active()}
    for event in service.told():
        assert isinstance(event, Paired)
        assert (event.run_id, event.effective_on) == (run.id, date(2026, 4, 6))
        assert sum(term.points for term in event.terms) == event.score
    before = len(service.told())
    again = await service.matching.approval.approve(MANAGER, run.id, date(2026, 5, 6))
    assert (again, len(service.told())) == (approved, before)
    service.check_books()


async def test_pairings_begin_today_unless_told_otherwise() -> None:
    service = await a_service()
    run = await service.run()
    approved = await service.matching.approval.approve(MANAGER, run.id, None)
    assert approved.effective_on == service.clock.now().date()


async def test_a_second_run_gives_only_what_is_still_free() -> None:
    service = Service()
    await service.know(a_mentor("m1", capacity=2), a_mentee("e1"), programme=a_programme())
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    await service.know(a_mentee("e2"), a_mentee("e3"))
    run = await service.run()
    await service.matching.approval.approve(MANAGER, run.id, None)
    assert len(service.active()) == 2
    assert run.figures is not None
    assert (run.figures.pairs, run.figures.unmatched_mentees) == (1, 1)
    service.check_books()


async def test_a_pair_excluded_after_the_run_is_a_conflict_and_the_others_go_on() -> None:
    service = Service()
    people = (a_mentor("m1"), a_mentor("m2"), a_mentee("e1"), a_mentee("e2"))
    await service.know(*people, programme=a_programme())
    one = await service.run()
    pairs = {pair.mentor_volunteer_id: pair for pair in service.stores.proposed.states.values()}  # type: ignore[attr-defined]
    await service.matching.restrictions.add(
        MANAGER,
        RestrictionKind.EXCLUSION,
        "prog_1",
        mentor_id="m1",
        mentee_id=pairs["m1"].mentee_volunteer_id,
    )
    approved = await service.matching.approval.approve(MANAGER, one.id, None)
    assert len(approved.pairings) == 1
    assert approved.conflicts[0].mentor_volunteer_id == "m1"
    service.check_books()


@pytest.mark.parametrize("step", range(1, 60))
async def test_an_approval_that_dies_anywhere_is_finished_by_others(step: int) -> None:
    service = await a_service(3, 3, 8)
    run = await service.run()
    with contextlib.suppress(BaseException):  # however the death is told
        await service.replica(Weather(crash_at=step)).approval.approve(MANAGER, run.id, None)
    await service.pass_time_and_sweep()
    await service.pass_time_and_sweep()
    assert service.runs.states[run.id].status in {RunStatus.APPROVED, RunStatus.PROPOSED}
    approved = await service.matching.approval.approve(MANAGER, run.id, None)
    assert run.figures is not None
    assert len(approved.pairings) == len(service.active()) == run.figures.pairs
    service.check_books()


@pytest.mark.parametrize("seed", range(15))
async def test_replicas_that_approve_and_sweep_at_once_make_nothing_twice(seed: int) -> None:
    chance = Random(seed)
    service = await a_service(6, 6, seed)
    run = await service.run()
    service.clock.advance(timedelta(seconds=60))
    replicas = [service.replica(Weather(chance=chance), f"replica_{n}") for n in range(3)]
    await asyncio.gather(
        *(replica.approval.approve(MANAGER, run.id, None) for replica in replicas),
        *(replica.places.sweep() for replica in replicas),
        *(replica.approval.resume() for replica in replicas),
    )
    await service.pass_time_and_sweep()
    assert run.figures is not None
    assert len(service.active()) == run.figures.pairs
    service.check_books()


@pytest.mark.parametrize("seed", range(15))
async def test_two_proposals_for_the_same_people_never_overbook_them(seed: int) -> None:
    service = await a_service(5, 6, seed)
    one = await service.run()
    stale = replace(one, id="run_stale", status=RunStatus.PROPOSED)
    service.runs.states[stale.id] = stale
    for pair in list(service.stores.proposed.states.values()):  # type: ignore[attr-defined]
        service.stores.proposed.states[f"stale.{pair.id}"] = replace(  # type: ignore[attr-defined]
            pair, id=f"stale.{pair.id}", result=stale.result
        )
    chance = Random(seed)
    replicas = [service.replica(Weather(chance=chance)) for _ in range(2)]
    first, second = await asyncio.gather(
        replicas[0].approval.approve(MANAGER, one.id, None), replicas[1].approval.approve(MANAGER, stale.id, None)
    )
    await service.pass_time_and_sweep()
    service.check_books()
    assert len(service.active()) == len(first.pairings) + len(second.pairings)


async def test_a_late_claimer_that_died_blocks_nobody() -> None:
    service = Service()
    await service.know(a_mentor(), a_mentee(), programme=a_programme())
    run = await service.run()
    await service.matching.approval.approve(MANAGER, run.id, None)
    (pairing,) = service.active()
    dead = replace(pairing, id="pair_dead", status=PairingStatus.ABORTED, claims_held=False)
    service.pairings.states[dead.id] = dead
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.COMPLETED)
    held = service.claims.held
    held["default", "m1"] = (*held["default", "m1"], Claim(holder="pair_dead", on="m1"))
    await service.know(a_mentee("e2"))
    again = await service.run()
    approved = await service.matching.approval.approve(MANAGER, again.id, None)
    assert len(approved.pairings) == 1
    service.check_books()
