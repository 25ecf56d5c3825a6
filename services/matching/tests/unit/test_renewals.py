"""The pool changes while a proposal waits for a decision."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import httpx2
import pytest
from matching.domain.proposal import Problem, Proposal
from matching.domain.refusals import NoProposal, PoolTooLarge, ProposalRenewed
from matching.domain.restriction import RestrictionKind
from matching.domain.run import LEASE, RunStatus
from matching.use_cases import Matching
from matching_builders import a_programme, a_programme_published
from matching_stores import MANAGER, Service, Weather, a_cause, somebody
from matching_waiting import WAIT, a_proposal, arrives, current, pass_time, proposed, run_of
from shared.contracts import (
    Forbidden,
    MatchPolicy,
    MatchWeights,
    Role,
    UnpairReason,
    VolunteerWithdrawn,
    WithdrawalReason,
)


async def test_an_arrival_renews_the_proposal_which_then_says_by_which_run() -> None:
    service, first = await a_proposal()
    assert await current(service) == (first.id, True)
    await arrives(service)
    assert await current(service) == (first.id, False)
    await pass_time(service)
    (second,) = proposed(service)
    assert await current(service) == (second.id, True)
    assert (second.renews, run_of(service, first.id).renewed_by) == (first.id, second.id)
    assert second.figures is not None
    assert second.figures.pairs == 2
    assert service.active() == []  # it is never approved by itself
    assert service.ended == [("renewed", False)]


async def test_approving_a_renewed_proposal_is_refused_with_the_run_that_stands_in_its_place() -> None:
    service, first = await a_proposal()
    await arrives(service)
    await pass_time(service)
    with pytest.raises(ProposalRenewed) as refusal:
        await service.matching.approval.approve(MANAGER, first.id, None)
    approved = await service.matching.approval.approve(MANAGER, str(refusal.value.extra["run_id"]), None)
    assert len(approved.pairings) == 2
    service.check_books()


async def left(service: Service) -> None:
    event = VolunteerWithdrawn(
        version=2,
        occurred_at=service.clock.now(),
        volunteer_id="e1",
        person_ref="person_e1",
        programme_id="prog_1",
        role=Role.MENTEE,
        reason=WithdrawalReason.NO_TIME,
    )
    await service.matching.pool.withdraw(event, a_cause())


async def locked(service: Service) -> None:
    await service.matching.restrictions.add(MANAGER, RestrictionKind.LOCK, "prog_1", mentor_id="m1", mentee_id="e2")


async def excluded(service: Service) -> None:
    await service.matching.restrictions.add(
        MANAGER, RestrictionKind.EXCLUSION, "prog_1", mentor_id="m1", mentee_id="e1"
    )


async def charter_changed(service: Service) -> None:
    weights = MatchWeights(motivation=0)
    await service.matching.pool.keep_programme(
        a_programme_published(version=2, policy=MatchPolicy(weights=weights)), a_cause()
    )


@pytest.mark.parametrize("change", [left, locked, excluded, charter_changed])
async def test_whatever_changes_the_best_pairs_renews_the_proposal(change: Callable[[Service], object]) -> None:
    service, first = await a_proposal()
    await change(service)  # type: ignore[misc]
    assert await current(service) == (first.id, False)
    await pass_time(service)
    found, is_current = await current(service)
    assert (found != first.id, is_current) == (True, True)


async def test_a_lock_that_is_removed_renews_the_proposal_again() -> None:
    service, _ = await a_proposal()
    await locked(service)
    await pass_time(service)
    with_lock, _ = await current(service)
    (lock,) = service.stores.restrictions.states.values()  # type: ignore[attr-defined]
    await service.matching.restrictions.remove(MANAGER, RestrictionKind.LOCK, "prog_1", lock.id)
    await pass_time(service)
    without, is_current = await current(service)
    assert (without != with_lock, is_current) == (True, True)


async def test_an_ended_pairing_renews_a_proposal_that_was_made_without_its_people() -> None:
    service, first = await a_proposal()
    await service.matching.approval.approve(MANAGER, first.id, None)
    second = await service.run()
    (pairing,) = service.active()
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.COMPLETED)
    await pass_time(service)
    (third,) = proposed(service)
    assert third.renews == second.id
    assert third.figures is not None
    assert third.figures.pairs == 1


async def test_a_change_that_changes_no_pair_confirms_the_proposal_under_its_own_name() -> None:
    service, first = await a_proposal()
    await arrives(service, "e3", Role.MENTEE, ready=False)
    await pass_time(service)
    assert await current(service) == (first.id, True)
    confirmed = run_of(service, first.id)
    assert confirmed.confirmed_at is not None
    page = await service.matching.runs.left_out(MANAGER, first.id, limit=50, cursor=None)
    assert {stored.person.volunteer_id for stored in page.items} == {"e2", "e3"}
    (renewal,) = (run for run in service.runs.states.values() if run.renews)
    assert renewal.status is RunStatus.UNCHANGED
    shown = [await service.matching.runs.pairs(MANAGER, id_, limit=50, cursor=None) for id_ in (first.id, renewal.id)]
    assert shown[0] == shown[1]
    assert len(shown[0].items) == 1
    with pytest.raises(ProposalRenewed, match=first.id):
        await service.matching.approval.approve(MANAGER, renewal.id, None)
    approved = await service.matching.approval.approve(MANAGER, first.id, None)
    assert len(approved.pairings) == 1


async def test_an_import_of_a_thousand_people_causes_a_few_renewals() -> None:
    service, _ = await a_proposal()
    writes = 0
    for number in range(1_000):
        version = max((renewal.version for renewal in service.renewals.states.values()), default=0)
        await arrives(service, f"x{number}", ready=False)
        writes += max(renewal.version for renewal in service.renewals.states.values()) != version
        service.clock.advance(timedelta(milliseconds=60))
        if number % 16 == 0:
            await service.matching.renewals.work()
            await service.matching.runs.work()
    await pass_time(service)
    assert 1 <= sum(run.renews is not None for run in service.runs.states.values()) <= 3
    assert writes < 80  # about one a second
    assert (await current(service))[1] is True


async def test_a_pool_without_a_proposal_is_left_alone() -> None:
    service = Service()
    await service.know(programme=a_programme())
    await arrives(service)
    await pass_time(service)
    assert service.runs.states == {}
    assert [renewal.due for renewal in service.renewals.states.values()] == [None]
    with pytest.raises(NoProposal):
        await service.matching.renewals.proposal(MANAGER, "prog_1")


async def test_a_run_that_a_manager_asked_for_goes_first_and_is_renewed_afterwards() -> None:
    service, _ = await a_proposal()
    await arrives(service)
    service.clock.advance(timedelta(seconds=1))
    asked = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    service.clock.advance(WAIT)
    await service.matching.renewals.work()
    assert {run.renews for run in service.runs.states.values()} == {None}
    await pass_time(service)
    assert await current(service) == (asked.id, True)
    assert run_of(service, asked.id).confirmed_at is not None


async def test_a_proposal_that_is_being_approved_is_never_renewed() -> None:
    service, first = await a_proposal()
    await arrives(service)
    with contextlib.suppress(BaseException):
        await service.replica(Weather(crash_at=4)).approval.approve(MANAGER, first.id, None)
    assert run_of(service, first.id).approval_due is not None
    await pass_time(service)
    assert list(service.runs.states) == [first.id]
    await service.pass_time_and_sweep()
    assert run_of(service, first.id).status is RunStatus.APPROVED


async def test_an_approval_while_the_renewal_is_computed_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    service, first = await a_proposal()
    await arrives(service)
    service.clock.advance(WAIT)
    await service.matching.renewals.work()
    compute = service.engine.propose

    async def meanwhile(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        await service.matching.approval.approve(MANAGER, first.id, date(2026, 4, 6))
        return await compute(problem, on_progress)

    monkeypatch.setattr(service.engine, "propose", meanwhile)
    await service.matching.runs.work()
    assert run_of(service, first.id).status is RunStatus.APPROVED
    assert proposed(service) == []
    assert service.ended == [("overtaken", False)]
    service.check_books()


async def test_a_change_while_the_renewal_is_computed_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    service, _ = await a_proposal()
    await arrives(service)
    service.clock.advance(WAIT)
    await service.matching.renewals.work()
    compute = service.engine.propose

    async def meanwhile(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        await arrives(service, "m3")
        await arrives(service, "e3", Role.MENTEE)
        return await compute(problem, on_progress)

    monkeypatch.setattr(service.engine, "propose", meanwhile)
    await service.matching.runs.work()
    monkeypatch.undo()
    assert (await current(service))[1] is False
    await pass_time(service)
    found, is_current = await current(service)
    figures = run_of(service, found).figures
    assert figures is not None
    assert (figures.pairs, is_current) == (3, True)


@pytest.mark.parametrize("step", range(1, 40))
async def test_a_replica_that_dies_anywhere_leaves_the_renewal_to_others(step: int) -> None:
    service, first = await a_proposal()
    await arrives(service)
    service.clock.advance(WAIT)
    doomed = service.replica(Weather(crash_at=step))
    with contextlib.suppress(BaseException):  # however the death is told
        await doomed.renewals.work()
        await doomed.runs.work()
    service.clock.advance(LEASE)
    await pass_time(service)
    (second,) = proposed(service)
    assert (second.renews, run_of(service, first.id).renewed_by) == (first.id, second.id)
    assert await current(service) == (second.id, True)
    assert len(service.runs.states) == 2


@pytest.mark.parametrize("step", range(1, 12))
async def test_a_command_that_dies_anywhere_leaves_no_unmarked_change(step: int) -> None:
    service, first = await a_proposal()
    doomed = service.replica(Weather(crash_at=step))
    with contextlib.suppress(BaseException):
        await doomed.restrictions.add(MANAGER, RestrictionKind.LOCK, "prog_1", mentor_id="m1", mentee_id="e2")
    is_locked = bool(service.stores.restrictions.states)  # type: ignore[attr-defined]
    await pass_time(service)
    found, is_current = await current(service)
    assert (found != first.id, is_current) == (is_locked, True)


@pytest.mark.parametrize("seed", range(10))
async def test_replicas_renew_each_proposal_once(seed: int) -> None:
    service, first = await a_proposal()
    chance = Random(seed)
    replicas = [service.replica(Weather(chance=chance), f"replica_{number}") for number in range(3)]
    await arrives(service)
    for _ in range(8):
        service.clock.advance(timedelta(seconds=1))
        await asyncio.gather(*(replica.renewals.work() for replica in replicas))
        await asyncio.gather(*(replica.runs.work() for replica in replicas))
    assert len(service.runs.states) == 2
    (second,) = proposed(service)
    assert run_of(service, first.id).renewed_by == second.id


async def test_a_renewal_that_fails_leaves_the_proposal_open_and_not_current(monkeypatch: pytest.MonkeyPatch) -> None:
    service, first = await a_proposal()
    await arrives(service)

    async def refuses(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        raise PoolTooLarge("too many")

    monkeypatch.setattr(service.engine, "propose", refuses)
    await pass_time(service)
    assert service.ended == [("failed", False)]
    assert await current(service) == (first.id, False)
    monkeypatch.undo()
    await arrives(service, "m3")
    await pass_time(service)
    assert (await current(service))[1] is True


async def test_renewals_come_no_closer_than_a_run_takes() -> None:
    service, first = await a_proposal()
    run = run_of(service, first.id)
    assert run.figures is not None
    service.runs.states[first.id] = replace(run, figures=replace(run.figures, seconds=60))
    await arrives(service)
    await pass_time(service, 50)
    assert list(service.runs.states) == [first.id]
    await pass_time(service, 15)
    assert len(service.runs.states) == 2


async def test_proposals_that_are_not_renewed_never_say_that_they_are_current() -> None:
    service, first = await a_proposal()
    service.matching = Matching.of(service.stores, service.engine, replica="replica_1", renew_after=0)
    await arrives(service)
    await pass_time(service)
    assert await current(service) == (first.id, None)
    assert list(service.runs.states) == [first.id]


async def test_the_proposal_is_for_managers() -> None:
    service, _ = await a_proposal()
    with pytest.raises(Forbidden):
        await service.matching.renewals.proposal(somebody("person_m1"), "prog_1")


async def test_one_address_tells_the_proposal_and_whether_it_is_current(
    client: httpx2.AsyncClient, service: Service
) -> None:
    none = await client.get("/programmes/prog_1/proposal")
    assert (none.status_code, none.json()["type"]) == (404, "urn:telemachus:problem:no-proposal")
    first = await service.run()
    found = (await client.get("/programmes/prog_1/proposal")).json()
    assert (found["id"], found["status"], found["current"], found["confirmed_at"]) == (first.id, "proposed", True, None)
    await arrives(service, "m3")
    await arrives(service, "e3", Role.MENTEE)
    assert (await client.get("/programmes/prog_1/proposal")).json()["current"] is False
    await pass_time(service)
    second = (await client.get("/programmes/prog_1/proposal")).json()
    assert (second["renews"], second["current"]) == (first.id, True)
    assert (await client.get(f"/runs/{first.id}")).json()["renewed_by"] == second["id"]
    refused = await client.post(f"/runs/{first.id}/approve")
    assert (refused.status_code, refused.json()["run_id"]) == (409, second["id"])
    assert refused.json()["type"] == "urn:telemachus:problem:proposal-renewed"
    assert (await client.post(f"/runs/{second['id']}/approve")).status_code == 200
