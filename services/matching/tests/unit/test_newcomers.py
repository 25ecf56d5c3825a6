"""Whoever arrives is paired by a question about those who are free, not about everybody."""

from contextlib import suppress
from dataclasses import replace

import pytest
from matching.domain.candidate import Candidate
from matching.domain.restriction import RestrictionKind
from matching.domain.rules import Charter
from matching.engine.compute import compute
from matching.use_cases.snapshot import read_partners, read_pool
from matching_builders import NOW, a_crowd, a_mentee, a_mentor, a_programme
from matching_stores import MANAGER, Crash, Service, Weather, a_cause
from shared.contracts import (
    MatchMode,
    MatchPolicy,
    Principal,
    Role,
    UnpairReason,
    VolunteerWithdrawn,
    WithdrawalReason,
)

CONTINUOUS = a_programme(policy=MatchPolicy(mode=MatchMode.CONTINUOUS))


async def best_of_everybody(service: Service, person: Candidate) -> set[tuple[str, str]]:
    """The best free partner, found over the whole pool."""
    pool = await read_pool(service.stores, "default", "prog_1")
    whole = pool.problem(Charter.of(CONTINUOUS))
    mentors = (person,) if person.role is Role.MENTOR else whole.mentors
    mentees = (person,) if person.role is Role.MENTEE else whole.mentees
    places = {**whole.places, person.id: min(whole.places[person.id], 1)}
    answer = compute(replace(whole, mentors=mentors, mentees=mentees, places=places), lambda _percent: None)
    return {(pair.mentor.id, pair.mentee.id) for pair in answer.pairs}


@pytest.mark.parametrize("seed", range(12))
async def test_the_partner_is_the_one_that_the_whole_pool_would_give(seed: int) -> None:
    service = Service()
    mentors, mentees = a_crowd(14, 10, seed)
    await service.know(*mentors, *mentees[:8], programme=CONTINUOUS)
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    ended = service.active()[0]
    await service.matching.pairings.unpair(MANAGER, ended.id, UnpairReason.COMPLETED)
    await service.know(*mentees[8:])
    excluded = next(iter(await best_of_everybody(service, mentees[8]) or {(mentors[0].id, mentees[8].id)}))
    await service.matching.restrictions.add(
        MANAGER, RestrictionKind.EXCLUSION, "prog_1", mentor_id=excluded[0], mentee_id=excluded[1]
    )
    for person in (*mentees[8:], *(one for one in (*mentors, *mentees) if one.id in ended.volunteers)):
        if not person.takes_part:
            continue
        expected = await best_of_everybody(service, person)
        before = service.active_pairs()
        await service.arrives(person.id)
        assert service.active_pairs() - before == expected
    service.check_books()


async def test_only_those_who_are_ready_and_have_a_place_are_asked_about() -> None:
    service = Service()
    people = (a_mentor("m1"), a_mentor("m2"), a_mentor("m3", ready=False), a_mentee("e1"))
    await service.know(*people, programme=CONTINUOUS)
    await service.arrives("e1")
    await service.know(a_mentee("e2"))
    await service.arrives("e2")
    asked = service.engine.asked[-1]
    assert [mentee.id for mentee in asked.mentees] == ["e2"]
    ((_, taken),) = [(mentee, mentor) for mentor, mentee in service.active_pairs() if mentee == "e1"]
    assert {mentor.id for mentor in asked.mentors} == {"m1", "m2"} - {taken}
    assert len(service.active()) == 2


async def test_somebody_who_left_meanwhile_is_not_asked_about() -> None:
    service = Service()
    await service.know(a_mentor("m1"), a_mentee("e1"), programme=CONTINUOUS)
    gone = a_mentee("e1", version=2, withdrawn=True)
    await service.know(gone)
    us = Principal.service("matching", tenant="default")
    assert await service.matching.newcomers.pair(a_mentee("e1"), CONTINUOUS, us, cause="late") is None
    assert service.engine.asked == []


async def test_those_whose_partner_left_are_paired_with_who_is_free() -> None:
    service = Service()
    await service.know(a_mentor("m1"), a_mentee("e1"), programme=CONTINUOUS)
    await service.arrives("e1")
    await service.know(a_mentor("m2"))
    left = VolunteerWithdrawn(
        version=2,
        occurred_at=NOW,
        volunteer_id="m1",
        person_ref="person_m1",
        programme_id="prog_1",
        role=Role.MENTOR,
        reason=WithdrawalReason.NO_TIME,
    )
    us = Principal.service("matching", tenant="default")
    for _delivery in range(2):
        await service.matching.pool.withdraw(left, a_cause())
        await service.matching.newcomers.go_on_without("m1", us)
    assert service.active_pairs() == {("m2", "e1")}
    service.check_books()


async def a_pair_among_others(mode: MatchMode = MatchMode.CONTINUOUS) -> Service:
    """m1 and e1 are a pair, m2 and e2 came later and are free."""
    service = Service()
    await service.know(a_mentor("m1"), a_mentee("e1"), programme=a_programme(policy=MatchPolicy(mode=mode)))
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    await service.know(a_mentor("m2"), a_mentee("e2"))
    return service


async def test_both_go_on_with_others_once_a_manager_has_parted_them() -> None:
    service = await a_pair_among_others()
    (pairing,) = service.active()
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.MANAGER_DECISION)
    assert service.active_pairs() == {("m2", "e1"), ("m1", "e2")}
    service.check_books()


async def test_two_who_were_parted_wait_rather_than_get_each_other_again() -> None:
    service = Service()
    await service.know(a_mentor("m1"), a_mentee("e1"), programme=CONTINUOUS)
    await service.arrives("e1")
    (pairing,) = service.active()
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.MANAGER_DECISION)
    assert service.active() == []


async def test_a_proposal_still_decides_who_goes_on_with_whom_where_a_manager_reviews() -> None:
    service = await a_pair_among_others(MatchMode.REVIEW)
    (pairing,) = service.active()
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.MANAGER_DECISION)
    assert service.active() == []


@pytest.mark.parametrize("step", range(1, 40))
async def test_an_end_that_was_cut_short_is_finished_when_it_is_asked_for_again(step: int) -> None:
    service = await a_pair_among_others()
    (pairing,) = service.active()
    with suppress(Crash):
        dying = service.replica(Weather(crash_at=step))
        await dying.pairings.unpair(MANAGER, pairing.id, UnpairReason.MANAGER_DECISION, key="k")
    await service.pass_time_and_sweep()
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.MANAGER_DECISION, key="k")
    assert service.active_pairs() == {("m2", "e1"), ("m1", "e2")}
    service.check_books()


async def test_the_last_place_of_somebody_with_two_is_one_place() -> None:
    service = Service()
    mentor = a_mentor("m1", capacity=3)
    await service.know(mentor, a_mentee("e1"), programme=CONTINUOUS)
    await service.arrives("m1")
    question = await read_partners(service.stores, mentor, Charter.of(CONTINUOUS))
    assert (question.places, question.mentees) == ({"m1": 1}, ())
    assert question.history.previous == {("person_m1", "person_e1")}
