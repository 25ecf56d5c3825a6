"""``matching-check`` proves what ``matching-solve`` writes, and refuses everything else."""

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import matching_check
import pytest
from hypothesis import given, settings
from matching.domain.rules import HardRule, broken_rules
from matching.domain.scoring import score_pair
from matching.files.instance import Instance
from matching_check import instance as plain
from matching_files import AIMS, ORDERS, Json, an_instance, example, instances, refusals, solve


@given(instances())
@settings(max_examples=60, deadline=None)
def test_the_checkers_rules_and_scores_are_those_of_the_domain(given_: Json) -> None:
    problem = Instance.model_validate_json(json.dumps(given_)).problem()
    checker = plain.Instance(deepcopy(given_))
    for mentor in problem.mentors:
        for mentee in problem.mentees:
            one, other = checker.mentors[mentor.id], checker.mentees[mentee.id]
            broken = [*broken_rules(mentor, mentee, problem.charter, problem.history)]
            ready = one.ready and other.ready
            assert [*([] if ready else [HardRule.NOT_READY]), *checker.broken_rules(one, other)] == broken
            points = score_pair(mentor, mentee, problem.charter)
            assert checker.terms(one, other) == {term.term: term.points for term in points.terms}
            assert plain.taught(one, other) == [*points.shared_skills]
            assert sorted(one.languages & other.languages) == [*points.shared_languages]
            assert plain.shared_minutes(one, other) == points.shared_minutes_per_week


@given(instances())
@settings(max_examples=60, deadline=None)
def test_what_is_solved_is_proven(instance: Json) -> None:
    assert refusals(instance, solve(instance)) == []


@given(instances(), ORDERS)
@settings(max_examples=60, deadline=None)
def test_a_choice_that_is_the_best_by_another_order_of_aims_is_proven_only_where_it_is_as_good(
    instance: Json, other_order: list[str]
) -> None:
    result = solve(instance)
    instance["policy"]["objective"] = list(other_order)
    right = solve(instance)
    forge_measure(result, right)
    if refusals(instance, result) == []:
        for figure in ("pairs", "worst_score", "score"):
            assert result["figures"][figure] == right["figures"][figure]


def forge_measure(result: Json, right: Json) -> None:
    """Give a result the measure of worth, the floor and the counts of a right one."""
    for name in ("factor", "bonus", "floor", "pairs_checked"):
        result["certificate"][name] = right["certificate"][name]


Tamper = Callable[[Json], Any]


def pair_of(result: Json, mentee: str) -> Json:
    (found,) = (pair for pair in result["pairs"] if pair["mentee"] == mentee)
    return found  # type: ignore[no-any-return]


def swap_partners(result: Json) -> None:
    one, other = pair_of(result, "mentee-08"), pair_of(result, "mentee-07")
    one["mentor"], other["mentor"] = other["mentor"], one["mentor"]


def certificate(**changes: Any) -> Tamper:
    return lambda result: result["certificate"].update(changes)


def figure(name: str, by: int) -> Tamper:
    return lambda result: result["figures"].update({name: result["figures"][name] + by})


def price(side: str, person: str, by: int) -> Tamper:
    return lambda result: result["certificate"][side].update({person: result["certificate"][side][person] + by})


def left_out(person: str, **changes: Any) -> Tamper:
    def tamper(result: Json) -> None:
        (told,) = (told for told in result["left_out"] if told["id"] == person)
        told.update(changes)

    return tamper


def in_pair(mentee: str, /, **changes: Any) -> Tamper:
    return lambda result: pair_of(result, mentee).update(changes)


def one_more_point_everywhere(result: Json) -> None:
    """As if the policy gave mentee-08's pair one point more, in every sum that shows it."""
    pair = pair_of(result, "mentee-08")
    pair["score"] += 1
    pair["terms"]["skills"] += 1
    result["figures"]["score"] += 1
    for name in ("primal", "dual"):
        result["certificate"][name] += 1
    result["certificate"]["mentees"]["mentee-08"] += 1


def shift_prices_between_the_two(result: Json) -> None:
    """The pair keeps its sum; somebody else could now pay more for the mentor."""
    lowered = result["certificate"]["mentors"]["mentor-08"]
    result["certificate"]["mentors"]["mentor-08"] = 0
    for mentee in ("mentee-04", "mentee-05"):
        result["certificate"]["mentees"][mentee] += lowered


