"""Searches like those of :mod:`.sparse`, over all pairs: rows and columns are scored when a search comes by.

With exact prices few rows are ever looked at, so one change of the pool costs a few passes over one row or column, not
a pass over all pairs (Mills-Tettey, Stentz & Dias 2007).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .column import Wishers, addends, counts_and_singles, may, teach
from .compiled import compiled, compiled_in_place
from .market import Columns, Int8, Int32, Int64
from .scan import BLOCK, WIDE_BYTES, Scores, bar, best_of, first_from, score_block
from .sparse import FAR, Scratch, State, leave, pop, push, seat


class Sight(NamedTuple):
    """What it takes to look at a row or a column; see :func:`.scan.look` for the memory."""

    columns: Columns
    active: NDArray[np.bool_]
    """Of rows: whether they take part."""
    factor: int
    bonus: int
    lowest: int
    small_prices: Scores
    scores: Scores
    work: Int8
    room: Scores
    touched: Int32
    """(m)"""
    wishers: Wishers
    hopes: Int64
    """(n)"""


NOTHING = -(2**60)
"""The worth of a pair that cannot be."""
End = tuple[int, int, int]
"""Where a search for a place may stop: at this distance and column, at whose place this row leaves; nobody for -1."""


@compiled
def reprice(sight: Sight, state: State, column: int) -> None:
    """Bring the small price of a column up to date. It may stay too low, never too high: it only leaves out blocks."""
    highest = 2**30 if sight.small_prices.itemsize == WIDE_BYTES else 16_000
    sight.small_prices[column] = min(state.v[column] // max(sight.factor, 1), highest)


@compiled
def highest_value(sight: Sight, state: State, row: int) -> int:
    """The most that a row can have beside its partner's price: its own price, 0 at least."""
    best = np.int64(0)
    never = -(2**31) if sight.room.itemsize == WIDE_BYTES else -(2**15)
    divisor = max(sight.factor, 1)
    at = sight.columns.barred.start[row]
    for low in range(0, len(state.v), BLOCK):
        high = min(low + BLOCK, len(state.v))
        score_block(sight.columns, row, low, high, sight.scores, sight.work)
        at = bar(sight.columns.barred.items, at, sight.columns.barred.stop[row], low, high, sight.work[0])
        width = high - low
        good = sight.work[0, :width]
        if (
            best_of(sight.scores[:width], sight.small_prices[low:high], good, never, sight.room)
            <= (best - sight.bonus) // divisor
        ):
            continue
        for t in range(width):
            if good[t] and sight.scores[t] >= sight.lowest:
                best = max(best, sight.factor * np.int64(sight.scores[t]) + sight.bonus - state.v[low + t])
    return int(best)


@compiled
def without_stale(scratch: Scratch, size: int) -> int:
    """Drop the heap's entries for columns that were reached on a shorter way since; at most one a column is left."""
    left = 0
    for at in range(size):
        key, column = scratch.heap_key[at], scratch.heap_column[at]
        if key == scratch.distance[column]:
            left = push(scratch, left, key, column)
    return left


@compiled
def _reach(
    sight: Sight, state: State, scratch: Scratch, row: int, base: int, end: End, size: int, touched: int
) -> tuple[int, int, End]:
    """From a row at this distance, reach the columns that lie nearer than the end; and the nearest end beside them."""
    nearest, column, leaves = end
    never = -(2**31) if sight.room.itemsize == WIDE_BYTES else -(2**15)
    divisor = max(sight.factor, 1)
    at = sight.columns.barred.start[row]
    for low in range(0, len(state.v), BLOCK):
        high = min(low + BLOCK, len(state.v))
        score_block(sight.columns, row, low, high, sight.scores, sight.work)
        at = bar(sight.columns.barred.items, at, sight.columns.barred.stop[row], low, high, sight.work[0])
        width = high - low
        good = sight.work[0, :width]
        limit = (base - nearest - sight.bonus) // divisor
        if best_of(sight.scores[:width], sight.small_prices[low:high], good, never, sight.room) <= limit:
            continue
        for t in range(width):
            if good[t] and sight.scores[t] >= sight.lowest:
                j = low + t
                worth = sight.factor * np.int64(sight.scores[t]) + sight.bonus
                far = base + state.v[j] - worth
                if worth > 0 and far < nearest and far < scratch.distance[j]:
                    if scratch.distance[j] == FAR:
                        sight.touched[touched] = j
                        touched += 1
                    scratch.distance[j] = far
                    scratch.via_row[j] = row
                    if size == len(scratch.heap_key):
                        size = without_stale(scratch, size)
                    size = push(scratch, size, far, j)
                    if state.load[j] < state.places[j]:
                        nearest, column, leaves = far, j, -1
                        continue
                    other = state.first[j]
                    while other >= 0:
                        if far + state.u[other] < nearest:
                            nearest, column, leaves = far + state.u[other], j, other
                        other = state.after[other]
    return size, touched, (nearest, column, leaves)


