"""One mentor's scores with the mentees who may matter: a market read the other way round.

A row's scores with all mentors are sums over whole columns. For one mentor with all rows that would read a little of
every column. But most of a good score is what the mentor teaches, few rows wish for that, and the rest of a row's score
has a bound: so the wishes are added up first, and only rows that can still be good enough are scored.
"""

from typing import NamedTuple

import numpy as np

from .compiled import compiled, compiled_in_place
from .market import (
    COUNT_BITS,
    FULL_BITS,
    LARGEST_ADDEND,
    LIFT_BITS,
    Columns,
    Counted,
    Int8,
    Int32,
    Int64,
    Lists,
    Numbers,
    Singles,
)
from .scan import first_from

LIFT_SHIFT = LIFT_BITS + FULL_BITS


class Wishers(NamedTuple):
    """Who wishes for what: the rows of lift ``mark`` are ``rows[start[mark]:start[mark + 1]]``."""

    start: Int64
    rows: Int32
    full: Numbers
    """Beside ``rows``; see :class:`.market.Columns`."""
    rest: Int32
    """(n): no score of the row is higher than the points of its wishes and this."""
    further: Int32
    """(n): nor than the points of its wishes, its addends and this."""
    points: Int32
    """(n): memory for the points that a mentor gets for teaching."""
    taught: Int8
    """(n): memory for whether that is anything."""


def wishers(columns: Columns) -> Wishers:
    """The rows by what they wish for, and what they give beside that at most."""
    lists = columns.row_wishes
    rows, entries = _entries(lists)
    order = np.argsort(lists.items[entries], kind="stable")
    start = np.searchsorted(lists.items[entries[order]], np.arange(len(columns.lifts) + 1))
    count = len(columns.barred.start)
    further = _highest_counts_and_singles(columns)
    return Wishers(
        start=start.astype(np.int64),
        rows=rows[order],
        full=columns.row_full[entries[order]],
        rest=further + _highest_addends(columns),
        further=further,
        points=np.zeros(count, dtype=np.int32),
        taught=np.zeros(count, dtype=np.uint8),
    )


def _highest_addends(columns: Columns) -> Int32:
    rows, entries = _entries(columns.row_addends)
    points = columns.addends.max(axis=1, initial=-LARGEST_ADDEND)[columns.row_addends.items[entries]]
    highest = np.zeros(len(columns.barred.start), dtype=np.int32)
    np.add.at(highest, rows, points)
    return highest


def _highest_counts_and_singles(columns: Columns) -> Int32:
    rows, entries = _entries(columns.singles.rows)
    highest = np.zeros(len(columns.barred.start), dtype=np.int32)
    np.maximum.at(highest, rows, columns.singles.points[entries])
    for term in (columns.hours, columns.interests):
        highest[term.rows.start < term.rows.stop] += term.enough * int(term.times[0]) >> COUNT_BITS
    return highest


def _entries(lists: Lists) -> tuple[Int32, Int64]:
    """For each entry of all lists its row, and where it is in ``items``."""
    lengths = lists.stop - lists.start
    rows = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    before = np.cumsum(lengths) - lengths
    return rows, np.arange(len(rows)) - before[rows] + lists.start[rows]


@compiled
def teach(columns: Columns, wishers: Wishers, column: int) -> None:
    """Add up what the mentor gets for the wishes of all rows, into ``points`` and ``taught``."""
    wishers.points[:] = 0
    wishers.taught[:] = 0
    for mark in range(len(columns.lifts)):
        lift = np.int32(columns.lifts[mark, column])
        if lift != 0:
            for at in range(wishers.start[mark], wishers.start[mark + 1]):
                row = wishers.rows[at]
                wishers.points[row] += lift * np.int32(wishers.full[at]) >> LIFT_SHIFT
                wishers.taught[row] = 1


@compiled_in_place
def _counted(term: Counted, row: int, column: int) -> int:
    count = 0
    for at in range(term.rows.start[row], term.rows.stop[row]):
        count += term.marks[term.rows.items[at], column]
    return int(min(count, term.enough) * int(term.times[0]) >> COUNT_BITS)


@compiled_in_place
def _single(singles: Singles, row: int, column: int) -> int:
    mentors, stop = singles.rows.items, singles.rows.stop[row]
    at = first_from(mentors, singles.rows.start[row], stop, column)
    return int(singles.points[at]) if at < stop and mentors[at] == column else 0


@compiled_in_place
def may(columns: Columns, row: int, column: int) -> bool:
    """Whether the rules allow a pair, but for the one about teaching."""
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


@compiled_in_place
def addends(columns: Columns, row: int, column: int) -> int:
    """The addends of a pair."""
    lists = columns.row_addends
    points = 0
    for at in range(lists.start[row], lists.stop[row]):
        points += columns.addends[lists.items[at], column]
    return points


@compiled_in_place
def counts_and_singles(columns: Columns, row: int, column: int) -> int:
    """What a pair gets for what the two have in common, and for itself alone."""
    common = _counted(columns.hours, row, column) + _counted(columns.interests, row, column)
    return common + _single(columns.singles, row, column)
