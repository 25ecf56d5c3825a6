"""The scores of all pairs, computed where they are looked at and never stored.

A block of mentors stays in the processor's cache while all mentees pass over it. What is kept of a mentee's scores
are the few best, or those above a limit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .compiled import compiled, compiled_in_place
from .market import Columns, Counted, Int8, Int32, Int64, Needed, Singles

BLOCK = 2048
"""Mentors looked at together."""
STRETCH = 64
"""Mentors of a block among whom the best are sought one by one, if any of them is good enough."""
ANY_SCORE = -(2**30)
WIDE_BYTES = 4
SHIFT, WORD = 8, 16
"""The high half of a product of two 16-bit numbers is one instruction, where one of them is shifted up before."""
OUT_OF_REACH = 2**30
"""A price that nobody pays."""
NOBODY = 2**62
"""The limit of a row that is not to be looked at."""
Scores = NDArray[np.signedinteger]


class Found(NamedTuple):
    """The best pairs of each row so far, in no order: ``kept[i]`` of row ``i``."""

    column: Int32
    """(n, at most so many a row), as the next two."""
    score: Int32
    value: Int64
    kept: Int32
    least: Int32
    """Where in a full row the least value is."""


@compiled
def score_block(columns: Columns, row: int, low: int, high: int, scores: Scores, work: Int8) -> None:
    """See :func:`score_block_here`, for callers to whom a call costs little."""
    score_block_here(columns, row, low, high, scores, work)


@compiled_in_place
def score_block_here(columns: Columns, row: int, low: int, high: int, scores: Scores, work: Int8) -> None:
    """The scores of one row with the mentors from ``low`` to ``high``, and which of the pairs are possible.

    Writes ``scores[: high - low]``, and 1 or 0 into ``work[0]``; ``work`` is (2, BLOCK). Single barred pairs are not
    looked at: see :func:`bar`.
    """
    width = high - low
    out = scores[:width]
    lists = columns.row_addends
    at, stop = lists.start[row], lists.stop[row]
    if at < stop:
        one = columns.addends[lists.items[at], low:high]
        for t in range(width):
            out[t] = one[t]
        at += 1
    else:
        out[:] = 0
    while at + 3 < stop:
        one = columns.addends[lists.items[at], low:high]
        two = columns.addends[lists.items[at + 1], low:high]
        three = columns.addends[lists.items[at + 2], low:high]
        four = columns.addends[lists.items[at + 3], low:high]
        for t in range(width):
            out[t] += one[t] + two[t] + three[t] + four[t]
        at += 4
    while at < stop:
        one = columns.addends[lists.items[at], low:high]
        for t in range(width):
            out[t] += one[t]
        at += 1
    good = work[0, :width]
    more = work[1, :width]
    lists = columns.row_allowed
    at, stop = lists.start[row], lists.stop[row]
    if at < stop:
        mark = columns.allowed[lists.items[at], low:high]
        for t in range(width):
            good[t] = mark[t]
        at += 1
    else:
        good[:] = 1
    while at < stop:
        mark = columns.allowed[lists.items[at], low:high]
        for t in range(width):
            good[t] &= mark[t]
        at += 1
    _add_wishes(columns, row, low, high, out, more)
    if columns.teaching:
        for t in range(width):
            good[t] &= more[t] > 0
    _add_counted(columns.hours, row, low, high, out, more)
    _add_counted(columns.interests, row, low, high, out, more)
    if columns.meeting.active:
        _mark_any(columns.meeting, row, low, high, more)
        for t in range(width):
            good[t] &= more[t]
    _add_singles(columns.singles, row, low, high, out)


@compiled_in_place
def _add_wishes(columns: Columns, row: int, low: int, high: int, out: Scores, lifted: Int8) -> None:
    """Add the points of the row's wishes, and mark who lifts it in any."""
    width = high - low
    wishes = columns.row_wishes
    at, stop = wishes.start[row], wishes.stop[row]
    lifted[:width] = 0
    while at < stop:
        lift = columns.lifts[wishes.items[at], low:high]
        for t in range(width):
            lifted[t] |= lift[t]
        _add_scaled(lift, columns.row_full[at], out)
        at += 1