def pay_for_somebody_left_out(result: Json) -> None:
    result["certificate"]["mentees"]["mentee-09"] += 7
    result["certificate"]["dual"] += 7


def charge_for_an_empty_place(result: Json) -> None:
    result["certificate"]["mentors"]["mentor-12"] += 7
    result["certificate"]["dual"] += 7


def scale(result: Json) -> None:
    """A measure in which points outweigh pairs, with prices that fit it nowhere."""
    result["certificate"]["factor"] *= 1000


TAMPERED: list[tuple[str, Tamper, str]] = [
    ("two partners are swapped", swap_partners, "mentor-06 and mentee-08"),
    ("a score is raised", in_pair("mentee-08", score=9999), "mentor-01 and mentee-08: score is 7059, not 9999"),
    ("a score and all sums are raised", one_more_point_everywhere, "mentor-01 and mentee-08: skills is 2781, not 2782"),
    (
        "points are moved between terms",
        lambda result: pair_of(result, "mentee-08")["terms"].update(skills=2780, age_gap=1079),
        "mentor-01 and mentee-08: age_gap is 1078, not 1079",
    ),
    (
        "a term is renamed",
        lambda result: pair_of(result, "mentee-08").update(
            terms={
                "talent" if name == "skills" else name: n for name, n in pair_of(result, "mentee-08")["terms"].items()
            }
        ),
        "talent is None, not 2781",
    ),
    (
        "what was not given is said to be given",
        lambda result: pair_of(result, "mentee-02")["terms"].update(
            age_gap=pair_of(result, "mentee-02")["terms"].pop("age_gap_not_given")
        ),
        "mentor-04 and mentee-02: age_gap is None, not 750",
    ),
    ("a skill is claimed", in_pair("mentee-08", shared_skills=["magic"]), "mentor-01 and mentee-08: shared_skills"),
    ("a language is claimed", in_pair("mentee-08", shared_languages=["de"]), "mentee-08: shared_languages"),
    ("an hour is claimed", in_pair("mentee-08", shared_minutes_per_week=9), "mentee-08: shared_minutes_per_week"),
    ("a pair is dropped", lambda result: result["pairs"].pop(0), "mentee-02: has no pair, and is not among those left"),
    ("all pairs are dropped", lambda result: result["pairs"].clear(), "mentor-03 and mentee-03: locked, and neither"),
    (
        "a mentor gets more than their places",
        in_pair("mentee-08", mentor="mentor-08"),
        "mentor-08 has 3 pairs and 2 places",
    ),
    (
        "a mentor gets a pair beside no free place",
        in_pair("mentee-01", mentor="mentor-05"),
        "mentor-05 has 2 pairs and 1 places",
    ),
    (
        "a mentee stands in two pairs",
        lambda result: result["pairs"].append({**pair_of(result, "mentee-08"), "mentor": "mentor-10"}),
        "mentor-10 and mentee-08: mentee-08 is paired with mentor-01 already",
    ),
    (
        "a pair stands there twice",
        lambda result: result["pairs"].append(result["pairs"][0]),
        "mentee-02 is paired with",
    ),
    (
        "a forbidden pair is made",
        lambda result: result["pairs"].append(
            {**pair_of(result, "mentee-08"), "mentee": "mentee-09", "mentor": "mentor-12"}
        ),
        "mentor-12 and mentee-09: forbidden by shared_language",
    ),
    (
        "an excluded pair is made",
        in_pair("mentee-01", mentor="mentor-01"),
        "mentor-01 and mentee-01: forbidden by excluded",
    ),
    ("a former pair is made", in_pair("mentee-02", mentor="mentor-06"), "forbidden by previous_pairing"),
    ("somebody who is not ready is paired", in_pair("mentee-02", mentor="mentor-11"), "mentor-11 is not ready"),
    (
        "a mentor is invented",
        in_pair("mentee-02", mentor="mentor-99"),
        "mentor-99 and mentee-02: one of the two is not",
    ),
    (
        "a mentee is invented",
        in_pair("mentee-02", mentee="mentee-99"),
        "mentor-04 and mentee-99: one of the two is not",
    ),
    ("the sides are exchanged", in_pair("mentee-02", mentee="mentor-04", mentor="mentee-02"), "or on the other side"),
    (
        "a lock is ignored",
        in_pair("mentee-03", mentor="mentor-12"),
        "mentor-03 and mentee-03: locked, and neither paired",
    ),
    ("a lock is not shown", in_pair("mentee-03", locked=False), "mentor-03 and mentee-03: locked in one of the two"),
    ("a lock is claimed", in_pair("mentee-02", locked=True), "mentor-04 and mentee-02: locked in one of the two"),
    (
        "a kept lock is told as dropped",
        lambda result: result["dropped_locks"].append(
            {"mentor": "mentor-03", "mentee": "mentee-03", "reason": "why not"}
        ),
        "mentor-03 and mentee-03: dropped as a lock, and is none of the instance or is kept",
    ),
    ("the total is raised", figure("score", 1), "figures: score is 58939, not 58940"),
    ("the number of pairs is raised", figure("pairs", 1), "figures: pairs is 9, not 10"),
    ("the lowest score is raised", figure("worst_score", 3), "figures: worst_score is 5487, not 5490"),
    ("the mean is raised", figure("mean_score", 1), "figures: mean_score"),
    ("a mentor more is counted", figure("mentors", 1), "figures: mentors is 11, not 12"),
    ("fewer are left out", figure("unmatched_mentors", -1), "figures: unmatched_mentors is 4, not 3"),
    (
        "somebody left out is hidden",
        lambda result: result["left_out"].pop(0),
        "mentee-09: has no pair, and is not among",
    ),
    (
        "somebody paired is told as left out",
        lambda result: result["left_out"].append({**result["left_out"][0], "id": "mentee-02"}),
        "mentee-02: told of as left out, and is not",
    ),
    ("a reason is changed", left_out("mentee-09", reason="capacity"), "mentee-09: left out, where reason is rules"),
    (
        "partners are hidden",
        left_out("mentor-02", possible_partners=0),
        "mentor-02: left out, where possible_partners is 2",
    ),
    ("a rule is blamed", left_out("mentor-02", shut_out_by={"excluded": 9}), "mentor-02: left out, where shut_out_by"),
    ("the result is of another instance", certificate(instance_sha256="0" * 64), "of another instance"),
    (
        "a mentee's price is raised",
        price("mentees", "mentee-02", 1),
        r"mentor-04 and mentee-02: worth \d+, and the prices",
    ),
    (
        "a mentee's price is lowered",
        price("mentees", "mentee-02", -1),
        r"mentor-04 and mentee-02: worth \d+, more than",
    ),
    (
        "a mentor's price is raised",
        price("mentors", "mentor-08", 1),
        r"mentor-08 and mentee-04: worth \d+, and the prices",
    ),
    (
        "a mentor's price is lowered",
        lambda result: result["certificate"]["mentors"].update({"mentor-09": 0}),
        r"mentor-09 and mentee-05: worth \d+, more than",
    ),
    (
        "prices are shifted within pairs",
        shift_prices_between_the_two,
        r"mentor-08 and mentee-07: worth \d+, more than",
    ),
    ("a price is negative", price("mentors", "mentor-12", -1), "mentor-12: the price -1 is below zero"),
    ("somebody left out pays", pay_for_somebody_left_out, "mentee-09: has no pair, and a price that is not 0"),
    ("an empty place costs", charge_for_an_empty_place, "mentor-12: has a place that nobody took, and a price"),
    (
        "a price is missing",
        lambda result: result["certificate"]["mentees"].pop("mentee-02"),
        "mentee-02: lacks a price",
    ),
    (
        "somebody in a locked pair pays",
        lambda result: result["certificate"]["mentees"].update({"mentee-03": 5}),
        "mentee-03: lacks a price, or has one and could not be paired",
    ),
    ("primal and dual are forged", certificate(primal=700_000, dual=700_000), r"primal is \d+, not 700000"),
    ("the dual is forged", certificate(dual=700_000), r"dual is \d+, not 700000"),
    ("pairs were not looked at", certificate(pairs_checked=19), "pairs_checked is 20, not 19"),
    ("violations are claimed", certificate(violations=1), "violations is 0, not 1"),
    ("the floor is raised", certificate(floor=5488), "mentor-08 and mentee-05: the score 5487 is below the floor 5488"),
    ("the floor is lowered", certificate(floor=5486), "the floor is 5486, and the lowest score 5487"),
    ("the floor is taken away", certificate(floor=0), "the floor is 0, and the lowest score 5487"),
    ("the bonus is lowered", certificate(bonus=0), "factor 1 and bonus 0 do not put participation before total"),
    (
        "the bonus is raised",
        certificate(bonus=900_000),
        "mentor-04 and mentee-02: worth 907850, more than their prices",
    ),
    ("points outweigh pairs", scale, r"factor 1000 and bonus \d+ do not put participation before total"),
    ("nothing is worth anything", certificate(factor=0, bonus=0), "do not put participation before total"),
]


