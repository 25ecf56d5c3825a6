import asyncio
import contextlib
from datetime import date
from random import Random

import pytest
from matching.domain.candidate import Candidate
from matching.domain.pairing import Pairing, PairingStatus
from matching.domain.proposal import LeftOutReason
from matching.domain.refusals import PairingNotActive, UnknownPairing
from matching_builders import NOW, a_crowd, a_mentee, a_mentor, a_programme
from matching_stores import MANAGER, Service, Weather, a_cause, somebody
from shared.chassis.dead_letter import NotYetKnown
from shared.contracts import (
    FeedbackSubmitted,
    Forbidden,
    GoalReached,
    PairingAtRisk,
    Principal,
    Unpaired,
    UnpairReason,
)


async def paired(*people: Candidate) -> tuple[Service, Pairing]:
    service = Service()
    await service.know(*(people or (a_mentor(), a_mentee())), programme=a_programme())
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    return service, service.active()[0]


def at_risk(pairing_id: str) -> PairingAtRisk:
    return PairingAtRisk(version=1, occurred_at=NOW, pairing_id=pairing_id, programme_id="prog_1")


async def test_unpairing_frees_both_places_and_tells_the_reason() -> None:
    service, pairing = await paired()
    ended = await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.MANAGER_DECISION)
    assert (ended.status, ended.claims_held) == (PairingStatus.ENDED, False)
    assert isinstance(service.told()[-1], Unpaired)
    assert service.claims_on("m1") == service.claims_on("e1") == ()


async def test_a_pairing_is_ended_once_but_the_same_command_may_come_again() -> None:
    service, pairing = await paired()
    for _ in range(2):
        await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.COMPLETED, key="k1")
    with pytest.raises(PairingNotActive):
        await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.COMPLETED, key="k2")
    assert [event.name for event in service.told()] == ["paired", "unpaired"]


async def test_places_that_a_dead_process_did_not_give_back_are_freed() -> None:
    service, pairing = await paired()
    for step in range(3, 12):
        with contextlib.suppress(BaseException):
            await service.replica(Weather(crash_at=step)).pairings.unpair(MANAGER, pairing.id, UnpairReason.COMPLETED)
    await service.pass_time_and_sweep()
    service.check_books()
    assert service.claims_on("m1") == ()


async def test_people_see_their_own_pairings_and_nobody_elses() -> None:
    service, pairing = await paired()
    pairings = service.matching.pairings
    for person in ("person_m1", "person_e1"):
        assert (await pairings.get(somebody(person), pairing.id)).id == pairing.id
    with pytest.raises(UnknownPairing):
        await pairings.get(somebody("person_x"), pairing.id)
    with pytest.raises(UnknownPairing):
        await pairings.get(Principal(tenant="other", subject="x", roles=MANAGER.roles), pairing.id)
    with pytest.raises(Forbidden):
        await pairings.unpair(somebody("person_m1"), pairing.id, UnpairReason.COMPLETED)


@pytest.mark.parametrize(
    ("who", "person_ref", "status", "found"),
    [
        (MANAGER, None, None, 1),
        (MANAGER, "person_e1", PairingStatus.ACTIVE, 1),
        (MANAGER, None, PairingStatus.ENDED, 0),
        (MANAGER, "person_x", None, 0),
        (somebody("person_m1"), "person_m1", None, 1),
    ],
)
async def test_pairings_are_listed_by_person_and_status(
    who: Principal, person_ref: str | None, status: PairingStatus | None, found: int
) -> None:
    service, _ = await paired()
    page = await service.matching.pairings.page(
        who, programme_id="prog_1", status=status, person_ref=person_ref, limit=50, cursor=None
    )
    assert len(page.items) == found


@pytest.mark.parametrize("person_ref", [None, "person_e1"])
async def test_people_may_not_list_others(person_ref: str | None) -> None:
    service, _ = await paired()
    with pytest.raises(Forbidden):
        await service.matching.pairings.page(
            somebody("person_m1"), programme_id=None, status=None, person_ref=person_ref, limit=50, cursor=None
        )


async def test_what_was_only_proposed_is_shown_to_nobody() -> None:
    service, pairing = await paired()
    other = PairingStatus.PROPOSED
    service.pairings.states["pair_x"] = Pairing(**{**pairing.__dict__, "id": "pair_x", "status": other, "told": False})
    with pytest.raises(UnknownPairing):
        await service.matching.pairings.get(MANAGER, "pair_x")
    page = await service.matching.pairings.page(
        MANAGER, programme_id=None, status=None, person_ref=None, limit=50, cursor=None
    )
    assert [item.id for item in page.items] == [pairing.id]


async def test_a_pairing_at_risk_is_marked_once() -> None:
    service, pairing = await paired()
    for number in (1, 1, 2):
        await service.matching.pairings.put_at_risk(at_risk(pairing.id), a_cause(number))
    assert service.pairings.states[pairing.id].at_risk


