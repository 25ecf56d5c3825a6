"""Searches like those of :mod:`.sparse`, over all pairs: rows and columns are scored when a search comes by.

With exact prices few rows are ever looked at, so one change of the pool costs a few passes over one row or column, not
a pass over all pairs (Mills-Tettey, Stentz & Dias 2007).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled
from .market import COUNT_BITS, FULL_BITS, LIFT_BITS, Columns, Int8, Int16, Int32, Lists, Singles
from .scan import BLOCK, WIDE_BYTES, Scores, bar, best_of, first_from, score_block
from .sparse import FAR, Scratch, State, leave, pop, push, seat

LIFT_SHIFT = LIFT_BITS + FULL_BITS


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
    column_scores: Int32
    """(n)"""
    column_addends: Int16
    column_lifts: Int8


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
    sight: Sight, state: State, scratch: Scratch, row: int, base: int, end: int, size: int, touched: int
) -> tuple[int, int]:
    """From a row at this distance, reach the columns that lie nearer than ``end``."""
    never = -(2**31) if sight.room.itemsize == WIDE_BYTES else -(2**15)
    divisor = max(sight.factor, 1)
    limit = (base - end - sight.bonus) // divisor
    at = sight.columns.barred.start[row]
    for low in range(0, len(state.v), BLOCK):
        high = min(low + BLOCK, len(state.v))
        score_block(sight.columns, row, low, high, sight.scores, sight.work)
        at = bar(sight.columns.barred.items, at, sight.columns.barred.stop[row], low, high, sight.work[0])
        width = high - low
        good = sight.work[0, :width]
        if best_of(sight.scores[:width], sight.small_prices[low:high], good, never, sight.room) <= limit:
            continue
        for t in range(width):
            if good[t] and sight.scores[t] >= sight.lowest:
                j = low + t
                worth = sight.factor * np.int64(sight.scores[t]) + sight.bonus
                far = base + state.v[j] - worth
                if worth > 0 and far < end and far < scratch.distance[j]:
                    if scratch.distance[j] == FAR:
                        sight.touched[touched] = j
                        touched += 1
                    scratch.distance[j] = far
                    scratch.via_row[j] = row
                    if size == len(scratch.heap_key):
                        size = without_stale(scratch, size)
                    size = push(scratch, size, far, j)
    return size, touched


@compiled
def forward(sight: Sight, state: State, scratch: Scratch, root: int) -> int:
    """Give an unmatched row with a price its place, or its price back. Returns how many rows were looked at."""
    u, v, distance = state.u, state.v, scratch.distance
    end = u[root]
    end_column, end_row = -1, root
    looked = 1
    done = 0
    size, touched = _reach(sight, state, scratch, root, u[root], end, 0, 0)
    while size > 0:
        here, j = scratch.heap_key[0], scratch.heap_column[0]
        if here >= end:
            break
        size = pop(scratch, size)
        if here > distance[j]:
            continue
        if state.load[j] < state.places[j]:
            end, end_column, end_row = here, j, -1
            break
        scratch.done[done] = j
        done += 1
        row = state.first[j]
        while row >= 0:
            if here + u[row] < end:
                end, end_column, end_row = here + u[row], j, row
            row = state.after[row]
        row = state.first[j]
        while row >= 0:
            size, touched = _reach(sight, state, scratch, row, here + u[row], end, size, touched)
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
def score_column(sight: Sight, column: int) -> None:
    """The scores of one mentor with all mentees, into ``sight.column_scores``; below any floor where it cannot be."""
    columns = sight.columns
    never = -(2**31)
    for k in range(len(columns.addends)):
        sight.column_addends[k] = columns.addends[k, column]
    for k in range(len(columns.lifts)):
        sight.column_lifts[k] = columns.lifts[k, column]
    for row in range(len(sight.column_scores)):
        sight.column_scores[row] = never
        if not sight.active[row] or not _may(sight, row, column):
            continue
        score = 0
        lists = columns.row_addends
        for at in range(lists.start[row], lists.stop[row]):
            score += sight.column_addends[lists.items[at]]
        lists = columns.row_wishes
        lifted = False
        for at in range(lists.start[row], lists.stop[row]):
            lift = int(sight.column_lifts[lists.items[at]])
            lifted = lifted or lift > 0
            score += lift * int(columns.row_full[at]) >> LIFT_SHIFT
        if columns.teaching and not lifted:
            continue
        score += _counted(
            columns.hours.marks, columns.hours.rows, columns.hours.enough, columns.hours.times[0], row, column
        )
        score += _counted(
            columns.interests.marks,
            columns.interests.rows,
            columns.interests.enough,
            columns.interests.times[0],
            row,
            column,
        )
        score += _single(columns.singles, row, column)
        if score >= sight.lowest:
            sight.column_scores[row] = score


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
def _may(sight: Sight, row: int, column: int) -> bool:
    """Whether the rules allow a pair, but for the one about teaching."""
    columns = sight.columns
    lists = columns.row_allowed
    for at in range(lists.start[row], lists.stop[row]):
        if columns.allowed[lists.items[at], column] == 0:
            return False
    if columns.meeting.active:
        lists = columns.meeting.rows
        met = False
        for at in range(lists.start[row], lists.stop[row]):
            if columns.meeting.marks[lists.items[at], column]:
                met = True
                break
        if not met:
            return False
    barred = columns.barred
    at = first_from(barred.items, barred.start[row], barred.stop[row], column)
    return not (at < barred.stop[row] and barred.items[at] == column)


@compiled
def _counted(marks: Int8, rows: Lists, enough: int, times: int, row: int, column: int) -> int:
    count = 0
    for at in range(rows.start[row], rows.stop[row]):
        count += marks[rows.items[at], column]
    return int(min(count, enough) * int(times) >> COUNT_BITS)


@compiled
def _single(singles: Singles, row: int, column: int) -> int:
    mentors, stop = singles.rows.items, singles.rows.stop[row]
    at = first_from(mentors, singles.rows.start[row], stop, column)
    return int(singles.points[at]) if at < stop and mentors[at] == column else 0


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
        if here + v[j] < end:
            end, end_column, end_row = here + v[j], j, -1
        score_column(sight, j)
        base = here + v[j]
        for row in range(len(u)):
            score = sight.column_scores[row]
            if score < sight.lowest or score == -(2**31):
                continue
            k = state.partner[row]
            worth = sight.factor * np.int64(score) + sight.bonus
            far = base + u[row] - worth
            if k == j or far >= end or worth <= 0:
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
    score_column(sight, column)
    price = np.int64(0)
    for row in range(len(state.u)):
        score = sight.column_scores[row]
        if score >= sight.lowest and score != -(2**31):
            price = max(price, sight.factor * np.int64(score) + sight.bonus - state.u[row])
    return int(price)