@pytest.mark.parametrize(("tamper", "reason"), [case[1:] for case in TAMPERED], ids=[case[0] for case in TAMPERED])
def test_a_tampered_result_is_refused_with_the_reason(tamper: Tamper, reason: str) -> None:
    instance, result = example()
    digest = result["certificate"]["instance_sha256"]
    tamper(result)
    said = refusals(instance, result, digest)
    assert any(re.search(reason, refusal) for refusal in said), said


def test_the_example_that_is_tampered_with_is_proven_as_it_stands() -> None:
    assert refusals(*example()) == []


def test_a_hidden_violation_is_refused_although_the_certificate_says_none() -> None:
    instance, result = example()
    result["certificate"]["mentees"]["mentee-02"] = 0
    assert result["certificate"]["violations"] == 0
    (said,) = (reason for reason in refusals(instance, result) if "violations" in reason)
    assert re.fullmatch(r"certificate: violations is [1-9]\d*, not 0", said)


def test_a_lock_that_could_be_kept_must_not_be_dropped() -> None:
    instance, _ = example()
    lock = instance["locked"].pop()
    result = solve(instance)
    instance["locked"].append(lock)
    result["dropped_locks"].append({**lock, "reason": "the mentor has no place left beside other locks"})
    assert any("the lock is dropped, and could be kept" in reason for reason in refusals(instance, result))