@compiled
def forward(sight: Sight, state: State, scratch: Scratch, root: int) -> int:
    """Give an unmatched row with a price its place, or its price back. Returns how many rows were looked at."""
    u, v, distance = state.u, state.v, scratch.distance
    nothing: End = (int(u[root]), -1, root)
    looked = 1
    done = 0
    size, touched, (end, end_column, end_row) = _reach(sight, state, scratch, root, u[root], nothing, 0, 0)
    while size > 0:
        here, j = scratch.heap_key[0], scratch.heap_column[0]
        if here >= end:
            break
        size = pop(scratch, size)
        if here > distance[j]:
            continue
        scratch.done[done] = j
        done += 1
        row = state.first[j]
        while row >= 0:
            found = (end, end_column, end_row)
            size, touched, (end, end_column, end_row) = _reach(
                sight, state, scratch, row, here + u[row], found, size, touched
            )
            looked += 1
            row = state.after[row]
    u[root] -= end
    for d in range(done):
        j = scratch.done[d]
        rise = end - distance[j]
        if rise > 0:
            v[j] += rise
            reprice(sight, state, j)
            row = state.first[j]
            while row >= 0:
                u[row] -= rise
                row = state.after[row]
    if end_column >= 0:
        if end_row >= 0:
            leave(state, end_row)
        j = end_column
        while True:
            row = scratch.via_row[j]
            if row == root:
                seat(state, row, j)
                break
            before = leave(state, row)
            seat(state, row, j)
            j = before
    for t in range(touched):
        distance[sight.touched[t]] = FAR
    return looked


@compiled
def score_pair(sight: Sight, row: int, column: int) -> int:
    """The score of one pair; below any floor where it cannot be."""
    columns = sight.columns
    score_block(columns, row, column, column + 1, sight.scores, sight.work)
    barred = columns.barred
    at = first_from(barred.items, barred.start[row], barred.stop[row], column)
    bar(barred.items, at, barred.stop[row], column, column + 1, sight.work[0])
    return int(sight.scores[0]) if sight.work[0, 0] else -(2**31)


@compiled
def hope(sight: Sight, u: Int64) -> None:
    """Of each row the most that it can be worth to the mentor who teaches now, less its price, into ``hopes``."""
    wishers, hopes = sight.wishers, sight.hopes
    for row in range(len(u)):
        hopes[row] = sight.factor * np.int64(wishers.points[row] + wishers.rest[row]) + sight.bonus - u[row]
    for row in range(len(u)):
        if not sight.active[row] or (sight.columns.teaching and not wishers.taught[row]):
            hopes[row] = NOTHING


@compiled_in_place
def worth_of(sight: Sight, row: int, column: int, more_than: int) -> int:
    """What a row is worth to the mentor who teaches now; nothing, where that is no more, or the two can be no pair."""
    worth = np.int64(NOTHING)
    score = np.int64(sight.wishers.points[row] + addends(sight.columns, row, column))
    if sight.factor * (score + sight.wishers.further[row]) + sight.bonus > more_than:
        score += counts_and_singles(sight.columns, row, column)
        if score >= sight.lowest and sight.factor * score + sight.bonus > more_than and may(sight.columns, row, column):
            worth = sight.factor * score + sight.bonus
    return int(worth)


@compiled
def backward(sight: Sight, state: State, scratch: Scratch, root: int) -> int:
    """Fill one free place of a column with a price, or lower the price to nothing. Returns the columns looked at."""
    u, v = state.u, state.v
    distance, via_row, via_column = scratch.distance, scratch.via_row, scratch.via_column
    size, done, touched = 0, 0, 0
    end = v[root]
    end_column, end_row, end_from = root, -1, -1
    distance[root] = 0
    sight.touched[touched] = root
    touched += 1
    size = push(scratch, size, 0, root)
    while size > 0:
        here, j = scratch.heap_key[0], scratch.heap_column[0]
        if here >= end:
            break
        size = pop(scratch, size)
        if here > distance[j]:
            continue
        scratch.done[done] = j
        done += 1
        teach(sight.columns, sight.wishers, j)
        hope(sight, u)
        base = here + v[j]
        for row in range(len(u)):
            k = state.partner[row]
            if sight.hopes[row] <= base - end or k == j:
                continue
            far = base + u[row] - worth_of(sight, row, j, max(base + u[row] - end, 0))
            if far >= end:
                continue
            if k < 0:
                end, end_column, end_row, end_from = far, -1, row, j
            elif far < distance[k]:
                if distance[k] == FAR:
                    sight.touched[touched] = k
                    touched += 1
                distance[k] = far
                via_row[k] = row
                via_column[k] = j
                if far + v[k] < end:
                    end, end_column, end_row = far + v[k], k, -1
                if size == len(scratch.heap_key):
                    size = without_stale(scratch, size)
                size = push(scratch, size, far, k)
    for d in range(done):
        j = scratch.done[d]
        fall = end - distance[j]
        if fall > 0:
            v[j] -= fall
            reprice(sight, state, j)
            row = state.first[j]
            while row >= 0:
                u[row] += fall
                row = state.after[row]
    j = end_column
    if end_row >= 0:
        seat(state, end_row, end_from)
        j = end_from
    while j != root:
        row, to = via_row[j], via_column[j]
        leave(state, row)
        seat(state, row, to)
        j = to
    for t in range(touched):
        distance[sight.touched[t]] = FAR
    return done


@compiled
def least_price(sight: Sight, state: State, column: int) -> int:
    """The lowest price of a column at which no row would rather have it."""
    teach(sight.columns, sight.wishers, column)
    hope(sight, state.u)
    price = np.int64(0)
    for row in range(len(state.u)):
        if sight.hopes[row] > price:
            price = max(price, worth_of(sight, row, column, 0) - state.u[row])
    return int(price)
