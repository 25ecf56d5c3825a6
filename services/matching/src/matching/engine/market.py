"""What the engine is asked, as columns: everything that gives a pair its score, or forbids it.

Rows are mentees and columns are mentors. People are alike in most of what they say (a site, a birth band, a
language), so each thing that anybody can say is one *mark*: a column over all mentors. A row lists its marks, and
its scores with all mentors are sums over whole columns:

    score = addends + (full * lift >> 6, for each wish) + (times * min(count, enough) >> 8, for each counted term)
            + what is given to the pair alone

All in whole numbers, so that a score never depends on the order of a sum.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Int8 = NDArray[np.uint8]
Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
Numbers = NDArray[np.int16] | NDArray[np.int32]
"""Factors: 16 bits where scores are narrow (see :attr:`Market.wide`), else 32; both multiply without overflow."""

LIFT_BITS = 6
COUNT_BITS = 8
FULL_BITS = 2
"""``row_full`` holds the points of a full lift times two to this power: the product is then shifted by 16 in all."""
UNMATCHED = -1
HIGHEST_NARROW_SCORE = 16_000
"""Up to here scores are added up in 16 bits."""
HIGHEST_FACTOR = 2**15 - 1
LARGEST_ADDEND = 30_000


class Lists(NamedTuple):
    """For each row some numbers: ``items[start[row]:stop[row]]``."""

    start: Int64
    stop: Int64
    items: Int32


class Counted(NamedTuple):
    """A term that counts what two people have in common: ``times * min(count, enough) >> 8`` points."""

    marks: Int8
    """(marks, m): how much each mark counts, 0 to 63."""
    rows: Lists
    enough: int
    """At most 63."""
    times: Numbers
    """One number: see :func:`numbers`."""


class Needed(NamedTuple):
    """A rule: a pair needs at least one of the row's marks. Where not ``active``, nothing is needed."""

    marks: Int8
    rows: Lists
    active: bool


class Singles(NamedTuple):
    """Points of single pairs: ``points[at]`` for the mentor ``rows.items[at]``, in ascending order within a row."""

    rows: Lists
    points: Int16


class Columns(NamedTuple):
    """The question in arrays, as the compiled loops read it. ``m`` mentors; rows as in the lists."""

    addends: Int16
    """(marks, m): the points that a mentor gets from everybody who has this mark."""
    row_addends: Lists
    lifts: Int8
    """(skills and levels, m): 0 to 64, how far a mentor takes a learner at this level of this skill."""
    row_wishes: Lists
    row_full: Numbers
    """Beside ``row_wishes.items``: four times the points of a full lift."""
    teaching: bool
    """Whether a pair needs a lift above zero."""
    hours: Counted
    interests: Counted
    allowed: Int8
    """(marks, m): 1 where the mark allows the pair. A pair is allowed by all marks of its row."""
    row_allowed: Lists
    meeting: Needed
    barred: Lists
    """Single mentors that a row can never have, in ascending order."""
    singles: Singles
    """What the ranked wishes of two people give to them: as much memory as there are wishes."""


@dataclass(frozen=True)
class Market:
    """One question to the engine."""

    columns: Columns
    places: Int64
    """Of each mentor. A mentee has one."""
    highest: int
    """No score is above this."""
    lowest: int
    """No score is below this."""
    wide: bool
    """Whether scores may leave 16 bits. It decides the width of the factors in ``columns``."""

    def __post_init__(self) -> None:
        """Refuse what the compiled loops would take, but read two to three times slower.

        Raises: ValueError where an array does not lie in C order without gaps.
        """
        for name, array in (*_arrays("columns", self.columns), ("places", self.places)):
            if not array.flags.c_contiguous:
                raise ValueError(f"{name} must be C-contiguous: see numpy.ascontiguousarray")

    @property
    def rows(self) -> int:
        """How many mentees."""
        return len(self.columns.barred.start)

    def only(self, mentors: Int64) -> "Market":
        """The market of these mentors alone, who are named in ascending order."""
        columns = self.columns
        place = np.full(len(self.places), UNMATCHED, dtype=np.int32)
        place[mentors] = np.arange(len(mentors), dtype=np.int32)
        barred, _ = _of_those_left(columns.barred, place)
        single, left = _of_those_left(columns.singles.rows, place)
        return replace(
            self,
            columns=columns._replace(
                addends=np.take(columns.addends, mentors, axis=1),
                lifts=np.take(columns.lifts, mentors, axis=1),
                hours=columns.hours._replace(marks=np.take(columns.hours.marks, mentors, axis=1)),
                interests=columns.interests._replace(marks=np.take(columns.interests.marks, mentors, axis=1)),
                allowed=np.take(columns.allowed, mentors, axis=1),
                meeting=columns.meeting._replace(marks=np.take(columns.meeting.marks, mentors, axis=1)),
                barred=barred,
                singles=Singles(single, columns.singles.points[left]),
            ),
            places=self.places[mentors],
        )