async def test_events_about_a_pairing_that_is_not_known_yet_come_again() -> None:
    service = Service()
    pairings = service.matching.pairings
    feedback = FeedbackSubmitted(
        version=1,
        occurred_at=NOW,
        request_id="r1",
        pairing_id="pair_x",
        programme_id="prog_1",
        session_id="s1",
        session_number=1,
        answers=1,
    )
    goal = GoalReached(version=1, occurred_at=NOW, goal_id="g1", pairing_id="pair_x", programme_id="prog_1", goal="ai")
    for told in (
        pairings.put_at_risk(at_risk("pair_x"), a_cause()),
        pairings.count_answers(feedback, a_cause()),
        pairings.reach_goal(goal, a_cause()),
    ):
        with pytest.raises(NotYetKnown):
            await told


async def test_a_re_match_ends_the_pairing_and_gives_both_the_best_who_is_free() -> None:
    service, pairing = await paired(a_mentor("m1"), a_mentee("e1"))
    await service.know(a_mentor("m2"), a_mentor("m3", motivation=5), a_mentee("e2"))
    outcome = await service.matching.pairings.re_match(MANAGER, "prog_1", pairing.id, date(2026, 4, 1))
    assert outcome.ended.ended_reason is UnpairReason.RE_MATCH
    assert service.active_pairs() == {("m3", "e1"), ("m1", "e2")}
    assert {made.replaces for made in outcome.made} == {pairing.id}
    assert {made.effective_on for made in outcome.made} == {date(2026, 4, 1)}
    assert [event.name for event in service.told()] == ["paired", "unpaired", "paired", "paired"]
    service.check_books()


async def test_the_two_are_never_proposed_to_each_other_again() -> None:
    service, pairing = await paired(a_mentor("m1"), a_mentee("e1"))
    outcome = await service.matching.pairings.re_match(MANAGER, "prog_1", pairing.id, None)
    assert outcome.made == ()
    assert [(left.volunteer_id, left.reason) for left in outcome.left_out] == [
        ("e1", LeftOutReason.RULES),
        ("m1", LeftOutReason.RULES),
    ]
    run = await service.run()
    assert run.figures is not None
    assert run.figures.pairs == 0
    assert service.active() == []


async def test_a_re_match_takes_only_free_places() -> None:
    service, pairing = await paired(a_mentor("m1"), a_mentor("m2", motivation=1), a_mentee("e1"), a_mentee("e2"))
    taken = next(other for other in service.active() if other.id != pairing.id)
    outcome = await service.matching.pairings.re_match(MANAGER, "prog_1", pairing.id, None)
    assert outcome.made == ()
    assert service.active() == [taken]
    service.check_books()


async def test_a_re_match_needs_an_active_pairing_of_this_programme() -> None:
    service, pairing = await paired()
    await service.know(programme=a_programme(id="prog_2"))
    with pytest.raises(UnknownPairing):
        await service.matching.pairings.re_match(MANAGER, "prog_2", pairing.id, None)
    with pytest.raises(UnknownPairing):
        await service.matching.pairings.re_match(MANAGER, "prog_1", "pair_x", None)
    with pytest.raises(Forbidden):
        await service.matching.pairings.re_match(somebody("person_m1"), "prog_1", pairing.id, None)
    await service.matching.pairings.unpair(MANAGER, pairing.id, UnpairReason.COMPLETED)
    with pytest.raises(PairingNotActive):
        await service.matching.pairings.re_match(MANAGER, "prog_1", pairing.id, None)


@pytest.mark.parametrize("step", range(1, 90, 2))
async def test_a_re_match_that_dies_anywhere_is_finished_by_the_same_command(step: int) -> None:
    service, pairing = await paired(a_mentor("m1"), a_mentee("e1"))
    await service.know(a_mentor("m2"), a_mentee("e2"))
    with contextlib.suppress(BaseException):
        await service.replica(Weather(crash_at=step)).pairings.re_match(MANAGER, "prog_1", pairing.id, None, key="k1")
    outcome = await service.matching.pairings.re_match(MANAGER, "prog_1", pairing.id, None, key="k1")
    await service.pass_time_and_sweep()
    assert service.active_pairs() == {("m2", "e1"), ("m1", "e2")}
    assert len(outcome.made) == 2
    service.check_books()


@pytest.mark.parametrize("seed", range(10))
async def test_re_matches_newcomers_and_an_approval_at_once_never_overbook(seed: int) -> None:
    mentors, mentees = a_crowd(6, 8, seed)
    service = Service()
    await service.know(*mentors[:4], *mentees[:4], programme=a_programme())
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    await service.know(*mentors[4:], *mentees[4:])
    run = await service.run()
    replica = service.replica(Weather(chance=Random(seed)))
    await asyncio.gather(
        replica.approval.approve(MANAGER, run.id, None),
        *(replica.pairings.re_match(MANAGER, "prog_1", pairing.id, None) for pairing in service.active()[:2]),
    )
    await service.pass_time_and_sweep()
    service.check_books()
