"""People who are alike want the same: the optimum must not take as many rounds as there are mentors."""

from collections.abc import Callable

import numpy as np
import pytest
from matching.engine.market import UNMATCHED, from_scores
from matching.engine.optimum import optimum
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

SIZE = 300
FEW_ROUNDS = 15
Scores = NDArray[np.int64]


def all_equal(_chance: np.random.Generator) -> Scores:
    return np.full((SIZE, SIZE), 7_000)


def everybody_wants_the_same(chance: np.random.Generator) -> Scores:
    return np.tile(chance.integers(0, 12_000, SIZE), (SIZE, 1))


def near_clones(chance: np.random.Generator) -> Scores:
    return everybody_wants_the_same(chance) + chance.integers(0, 3, (SIZE, SIZE))


def clones_of_five(chance: np.random.Generator) -> Scores:
    return chance.integers(0, 12_000, (5, SIZE))[chance.integers(0, 5, SIZE)]


def ten_for_each_place(chance: np.random.Generator) -> Scores:
    return near_clones(chance)[:, : SIZE // 10]


@pytest.mark.parametrize(
    "alike",
    [all_equal, everybody_wants_the_same, near_clones, clones_of_five, ten_for_each_place],
    ids=lambda one: one.__name__,
)
def test_people_who_are_alike_are_matched_at_best_in_few_rounds(alike: Callable[[np.random.Generator], Scores]) -> None:
    scores = alike(np.random.default_rng(1)) + 1
    places = np.ones(scores.shape[1], dtype=np.int64)
    found = optimum(from_scores(scores, np.ones(scores.shape, dtype=np.bool_), places))
    assert found.total == found.dual == int(scores[linear_sum_assignment(scores, maximize=True)].sum())
    assert int((found.state.partner != UNMATCHED).sum()) == min(scores.shape)
    assert found.rounds <= FEW_ROUNDS
