from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.blocking import BLOCKING_TOLD, blocking_pairs, possible_pairs, what_they_have
from matching.domain.rules import Charter, History, broken_rules
from matching.domain.scoring import score_pair
from matching_brute_force import LOOSE, TIGHT
from matching_builders import a_crowd, a_mentee, a_mentor, a_programme, with_wishes
from matching_stores import MANAGER, Service
from shared.contracts import MatchWeights


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    policy=st.sampled_from(
        [LOOSE, TIGHT, LOOSE.model_copy(update={"weights": MatchWeights(skills=0, ranked_wishes=9000, grid=2000)})]
    ),
    data=st.data(),
)
def test_the_blocking_pairs_are_those_that_comparing_every_two_people_finds(
    seed: int, policy: object, data: st.DataObject
) -> None:
    mentors, mentees = a_crowd(5, 6, seed)
    mentors, mentees = with_wishes(mentors, mentees, seed), with_wishes(mentees, mentors, seed + 1)
    charter, history = Charter(policy=policy), History(excluded=frozenset({("m1", "e1")}))  # type: ignore[arg-type]
    scores = {
        (one.id, other.id): score_pair(one, other, charter).total
        for one in mentors
        for other in mentees
        if not broken_rules(one, other, charter, history)
    }
    chosen = frozenset(data.draw(st.sets(st.sampled_from(sorted(scores)), max_size=5)) if scores else ())
    places = {person.id: person.capacity for person in (*mentors, *mentees)}
    has = what_they_have([(*pair, scores[pair]) for pair in chosen], places)
    found = blocking_pairs(possible_pairs(mentors, mentees, charter, history, has=has), chosen, has, len(mentees))
    expected = {
        pair: score
        for pair, score in scores.items()
        if pair not in chosen and score > has[pair[0]] and score > has[pair[1]]
    }
    assert {(one.mentor_volunteer_id, one.mentee_volunteer_id): one.score for one in found.pairs} == expected
    assert (found.found, found.complete) == (len(expected), True)


def test_a_person_with_a_place_left_gives_nothing_up_and_a_full_one_their_lowest_score() -> None:
    pairs = [("m1", "e1", 50), ("m1", "e2", 30), ("m2", "e3", 40)]
    assert what_they_have(pairs, {"m1": 2, "m2": 2, "e1": 1, "e2": 1, "e3": 1, "e4": 1}) == {
        "m1": 30,
        "m2": 0,
        "e1": 50,
        "e2": 30,
        "e3": 40,
        "e4": 0,
    }


def test_the_list_is_bounded_and_the_count_is_not() -> None:
    mentors = [a_mentor(f"m{n}") for n in range(9)]
    mentees = [a_mentee(f"e{n}") for n in range(8)]
    has = {person.id: 0 for person in (*mentors, *mentees)}
    found = blocking_pairs(
        possible_pairs(mentors, mentees, Charter(), History(), has=has), frozenset(), has, len(mentees)
    )
    assert (found.found, len(found.pairs)) == (72, BLOCKING_TOLD)


def test_where_time_is_up_the_answer_says_so() -> None:
    mentees = [a_mentee("e1"), a_mentee("e2")]
    has = {"m1": 0, "e1": 0, "e2": 0}
    clock = iter([True, False])
    possible = possible_pairs([a_mentor("m1")], mentees, Charter(), History(), has=has, in_time=lambda: next(clock))
    found = blocking_pairs(possible, frozenset(), has, 2)
    assert (found.found, found.looked_at, found.complete) == (1, 1, False)


async def test_a_proposal_and_the_present_pairings_are_looked_at_alike() -> None:
    service = Service()
    mentors, mentees = a_crowd(8, 10, 3)
    await service.know(*mentors, *mentees, programme=a_programme(policy=LOOSE))
    run = await service.run()
    of_proposal = await service.matching.explanations.blocking(MANAGER, "prog_1", run_id=run.id)
    await service.matching.approval.approve(MANAGER, run.id, None)
    assert await service.matching.explanations.blocking(MANAGER, "prog_1", run_id=run.id) == of_proposal
    assert await service.matching.explanations.blocking(MANAGER, "prog_1") == of_proposal
    assert of_proposal.complete


async def test_two_who_would_rather_have_each_other_are_found_among_pairings() -> None:
    service = Service()
    await service.know(a_mentor("m1", motivation=1), a_mentee("e1", motivation=1), programme=a_programme())
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    await service.know(a_mentor("m2", motivation=1), a_mentee("e2", motivation=1))
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    assert (await service.matching.explanations.blocking(MANAGER, "prog_1")).found == 0
    await service.know(
        replace(a_mentor("m1", motivation=5), version=2), replace(a_mentee("e2", motivation=5), version=2)
    )
    (pair,) = (await service.matching.explanations.blocking(MANAGER, "prog_1")).pairs
    assert (pair.mentor_volunteer_id, pair.mentee_volunteer_id) == ("m1", "e2")
    assert pair.score > max(pair.mentor_has, pair.mentee_has)
