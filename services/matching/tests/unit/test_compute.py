import time
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.candidate import Candidate
from matching.domain.proposal import LeftOut, LeftOutReason, Problem, Proposal, check_size
from matching.domain.refusals import PoolTooLarge
from matching.domain.rules import Charter, HardRule, History, broken_rules
from matching.domain.scoring import score_pair
from matching.engine.compute import compute
from matching_brute_force import LOOSE, TIGHT, TOTAL_FIRST, BruteForce
from matching_builders import TUESDAY_MORNING, a_crowd, a_mentee, a_mentor, with_wishes
from shared.contracts import MatchPolicy, MatchWeights, Objective


def a_problem(*people: Candidate, places: dict[str, int] | None = None, **more: Any) -> Problem:
    return Problem(
        **{
            "charter": Charter(),
            "history": History(),
            "mentors": tuple(person for person in people if person.role == "mentor"),
            "mentees": tuple(person for person in people if person.role == "mentee"),
            "places": {person.id: person.capacity for person in people} | (places or {}),
            **more,
        }
    )


def pairs(proposal: Proposal) -> set[tuple[str, str]]:
    return {(pair.mentor.id, pair.mentee.id) for pair in proposal.pairs}


def left_out(proposal: Proposal) -> dict[str, LeftOut]:
    return {person.volunteer_id: person for person in proposal.left_out}


def test_two_people_who_suit_each_other_are_paired_with_their_score_decomposed() -> None:
    proposal = compute(a_problem(a_mentor(), a_mentee()))
    (pair,) = proposal.pairs
    assert pair.points.total == sum(term.points for term in pair.points.terms) == proposal.figures.score
    assert proposal.figures.certificate.proves_optimality
    assert proposal.left_out == ()