def test_a_choice_under_a_lower_floor_is_refused_although_its_prices_are_right() -> None:
    """Somebody solves without the worst-served aim, and presents the lowest score that came out as the floor."""
    instance, _ = example()
    instance["policy"]["objective"] = ["participation", "total"]
    result = solve(instance)
    instance["policy"]["objective"] = [*AIMS]
    lowest = result["figures"]["worst_score"]
    result["certificate"]["floor"] = lowest
    checked = [reason for reason in refusals(instance, result) if "pairs_checked is" in reason]
    result["certificate"]["pairs_checked"] = int(checked[0].split()[3].rstrip(","))
    assert refusals(instance, result) == [
        f"a choice with all scores above {lowest} serves the aims before it just as well"
    ]


def test_a_choice_that_costs_an_earlier_aim_is_refused_although_its_prices_are_right() -> None:
    """Serving the worst well cost points that this order puts first."""
    instance, result = example()
    instance["policy"]["objective"] = ["participation", "total", "worst_served"]
    assert refusals(instance, result) == [
        "a choice is better by participation, then total, which counts before the worst served"
    ]


def test_a_choice_that_leaves_out_whoever_could_be_paired_is_refused_although_its_prices_are_right() -> None:
    """With a price for everybody, among the pairs above a floor; below it, more people could be paired."""
    instance, right = example()
    instance["policy"]["weights"] |= {name: 0 for name in right["pairs"][0]["terms"] if not name.endswith("given")}
    instance["policy"]["weights"] |= {"motivation": 100, "age_gap": 0, "skills": 0}
    instance["excluded"] += [
        {"mentor": mentor["id"], "mentee": "mentee-06"} for mentor in instance["mentors"] if mentor["id"] != "mentor-05"
    ]
    full = solve(instance)
    without = deepcopy(instance)
    without["excluded"].append({"mentor": "mentor-05", "mentee": "mentee-06"})
    result = solve(without)
    assert result["figures"]["pairs"] < full["figures"]["pairs"]
    assert any("a choice is better by participation" in reason for reason in refusals(instance, result))


def test_the_checker_uses_the_standard_library_and_itself_only() -> None:
    folder = Path(matching_check.__file__).parent
    strangers = {name for path in folder.glob("*.py") for name in imported(path)} - {*sys.stdlib_module_names}
    assert not strangers


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def test_nobody_possible_is_a_result_that_is_proven_too() -> None:
    instance = an_instance(excluded=[{"mentor": "m1", "mentee": "e1"}])
    result = solve(instance)
    assert result["pairs"] == []
    assert refusals(instance, result) == []
