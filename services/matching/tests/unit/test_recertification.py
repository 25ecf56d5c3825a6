"""Every night each programme is looked at anew."""

import contextlib

import pytest
from matching.domain.run import LEASE, RunStatus
from matching.use_cases import Matching
from matching_builders import a_mentee, a_mentor, a_programme
from matching_stores import Service, Weather
from matching_waiting import A_DAY, a_proposal, current, night, run_of
from shared.contracts import MatchMode, MatchPolicy


async def test_the_night_confirms_a_proposal_that_is_still_the_best_once_a_day() -> None:
    service, first = await a_proposal()
    for _ in range(2):
        service.clock.advance(A_DAY)
        await night(service.matching, service.replica(Weather()))
    assert service.ended == [("confirmed", True), ("confirmed", True)]
    assert len(service.runs.states) == 3
    confirmed = run_of(service, first.id)
    assert (confirmed.status, confirmed.confirmed_at) == (RunStatus.PROPOSED, service.clock.now())


async def test_the_night_renews_a_proposal_that_nobody_knew_to_be_outdated() -> None:
    service, first = await a_proposal()
    await service.know(a_mentor("m2"))  # no mark: as if it had been lost
    service.clock.advance(A_DAY)
    await night(service.matching)
    assert service.ended == [("renewed", True)]
    found, _ = await current(service)
    assert run_of(service, first.id).renewed_by == found


async def test_the_night_lets_a_continuous_programme_catch_up_once() -> None:
    service = Service()
    programme = a_programme(policy=MatchPolicy(mode=MatchMode.CONTINUOUS))
    await service.know(a_mentor(), a_mentee(), programme=programme)  # both known, and nobody paired them
    await night(service.matching, service.replica(Weather()))
    await service.matching.approval.resume()
    assert service.active_pairs() == {("m1", "e1")}
    assert len(service.runs.states) == 1


@pytest.mark.parametrize("step", range(1, 30))
async def test_a_night_that_dies_anywhere_is_finished_by_others_once(step: int) -> None:
    service, first = await a_proposal()
    service.clock.advance(A_DAY)
    with contextlib.suppress(BaseException):  # however the death is told
        await night(service.replica(Weather(crash_at=step)))
    service.clock.advance(LEASE)
    await night(service.matching)
    assert run_of(service, first.id).confirmed_at is not None
    assert len(service.runs.states) == 2
    assert await current(service) == (first.id, True)


async def test_the_night_can_be_switched_off() -> None:
    service, first = await a_proposal()
    service.matching = Matching.of(service.stores, service.engine, replica="replica_1", recertify_hour=-1)
    service.clock.advance(A_DAY)
    await night(service.matching)
    assert list(service.runs.states) == [first.id]