@given(seed=st.integers(0, 10_000), shuffling=st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_answer_does_not_depend_on_the_order_of_people(seed: int, shuffling: int) -> None:
    mentors, mentees = a_crowd(7, 9, seed)
    mentors, mentees = with_wishes(mentors, mentees, seed), with_wishes(mentees, mentors, seed + 1)
    shuffled = [list(mentors), list(mentees)]
    for side in shuffled:
        Random(shuffling).shuffle(side)
    straight = compute(a_problem(*mentors, *mentees))
    other = compute(a_problem(*shuffled[0], *shuffled[1]))
    assert pairs(straight) == pairs(other)
    assert straight.left_out == other.left_out
    assert replace(straight.figures, seconds=0) == replace(other.figures, seconds=0)


def test_the_answer_does_not_depend_on_what_people_and_places_are_called() -> None:
    everybody = [*chain(*a_crowd(30, 25, 3))]

    def renamed(reference: str | None) -> str | None:
        return reference and sha256(reference.encode()).hexdigest()[:20]

    others = [
        replace(
            person,
            id=str(renamed(person.id)),
            person_ref=str(renamed(person.person_ref)),
            unit=renamed(person.unit),
            site=renamed(person.site),
            line_self=renamed(person.line_self),
            line_above=tuple(str(renamed(line)) for line in person.line_above),
        )
        for person in everybody
    ]
    name = {new.id: old.id for new, old in zip(others, everybody, strict=True)}
    one, other = compute(a_problem(*everybody)), compute(a_problem(*others))
    assert {(name[mentor], name[mentee]) for mentor, mentee in pairs(other)} == pairs(one)
    assert other.figures.random_baseline_score == one.figures.random_baseline_score
    assert other.figures.greedy_score == one.figures.greedy_score


def test_five_hundred_by_six_hundred_keep_every_rule_and_beat_chance_and_greed() -> None:
    mentors, mentees = a_crowd(600, 500)
    began = time.process_time()
    proposal = compute(a_problem(*mentors, *mentees))
    assert time.process_time() - began < 5
    figures = proposal.figures
    assert figures.certificate.proves_optimality
    for pair in proposal.pairs:
        assert broken_rules(pair.mentor, pair.mentee, Charter(), History()) == ()
        assert score_pair(pair.mentor, pair.mentee, Charter()) == pair.points
    assert figures.score > figures.greedy_score > figures.random_baseline_score
    assert figures.pairs + figures.unmatched_mentees == len(mentees)


def test_the_prices_of_all_people_prove_the_choice_and_leave_locked_mentees_out() -> None:
    mentors, mentees = a_crowd(40, 30, 5)
    free = compute(a_problem(*mentors, *mentees))
    lock = (free.pairs[3].mentor.id, free.pairs[3].mentee.id)
    proposal = compute(a_problem(*mentors, *mentees, locked=frozenset({lock})))
    prices, certificate = proposal.prices, proposal.figures.certificate
    paid, asked = dict(prices.mentees), dict(prices.mentors)
    assert lock[1] not in paid
    assert {mentor.id for mentor in mentors if mentor.ready} == asked.keys()
    places = {mentor.id: mentor.capacity - (mentor.id == lock[0]) for mentor in mentors}
    assert sum(paid.values()) + sum(price * places[mentor] for mentor, price in asked.items()) == certificate.dual
    chosen = [pair for pair in proposal.pairs if not pair.locked]
    assert sum(prices.factor * pair.points.total + prices.bonus for pair in chosen) == certificate.primal
    for pair in chosen:
        worth = prices.factor * pair.points.total + prices.bonus
        assert worth == paid[pair.mentee.id] + asked[pair.mentor.id]
        assert pair.points.total >= prices.floor > 0


@given(seed=st.integers(0, 10_000), policy=st.sampled_from([LOOSE, TIGHT, TOTAL_FIRST]), grid=st.sampled_from([0, 900]))
@settings(max_examples=40, deadline=None)
def test_no_choice_beats_what_is_proposed_where_people_wish_for_each_other(
    seed: int, policy: MatchPolicy, grid: int
) -> None:
    weights = MatchWeights(ranked_wishes=5000, grid=grid)
    mentors, mentees = a_crowd(4, 4, seed)
    people = (*with_wishes(mentors, mentees, seed), *with_wishes(mentees, mentors, seed + 1))
    problem = a_problem(*people, charter=Charter(policy=policy.model_copy(update={"weights": weights})))
    brute = BruteForce(problem)
    found = {mentee: mentor for mentor, mentee in pairs(compute(problem))}
    assert brute.rank(found) == max(map(brute.rank, brute.choices()))


def test_of_two_who_suit_alike_the_one_wished_for_is_paired() -> None:
    mentors = (a_mentor("m1"), a_mentor("m2"), a_mentor("m3"))
    for wished in ("m1", "m2", "m3"):
        assert pairs(compute(a_problem(*mentors, a_mentee(ranked_wishes=(wished,))))) == {(wished, "e1")}
        wishing = [replace(mentor, ranked_wishes=("e1",)) if mentor.id == wished else mentor for mentor in mentors]
        assert pairs(compute(a_problem(*wishing, a_mentee()))) == {(wished, "e1")}


def test_locked_pairs_stay_even_where_something_better_exists() -> None:
    people = (a_mentor("m1"), a_mentor("m2", motivation=1), a_mentee("e1"), a_mentee("e2", motivation=5))
    free = compute(a_problem(*people))
    locked = compute(a_problem(*people, locked=frozenset({("m2", "e1")})))
    assert pairs(locked) == {("m2", "e1"), ("m1", "e2")}
    assert {(pair.mentor.id, pair.locked) for pair in locked.pairs} == {("m2", True), ("m1", False)}
    assert not any(pair.locked for pair in free.pairs)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ready": False}, "not ready"),
        ({"availability": (TUESDAY_MORNING,)}, "forbidden by shared_hour"),
    ],
)
def test_a_lock_that_can_no_longer_be_kept_is_dropped_and_reported(change: dict[str, Any], reason: str) -> None:
    proposal = compute(a_problem(a_mentor(**change), a_mentee(), locked=frozenset({("m1", "e1")})))
    assert proposal.pairs == ()
    assert reason in proposal.figures.dropped_locks[0].reason


def test_locks_beyond_the_places_of_a_mentor_or_of_a_mentee_are_dropped() -> None:
    people = (a_mentor("m1"), a_mentor("m2"), a_mentee("e1"), a_mentee("e2"))
    both_of_one_mentor = compute(a_problem(*people, locked=frozenset({("m1", "e1"), ("m1", "e2")})))
    assert ("m1", "e1") in pairs(both_of_one_mentor)
    assert "no place left" in both_of_one_mentor.figures.dropped_locks[0].reason
    both_of_one_mentee = compute(a_problem(*people, locked=frozenset({("m1", "e1"), ("m2", "e1")})))
    assert ("m1", "e1") in pairs(both_of_one_mentee)
    assert "one new mentor" in both_of_one_mentee.figures.dropped_locks[0].reason


