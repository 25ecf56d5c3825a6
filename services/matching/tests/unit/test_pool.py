from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.refusals import UnknownProgramme, UnknownTimeZone
from matching.domain.run import RunStatus
from matching_builders import NOW, a_mentee, a_mentor, a_programme, a_programme_published, a_volunteered
from matching_stores import MANAGER, Service, a_cause, somebody
from shared.contracts import (
    Forbidden,
    MatchMode,
    MatchPolicy,
    OfferedSkill,
    Principal,
    Readiness,
    Role,
    UnpairReason,
    VolunteerState,
    VolunteerUpdated,
    VolunteerWithdrawn,
    WantedSkill,
    WithdrawalReason,
)


def updated(version: int, **changes: Any) -> VolunteerState:
    return VolunteerUpdated(**(a_volunteered("m1", version=version).model_dump() | changes))


def withdrawn(version: int, name: str = "m1", role: Role = Role.MENTOR) -> VolunteerWithdrawn:
    return VolunteerWithdrawn(
        version=version,
        occurred_at=NOW,
        volunteer_id=name,
        person_ref=f"person_{name}",
        programme_id="prog_1",
        role=role,
        reason=WithdrawalReason.NO_TIME,
    )


async def test_a_volunteer_enters_the_pool_as_the_event_tells() -> None:
    service = Service()
    await service.matching.pool.keep_volunteer(a_volunteered("m1", capacity=2), a_cause())
    assert service.candidates.states["m1"].capacity == 2
    assert service.candidates.states["m1"].takes_part


async def test_late_and_repeated_events_change_nothing() -> None:
    service = Service()
    pool = service.matching.pool
    for version in (3, 1, 2, 3):
        await pool.keep_volunteer(updated(version, motivation=version), a_cause(version))
    assert service.candidates.states["m1"].motivation == 3


async def test_a_volunteer_of_an_unknown_zone_is_refused() -> None:
    service = Service()
    with pytest.raises(UnknownTimeZone):
        await service.matching.pool.keep_volunteer(a_volunteered("m1", time_zone="Mars/Olympus"), a_cause())
    assert service.candidates.states == {}


async def test_a_skill_told_twice_counts_once_at_its_best() -> None:
    service = Service()
    offers = (OfferedSkill(skill="ai", level=2), OfferedSkill(skill="ai", level=4))
    wishes = (WantedSkill(skill="x", level=3, priority=2), WantedSkill(skill="x", level=1, priority=2))
    event = a_volunteered("m1", skills_offered=offers, skills_wanted=wishes)
    await service.matching.pool.keep_volunteer(event, a_cause())
    known = service.candidates.states["m1"]
    assert known.skills_offered == (OfferedSkill(skill="ai", level=4),)
    assert known.skills_wanted == (WantedSkill(skill="x", level=1, priority=2),)


async def test_who_leaves_is_forgotten_and_their_pairings_end() -> None:
    service = Service()
    await service.know(a_mentor(), a_mentee(), programme=a_programme())
    run = await service.run()
    await service.matching.approval.approve(MANAGER, run.id, None)
    await service.matching.pool.withdraw(withdrawn(2), a_cause())
    (pairing,) = service.pairings.states.values()
    assert pairing.ended_reason is UnpairReason.WITHDRAWN
    assert service.candidates.states["m1"].skills_offered == ()
    assert service.claims_on("e1") == ()
    service.check_books()


async def test_a_withdrawal_delivered_twice_ends_a_pairing_once() -> None:
    service = Service()
    await service.know(a_mentor(), a_mentee(), programme=a_programme())
    run = await service.run()
    await service.matching.approval.approve(MANAGER, run.id, None)
    for number in (1, 1, 2):
        await service.matching.pool.withdraw(withdrawn(2), a_cause(number))
    assert [event.name for event in service.told()] == ["paired", "unpaired"]


async def test_nobody_can_be_paired_with_somebody_who_left_after_the_run() -> None:
    service = Service()
    await service.know(a_mentor(), a_mentee(), programme=a_programme())
    run = await service.run()
    await service.matching.pool.withdraw(withdrawn(2), a_cause())
    approved = await service.matching.approval.approve(MANAGER, run.id, None)
    assert approved.pairings == ()
    assert "left" in approved.conflicts[0].reason
    service.check_books()


