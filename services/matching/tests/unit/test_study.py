from datetime import timedelta

import pytest
from matching.domain.outcome import FEWEST_OF_ONE_AGE, GROUPS_TOLD, Group, deciles, groups
from matching.domain.refusals import RunNotHeld, StudyEnded, UnusablePolicies
from matching.domain.run import LEASE, MOST_ATTEMPTS
from matching.domain.study import (
    PolicyAsked,
    Study,
    StudyStatus,
    cancel,
    cases,
    conclude,
    fail,
    may_be_taken,
    renew,
    simulate,
    study_weights,
    take,
)
from matching_builders import NOW, a_programme
from shared.contracts import MatchPolicy, MatchWeights, Objective


def a_study() -> Study:
    programme = a_programme()
    asked = cases(programme.policy, [PolicyAsked(name="as published", changes={})])
    return simulate(programme, asked, id="simulation_1", seed=0, now=NOW, upload=None, assume_ready=False)


def test_changes_are_laid_on_the_published_policy_and_a_whole_one_on_the_defaults() -> None:
    published = MatchPolicy(age_gap_target=15, weights=MatchWeights(skills=5000, interests=0))
    changes = {"objective": (Objective.TOTAL,), "weights": {"skills": 4000}}
    changed, whole, same = cases(
        published,
        [
            PolicyAsked(name="changed", changes=changes),
            PolicyAsked(name="whole", changes=changes, whole=True),
            PolicyAsked(name="published", changes={}),
        ],
    )
    assert changed.policy == MatchPolicy(
        age_gap_target=15, objective=(Objective.TOTAL,), weights=MatchWeights(skills=4000, interests=0)
    )
    assert whole.policy == MatchPolicy(objective=(Objective.TOTAL,), weights=MatchWeights(skills=4000))
    assert same.policy == published


def test_two_policies_of_one_name_cannot_be_told_apart() -> None:
    with pytest.raises(UnusablePolicies) as refused:
        cases(MatchPolicy(), [PolicyAsked(name=name, changes={}) for name in ("a", "b", "a")])
    assert refused.value.field == "policies.2.name"


def test_each_weight_swings_both_ways_unless_it_cannot() -> None:
    weights = MatchWeights(interests=0, reciprocity=2, skills=20_000)
    study = study_weights(a_programme(policy=MatchPolicy(weights=weights)), 20, id="s", now=NOW)
    first, *swung = study.cases
    assert (first.policy, first.weight) == (MatchPolicy(weights=weights), None)
    tried = {(case.weight, case.percent): getattr(case.policy.weights, case.weight or "") for case in swung}
    assert tried["age_gap", -20] == 1200
    assert tried["age_gap", 20] == 1800
    assert tried["skills", -20] == 16_000
    assert {("skills", 20), ("interests", 20), ("interests", -20), ("reciprocity", 20)}.isdisjoint(tried)
    for case in swung:
        differing = {name for name, points in case.policy.weights if points != getattr(weights, name)}
        assert differing == {case.weight}
    assert len({case.name for case in study.cases}) == len(study.cases)


def test_one_holder_at_a_time_works_on_a_study() -> None:
    held = take(a_study(), "one", NOW)
    assert (held.status, held.attempt, held.version) == (StudyStatus.RUNNING, 1, 2)
    with pytest.raises(RunNotHeld):
        take(held, "other", NOW)
    later = NOW + LEASE
    again = take(held, "other", later)
    for decision in (
        lambda: renew(again, "one", 1, 50, later),
        lambda: conclude(again, "one", 1),
        lambda: fail(again, "one", 1, "x"),
    ):
        with pytest.raises(RunNotHeld):
            decision()
    assert renew(again, "other", 2, 130, later).progress == 99
    done = conclude(again, "other", 2)
    assert (done.status, done.progress, done.owner, done.lease_until) == (StudyStatus.DONE, 100, None, None)
    assert not may_be_taken(done, later + timedelta(days=1))


def test_a_study_that_breaks_its_holders_is_given_up() -> None:
    study, now = a_study(), NOW
    for _ in range(MOST_ATTEMPTS):
        study = take(study, "one", now)
        now += LEASE
    study = take(study, "one", now)
    assert (study.status, study.failure) == (StudyStatus.FAILED, "given up after 3 attempts")


def test_a_study_can_be_cancelled_until_it_has_ended() -> None:
    waiting = a_study()
    held = take(waiting, "one", NOW)
    for study in (waiting, held):
        cancelled = cancel(study)
        assert (cancelled.status, cancelled.version) == (StudyStatus.CANCELLED, study.version + 1)
        assert cancel(cancelled) is cancelled
        assert not may_be_taken(cancelled, NOW)
    with pytest.raises(RunNotHeld):
        renew(cancel(held), "one", 1, 10, NOW)
    with pytest.raises(StudyEnded):
        cancel(conclude(held, "one", 1))


def test_deciles_go_from_the_lowest_score_to_the_highest() -> None:
    assert deciles(range(101)) == tuple(range(0, 101, 10))
    assert deciles([7]) == (7,) * 11
    assert deciles([]) == ()


def test_groups_are_told_the_largest_first_and_those_who_gave_nothing_last() -> None:
    people = [("b", True), ("a", False), ("b", False), (None, True), ("c", True)]
    assert groups(people) == (
        Group(value="b", people=2, paired=1),
        Group(value="a", people=1, paired=0),
        Group(value="c", people=1, paired=1),
        Group(value=None, people=1, paired=1),
    )


def test_generations_of_very_few_are_told_as_one() -> None:
    people = [("1990-1994", True)] * FEWEST_OF_ONE_AGE + [("1960-1964", True), ("1965-1969", False)]
    assert groups(people, FEWEST_OF_ONE_AGE) == (
        Group(value="1990-1994", people=5, paired=5),
        Group(value=None, people=2, paired=1, merged=2),
    )


def test_of_very_many_groups_the_largest_are_told_and_nobody_is_lost() -> None:
    people = [(f"unit_{n:03}", True) for n in range(GROUPS_TOLD + 30)] + [("unit_079", False)]
    told = groups(people)
    assert len(told) == GROUPS_TOLD + 1
    assert told[0] == Group(value="unit_079", people=2, paired=1)
    assert (told[-1].merged, sum(group.people for group in told)) == (30, len(people))
