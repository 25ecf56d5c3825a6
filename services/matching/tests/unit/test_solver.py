from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.engine.baselines import greedy, random_score
from matching.engine.certificate import certify
from matching.engine.solver import UNMATCHED, Instance, Solution, TooManyPoints, solve
from shared.contracts import Objective

P, W, T = Objective.PARTICIPATION, Objective.WORST_SERVED, Objective.TOTAL
ORDERS = [order for length in (1, 2, 3) for order in permutations((P, W, T), length)]
Choice = tuple[int, ...]


def an_instance(
    scores: Sequence[Sequence[int | None]],
    places: Sequence[int] | None = None,
    order: tuple[Objective, ...] = (P, W, T),
) -> Instance:
    """``None`` where a rule forbids the pair."""
    columns = len(places) if places is not None else len(scores[0])
    rows = [[-1 if score is None else score for score in row] for row in scores]
    table = np.array(rows, dtype=np.int32).reshape(len(scores), columns)
    return Instance(
        scores=np.maximum(table, 0),
        feasible=table >= 0,
        places=np.array(places if places is not None else [1] * columns, dtype=np.int64),
        order=order,
    )


def every_choice(instance: Instance, row: int = 0, chosen: Choice = ()) -> Iterator[Choice]:
    if row == len(instance.scores):
        yield chosen
        return
    yield from every_choice(instance, row + 1, (*chosen, UNMATCHED))
    for column in range(instance.scores.shape[1]):
        if instance.feasible[row, column] and chosen.count(column) < instance.places[column]:
            yield from every_choice(instance, row + 1, (*chosen, column))


def worth(instance: Instance, choice: Choice) -> tuple[int, int, int]:
    """Pairs, worst score, total."""
    scores = [int(instance.scores[row, column]) for row, column in enumerate(choice) if column != UNMATCHED]
    return len(scores), min(scores, default=0), sum(scores)


def best_by_trying_all(instance: Instance) -> tuple[int, int, int]:
    """The ordered objective, applied literally: keep the best by the first aim, of those by the second, and so on."""
    left = list(every_choice(instance))
    order = list(dict.fromkeys(instance.order))
    if order[0] is W:
        order.insert(0, P)  # nobody is left out to raise the floor
    order += [aim for aim in (T, P) if aim not in order]
    for aim in order:
        position = (P, W, T).index(aim)
        best = max(worth(instance, choice)[position] for choice in left)
        left = [choice for choice in left if worth(instance, choice)[position] == best]
    return worth(instance, left[0])


def check_valid(instance: Instance, solution: Solution) -> Choice:
    choice = tuple(solution.partner.tolist())
    for row, column in enumerate(choice):
        assert column == UNMATCHED or instance.feasible[row, column]
    for column, places in enumerate(instance.places.tolist()):
        assert choice.count(column) <= places
    return choice


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    rows, columns = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    score = st.one_of(st.none(), st.integers(0, 4), st.integers(0, 12_000))
    table = draw(st.lists(st.lists(score, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    places = draw(st.lists(st.integers(0, 3), min_size=columns, max_size=columns))
    return an_instance(table, places, draw(st.sampled_from(ORDERS)))


@given(instances())
@settings(max_examples=300, deadline=None)
def test_the_solver_finds_what_trying_everything_finds_in_every_order_of_aims(instance: Instance) -> None:
    solution = solve(instance)
    assert worth(instance, check_valid(instance, solution)) == best_by_trying_all(instance)
    assert solution.proof.certificate.proves_optimality


@given(instances())
@settings(max_examples=100, deadline=None)
def test_a_certificate_is_refused_to_anything_less_than_the_best(instance: Instance) -> None:
    scores = instance.scores.astype(np.int64) + 1
    best = max(sum(int(scores[r, c]) for r, c in enumerate(x) if c != UNMATCHED) for x in every_choice(instance))
    for choice in every_choice(instance):
        total = sum(int(scores[r, c]) for r, c in enumerate(choice) if c != UNMATCHED)
        proof = certify(scores, instance.feasible, instance.places, np.array(choice, dtype=np.int64))
        assert proof.certificate.proves_optimality == (total == best)


def test_more_people_come_before_a_higher_total() -> None:
    instance = an_instance([[9000, 1], [8999, None]], order=(P, W, T))
    assert solve(instance).partner.tolist() == [1, 0]
    by_total = an_instance([[9000, 0], [100, None]], order=(T,))
    assert solve(by_total).partner.tolist() == [0, UNMATCHED]


def test_the_worst_served_come_before_a_higher_total() -> None:
    unequal = [[100, 50], [45, 10]]
    assert solve(an_instance(unequal, order=(P, T))).partner.tolist() == [0, 1]
    assert solve(an_instance(unequal, order=(P, W, T))).partner.tolist() == [1, 0]


def test_nobody_is_left_out_to_raise_the_floor() -> None:
    instance = an_instance([[100, None], [None, 1]], order=(W, T))
    assert solve(instance).partner.tolist() == [0, 1]


def test_a_mentor_takes_as_many_as_they_offered_and_no_more() -> None:
    instance = an_instance([[5], [4], [3]], [2])
    assert solve(instance).partner.tolist() == [0, 0, UNMATCHED]


def test_each_step_of_the_order_tells_its_price() -> None:
    instance = an_instance([[9000, 1], [100, None]], order=(P, W, T))
    participation, worst, total = solve(instance).prices
    assert (participation.objective, participation.pairs_gained, participation.score_gained) == (P, 1, 101 - 9000)
    assert (worst.worst_score, worst.worst_score_gained) == (1, 1 - 9000)
    assert total.score == 101


def test_aims_that_the_engine_does_not_know_are_passed_over() -> None:
    instance = an_instance([[1, 2]], order=(Objective.UNKNOWN, T, T))
    solution = solve(instance)
    assert solution.partner.tolist() == [1]
    assert [price.objective for price in solution.prices] == [T]


@pytest.mark.parametrize(
    ("table", "places"), [([], []), ([], [1, 1]), ([[], []], []), ([[None, None]], [1, 1]), ([[5]], [0])]
)
def test_nothing_to_pair_is_an_answer_too(table: list[list[int | None]], places: list[int]) -> None:
    solution = solve(an_instance(table, places))
    assert (solution.partner == UNMATCHED).all()
    assert solution.proof.certificate.proves_optimality


def test_scores_that_the_solver_could_not_tell_apart_are_refused() -> None:
    everybody = np.full((2_200, 2_200), 2**31 - 1, dtype=np.int32)
    places = np.ones(2_200, dtype=np.int64)
    with pytest.raises(TooManyPoints):
        solve(Instance(scores=everybody, feasible=everybody > 0, places=places, order=(T,)))


def test_greedy_takes_the_best_pair_first_and_pays_for_it() -> None:
    instance = an_instance([[100, 90], [95, None]], order=(P, T))
    assert greedy(instance).tolist() == [0, UNMATCHED]
    assert solve(instance).partner.tolist() == [1, 0]


@given(instances(), st.integers(0, 2**53 - 1))
@settings(max_examples=60, deadline=None)
def test_baselines_never_beat_the_best_total_and_keep_every_rule(instance: Instance, seed: int) -> None:
    best = max(worth(instance, choice)[2] for choice in every_choice(instance))
    chosen = tuple(greedy(instance).tolist())
    assert chosen in set(every_choice(instance))
    assert worth(instance, chosen)[2] <= best
    assert random_score(instance, seed) == random_score(instance, seed) <= best