async def test_who_comes_back_can_be_paired_again() -> None:
    service = Service()
    await service.know(a_mentee(), programme=a_programme())
    pool = service.matching.pool
    await pool.withdraw(withdrawn(2), a_cause(1))
    await pool.keep_volunteer(updated(3), a_cause(2))
    await pool.withdraw(withdrawn(2), a_cause(3))  # late: changes nothing
    run = await service.run()
    await service.matching.approval.approve(MANAGER, run.id, None)
    assert service.active_pairs() == {("m1", "e1")}


@given(st.permutations(range(1, 6)), st.data())
@settings(max_examples=60, deadline=None)
async def test_whatever_the_order_of_events_the_newest_state_wins(order: list[int], data: st.DataObject) -> None:
    left = {version: data.draw(st.booleans()) for version in order}
    service = Service()
    for version in order:
        if left[version]:
            await service.matching.pool.withdraw(withdrawn(version), a_cause(version))
        else:
            await service.matching.pool.keep_volunteer(updated(version), a_cause(version))
    assert service.candidates.states["m1"].withdrawn == left[5]
    assert bool(service.claims_on("m1")) == left[5]


async def test_the_pool_is_summed_up() -> None:
    service = Service()
    await service.know(
        a_mentor("m1", capacity=3),
        a_mentor("m2", ready=False, capacity=2),
        a_mentor("m3", withdrawn=True),
        a_mentee("e1"),
        programme=a_programme(),
    )
    figures = await service.matching.pool.figures(MANAGER, "prog_1")
    assert (figures.known, figures.mentors, figures.mentees) == (4, 2, 1)
    assert (figures.mentors_ready, figures.mentees_ready, figures.places, figures.paired) == (1, 1, 3, 0)


async def test_a_pool_is_not_found_until_its_charter_has_arrived() -> None:
    service = Service()
    await service.know(a_mentor())
    with pytest.raises(UnknownProgramme):
        await service.matching.pool.figures(MANAGER, "prog_1")
    await service.know(programme=a_programme())
    assert (await service.matching.pool.figures(MANAGER, "prog_1")).known == 1
    other = Principal(tenant="other", subject="x", roles=MANAGER.roles)
    with pytest.raises(UnknownProgramme):
        await service.matching.pool.figures(other, "prog_1")


async def test_the_pool_is_for_managers() -> None:
    with pytest.raises(Forbidden):
        await Service().matching.pool.candidates(somebody("person_m1"), "prog_1", None, limit=5, cursor=None)


async def test_a_continuous_programme_pairs_who_arrives_with_who_is_free() -> None:
    service = Service()
    continuous = MatchPolicy(mode=MatchMode.CONTINUOUS)
    await service.know(a_mentor("m1"), a_mentor("m2", motivation=5), programme=a_programme(policy=continuous))
    event = a_volunteered("e1", role=Role.MENTEE)
    await service.matching.pool.keep_volunteer(event, a_cause())
    for _delivery in range(2):
        await service.arrives("e1")
    assert service.active_pairs() == {("m2", "e1")}
    service.check_books()


@pytest.mark.parametrize("mode", [MatchMode.REVIEW, MatchMode.CHOICE, MatchMode.UNKNOWN])
async def test_other_programmes_wait_for_a_run(mode: MatchMode) -> None:
    service = Service()
    await service.know(a_mentor(), a_mentee(), programme=a_programme(policy=MatchPolicy(mode=mode)))
    await service.arrives("e1")
    assert service.active() == []


async def test_somebody_not_ready_waits_in_a_continuous_programme() -> None:
    service = Service()
    continuous = a_programme(policy=MatchPolicy(mode=MatchMode.CONTINUOUS))
    await service.know(a_mentor(), programme=continuous)
    await service.matching.pool.keep_volunteer(a_volunteered("e1", role=Role.MENTEE, readiness=Readiness()), a_cause())
    await service.arrives("e1")
    assert service.active() == []


async def test_a_continuous_charter_catches_up_with_those_who_came_before_it() -> None:
    service = Service()
    await service.know(a_mentor(), a_mentee())
    event = a_programme_published(policy=MatchPolicy(mode=MatchMode.CONTINUOUS))
    for _delivery in range(2):
        await service.matching.pool.keep_programme(event, a_cause())
    await service.matching.runs.work()
    await service.pass_time_and_sweep(0)
    assert service.active_pairs() == {("m1", "e1")}
    assert [run.status for run in service.runs.states.values()] == [RunStatus.APPROVED]
