"""From people to columns: a pool as :mod:`matching.domain.scoring` and :mod:`matching.domain.rules` judge it.

What a term gives depends on few things that a mentee says. Each different saying becomes one mark, computed once
over all mentors; mentees who say the same share it.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..domain import scoring
from ..domain.candidate import Candidate
from ..domain.hours import SLOT_MINUTES, SLOTS
from ..domain.rules import Charter, History, main_language
from .market import (
    COUNT_BITS,
    FULL_BITS,
    HIGHEST_FACTOR,
    HIGHEST_NARROW_SCORE,
    Columns,
    Counted,
    Int8,
    Int64,
    Lists,
    Market,
    Needed,
    Numbers,
    Singles,
    lists,
    numbers,
)
from .side import Flags, Integers, Side

Sayer = TypeVar("Sayer")
Number = TypeVar("Number", bound=np.integer[Any])


class _Marks:
    """Columns by what is said, each made once; and which of them each row says."""

    def __init__(self, rows: int, *, keep_zeros: bool = False) -> None:
        self._keep_zeros = keep_zeros
        self.rows: list[list[int]] = [[] for _ in range(rows)]
        self._number: dict[Hashable, int] = {}
        self._columns: list[Integers | Flags] = []

    def say(self, row: int, saying: Hashable, column: Callable[[Sayer], Integers | Flags], sayer: Sayer) -> None:
        """A row says something, of which ``column`` makes a column. Zeros are left out, unless they mean something."""
        number = self._number.get(saying)
        if number is None:
            made = column(sayer)
            number = len(self._columns) if self._keep_zeros or made.any() else -1
            self._number[saying] = number
            if number >= 0:
                self._columns.append(made)
        if number >= 0:
            self.rows[row].append(number)

    def columns(self, width: int, kind: type[Number]) -> NDArray[Number]:
        """(marks, width); one column of zeros where nothing was said."""
        return np.array(self._columns, dtype=kind) if self._columns else np.zeros((1, width), dtype=kind)


def encode(mentors: Side, mentees: Side, charter: Charter, history: History, places: Int64) -> Market:
    """The market of these two sides. Raises: OverflowError where weights are beyond what the columns hold."""
    weights = charter.policy.weights
    singles = _ranked_wishes(mentors, mentees, weights.ranked_wishes)
    every_weight = sum(weights.model_dump().values())
    factors = (
        weights.skills << FULL_BITS,
        _times(weights.shared_hours, scoring.ENOUGH_SHARED_MINUTES // SLOT_MINUTES),
        _times(weights.interests, scoring.ENOUGH_COMMON_GROUND),
    )
    wide = every_weight > HIGHEST_NARROW_SCORE or max(factors) > HIGHEST_FACTOR  # whoever will wish changes nothing
    addends = _addends(mentors, mentees.people, charter)
    allowed = _allowed(mentors, mentees.people, charter)
    lifts, row_wishes, row_full = _wishes(mentors, mentees.people, weights.skills, wide=wide)
    return Market(
        Columns(
            addends=addends.columns(mentors.count, np.int16),
            row_addends=lists(addends.rows),
            lifts=lifts,
            row_wishes=row_wishes,
            row_full=row_full,
            teaching=charter.policy.require_wanted_skill,
            hours=_shared_hours(mentors, mentees, weights.shared_hours, wide=wide),
            interests=_common_ground(mentors, mentees, weights.interests, wide=wide),
            allowed=allowed.columns(mentors.count, np.uint8),
            row_allowed=lists(allowed.rows),
            meeting=_meeting(mentors, mentees, charter),
            barred=_barred(mentors, mentees.people, charter, history),
            singles=singles,
        ),
        places=np.ascontiguousarray(places, dtype=np.int64),
        highest=every_weight - (0 if len(singles.points) else weights.ranked_wishes),
        lowest=0,
        wide=wide,
    )


def _addends(mentors: Side, mentees: Sequence[Candidate], charter: Charter) -> _Marks:
    """The terms that depend on one or two things that a mentee says."""
    marks = _Marks(len(mentees))
    for row, mentee in enumerate(mentees):
        languages = frozenset(map(main_language, mentee.languages))
        marks.say(row, ("motivation", mentee.motivation), mentors.motivation, mentee)
        marks.say(row, ("age", mentee.age_band), mentors.age_gap, mentee)
        marks.say(row, ("unit", mentee.unit), mentors.other_unit, mentee)
        marks.say(row, ("proximity", mentee.site, mentee.time_zone), mentors.proximity, mentee)
        marks.say(row, ("languages", languages), mentors.further_languages, mentee)
        marks.say(row, ("grade", mentee.grade_band), mentors.seniority_gap, mentee)
        marks.say(row, ("grid",), mentors.grid, mentee)
        for offer in mentee.skills_offered:
            if offer.skill in mentors.by_wish and charter.policy.weights.reciprocity:
                marks.say(row, ("offer", offer.skill, offer.level), mentors.gives_back, offer)
    return marks


def _allowed(mentors: Side, mentees: Sequence[Candidate], charter: Charter) -> _Marks:
    """The rules that depend on one thing that a mentee says; a column of zeros forbids everybody, and must be kept."""
    marks = _Marks(len(mentees), keep_zeros=True)
    for row, mentee in enumerate(mentees):
        if charter.policy.require_shared_language:
            languages = frozenset(map(main_language, mentee.languages))
            marks.say(row, ("languages", languages), mentors.speaks_with, mentee)
        if charter.policy.forbid_same_unit and mentee.unit is not None:
            marks.say(row, ("unit", mentee.unit), mentors.of_another_unit, mentee)
    return marks


def _wishes(mentors: Side, mentees: Sequence[Candidate], weight: int, *, wide: bool) -> tuple[Int8, Lists, Numbers]:
    """What mentors lift, by skill and the mentee's level; and each mentee's wishes with four times their points."""
    marks = _Marks(len(mentees))
    full: list[int] = []
    for row, mentee in enumerate(mentees):
        for wish, points in zip(mentee.skills_wanted, scoring.full_lifts(mentee, weight), strict=True):
            if wish.skill in mentors.by_offer:
                known = len(marks.rows[row])
                marks.say(row, (wish.skill, wish.level), mentors.lifts, wish)
                full.extend([points << FULL_BITS] * (len(marks.rows[row]) - known))
    return (
        marks.columns(mentors.count, np.uint8),
        lists(marks.rows),
        numbers(full, most=1 << scoring.LIFT_BITS, wide=wide),
    )


def _shared_hours(mentors: Side, mentees: Side, weight: int, *, wide: bool) -> Counted:
    enough = scoring.ENOUGH_SHARED_MINUTES // SLOT_MINUTES
    marks, rows = _half_hours(mentors.weeks, mentees.weeks, enough)
    return _counted(marks, rows, weight, enough, wide=wide)


def _common_ground(mentors: Side, mentees: Side, weight: int, *, wide: bool) -> Counted:
    codes = sorted(mentors.by_interest.keys() & mentees.by_interest.keys())
    marks = np.zeros((max(len(codes), 1), mentors.count), dtype=np.uint8)
    rows: list[list[int]] = [[] for _ in range(mentees.count)]
    for number, code in enumerate(codes):
        marks[number, mentors.by_interest[code]] = 1
        for row in mentees.by_interest[code].tolist():
            rows[row].append(number)
    return _counted(marks, lists(rows), weight, scoring.ENOUGH_COMMON_GROUND, wide=wide)


def _counted(marks: Int8, rows: Lists, weight: int, enough: int, *, wide: bool) -> Counted:
    """A term of ``weight * count // enough`` points."""
    return Counted(marks, rows, enough, numbers([_times(weight, enough)], most=enough, wide=wide))


