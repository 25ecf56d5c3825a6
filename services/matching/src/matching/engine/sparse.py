"""The exact optimum on a list of candidate pairs, by shortest augmenting paths from both sides.

Prices: ``u`` of a row and ``v`` of a column (per place), none negative. A candidate pair of worth ``w`` has the slack
``u + v - w``, never negative; chosen pairs have none. The choice is optimal when, beside that, every row with a price
is matched and every column with a price is full. Rows that break the first are *forward* work, columns that break the
second are *backward* work; each search repairs one of them, keeps the rest and moves prices by the path's length
(Dijkstra on slacks; Kuhn 1955, Jonker & Volgenant 1987 without the square table). Staying alone is always possible.
"""

from typing import NamedTuple

import numpy as np

from .compiled import compiled
from .market import Int32, Int64

FAR = 2**62


class Graph(NamedTuple):
    """Candidate pairs, by row and by column."""

    start: Int64
    """(n + 1): the pairs of row i are ``start[i]`` to ``start[i + 1]``."""
    column: Int32
    worth: Int64
    column_start: Int64
    column_row: Int32
    column_worth: Int64


class State(NamedTuple):
    """Prices, choice, and who sits where: for each column a list of its rows."""

    u: Int64
    v: Int64
    places: Int64
    partner: Int32
    load: Int64
    first: Int32
    after: Int32
    before: Int32


class Scratch(NamedTuple):
    """Memory for searches; distances are FAR between searches."""

    distance: Int64
    via_row: Int32
    via_column: Int32
    done: Int32
    heap_key: Int64
    heap_column: Int32


def new_state(rows: int, places: Int64) -> State:
    """Nobody is matched and nothing has a price."""
    columns = len(places)
    return State(
        u=np.zeros(rows, dtype=np.int64),
        v=np.zeros(columns, dtype=np.int64),
        places=np.ascontiguousarray(places, dtype=np.int64),
        partner=np.full(rows, -1, dtype=np.int32),
        load=np.zeros(columns, dtype=np.int64),
        first=np.full(columns, -1, dtype=np.int32),
        after=np.full(rows, -1, dtype=np.int32),
        before=np.full(rows, -1, dtype=np.int32),
    )


def copy_of(state: State) -> State:
    """A state that changes by itself."""
    return State(
        u=state.u.copy(),
        v=state.v.copy(),
        places=state.places,
        partner=state.partner.copy(),
        load=state.load.copy(),
        first=state.first.copy(),
        after=state.after.copy(),
        before=state.before.copy(),
    )


def new_scratch(columns: int, pairs: int) -> Scratch:
    """For graphs of up to so many pairs."""
    return Scratch(
        distance=np.full(columns, FAR, dtype=np.int64),
        via_row=np.full(columns, -1, dtype=np.int32),
        via_column=np.full(columns, -1, dtype=np.int32),
        done=np.zeros(columns, dtype=np.int32),
        heap_key=np.zeros(pairs + columns + 1, dtype=np.int64),
        heap_column=np.zeros(pairs + columns + 1, dtype=np.int32),
    )


def graph_of(rows: int, columns: int, row: Int32, column: Int32, worth: Int64) -> Graph:
    """A graph from single pairs in ascending order of row, without repetitions."""
    start = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.bincount(row, minlength=rows), dtype=np.int64)))
    heads = np.concatenate((np.zeros(1, np.int64), np.cumsum(np.bincount(column, minlength=columns), dtype=np.int64)))
    column_row, column_worth = np.empty(len(row), np.int32), np.empty(len(row), np.int64)
    _by_column(row, column, worth, heads.copy(), column_row, column_worth)
    return Graph(start, column, worth, heads, column_row, column_worth)


@compiled
def _by_column(
    row: Int32, column: Int32, worth: Int64, next_place: Int64, column_row: Int32, column_worth: Int64
) -> None:
    for e in range(len(row)):
        at = next_place[column[e]]
        next_place[column[e]] = at + 1
        column_row[at] = row[e]
        column_worth[at] = worth[e]


@compiled
def seat(state: State, row: int, column: int) -> None:
    """Match a row that sits nowhere."""
    state.partner[row] = column
    head = state.first[column]
    state.after[row] = head
    state.before[row] = -1
    if head >= 0:
        state.before[head] = row
    state.first[column] = row
    state.load[column] += 1


@compiled
def leave(state: State, row: int) -> int:
    """Unmatch a row; returns where it sat."""
    column = state.partner[row]
    ahead, behind = state.before[row], state.after[row]
    if ahead >= 0:
        state.after[ahead] = behind
    else:
        state.first[column] = behind
    if behind >= 0:
        state.before[behind] = ahead
    state.partner[row] = -1
    state.load[column] -= 1
    return int(column)


@compiled
def push(scratch: Scratch, size: int, key: int, column: int) -> int:
    """Into the heap of this size; returns the new size."""
    keys, columns = scratch.heap_key, scratch.heap_column
    at = size
    while at > 0:
        up = (at - 1) >> 1
        if keys[up] <= key:
            break
        keys[at], columns[at] = keys[up], columns[up]
        at = up
    keys[at], columns[at] = key, column
    return size + 1


@compiled
def pop(scratch: Scratch, size: int) -> int:
    """Take the least entry of the heap away (it is at place 0 before the call); returns the new size."""
    keys, columns = scratch.heap_key, scratch.heap_column
    size -= 1
    key, column = keys[size], columns[size]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= size:
            break
        if down + 1 < size and keys[down + 1] < keys[down]:
            down += 1
        if keys[down] >= key:
            break
        keys[at], columns[at] = keys[down], columns[down]
        at = down
    keys[at], columns[at] = key, column
    return size


