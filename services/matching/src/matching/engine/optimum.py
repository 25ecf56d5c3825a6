"""The best choice over all pairs, with its proof, though only few pairs are ever kept.

Candidates are the best pairs of each row, at first by score, then at prices found by a rough auction. The optimum on
the candidates gives exact prices; one look at all pairs finds those that are worth more than the prices of their two
people. They become candidates, and so on until there are none: then the optimum on the candidates is the optimum over
all pairs, and the prices prove it (Lee & Orlin 1993; Gilmore & Gomory's pricing).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .market import HIGHEST_NARROW_SCORE, Int32, Int64, Market
from .scan import ANY_SCORE, BLOCK, NOBODY, OUT_OF_REACH, Found, Scores, look
from .sparse import Graph, State, bid, copy_of, graph_of, new_scratch, new_state, settle

FIRST_CANDIDATES = 12
AUCTIONS = 2
WORTH_LOOKING_AT_ALL = 0.9
"""Shares of rows and columns, together, from which looking at everything is as quick."""
MORE_CANDIDATES = 8
CROWDED = 4
"""Rows that want each place, from which they are spread."""
Progress = Callable[[float], None]


@dataclass(frozen=True)
class Worth:
    """What a pair counts for: ``factor * score + bonus``; pairs that score below ``lowest`` cannot be chosen."""

    factor: int = 1
    bonus: int = 0
    lowest: int | None = None

    def of(self, score: Int32) -> Int64:
        """The worth of pairs with these scores."""
        return self.factor * score.astype(np.int64) + self.bonus


@dataclass
class Candidates:
    """The pairs that were found worth keeping, in ascending order, with their scores."""

    columns: int
    key: Int64 = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    """row * columns + column"""
    score: Int32 = field(default_factory=lambda: np.zeros(0, dtype=np.int32))

    def add(self, row: Int64, column: Int32, score: Int32) -> None:
        """Keep more pairs, known or new."""
        key = row.astype(np.int64) * self.columns + column
        keys = np.concatenate((self.key, key))
        scores = np.concatenate((self.score, score))
        self.key, first = np.unique(keys, return_index=True)
        self.score = scores[first]

    def scores_of(self, row: Int64, column: Int32) -> Int32:
        """The scores of pairs that are kept."""
        return self.score[np.searchsorted(self.key, row * self.columns + column)]

    def graph(self, rows: int, worth: Worth) -> Graph:
        """The candidates that may be chosen, by what they are worth."""
        row, column = np.divmod(self.key, self.columns)
        value = worth.of(self.score)
        good = value > 0
        if worth.lowest is not None:
            good &= self.score >= worth.lowest
        return graph_of(rows, self.columns, row[good].astype(np.int32), column[good].astype(np.int32), value[good])


@dataclass(frozen=True)
class Optimum:
    """The best choice and its proof."""

    state: State
    worth: Worth
    candidates: Candidates
    total: int
    """What the chosen pairs are worth together."""
    dual: int
    """What the prices add up to: equal to ``total``."""
    possible: int
    """Pairs that no rule forbids."""
    rounds: int


def optimum(
    market: Market,
    worth: Worth = Worth(),
    start: "Optimum | None" = None,
    progress: Progress = lambda _: None,
    *,
    log: Callable[[str], None] = lambda _: None,
) -> Optimum:
    """Solve to proven optimality. ``start``: an optimum of the same market under another worth, to begin from.

    Raises: OverflowError where what a pair is worth does not fit into 62 bits.
    """
    if max(worth.factor, 1) * (market.highest + 1) + worth.bonus >= 2**62:
        raise OverflowError(f"{worth} times scores up to {market.highest} is too much")
    pricing = Pricing(market, worth, progress)
    rows, mentors = market.rows, len(market.places)
    if start is None:
        candidates = Candidates(mentors)
        state = _rough(pricing, candidates, log)
    else:
        candidates = Candidates(mentors, start.candidates.key, start.candidates.score)
        state = copy_of(start.state)
    dirty = np.arange(rows, dtype=np.int32)
    rounds, possible = 0, -1
    fits = None
    while True:
        graph = candidates.graph(rows, worth)
        scratch = new_scratch(mentors, len(graph.column))
        searches = settle(graph, state, scratch, np.empty(mentors, dtype=np.int32), dirty)
        rounds += 1
        found = pricing.look_where_it_fell(state, fits)
        possible = found.possible if fits is None else possible
        log(f"round {rounds}: pairs {len(graph.column)} searches {searches} violations {len(found.row)}")
        if not len(found.row):
            break
        fits = _Prices(state.u.copy(), state.v.copy())
        np.maximum.at(fits.u, found.row, worth.of(found.score) - state.v[found.column])
        candidates.add(found.row, found.column, found.score)
        if pricing.is_crowded(found):
            drawn = pricing.look(state.v, state.u - worth.bonus, MORE_CANDIDATES, chance=rounds)
            candidates.add(drawn.row, drawn.column, drawn.score)
        dirty = np.unique(found.row).astype(np.int32)
    matched = np.flatnonzero(state.partner >= 0)
    scores = candidates.scores_of(matched, state.partner[matched])
    total = worth.factor * int(scores.sum(dtype=np.int64)) + worth.bonus * len(matched)
    dual = int(state.u.sum()) + int((state.v * state.places).sum())
    return Optimum(state, worth, candidates, total, dual, possible, rounds)


def _rough(pricing: "Pricing", candidates: Candidates, log: Callable[[str], None]) -> State:
    """First candidates, added to ``candidates``, and a first choice at first prices."""
    rows = pricing.market.rows
    nothing = np.full(rows, -pricing.worth.bonus, dtype=np.int64)
    trial = new_state(rows, pricing.market.places)
    for number in range(AUCTIONS):
        found = pricing.look(trial.v, nothing, FIRST_CANDIDATES)
        candidates.add(found.row, found.column, found.score)
        if pricing.is_crowded(found):
            drawn = pricing.look(trial.v, nothing, FIRST_CANDIDATES, chance=1 + number)
            candidates.add(drawn.row, drawn.column, drawn.score)
        graph = candidates.graph(rows, pricing.worth)
        trial = new_state(rows, pricing.market.places)
        step = max(1, int(graph.worth.max(initial=0) - pricing.worth.bonus) // 200)
        made = bid(graph, trial, np.zeros(rows, np.int64), np.zeros(rows, np.int32), step, 40 * rows)
        log(f"auction: pairs {len(graph.column)} bids {made} seated {int((trial.partner >= 0).sum())}")
    return trial


@dataclass(frozen=True)
class _Found:
    row: Int64
    column: Int32
    score: Int32
    possible: int


@dataclass(frozen=True)
class _Prices:
    """Prices under which no pair was worth more than its two."""

    u: Int64
    v: Int64


class Pricing:
    """Looks at all pairs, block by block."""

    def __init__(self, market: Market, worth: Worth, progress: Progress = lambda _: None) -> None:
        self.market, self.worth = market, worth
        self._progress = progress

    def is_crowded(self, found: "_Found") -> bool:
        """Whether many rows want few columns: people who are alike want the same, and would one by one want the next.

        Then pairs drawn at random spread them; else a market of clones takes as many rounds as it has columns.
        """
        wanted = np.unique(found.column)
        if 2 * len(wanted) > len(self.market.places):
            return False
        places = int(np.maximum(self.market.places[wanted], 0).sum())
        return CROWDED * places < len(np.unique(found.row))

    def look_where_it_fell(self, state: State, fits: _Prices | None) -> _Found:
        """The pairs that are worth more than their two prices, at most ``MORE_CANDIDATES`` of a row.

        ``fits`` are prices under which there was none: only people whose price is lower now can be in one.
        """
        limit = state.u - self.worth.bonus
        if fits is None:
            return self.look(state.v, limit, MORE_CANDIDATES, count_possible=True)
        rows, columns = state.u < fits.u, state.v < fits.v
        if rows.mean() + columns.mean() > WORTH_LOOKING_AT_ALL:
            return self.look(state.v, limit, MORE_CANDIDATES)
        by_row = self.look(state.v, np.where(rows, limit, NOBODY), MORE_CANDIDATES)
        fallen = np.flatnonzero(columns)
        part = Pricing(self.market.only(fallen), self.worth)
        by_column = part.look(state.v[fallen], np.where(rows, NOBODY, limit), MORE_CANDIDATES)
        return _Found(
            np.concatenate((by_row.row, by_column.row)),
            np.concatenate((by_row.column, fallen[by_column.column].astype(np.int32))),
            np.concatenate((by_row.score, by_column.score)),
            by_row.possible,
        )

    def look(self, prices: Int64, limit: Int64, keep: int, *, count_possible: bool = False, chance: int = 0) -> _Found:
        """The best ``keep`` pairs of each row, at these prices, above the row's limit (``NOBODY``: none).

        With ``chance``, any so many of them: see :func:`.scan.look`.
        """
        rows, mentors = self.market.rows, len(self.market.places)
        found = Found(
            column=np.empty((rows, keep), dtype=np.int32),
            score=np.empty((rows, keep), dtype=np.int32),
            value=np.empty((rows, keep), dtype=np.int64),
            kept=np.zeros(rows, dtype=np.int32),
            least=np.zeros(rows, dtype=np.int32),
        )
        limit = limit.copy()
        cursor = self.market.columns.barred.start.copy()
        scores: Scores = np.empty(BLOCK, np.int32) if self.market.wide else np.empty(BLOCK, np.int16)
        work = np.empty((2, BLOCK), dtype=np.uint8)
        lowest = ANY_SCORE if self.worth.lowest is None else max(self.worth.lowest, ANY_SCORE + 1)
        small = np.minimum(prices // max(self.worth.factor, 1), OUT_OF_REACH)
        fits = small.max(initial=0) <= HIGHEST_NARROW_SCORE and not self.market.wide
        narrow: Scores = small.astype(np.int16) if fits else small.astype(np.int32)
        room: Scores = np.empty(BLOCK, dtype=np.int16) if fits else np.empty(BLOCK, dtype=np.int32)
        possible = 0
        for low in range(0, mentors, BLOCK):
            self._progress(low / mentors)
            possible += look(
                self.market.columns,
                low,
                min(low + BLOCK, mentors),
                lowest,
                self.worth.factor,
                count_possible,
                prices,
                narrow,
                room,
                limit,
                found,
                cursor,
                scores,
                work,
                chance,
            )
        kept = np.arange(keep)[None, :] < found.kept[:, None]
        return _Found(np.repeat(np.arange(rows), found.kept), found.column[kept], found.score[kept], int(possible))