def _of_those_left(lists: Lists, place: Int32) -> tuple[Lists, NDArray[np.bool_]]:
    """Lists of mentors by their new places, and which entries are left: ``place`` is ``UNMATCHED`` for who is gone."""
    items = place[lists.items]
    left = items != UNMATCHED
    before = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(left, dtype=np.int64)))
    return Lists(before[lists.start], before[lists.stop], items[left]), left


def _arrays(name: str, part: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    if isinstance(part, np.ndarray):
        yield name, part
    elif isinstance(part, tuple):
        for field, inner in part._asdict().items():  # type: ignore[attr-defined]
            yield from _arrays(f"{name}.{field}", inner)


def lists(rows: list[list[int]]) -> Lists:
    """Lists from plain lists."""
    stop = np.cumsum([len(row) for row in rows], dtype=np.int64) if rows else np.zeros(0, dtype=np.int64)
    start = np.concatenate((np.zeros(1, dtype=np.int64), stop[:-1])) if rows else stop.copy()
    return Lists(start, stop, np.array([number for row in rows for number in row], dtype=np.int32))


def no_lists(rows: int) -> Lists:
    """An empty list for each row."""
    nothing = np.zeros(rows, dtype=np.int64)
    return Lists(nothing, nothing.copy(), np.zeros(0, dtype=np.int32))


def numbers(values: list[int], *, most: int, wide: bool) -> Numbers:
    """Factors in the width that goes with the scores, for counts up to ``most``. Raises: OverflowError."""
    highest = max(values, default=0)
    if (highest > HIGHEST_FACTOR and not wide) or highest * (most << COUNT_BITS) >= 2**31:
        raise OverflowError(f"a factor of {highest} is too large")
    return np.array(values, dtype=np.int32) if wide else np.array(values, dtype=np.int16)


def no_counts(rows: int, mentors: int, *, wide: bool) -> Counted:
    """A term that gives nobody anything."""
    return Counted(np.zeros((1, mentors), dtype=np.uint8), no_lists(rows), 0, numbers([0], most=0, wide=wide))


def no_need(rows: int, mentors: int) -> Needed:
    """A rule that forbids nothing."""
    return Needed(np.zeros((1, mentors), dtype=np.uint8), no_lists(rows), False)


def no_singles(rows: int) -> Singles:
    """No points for any single pair."""
    return Singles(no_lists(rows), np.zeros(0, dtype=np.int16))


def from_scores(scores: NDArray[np.integer], feasible: NDArray[np.bool_], places: Int64) -> Market:
    """A market from a table of scores, row by column, and of the pairs that are possible at all.

    Raises: ValueError where a score lies outside -30,000 to 30,000.
    """
    rows, mentors = scores.shape
    if scores.size and (scores.min() < -LARGEST_ADDEND or scores.max() > LARGEST_ADDEND):
        raise ValueError(f"scores of a table must lie within {-LARGEST_ADDEND} and {LARGEST_ADDEND}")
    own = lists([[row] for row in range(rows)])
    wide = bool(np.abs(scores).max(initial=0) > HIGHEST_NARROW_SCORE)
    return Market(
        Columns(
            addends=np.ascontiguousarray(scores, dtype=np.int16),
            row_addends=own,
            lifts=np.zeros((1, mentors), dtype=np.uint8),
            row_wishes=no_lists(rows),
            row_full=numbers([], most=0, wide=wide),
            teaching=False,
            hours=no_counts(rows, mentors, wide=wide),
            interests=no_counts(rows, mentors, wide=wide),
            allowed=np.ascontiguousarray(feasible, dtype=np.uint8),
            row_allowed=own,
            meeting=no_need(rows, mentors),
            barred=no_lists(rows),
            singles=no_singles(rows),
        ),
        places=np.ascontiguousarray(places, dtype=np.int64),
        highest=int(scores.max(initial=0)),
        lowest=int(scores.min(initial=0)),
        wide=wide,
    )
