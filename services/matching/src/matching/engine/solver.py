"""The best choice of pairs, exactly, in whole numbers.

An ordered objective is followed step by step: each step keeps what the steps before it reached. Participation and
total are one assignment problem (a weight per pair in which the earlier step counts more than all of the later);
the worst-served score is the highest floor under all pairs that costs the earlier steps nothing, found by bisection.
The worst-served step never improves by leaving people out: where it comes first, it keeps the most pairs as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from shared.contracts import Objective

from ..domain.proposal import StepPrice
from .certificate import Proof, certify

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNMATCHED = -1
_LARGEST_EXACT = 2**53
"""Whole numbers up to here are exact in the double precision that the assignment solver works in."""


class TooManyPoints(ValueError):
    """The scores are so high that the solver could not tell sums apart."""


@dataclass(frozen=True)
class Instance:
    """What to solve: rows (mentees) take at most one partner, columns (mentors) as many as they have places."""

    scores: NDArray[np.int32]
    """Never negative."""
    feasible: Flags
    places: Integers
    order: tuple[Objective, ...]


class Measure(NamedTuple):
    """How much a possible pair of at least the floor's score is worth: ``factor * score + bonus``."""

    factor: int
    bonus: int
    floor: int


@dataclass(frozen=True)
class Solution:
    """The best choice: for each row its column, or ``UNMATCHED``."""

    partner: Integers
    proof: Proof
    measure: Measure
    prices: tuple[StepPrice, ...]


def solve(instance: Instance, progress: Callable[[float], None] = lambda _: None) -> Solution:
    """Solve to proven optimality. Deterministic. ``progress`` is told the share done, from 0 to 1."""
    search = _Search(instance)
    order = _meaningful(instance.order)
    plain = search.follow(())
    prices = []
    for step in range(1, len(order) + 1):
        progress(step / (len(order) + 1))
        prices.append(search.price(order[step - 1], search.follow(order[:step]), plain))
    best = search.follow(order)
    return Solution(
        partner=best.partner,
        proof=certify(search.weights(best.keys, best.floor), search.allowed(best.floor), instance.places, best.partner),
        measure=search.measure(best.keys, best.floor),
        prices=tuple(prices),
    )


@dataclass(frozen=True)
class _Choice:
    partner: Integers
    keys: tuple[Objective, ...]
    floor: int


@dataclass
class _Search:
    """The assignment problems behind one instance; each is solved once."""

    instance: Instance
    _solved: dict[tuple[tuple[Objective, ...], int], Integers] = field(default_factory=dict)
    _floors: dict[tuple[tuple[Objective, ...], int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rows, columns = self.instance.scores.shape
        usable = np.minimum(self.instance.places, self.instance.feasible.sum(axis=0))
        self._seats = np.repeat(np.arange(columns), np.maximum(usable, 0))
        self._most_pairs = min(rows, len(self._seats))
        scores = self.instance.scores[self.instance.feasible]
        self._distinct = np.unique(scores)
        self._top = int(self._distinct[-1]) if len(self._distinct) else 0
        if (self._top + 1) * (self._most_pairs + 1) ** 2 >= _LARGEST_EXACT:
            raise TooManyPoints(f"scores up to {self._top} for {self._most_pairs} pairs")

    def follow(self, order: Sequence[Objective]) -> _Choice:
        """The best choice under this order; what it leaves open is settled by the total, then participation."""
        keys: tuple[Objective, ...] = ()
        floor = 0
        for objective in order:
            if objective is Objective.WORST_SERVED:
                keys = keys or (Objective.PARTICIPATION,)
                floor = self._highest_floor(keys, floor)
            elif objective not in keys:
                keys = (*keys, objective)
        for objective in (Objective.TOTAL, Objective.PARTICIPATION):
            if objective not in keys:
                keys = (*keys, objective)
        return _Choice(self._best(keys, floor), keys, floor)

    def price(self, objective: Objective, choice: _Choice, plain: _Choice) -> StepPrice:
        pairs, worst, total = self._figures(choice.partner)
        plain_pairs, plain_worst, plain_total = self._figures(plain.partner)
        return StepPrice(
            objective=objective,
            pairs=pairs,
            worst_score=worst,
            score=total,
            pairs_gained=pairs - plain_pairs,
            worst_score_gained=worst - plain_worst,
            score_gained=total - plain_total,
        )

    def allowed(self, floor: int) -> Flags:
        return self.instance.feasible & (self.instance.scores >= floor)

    def weights(self, keys: tuple[Objective, ...], floor: int) -> Integers:
        """What a pair is worth when these keys count, the first before all of the second; 0 where not allowed."""
        measure = self.measure(keys, floor)
        worth = self.instance.scores.astype(np.int64) * measure.factor + measure.bonus
        return np.where(self.allowed(floor), worth, 0)

    def measure(self, keys: tuple[Objective, ...], floor: int) -> Measure:
        """The weights' linear form."""
        if keys == (Objective.PARTICIPATION,):
            return Measure(0, 1, floor)
        if keys == (Objective.TOTAL,):
            return Measure(1, 0, floor)
        if keys == (Objective.PARTICIPATION, Objective.TOTAL):
            return Measure(1, self._top * self._most_pairs + 1, floor)
        return Measure(self._most_pairs + 1, 1, floor)

    def _highest_floor(self, keys: tuple[Objective, ...], floor: int) -> int:
        """The highest score under which no pair needs to lie for the keys to reach what they reach without it."""
        if (keys, floor) in self._floors:
            return self._floors[keys, floor]
        reached = self._reach(keys, floor)
        candidates = self._distinct[self._distinct >= floor]
        low, high = 0, len(candidates) - 1
        while low < high:
            middle = (low + high + 1) // 2
            if self._reach(keys, int(candidates[middle])) == reached:
                low = middle
            else:
                high = middle - 1
        highest = int(candidates[low]) if len(candidates) and reached else floor
        self._floors[keys, floor] = highest
        return highest

    def _reach(self, keys: tuple[Objective, ...], floor: int) -> int:
        if keys == (Objective.PARTICIPATION,):
            graph = csr_array(self.allowed(floor)[:, self._seats])
            return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())
        partner = self._best(keys, floor)
        matched = np.flatnonzero(partner != UNMATCHED)
        return int(self.weights(keys, floor)[matched, partner[matched]].sum())

    def _best(self, keys: tuple[Objective, ...], floor: int) -> Integers:
        if (keys, floor) not in self._solved:
            self._solved[keys, floor] = self._assign(self.weights(keys, floor))
        return self._solved[keys, floor]

    def _assign(self, weights: Integers) -> Integers:
        """A pair of no worth stands for staying alone, so a full assignment always exists."""
        partner = np.full(len(weights), UNMATCHED, dtype=np.int64)
        if weights.size and len(self._seats):
            rows, seats = linear_sum_assignment(-weights.astype(np.float64)[:, self._seats])
            columns = self._seats[seats]
            worthy = weights[rows, columns] > 0
            partner[rows[worthy]] = columns[worthy]
        return partner

    def _figures(self, partner: Integers) -> tuple[int, int, int]:
        matched = np.flatnonzero(partner != UNMATCHED)
        scores = self.instance.scores[matched, partner[matched]]
        return len(matched), int(scores.min()) if len(scores) else 0, int(scores.sum(dtype=np.int64))


def _meaningful(order: Sequence[Objective]) -> tuple[Objective, ...]:
    """Without repetitions and without objectives of a newer policy that this engine does not know."""
    return tuple(dict.fromkeys(objective for objective in order if objective is not Objective.UNKNOWN))
