"""One person's best partner is whom the engine would choose for them, and looking for them leaves room for others."""

import asyncio
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.candidate import Candidate
from matching.domain.partner import best_partners
from matching.domain.proposal import Problem
from matching.domain.rules import Charter, History
from matching.domain.scoring import score_pair, total_of
from matching.engine import process
from matching.engine.compute import compute
from matching.engine.process import EngineProcesses, best_partner
from matching_builders import a_crowd, a_mentee, a_mentor, with_wishes
from shared.contracts import MatchPolicy, MatchWeights, Objective

LAX = {"require_shared_language": False, "require_shared_hour": False, "require_wanted_skill": False}
ORDERS = (
    (Objective.PARTICIPATION, Objective.WORST_SERVED, Objective.TOTAL),
    (Objective.TOTAL,),
    (Objective.WORST_SERVED,),
)


def alone(person: Candidate, others: tuple[Candidate, ...], charter: Charter, **more: History) -> Problem:
    mentor = person.role == "mentor"
    return Problem(
        charter=charter,
        **({"history": History()} | more),
        mentors=(person,) if mentor else others,
        mentees=others if mentor else (person,),
        places={**{other.id: other.capacity for other in others}, person.id: 1},
    )


def the_same_as_the_engine(problem: Problem) -> bool:
    chosen = asyncio.run(best_partner(problem))
    return compute(problem).pairs == ((chosen,) if chosen else ())


@given(seed=st.integers(0, 10_000), rules=st.booleans(), order=st.sampled_from(ORDERS), lone_mentor=st.booleans())
@settings(max_examples=40, deadline=None)
def test_it_is_the_choice_of_the_engine(
    seed: int, rules: bool, order: tuple[Objective, ...], lone_mentor: bool
) -> None:
    mentors, mentees = a_crowd(12, 12, seed)
    mentors, mentees = with_wishes(mentors, mentees, seed), with_wishes(mentees, mentors, seed + 1)
    charter = Charter(policy=MatchPolicy(objective=order, weights=MatchWeights(grid=7), **({} if rules else LAX)))
    person, others = (mentors[0], mentees) if lone_mentor else (mentees[0], mentors)
    met = others[seed % 12]
    history = History(previous=frozenset({(person.person_ref, met.person_ref), (met.person_ref, person.person_ref)}))
    assert the_same_as_the_engine(alone(person, others, charter, history=history))


@given(seed=st.integers(0, 10_000), many=st.integers(2, 40), lone_mentor=st.booleans())
@settings(max_examples=40, deadline=None)
def test_of_equals_it_is_the_same_one_whatever_their_order(seed: int, many: int, lone_mentor: bool) -> None:
    chance = Random(seed)
    mentors, mentees = a_crowd(3, 3, seed)
    person, kinds = (mentors[0], mentees) if lone_mentor else (mentees[0], mentors)
    others = tuple(
        replace(chance.choice(kinds), id=f"v{chance.randrange(10**9)}", person_ref=f"person_{number}", ready=True)
        for number in range(many)
    )
    charter = Charter(policy=MatchPolicy(objective=ORDERS[seed % 3], **LAX))
    problem = alone(replace(person, ready=True), others, charter)
    assert the_same_as_the_engine(problem)
    shuffled = alone(replace(person, ready=True), tuple(chance.sample(others, many)), charter)
    assert asyncio.run(best_partner(shuffled)) == asyncio.run(best_partner(problem))


def test_nobody_is_chosen_where_nobody_is_free_or_possible() -> None:
    taken = Problem(
        charter=Charter(),
        history=History(),
        mentors=(a_mentor(),),
        mentees=(a_mentee(),),
        places={"m1": 0, "e1": 1},
    )
    problems = (
        taken,
        replace(taken, places={"m1": 1, "e1": 0}),
        alone(a_mentor(ready=False), (a_mentee(),), Charter()),
        alone(a_mentee(), (a_mentor(languages=("de",)),), Charter()),
        alone(a_mentor(), (), Charter()),
        alone(a_mentee(), (), Charter()),
    )
    assert [asyncio.run(best_partner(problem)) for problem in problems] == [None] * len(problems)


def test_all_who_score_highest_are_told_and_nobody_who_is_forbidden() -> None:
    equals = [a_mentor("m1"), a_mentor("m2")]
    worse, forbidden = a_mentor("m0", motivation=1), a_mentor("m3", motivation=5, languages=("de",))
    assert best_partners(a_mentee(), [worse, *equals, forbidden], Charter(), History()) == equals


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_total_alone_is_the_total_of_the_terms(seed: int) -> None:
    mentors, mentees = a_crowd(4, 4, seed)
    charter = Charter(policy=MatchPolicy(weights=MatchWeights(grid=30, ranked_wishes=70, reciprocity=90)))
    for mentor in with_wishes(mentors, mentees, seed):
        for mentee in with_wishes(mentees, mentors, seed):
            assert total_of(mentor, mentee, charter) == score_pair(mentor, mentee, charter).total


async def test_others_use_the_event_loop_between_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "AT_A_TIME", 10)
    _, mentees = a_crowd(1, 95)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    waiting = asyncio.create_task(others())
    problem = alone(a_mentor("m1"), mentees, Charter(policy=MatchPolicy(**LAX)))
    assert await EngineProcesses().partner(problem) is not None
    waiting.cancel()
    assert turns >= 10