def _times(weight: int, enough: int) -> int:
    """The factor of a counted term. Exact for any count, as rounding it up adds less than one part of ``enough``."""
    return -(-(weight << COUNT_BITS) // enough)


def _meeting(mentors: Side, mentees: Side, charter: Charter) -> Needed:
    marks, rows = _half_hours(mentors.stretches, mentees.stretches, 1)
    return Needed(marks, rows, charter.policy.require_shared_hour)


def _half_hours(mentors: Sequence[int], mentees: Sequence[int], enough: int) -> tuple[Int8, Lists]:
    """Marks for half hours of the week. Those in which the very same people are free become one that counts more."""
    ours, theirs = _bits(mentors), _bits(mentees)
    alike: dict[bytes, list[int]] = defaultdict(list)
    used = np.flatnonzero(ours.any(axis=0) & theirs.any(axis=0)).tolist()
    packed_ours, packed_theirs = np.packbits(ours, axis=0), np.packbits(theirs, axis=0)
    for half_hour in used:
        alike[packed_ours[:, half_hour].tobytes() + packed_theirs[:, half_hour].tobytes()].append(half_hour)
    first = [group[0] for group in alike.values()]
    count = np.array([min(len(group), enough) for group in alike.values()], dtype=np.uint8)
    marks = np.ascontiguousarray(ours[:, first].T * count[:, None]) if first else np.zeros((1, len(mentors)), np.uint8)
    rows, numbers_of_rows = np.nonzero(theirs[:, first])
    stop = np.searchsorted(rows, np.arange(len(mentees)), side="right")
    start = np.searchsorted(rows, np.arange(len(mentees)), side="left")
    return marks, Lists(start.astype(np.int64), stop.astype(np.int64), numbers_of_rows.astype(np.int32))


def _bits(weeks: Sequence[int]) -> Int8:
    """Weeks as flags: (people, half hours)."""
    packed = b"".join(slots.to_bytes(SLOTS // 8, "little") for slots in weeks)
    return np.unpackbits(np.frombuffer(packed, dtype=np.uint8).reshape(-1, SLOTS // 8), axis=1, bitorder="little")


def _barred(mentors: Side, mentees: Sequence[Candidate], charter: Charter, history: History) -> Lists:
    """Pairs that are forbidden one by one."""
    previous, excluded = partners(history.previous), partners(history.excluded)
    rows = []
    for mentee in mentees:
        barred = set(mentors.persons((mentee.person_ref, *previous.get(mentee.person_ref, ()))))
        barred.update(mentors.volunteers(excluded.get(mentee.id, ())))
        if charter.policy.forbid_same_line:
            barred.update(mentors.in_line_with(mentee))
        rows.append(sorted(barred))
    return lists(rows)


def _ranked_wishes(mentors: Side, mentees: Side, weight: int) -> Singles:
    """The points of each pair of which one wished for the other, of either side."""
    both: list[dict[int, int]] = [defaultdict(int) for _ in range(mentees.count)]
    for row, mentee in enumerate(mentees.people):
        for id_ in mentee.ranked_wishes:
            for column in mentors.volunteers((id_,)):
                both[row][column] += scoring.wished(mentee, id_)
    for column, mentor in enumerate(mentors.people):
        for id_ in mentor.ranked_wishes:
            for row in mentees.volunteers((id_,)):
                both[row][column] += scoring.wished(mentor, id_)
    points = [
        {column: scoring.wish_points(wishes, weight) for column, wishes in sorted(row.items())} if weight else {}
        for row in both
    ]
    return Singles(
        lists([list(row) for row in points]),
        np.array([given for row in points for given in row.values()], dtype=np.int16),
    )


def partners(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The mentors of each mentee."""
    found: dict[str, list[str]] = defaultdict(list)
    for mentor, mentee in pairs:
        found[mentee].append(mentor)
    return found