@compiled
def forward(graph: Graph, state: State, scratch: Scratch, root: int) -> None:
    """Give an unmatched row with a price its place, or its price back."""
    u, v = state.u, state.v
    distance, via_row = scratch.distance, scratch.via_row
    size, done, touched = 0, 0, 0
    end = u[root]
    end_column, end_row = -1, root
    for e in range(graph.start[root], graph.start[root + 1]):
        j = graph.column[e]
        far = u[root] + v[j] - graph.worth[e]
        if far < end and far < distance[j]:
            if distance[j] == FAR:
                scratch.via_column[touched] = j
                touched += 1
            distance[j] = far
            via_row[j] = root
            size = push(scratch, size, far, j)
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
            base = here + u[row]
            for e in range(graph.start[row], graph.start[row + 1]):
                k = graph.column[e]
                far = base + v[k] - graph.worth[e]
                if far < end and far < distance[k]:
                    if distance[k] == FAR:
                        scratch.via_column[touched] = k
                        touched += 1
                    distance[k] = far
                    via_row[k] = row
                    size = push(scratch, size, far, k)
            row = state.after[row]
    u[root] -= end
    for d in range(done):
        j = scratch.done[d]
        rise = end - distance[j]
        if rise > 0:
            v[j] += rise
            row = state.first[j]
            while row >= 0:
                u[row] -= rise
                row = state.after[row]
    if end_column >= 0:
        if end_row >= 0:
            leave(state, end_row)
        j = end_column
        while True:
            row = via_row[j]
            if row == root:
                seat(state, row, j)
                break
            before = leave(state, row)
            seat(state, row, j)
            j = before
    for t in range(touched):
        distance[scratch.via_column[t]] = FAR


@compiled
def backward(graph: Graph, state: State, scratch: Scratch, touched_columns: Int32, root: int) -> None:
    """Fill one free place of a column with a price, or lower the price to nothing."""
    u, v = state.u, state.v
    distance, via_row, via_column = scratch.distance, scratch.via_row, scratch.via_column
    size, done, touched = 0, 0, 0
    end = v[root]
    end_column, end_row, end_from = root, -1, -1
    distance[root] = 0
    touched_columns[touched] = root
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
        for e in range(graph.column_start[j], graph.column_start[j + 1]):
            row = graph.column_row[e]
            k = state.partner[row]
            if k == j:
                continue
            far = here + u[row] + v[j] - graph.column_worth[e]
            if far >= end:
                continue
            if k < 0:
                end, end_column, end_row, end_from = far, -1, row, j
            elif far < distance[k]:
                if distance[k] == FAR:
                    touched_columns[touched] = k
                    touched += 1
                distance[k] = far
                via_row[k] = row
                via_column[k] = j
                size = push(scratch, size, far, k)
    for d in range(done):
        j = scratch.done[d]
        fall = end - distance[j]
        if fall > 0:
            v[j] -= fall
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
        distance[touched_columns[t]] = FAR


@compiled
def settle(graph: Graph, state: State, scratch: Scratch, touched_columns: Int32, rows: Int32) -> int:
    """Make prices fit the candidates of these rows, then search until the choice is optimal. Returns the searches.

    ``rows`` are all rows whose candidates or prices changed since the state was optimal.
    """
    u, v = state.u, state.v
    searches = 0
    for i in range(len(rows)):
        row = rows[i]
        best = np.int64(0)
        own = np.int64(-FAR)
        for e in range(graph.start[row], graph.start[row + 1]):
            j = graph.column[e]
            value = graph.worth[e] - v[j]
            best = max(best, value)
            if j == state.partner[row]:
                own = value
        u[row] = best
        if state.partner[row] >= 0 and own < best:
            leave(state, row)
    for i in range(len(rows)):
        row = rows[i]
        if state.partner[row] < 0 and u[row] > 0:
            forward(graph, state, scratch, row)
            searches += 1
    for j in range(len(v)):
        while state.load[j] < state.places[j] and v[j] > 0:
            backward(graph, state, scratch, touched_columns, j)
            searches += 1
    return searches


@compiled
def bid(graph: Graph, state: State, bids: Int64, queue: Int32, step: int, most: int) -> int:
    """Rough prices by auction: rows outbid one another by at least ``step``. Returns the bids made, at most ``most``.

    (Bertsekas 1988, with places: a full column's price is its lowest bid.) Starts from nobody seated and no prices.
    """
    v = state.v
    rows = len(state.u)
    head, waiting, made = 0, rows, 0
    for i in range(rows):
        queue[i] = i
    while waiting > 0 and made < most:
        row = queue[head]
        head = head + 1 if head + 1 < rows else 0
        waiting -= 1
        best, second, choice = np.int64(0), np.int64(0), -1
        worth = np.int64(0)
        for e in range(graph.start[row], graph.start[row + 1]):
            j = graph.column[e]
            if state.places[j] <= 0:
                continue
            value = graph.worth[e] - v[j]
            if value > best:
                second, best, choice, worth = best, value, j, graph.worth[e]
            elif value > second:
                second = value
        if choice < 0:
            continue
        made += 1
        bids[row] = worth - second + step
        if state.load[choice] == state.places[choice]:
            out = _lowest(state, bids, choice)
            leave(state, out)
            tail = head + waiting
            queue[tail if tail < rows else tail - rows] = out
            waiting += 1
        seat(state, row, choice)
        if state.load[choice] == state.places[choice]:
            v[choice] = bids[_lowest(state, bids, choice)]
    return made


@compiled
def _lowest(state: State, bids: Int64, column: int) -> int:
    lowest = state.first[column]
    row = state.after[lowest]
    while row >= 0:
        if bids[row] < bids[lowest]:
            lowest = row
        row = state.after[row]
    return int(lowest)