def test_excluded_and_previous_pairs_are_never_proposed() -> None:
    people = (a_mentor(), a_mentee())
    for history in (
        History(excluded=frozenset({("m1", "e1")})),
        History(previous=frozenset({("person_m1", "person_e1")})),
    ):
        assert compute(a_problem(*people, history=history)).pairs == ()


def test_only_free_places_are_given_and_who_has_none_is_not_left_out() -> None:
    people = (a_mentor("m1", capacity=2), a_mentee("e1"), a_mentee("e2"))
    proposal = compute(a_problem(*people, places={"m1": 1, "e1": 0}, paired=frozenset({"m1", "e1"})))
    assert pairs(proposal) == {("m1", "e2")}
    assert proposal.left_out == ()
    assert proposal.figures.mentees == 1


def test_somebody_shut_out_by_rules_learns_by_which_and_how_often() -> None:
    proposal = compute(
        a_problem(
            a_mentor("m1", languages=("de",)),
            a_mentor("m2", languages=("de",), availability=(TUESDAY_MORNING,)),
            a_mentee("e1"),
        )
    )
    person = left_out(proposal)["e1"]
    assert person.reason is LeftOutReason.RULES
    assert [(count.rule, count.partners) for count in person.shut_out_by] == [
        (HardRule.SHARED_LANGUAGE, 2),
        (HardRule.SHARED_HOUR, 1),
    ]
    assert person.detail == "none of 2 mentors is possible: shared_language 2, shared_hour 1"


def test_somebody_for_whom_no_place_is_left_learns_that() -> None:
    proposal = compute(a_problem(a_mentor(), a_mentee("e1"), a_mentee("e2", motivation=5)))
    person = left_out(proposal)["e1"]
    assert (person.reason, person.possible_partners) == (LeftOutReason.CAPACITY, 1)
    assert person.detail == "all 1 possible mentors went to others"


def test_mentors_without_a_mentee_learn_why_as_well() -> None:
    proposal = compute(a_problem(a_mentor("m1"), a_mentor("m2", motivation=1), a_mentee()))
    assert left_out(proposal)["m2"].detail == "all 1 possible mentees went to others"
    assert proposal.figures.unmatched_mentors == 1


def test_people_who_are_not_ready_are_named_as_such() -> None:
    proposal = compute(a_problem(a_mentor(ready=False), a_mentee()))
    assert left_out(proposal)["m1"].reason is LeftOutReason.NOT_READY
    assert left_out(proposal)["e1"].reason is LeftOutReason.NOBODY_ON_THE_OTHER_SIDE


@pytest.mark.parametrize("people", [(), (a_mentor(),), (a_mentee(),)])
def test_an_empty_side_gives_an_empty_proposal(people: tuple[Candidate, ...]) -> None:
    proposal = compute(a_problem(*people))
    assert proposal.pairs == ()
    assert len(proposal.left_out) == len(people)
    assert proposal.figures.certificate.proves_optimality


def test_the_order_of_aims_belongs_to_the_programme_and_its_price_is_told() -> None:
    policy = MatchPolicy(objective=(Objective.TOTAL,))
    mentors, mentees = a_crowd(30, 30, 5)
    by_total = compute(a_problem(*mentors, *mentees, charter=Charter(policy=policy)))
    by_default = compute(a_problem(*mentors, *mentees))
    assert by_total.figures.score >= by_default.figures.score
    assert by_total.figures.pairs <= by_default.figures.pairs
    assert [price.objective for price in by_default.figures.price_of_order] == list(MatchPolicy().objective)
    assert by_default.figures.price_of_order[-1].score == by_default.figures.score


def test_a_proposal_names_the_inputs_it_rests_on() -> None:
    one = compute(a_problem(a_mentor(), a_mentee())).figures.certificate.inputs_digest
    assert one == compute(a_problem(a_mentor(), a_mentee(), seed=7)).figures.certificate.inputs_digest
    assert one != compute(a_problem(a_mentor(motivation=4), a_mentee())).figures.certificate.inputs_digest


def test_more_people_than_one_run_can_match_are_refused_by_name() -> None:
    check_size(100_000, 100_000)
    check_size(1, 150_000)
    check_size(150_000, 1)
    with pytest.raises(PoolTooLarge):
        check_size(100_001, 5)
    with pytest.raises(PoolTooLarge):
        check_size(5, 100_001)


def test_progress_only_ever_grows() -> None:
    told: list[int] = []
    mentors, mentees = a_crowd(20, 20)
    compute(a_problem(*mentors, *mentees), told.append)
    assert told == sorted(told)
    assert 0 <= told[0] <= told[-1] <= 100