@compiled_in_place
def _add_counted(term: Counted, row: int, low: int, high: int, out: Scores, count: Int8) -> None:
    """Add the points for what the row has in common with each mentor."""
    marks = term.rows.items
    at, stop = term.rows.start[row], term.rows.stop[row]
    if at == stop:
        return
    width = high - low
    most = np.uint8(term.enough)
    count[:width] = 0
    while at + 2 < stop:
        one, two, three = (
            term.marks[marks[at], low:high],
            term.marks[marks[at + 1], low:high],
            term.marks[marks[at + 2], low:high],
        )
        for t in range(width):
            count[t] = min(np.uint8(count[t] + one[t] + two[t] + three[t]), most)
        at += 3
    while at < stop:
        one = term.marks[marks[at], low:high]
        for t in range(width):
            count[t] = min(np.uint8(count[t] + one[t]), most)
        at += 1
    _add_scaled(count[:width], term.times[0], out)


@compiled_in_place
def _add_scaled(parts: Int8, times: int, out: Scores) -> None:
    """Add ``parts * times >> 8``, rounded down."""
    for t in range(len(parts)):
        out[t] += np.int16(np.int32(np.int32(np.int16(np.int16(parts[t]) << SHIFT)) * np.int32(times)) >> WORD)


@compiled_in_place
def _add_singles(singles: Singles, row: int, low: int, high: int, out: Scores) -> None:
    """Add the points that single pairs of the row have alone."""
    mentors, stop = singles.rows.items, singles.rows.stop[row]
    at = first_from(mentors, singles.rows.start[row], stop, low)
    while at < stop and mentors[at] < high:
        out[mentors[at] - low] += singles.points[at]
        at += 1


@compiled_in_place
def _mark_any(rule: Needed, row: int, low: int, high: int, met: Int8) -> None:
    """Mark the mentors who have any of the row's marks."""
    marks = rule.rows.items
    at, stop = rule.rows.start[row], rule.rows.stop[row]
    width = high - low
    met[:width] = 0
    while at + 2 < stop:
        one, two, three = (
            rule.marks[marks[at], low:high],
            rule.marks[marks[at + 1], low:high],
            rule.marks[marks[at + 2], low:high],
        )
        for t in range(width):
            met[t] |= one[t] | two[t] | three[t]
        at += 3
    while at < stop:
        one = rule.marks[marks[at], low:high]
        for t in range(width):
            met[t] |= one[t]
        at += 1


@compiled
def bar(barred: Int32, start: int, stop: int, low: int, high: int, possible: Int8) -> int:
    """Forbid the single pairs of a row that lie in the block. Returns where the next block goes on."""
    at = start
    while at < stop and barred[at] < high:
        possible[barred[at] - low] = 0
        at += 1
    return at


@compiled
def first_from(ascending: Int32, start: int, stop: int, number: int) -> int:
    """The first place from ``start`` on that holds ``number`` or more."""
    low, high = start, stop
    while low < high:
        middle = (low + high) >> 1
        if ascending[middle] < number:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def score_row(columns: Columns, row: int, never: int, scores: Int32, block: Scores, work: Int8) -> None:
    """The scores of one row with all mentors, into ``scores``; ``never`` where a pair is forbidden."""
    mentors = len(scores)
    at = columns.barred.start[row]
    for low in range(0, mentors, BLOCK):
        high = min(low + BLOCK, mentors)
        score_block(columns, row, low, high, block, work)
        at = bar(columns.barred.items, at, columns.barred.stop[row], low, high, work[0])
        for t in range(high - low):
            scores[low + t] = block[t] if work[0, t] else never


