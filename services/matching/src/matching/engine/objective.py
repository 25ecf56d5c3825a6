"""The best choice of pairs under an ordered objective, exactly.

Each step keeps what the steps before it reached. Participation and total are one problem (a worth per pair in which
the earlier step counts more than all of the later); the worst-served score is the highest floor under all pairs that
costs the earlier steps nothing, found by bisection. The worst-served step never improves by leaving people out: where
it comes first, it keeps the most pairs as well.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from shared.contracts import Objective

from ..domain.proposal import Certificate, StepPrice
from .market import UNMATCHED, Int64, Market
from .optimum import Optimum, Worth, optimum

Keys = tuple[Objective, Objective]
PARTICIPATION_FIRST: Keys = (Objective.PARTICIPATION, Objective.TOTAL)
TOTAL_FIRST: Keys = (Objective.TOTAL, Objective.PARTICIPATION)
Tell = Callable[[float], None]


@dataclass(frozen=True)
class Solution:
    """The best choice, what each step of the order cost, and the proof of the last one."""

    partner: NDArray[np.int32]
    """For each row its column, or ``UNMATCHED``."""
    prices: tuple[StepPrice, ...]
    certificate: Certificate
    worth: Worth
    row_prices: Int64
    column_prices: Int64


@dataclass(frozen=True)
class _Figures:
    pairs: int
    worst: int
    total: int

    def of(self, key: Objective) -> int:
        return self.pairs if key is Objective.PARTICIPATION else self.total


@dataclass(frozen=True)
class _Choice:
    keys: Keys
    floor: int | None
    best: Optimum
    figures: _Figures


def solve(market: Market, order: Sequence[Objective], tell: Tell = lambda _: None) -> Solution:
    """Solve to proven optimality. Deterministic. ``tell`` is told the share done, from 0 to 1."""
    order = _meaningful(order)
    search = _Search(market, tell, steps=len(order) + 1)
    plain = search.follow(())
    prices = []
    choice = plain
    for step in range(1, len(order) + 1):
        search.begin(step)
        choice = search.follow(order[:step])
        prices.append(_price(order[step - 1], choice.figures, plain.figures))
    best = choice.best
    return Solution(
        partner=best.state.partner,
        prices=tuple(prices),
        certificate=Certificate(primal=best.total, dual=best.dual, pairs_checked=best.possible, violations=0),
        worth=best.worth,
        row_prices=best.state.u,
        column_prices=best.state.v,
    )


@dataclass
class _Search:
    """The problems behind one market; each is solved once, and begins where another ended."""

    market: Market
    tell: Tell
    steps: int
    _step: int = 0
    _solved: dict[tuple[Keys, int | None], _Choice] = field(default_factory=dict)
    _floors: dict[tuple[tuple[Objective, ...], int | None], int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._most_pairs = int(min(self.market.rows, np.maximum(self.market.places, 0).sum()))

    def begin(self, step: int) -> None:
        self._step = step

    def follow(self, order: Sequence[Objective]) -> _Choice:
        """The best choice under this order; what it leaves open is settled by the total, then participation."""
        keys: tuple[Objective, ...] = ()
        floor: int | None = None
        for objective in order:
            if objective is Objective.WORST_SERVED:
                keys = keys or (Objective.PARTICIPATION,)
                floor = self._highest_floor(keys, floor)
            elif objective not in keys:
                keys = (*keys, objective)
        return self._best(_both(keys), floor)

    def _highest_floor(self, keys: tuple[Objective, ...], floor: int | None) -> int | None:
        """The highest score under which no pair needs to lie for the keys to reach what they reach without it."""
        if (keys, floor) not in self._floors:
            self._floors[keys, floor] = self._bisected(keys, floor)
        return self._floors[keys, floor]

    def _bisected(self, keys: tuple[Objective, ...], floor: int | None) -> int | None:
        reached = self._best(_both(keys), floor)
        if reached.figures.pairs == 0:
            return floor
        low, high = reached.figures.worst, self._ceiling(keys, reached)
        while low < high:
            middle = (low + high + 1) // 2
            trial = self._best(_both(keys), middle)
            kept = all(trial.figures.of(key) == reached.figures.of(key) for key in keys)
            if kept and trial.figures.worst >= middle:  # without any pair the worst is 0
                low = trial.figures.worst
            else:
                high = middle - 1
        return low

    def _ceiling(self, keys: tuple[Objective, ...], reached: _Choice) -> int:
        """A score that the worst-served cannot exceed: where all rows must be matched, the least of their best."""
        if Objective.PARTICIPATION not in keys or reached.figures.pairs < self.market.rows:
            return self.market.highest
        candidates = reached.best.candidates
        best = np.full(self.market.rows, np.iinfo(np.int64).min)
        np.maximum.at(best, candidates.key // candidates.columns, candidates.score)
        return int(best.min())

    def _best(self, keys: Keys, floor: int | None) -> _Choice:
        if (keys, floor) not in self._solved:
            worth = self._worth(keys, floor)
            begin = self._nearest(keys, floor)
            best = optimum(self.market, worth, begin, lambda share: self.tell((self._step + share / 2) / self.steps))
            self._solved[keys, floor] = _Choice(keys, floor, best, _figures(best))
        return self._solved[keys, floor]

    def _nearest(self, keys: Keys, floor: int | None) -> Optimum | None:
        """An optimum to begin from: of the same keys with the highest lower floor, or any."""
        known = [choice for choice in self._solved.values() if choice.keys == keys and _at_most(choice.floor, floor)]
        if known:
            return max(known, key=lambda choice: -1 if choice.floor is None else choice.floor).best
        return next((choice.best for choice in self._solved.values() if choice.floor is None), None)

    def _worth(self, keys: Keys, floor: int | None) -> Worth:
        """What a pair is worth when the first key counts before all of the second."""
        if keys == PARTICIPATION_FIRST:
            return Worth(1, (self.market.highest - self.market.lowest) * self._most_pairs + 1, floor)
        return Worth(self._most_pairs + 1, 1, floor)


def _at_most(floor: int | None, limit: int | None) -> bool:
    return floor is None or (limit is not None and floor <= limit)


def _both(keys: tuple[Objective, ...]) -> Keys:
    return PARTICIPATION_FIRST if keys[:1] == PARTICIPATION_FIRST[:1] else TOTAL_FIRST


def _figures(best: Optimum) -> _Figures:
    matched = np.flatnonzero(best.state.partner != UNMATCHED)
    scores = best.candidates.scores_of(matched, best.state.partner[matched])
    return _Figures(len(matched), int(scores.min()) if len(scores) else 0, int(scores.sum(dtype=np.int64)))


def _price(objective: Objective, figures: _Figures, plain: _Figures) -> StepPrice:
    return StepPrice(
        objective=objective,
        pairs=figures.pairs,
        worst_score=figures.worst,
        score=figures.total,
        pairs_gained=figures.pairs - plain.pairs,
        worst_score_gained=figures.worst - plain.worst,
        score_gained=figures.total - plain.total,
    )


def _meaningful(order: Sequence[Objective]) -> tuple[Objective, ...]:
    """Without repetitions and without objectives of a newer policy that this engine does not know."""
    return tuple(dict.fromkeys(objective for objective in order if objective is not Objective.UNKNOWN))
