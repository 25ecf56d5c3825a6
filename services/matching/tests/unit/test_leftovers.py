"""Results that nobody needs any more are removed after a while; their runs stay and say so."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import httpx2
import pytest
from matching.domain import leftovers as decide
from matching.domain.refusals import ResultsRemoved
from matching.domain.run import MatchRun, RunStatus
from matching.use_cases import Matching, leftovers
from matching_builders import NOW, a_mentee, a_mentor, a_programme
from matching_stores import MANAGER, Crash, Service, Weather

WEEK = timedelta(days=7)


async def a_renewed_proposal() -> tuple[Service, MatchRun, MatchRun]:
    """The superseded run and the one that stands in its place."""
    service = Service()
    people = (a_mentor("m1"), a_mentor("m2", languages=("de",)), a_mentee("e1"), a_mentee("e2", ready=False))
    await service.know(*people, programme=a_programme())
    return service, *await two_runs(service)


async def two_runs(service: Service) -> tuple[MatchRun, MatchRun]:
    old = await service.run()
    service.clock.advance(timedelta(seconds=1))
    new = await service.run()
    return service.runs.states[old.id], service.runs.states[new.id]


def results(service: Service) -> set[str]:
    return {state.result for kept in (service.proposed, service.left_out) for state in kept.states.values()}


async def test_results_of_a_superseded_run_are_removed_after_a_week_and_not_before() -> None:
    service, old, new = await a_renewed_proposal()
    assert (old.status, results(service)) == (RunStatus.SUPERSEDED, {old.result, new.result})
    service.clock.advance(WEEK - timedelta(seconds=1))
    await service.matching.leftovers.work()
    assert (await service.matching.runs.pairs(MANAGER, old.id, limit=9, cursor=None)).items
    service.clock.advance(timedelta(seconds=1))
    await service.matching.leftovers.work()
    assert results(service) == {new.result}
    assert (await service.matching.runs.get(MANAGER, old.id)).figures == old.figures


async def test_a_removed_result_is_refused_by_name_and_says_where_to_look(
    service: Service, client: httpx2.AsyncClient
) -> None:
    old, new = await two_runs(service)
    service.clock.advance(WEEK)
    await service.matching.leftovers.work()
    manager = {"X-Telemachus-Subject": "manager", "X-Telemachus-Roles": "programme_manager"}
    for path in ("pairs", "unmatched"):
        answered = await client.get(f"/runs/{old.id}/{path}", headers=manager)
        assert (answered.status_code, answered.json()["type"].rpartition(":")[2]) == (404, "results-removed")
        assert new.id in answered.json()["detail"]
    shown = (await client.get(f"/runs/{old.id}", headers=manager)).json()
    assert shown["results_removed_at"] is not None
    with pytest.raises(ResultsRemoved):
        await service.matching.explanations.blocking(MANAGER, "prog_1", run_id=old.id)


async def test_proposals_and_what_became_pairings_are_kept() -> None:
    service, _, new = await a_renewed_proposal()
    await service.matching.approval.approve(MANAGER, new.id, None)
    for _ in range(3):
        service.clock.advance(WEEK)
        await service.matching.leftovers.work()
    assert results(service) == {new.result}
    assert (await service.matching.runs.pairs(MANAGER, new.id, limit=9, cursor=None)).items


async def test_what_a_confirmation_found_is_kept_while_the_proposal_shows_it() -> None:
    service, _, proposal = await a_renewed_proposal()
    for _ in range(2):
        await service.know(a_mentee("e2", ready=False, version=service.candidates.states["e2"].version + 1))
        await service.matching.renewals.mark("default", "prog_1")
        service.clock.advance(timedelta(minutes=5))
        await service.matching.renewals.work()
        await service.matching.runs.work()
        await service.matching.renewals.work()
    first, last = (run for run in service.runs.states.values() if run.status is RunStatus.UNCHANGED)
    if service.runs.states[proposal.id].left_out_in == first.result:
        first, last = last, first
    for _ in range(3):
        service.clock.advance(WEEK)
        await service.matching.leftovers.work()
    assert results(service) == {proposal.result, last.result}
    assert (await service.matching.runs.left_out(MANAGER, proposal.id, limit=9, cursor=None)).items
    with pytest.raises(ResultsRemoved):
        await service.matching.runs.left_out(MANAGER, first.id, limit=9, cursor=None)


async def test_abandoned_attempts_of_a_proposal_are_removed_and_the_proposal_is_not() -> None:
    service, _, proposal = await a_renewed_proposal()
    (pair, *_) = (pair for pair in service.proposed.states.values() if pair.result == proposal.result)
    await service.proposed.keep_newest(replace(pair, id=f"{proposal.id}.2.00000", result=f"{proposal.id}.2"))
    await service.proposed.keep_newest(replace(pair, id=f"{proposal.id}.3.00000", result=f"{proposal.id}.3"))
    service.runs.states[proposal.id] = replace(proposal, attempt=3, leftovers_since=service.clock.now())
    service.clock.advance(WEEK)
    await service.matching.leftovers.work()
    assert {result for result in results(service) if result.startswith(proposal.id)} == {f"{proposal.id}.3"}
    assert (await service.matching.runs.pairs(MANAGER, proposal.id, limit=9, cursor=None)).items


async def test_one_look_removes_so_many_at_most_and_the_next_carries_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "MOST_AT_ONCE", 2)
    service, old, _ = await a_renewed_proposal()
    service.clock.advance(WEEK)
    before = len(service.proposed.states) + len(service.left_out.states)
    await service.matching.leftovers.work()
    assert before - len(service.proposed.states) - len(service.left_out.states) == 2
    for _ in range(3):
        await service.matching.leftovers.work()
    assert old.result not in results(service)
    assert service.runs.states[old.id].results_removed_at == service.clock.now()


@pytest.mark.parametrize("step", range(1, 9))
async def test_a_replica_that_dies_leaves_the_rest_to_another(step: int) -> None:
    service, old, new = await a_renewed_proposal()
    service.clock.advance(WEEK)
    with suppress(Crash):
        await service.replica(Weather(crash_at=step)).leftovers.work()
    await service.matching.leftovers.work()
    assert results(service) == {new.result}
    assert service.runs.states[old.id].results_removed_at is not None


async def test_nothing_is_removed_where_results_are_kept_for_ever() -> None:
    service, old, new = await a_renewed_proposal()
    service.clock.advance(timedelta(days=5000))
    kept = Matching.of(service.stores, service.engine, replica="replica_1", keep_results=timedelta())
    await kept.leftovers.work()
    assert results(service) == {old.result, new.result}


def test_a_run_that_was_superseded_meanwhile_is_looked_at_again() -> None:
    seen = MatchRun(
        **dict.fromkeys(("seed", "policy", "policy_version", "week", "session_minutes")),  # type: ignore[arg-type]
        id="run_1",
        tenant="default",
        version=4,
        programme_id="prog_1",
        status=RunStatus.PROPOSED,
        requested_at=NOW,
        attempt=2,
        leftovers_since=NOW,
    )
    later = replace(seen, status=RunStatus.SUPERSEDED, leftovers_since=NOW + WEEK)
    assert decide.leftovers(seen) == ("run_1.1",)
    assert decide.leftovers(later) == ("run_1.1", "run_1.2")
    assert decide.clear(later, seen, NOW) is later
    assert decide.look_again_later(later, seen, NOW) is later
