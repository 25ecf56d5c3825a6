from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.engine import objective
from matching.engine.baselines import greedy_score, random_score
from matching.engine.market import LARGEST_ADDEND, UNMATCHED, Market, from_scores
from matching.engine.objective import Solution
from numpy.typing import NDArray
from shared.contracts import Objective

P, W, T = Objective.PARTICIPATION, Objective.WORST_SERVED, Objective.TOTAL
ORDERS = [order for length in (1, 2, 3) for order in permutations((P, W, T), length)]
Choice = tuple[int, ...]


@dataclass(frozen=True)
class Instance:
    scores: NDArray[np.int64]
    feasible: NDArray[np.bool_]
    places: NDArray[np.int64]
    order: tuple[Objective, ...]

    @property
    def market(self) -> Market:
        return from_scores(self.scores, self.feasible, self.places)


def solve(instance: Instance) -> Solution:
    return objective.solve(instance.market, instance.order)


def an_instance(
    scores: Sequence[Sequence[int | None]],
    places: Sequence[int] | None = None,
    order: tuple[Objective, ...] = (P, W, T),
) -> Instance:
    """``None`` where a rule forbids the pair."""
    columns = len(places) if places is not None else len(scores[0])
    rows = [[0 if score is None else score for score in row] for row in scores]
    possible = [[score is not None for score in row] for row in scores]
    return Instance(
        scores=np.array(rows, dtype=np.int64).reshape(len(scores), columns),
        feasible=np.array(possible, dtype=np.bool_).reshape(len(scores), columns),
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


def check_proof(instance: Instance, solution: Solution) -> None:
    """Looks at every pair, with nothing but the two prices and the measure."""
    u, v, measure = solution.row_prices, solution.column_prices, solution.worth
    chosen = 0
    for (row, column), possible in np.ndenumerate(instance.feasible):
        score = int(instance.scores[row, column])
        if possible and (measure.lowest is None or score >= measure.lowest):
            worth_of_pair = measure.factor * score + measure.bonus
            assert worth_of_pair <= u[row] + v[column]
            if solution.partner[row] == column:
                assert worth_of_pair == u[row] + v[column]
                chosen += worth_of_pair
    assert (u >= 0).all()
    assert (v >= 0).all()
    assert chosen == solution.certificate.primal
    assert chosen == u.sum() + (v * instance.places).sum() == solution.certificate.dual


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    rows, columns = draw(st.integers(0, 5)), draw(st.integers(0, 4))
    score = st.one_of(
        st.none(), st.integers(-3, 4), st.integers(0, 12_000), st.integers(-LARGEST_ADDEND, LARGEST_ADDEND)
    )
    table = draw(st.lists(st.lists(score, min_size=columns, max_size=columns), min_size=rows, max_size=rows))
    places = draw(st.lists(st.integers(0, 3), min_size=columns, max_size=columns))
    return an_instance(table, places, draw(st.sampled_from(ORDERS)))


@given(instances())
@settings(max_examples=300, deadline=None)
def test_the_solver_finds_what_trying_everything_finds_in_every_order_of_aims(instance: Instance) -> None:
    solution = solve(instance)
    pairs, worst, total = worth(instance, check_valid(instance, solution))
    best_pairs, best_worst, best_total = best_by_trying_all(instance)
    assert (pairs, total) == (best_pairs, best_total)
    assert worst == best_worst or W not in instance.order  # an aim that nobody has may end either way
    assert solution.certificate.proves_optimality
    check_proof(instance, solution)


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
    assert solution.certificate.proves_optimality


@pytest.mark.parametrize("score", [LARGEST_ADDEND + 1, -LARGEST_ADDEND - 1, 2**40])
def test_scores_that_do_not_fit_are_refused(score: int) -> None:
    with pytest.raises(ValueError, match="within -30000 and 30000"):
        an_instance([[score]]).market  # noqa: B018 - making it is the test


def test_greedy_takes_the_best_pair_first_and_pays_for_it() -> None:
    instance = an_instance([[100, 90], [95, None]], order=(P, T))
    assert greedy_score(instance.market) == 100
    assert solve(instance).partner.tolist() == [1, 0]


def greedy_by_hand(instance: Instance) -> int:
    places, waiting, total = instance.places.tolist(), set(range(len(instance.scores))), 0
    pairs = [(-int(score), row, column) for (row, column), score in np.ndenumerate(instance.scores)]
    for negative, row, column in sorted(pairs):
        if instance.feasible[row, column] and negative <= 0 and row in waiting and places[column] > 0:
            waiting.remove(row)
            places[column] -= 1
            total -= negative
    return total


@given(instances(), st.integers(0, 2**53 - 1))
@settings(max_examples=60, deadline=None)
def test_baselines_never_beat_the_best_total(instance: Instance, seed: int) -> None:
    best = max(worth(instance, choice)[2] for choice in every_choice(instance))
    assert greedy_score(instance.market) == greedy_by_hand(instance) <= best
    assert random_score(instance.market, seed) == random_score(instance.market, seed) <= best