@compiled
def look(
    columns: Columns,
    low: int,
    high: int,
    lowest: int,
    factor: int,
    count_possible: bool,
    prices: Int64,
    small_prices: Scores,
    room: Scores,
    limit: Int64,
    found: Found,
    cursor: Int64,
    scores: Scores,
    work: Int8,
    chance: int,
) -> int:
    """Look at one block of mentors for all rows; keep each row's best pairs above its limit.

    With ``chance`` above 0, any of them instead, drawn at random; another number draws others.

    A pair's *value* is ``factor * score - price``; pairs that score below ``lowest`` do not count. ``limit[i]`` is the
    value that the pairs of row ``i`` must exceed; it rises to the least value kept once the row has as many in
    ``found`` as can be kept.
    ``small_prices`` are ``prices // factor``, in 16 bits where they fit, else in 32: a first look, exact for factor 1,
    that leaves out whole blocks; ``room`` is memory of the same width.
    Returns the number of possible pairs in the block, if they are to be counted.
    """
    width = high - low
    possible = 0
    price = prices[low:high]
    divisor = max(factor, 1)
    never = -(2**31) if room.itemsize == WIDE_BYTES else -(2**15)
    for row in range(len(cursor)):
        if limit[row] >= NOBODY:
            continue
        score_block_here(columns, row, low, high, scores, work)
        cursor[row] = bar(columns.barred.items, cursor[row], columns.barred.stop[row], low, high, work[0])
        good = work[0, :width]
        if lowest > ANY_SCORE:
            for t in range(width):
                good[t] &= scores[t] >= lowest
        if count_possible:
            possible += _ones(good)
        bound = limit[row] // divisor
        if best_of(scores[:width], small_prices[low:high], good, never, room) <= bound:
            continue
        for first in range(0, width, STRETCH):
            last = min(first + STRETCH, width)
            if highest(room[first:last]) <= bound:
                continue
            for t in range(first, last):
                if room[t] > bound and good[t]:
                    value = factor * np.int64(scores[t]) - price[t]
                    if value > limit[row] and chance:
                        _draw(found, row, low + t, scores[t], chance)
                    elif value > limit[row]:
                        limit[row] = _keep(found, row, low + t, scores[t], value, limit[row])
                        bound = limit[row] // divisor
    return possible


@compiled
def _ones(flags: Int8) -> int:
    """How many are 1."""
    total = np.int32(0)
    for t in range(len(flags)):
        total += np.int32(flags[t])
    return int(total)


@compiled
def best_of(scores: Scores, prices: Scores, good: Int8, never: int, room: Scores) -> int:
    """The highest difference of score and price over the possible pairs; ``never`` if there is none.

    ``room`` is memory of the width in which the differences are taken.
    """
    width = len(scores)
    for t in range(width):
        room[t] = scores[t] - prices[t] if good[t] else never
    return highest(room[:width])


@compiled
def highest(numbers: Scores) -> int:
    """The highest of some numbers."""
    best = numbers[0]
    for t in range(len(numbers)):
        if numbers[t] > best:  # noqa: PLR1730 - max() would leave the width of the array
            best = numbers[t]
    return int(best)


@compiled
def _draw(found: Found, row: int, column: int, score: int, chance: int) -> None:
    """Keep a pair, unless the row's places are taken by pairs that drew higher numbers."""
    drawn = np.int64(row) * 2_654_435_761 + np.int64(column) * 2_246_822_519 + chance * 3_266_489_917
    drawn = (drawn ^ (drawn >> 29)) * 668_265_263
    drawn = (drawn ^ (drawn >> 32)) & (2**62 - 1)
    if found.kept[row] < len(found.value[row]) or drawn > found.value[row, found.least[row]]:
        _keep(found, row, column, score, int(drawn), 0)


@compiled
def _keep(found: Found, row: int, column: int, score: int, value: int, limit: int) -> int:
    """Keep a pair among the best of its row; returns the new limit."""
    values = found.value[row]
    keep = len(values)
    at = found.kept[row]
    if at < keep:
        found.kept[row] = at + 1
    else:
        at = found.least[row]
    found.column[row, at] = column
    found.score[row, at] = score
    values[at] = value
    if found.kept[row] < keep:
        return limit
    least, place = values[0], 0
    for k in range(1, keep):
        if values[k] < least:
            least, place = values[k], k
    found.least[row] = place
    return int(max(limit, least))
