"""What simpler ways of pairing would reach: by chance, and best pair first."""

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .market import Columns, Int8, Int32, Int64, Market
from .optimum import Pricing, Worth
from .scan import BLOCK, NOBODY, OUT_OF_REACH, Scores, bar, first_from, score_block, score_row

MOST_ROUNDS = 20
ENOUGH_PAIRS = 100_000
"""Random pairs after which the mean does not move any more."""
GUESSES = 64
AT_A_TIME = 32
_NEVER = -(2**30)


def random_score(market: Market, seed: int) -> int:
    """The mean total of random possible pairings, rounded down; the same for the same seed."""
    rounds = max(1, min(MOST_ROUNDS, ENOUGH_PAIRS // max(market.rows, 1)))
    chance = np.random.default_rng(seed)
    totals = [_random_total(market, chance) for _ in range(rounds)]
    return sum(totals) // rounds


def _random_total(market: Market, chance: np.random.Generator) -> int:
    mentors = len(market.places)
    if not mentors or not market.rows:
        return 0
    block, work = _memory(market)
    rows = chance.permutation(market.rows).astype(np.int32)
    guesses = chance.integers(mentors, size=GUESSES * min(market.rows, 4096))
    scores = np.empty(mentors, dtype=np.int32)
    order = chance.permutation(mentors).astype(np.int32)
    return int(_pair_by_chance(market.columns, market.places.copy(), rows, guesses, order, scores, block, work))


@compiled
def _pair_by_chance(
    columns: Columns, places: Int64, rows: Int32, guesses: Int64, order: Int32, scores: Int32, block: Scores, work: Int8
) -> int:
    """Each row, in turn, takes any possible column with a place: by guessing, else by looking at all of them."""
    total = 0
    guess = 0
    mentors = len(places)
    barred = columns.barred
    for i in range(len(rows)):
        row = rows[i]
        taken = False
        for _ in range(GUESSES):
            column = guesses[guess]
            guess = guess + 1 if guess + 1 < len(guesses) else 0
            if places[column] <= 0:
                continue
            score_block(columns, row, column, column + 1, block, work)
            bar(
                barred.items,
                first_from(barred.items, barred.start[row], barred.stop[row], column),
                barred.stop[row],
                column,
                column + 1,
                work[0],
            )
            if work[0, 0]:
                places[column] -= 1
                total += block[0]
                taken = True
                break
        if taken:
            continue
        score_row(columns, row, _NEVER, scores, block, work)
        for k in range(mentors):
            column = order[k]
            if places[column] > 0 and scores[column] != _NEVER:
                places[column] -= 1
                total += scores[column]
                break
    return total


def greedy_score(market: Market) -> int:
    """The best pair first, then the best of what is left: quick, and often short of the best whole.

    It looks at the best ``AT_A_TIME`` pairs that each waiting row has left, takes them in order, and looks again.
    """
    pricing = Pricing(market, Worth())
    places = market.places.copy()
    waiting = np.ones(market.rows, dtype=np.bool_)
    total = 0
    while True:
        found = pricing.look(np.where(places > 0, 0, OUT_OF_REACH), np.where(waiting, -1, NOBODY), AT_A_TIME)
        if not len(found.row):
            return total
        best_first = np.lexsort((found.column, found.row, -found.score))
        row, column = found.row[best_first].astype(np.int32), found.column[best_first]
        total += _take(row, column, found.score[best_first], places, waiting)


@compiled
def _take(row: Int32, column: Int32, score: Int32, places: Int64, waiting: NDArray[np.bool_]) -> int:
    total = 0
    for e in range(len(row)):
        if waiting[row[e]] and places[column[e]] > 0:
            waiting[row[e]] = False
            places[column[e]] -= 1
            total += score[e]
    return total


def _memory(market: Market) -> tuple[Scores, Int8]:
    return np.empty(BLOCK, dtype=np.int32 if market.wide else np.int16), np.empty((2, BLOCK), dtype=np.uint8)
