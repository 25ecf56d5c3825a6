"""A mentee chooses a mentor from a short list, and the proposal goes on around the pair."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import httpx2
import pytest
from matching.domain.refusals import NoPlaceLeft, NotByChoice, NotOnShortList, NotReady, UnknownVolunteer
from matching.domain.restriction import RestrictionKind
from matching.domain.rules import Charter, History, broken_rules
from matching.domain.run import RunStatus
from matching.domain.scoring import IN_CONFIDENCE, score_pair
from matching_builders import a_crowd, a_mentee, a_mentor, a_programme, with_wishes
from matching_stores import MANAGER, Crash, Service, Weather, somebody
from shared.contracts import MatchMode, MatchPolicy, MatchWeights, UnpairReason

BY_CHOICE = a_programme(policy=MatchPolicy(mode=MatchMode.CHOICE, weights=MatchWeights(grid=500)))
ME = somebody("person_e1")


async def a_service() -> Service:
    """Seven mentors, from m1, the most motivated for skills, to m7; one who speaks another language; three mentees."""
    service = Service()
    mentors = [a_mentor(f"m{number}", motivation=max(1, 6 - number)) for number in range(1, 8)]
    foreign = a_mentor("m8", motivation=5, languages=("de",))
    await service.know(*mentors, foreign, *(a_mentee(f"e{n}") for n in range(1, 4)), programme=BY_CHOICE)
    return service


async def on_the_list(service: Service) -> list[str]:
    found = await service.matching.choices.short_list(ME, "prog_1")
    return [offer.mentor.id for offer in found.offers]


async def test_the_list_holds_the_five_best_who_are_free_and_allowed() -> None:
    service = await a_service()
    assert await on_the_list(service) == ["m1", "m2", "m3", "m4", "m5"]
    await service.matching.choices.choose(somebody("person_e2"), "prog_1", "m2")
    assert await on_the_list(service) == ["m1", "m3", "m4", "m5", "m6"]


@pytest.mark.parametrize("seed", range(8))
async def test_the_list_is_in_the_order_of_what_the_mentee_may_know(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matching.use_cases.choices.AT_A_TIME", 4)
    service = Service()
    mentors, mentees = a_crowd(25, 3, seed)
    mentors, mentees = with_wishes(mentors, mentees, seed), with_wishes(mentees, mentors, seed)
    await service.know(*mentors, *mentees, programme=BY_CHOICE)
    me, charter = mentees[0], Charter.of(BY_CHOICE)
    if not me.ready:
        return
    possible = [one for one in mentors if not broken_rules(one, me, charter, History())]
    told = {
        one.id: sum(term.points for term in score_pair(one, me, charter).terms if term.term not in IN_CONFIDENCE)
        for one in possible
    }
    found = await service.matching.choices.short_list(somebody(me.person_ref), "prog_1")
    expected = sorted(possible, key=lambda one: (-told[one.id], one.id))[:5]
    assert [(offer.mentor.id, offer.points.total) for offer in found.offers] == [(o.id, told[o.id]) for o in expected]
    assert not IN_CONFIDENCE & {term.term for offer in found.offers for term in offer.points.terms}


async def test_a_mentor_who_is_chosen_is_paired_at_once_and_the_proposal_renewed_around_the_pair() -> None:
    service = await a_service()
    run = await service.run()
    made = await service.matching.choices.choose(ME, "prog_1", "m3")
    assert (made.volunteers, service.active_pairs()) == (("m3", "e1"), {("m3", "e1")})
    for _ in range(3):
        service.clock.advance(timedelta(minutes=2))
        await service.matching.renewals.work()
        await service.matching.runs.work()
    assert service.runs.states[run.id].status is RunStatus.SUPERSEDED
    open_ = (await service.matching.renewals.proposal(MANAGER, "prog_1")).run
    page = await service.matching.runs.pairs(MANAGER, open_.id, limit=9, cursor=None)
    assert {pair.mentee_volunteer_id for pair in page.items} == {"e2", "e3"}
    assert "m3" not in {pair.mentor_volunteer_id for pair in page.items}
    service.check_books()


async def test_a_choice_is_refused_with_what_to_do_next() -> None:
    service = await a_service()
    choices = service.matching.choices
    await service.know(a_mentee("e9", ready=False))
    with pytest.raises(NotOnShortList, match="look at it again"):
        await choices.choose(ME, "prog_1", "m8")
    with pytest.raises(UnknownVolunteer, match="volunteer first"):
        await choices.choose(somebody("person_m1"), "prog_1", "m2")
    with pytest.raises(NotReady, match="sign the charter"):
        await choices.short_list(somebody("person_e9"), "prog_1")
    await choices.choose(ME, "prog_1", "m1")
    with pytest.raises(NoPlaceLeft, match="you have a mentor already"):
        await choices.choose(ME, "prog_1", "m2")
    await service.know(programme=a_programme(version=2, policy=MatchPolicy(mode=MatchMode.REVIEW)))
    with pytest.raises(NotByChoice, match="review"):
        await choices.short_list(somebody("person_e2"), "prog_1")


async def test_locks_exclusions_and_former_mentors_are_respected() -> None:
    service = await a_service()
    restrict = service.matching.restrictions.add
    await restrict(MANAGER, RestrictionKind.LOCK, "prog_1", mentor_id="m1", mentee_id="e2")
    await restrict(MANAGER, RestrictionKind.EXCLUSION, "prog_1", mentor_id="m2", mentee_id="e1")
    former = await service.matching.choices.choose(ME, "prog_1", "m3")
    await service.matching.pairings.unpair(MANAGER, former.id, UnpairReason.MANAGER_DECISION)
    assert await on_the_list(service) == ["m4", "m5", "m6", "m7"]
    await restrict(MANAGER, RestrictionKind.LOCK, "prog_1", mentor_id="m6", mentee_id="e1")
    assert await on_the_list(service) == ["m6"]


async def test_two_who_choose_the_same_last_place_do_not_both_get_it() -> None:
    service = await a_service()
    chosen = await asyncio.gather(
        *(service.matching.choices.choose(somebody(f"person_e{n}"), "prog_1", "m1") for n in range(1, 4)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, NoPlaceLeft | NotOnShortList) for outcome in chosen) == 2
    assert len(service.active()) == 1
    await service.pass_time_and_sweep()
    service.check_books()


@pytest.mark.parametrize("step", range(1, 26))
async def test_a_choice_that_was_cut_short_is_finished_when_it_is_sent_again(step: int) -> None:
    service = await a_service()
    with suppress(Crash):
        await service.replica(Weather(crash_at=step)).choices.choose(ME, "prog_1", "m3", key="k")
    for _ in range(2):
        made = await service.matching.choices.choose(ME, "prog_1", "m3", key="k")
    await service.pass_time_and_sweep()
    assert service.active() == [made]
    service.check_books()


async def test_a_mentee_chooses_over_http(service: Service, client: httpx2.AsyncClient) -> None:
    await service.know(programme=a_programme(version=2, policy=MatchPolicy(mode=MatchMode.CHOICE)))
    me = {"X-Telemachus-Subject": "person_e1", "X-Telemachus-Roles": "participant"}
    shown = await client.get("/programmes/prog_1/shortlist", headers=me)
    assert shown.status_code == 200
    (offer,) = shown.json()["mentors"]
    assert offer["score"] == sum(term["points"] for term in offer["terms"])
    assert "person_ref" not in offer
    wanted = {"mentor_volunteer_id": offer["mentor_volunteer_id"]}
    made = await client.post("/programmes/prog_1/choices", json=wanted, headers=me)
    assert (made.status_code, made.json()["status"]) == (201, "active")
    again = await client.post("/programmes/prog_1/choices", json=wanted, headers=me)
    assert (again.status_code, again.json()["type"].rpartition(":")[2]) == (409, "no-place-left")
