"""Scores by NumPy, as somebody without our engine would compute them: whole rows in integers, or matrix products.

The first gives exactly the engine's points, a mentee against all mentors at a time. The second rounds once per pair
instead of once per wish, so it may be off by a few points; only its time is compared.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from . import terms
from .people import UNITS, Integers, Pool

Points = NDArray[np.int32]
Flags = NDArray[np.bool_]
Singles = NDArray[np.float32]

_MASKS = 1 << terms.LANGUAGES
_SITES = len(terms.SITE_ZONES)


class Columns:
    """A pool's mentors as columns, one per thing that a mentee may ask for."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        mentors = pool.mentors
        self.level = np.zeros((terms.SKILLS, mentors), dtype=np.uint8)
        owner = np.repeat(np.arange(mentors), np.diff(pool.offer_start))
        self.level[pool.offer_skill, owner] = pool.offer_level
        self.hours = pool.mentor_hours.astype(np.uint64)
        self.unit = np.where(
            np.arange(UNITS)[:, None] == pool.mentor_unit, np.int16(0), np.int16(terms.OTHER_UNIT_POINTS)
        )
        self.site = _table(terms.proximity_points, range(_SITES), range(_SITES))[:, pool.mentor_site]
        self.spoken = _table(terms.language_points, range(_MASKS), range(_MASKS))[:, pool.mentor_languages]
        self.speaks = (np.arange(_MASKS)[:, None] & pool.mentor_languages) != 0
        self.bands = np.unique(pool.mentee_band)
        self.age = _table(lambda mentee, mentor: terms.age_points(mentor, mentee), self.bands, pool.mentor_band)
        self.motivation = _table(terms.motivation_points, range(6), range(6))[:, pool.mentor_motivation]
        self.line = pool.mentor_line
        self._hours_points = np.array([terms.hours_points(count) for count in range(terms.SLOTS + 1)], dtype=np.int16)

    def row(self, mentee: int) -> tuple[NDArray[np.int16], Flags]:
        """The points of this mentee with every mentor, and with whom no hard rule forbids a pair."""
        pool = self.pool
        points = self.unit[pool.mentee_unit[mentee]] + np.int16(terms.NOT_GIVEN_POINTS)
        points += self.site[pool.mentee_site[mentee]]
        points += self.spoken[pool.mentee_languages[mentee]]
        points += self.age[np.searchsorted(self.bands, pool.mentee_band[mentee])]
        points += self.motivation[pool.mentee_motivation[mentee]]
        shared = np.bitwise_count(self.hours & np.uint64(pool.mentee_hours[mentee]))
        points += self._hours_points.take(shared)
        wishes = slice(pool.wish_start[mentee], pool.wish_start[mentee + 1])
        priorities = pool.wish_priority[wishes]
        met = np.zeros(pool.mentors, dtype=np.bool_)
        wanted = zip(
            pool.wish_skill[wishes].tolist(), priorities.tolist(), pool.wish_level[wishes].tolist(), strict=True
        )
        for skill, priority, present in wanted:
            points += _wish_points(terms.SKILL_POINTS * priority // int(priorities.sum()), present).take(
                self.level[skill]
            )
            met |= self.level[skill] > present
        met &= shared > 0
        met &= self.speaks[pool.mentee_languages[mentee]]
        met &= self.line != pool.mentee_line[mentee]
        met[pool.previous_mentor[pool.previous_start[mentee] : pool.previous_start[mentee + 1]]] = False
        return points, met

    def worths(self) -> Iterator[NDArray[np.int16]]:
        """Row by row, what each pair is worth: its points, or nothing where a rule forbids it."""
        for mentee in range(self.pool.mentees):
            points, allowed = self.row(mentee)
            points *= allowed
            yield points


@lru_cache(maxsize=4096)
def _wish_points(full: int, present: int) -> NDArray[np.int16]:
    return np.array(
        [full * terms.lift(present, offered) >> terms.LIFT_BITS for offered in range(terms.TOP_LEVEL + 1)],
        dtype=np.int16,
    )


class Products:
    """The same as matrix products of 32-bit floats with masks, for pools whose mentees all begin at level 0."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        columns = Columns(pool)
        lifts = np.array([terms.lift(0, level) for level in range(terms.TOP_LEVEL + 1)], dtype=np.float32)
        self._offered = (columns.level > 0).astype(np.float32)
        self._mentor_hours = _bits(pool.mentor_hours)
        self._mentee_hours = _bits(pool.mentee_hours)
        self._speaks = columns.speaks
        self._line = columns.line
        one_hot = [
            np.eye(UNITS, dtype=np.float32)[:, pool.mentor_unit],
            np.eye(_SITES, dtype=np.float32)[:, pool.mentor_site],
            np.eye(_MASKS, dtype=np.float32)[1:, pool.mentor_languages],
        ]
        mentor_bands = np.unique(pool.mentor_band)
        one_hot.append((mentor_bands[:, None] == pool.mentor_band).astype(np.float32))
        self.mentors = np.concatenate(
            (
                lifts[columns.level] / 64,
                *one_hot,
                pool.mentor_motivation[None].astype(np.float32),
                np.ones((1, pool.mentors), dtype=np.float32),
            )
        )
        fulls = np.zeros((pool.mentees, terms.SKILLS), dtype=np.float32)
        owner = np.repeat(np.arange(pool.mentees), np.diff(pool.wish_start))
        sums = np.add.reduceat(pool.wish_priority, pool.wish_start[:-1])
        fulls[owner, pool.wish_skill] = terms.SKILL_POINTS * pool.wish_priority // sums[owner]
        self._wanted = (fulls > 0).astype(np.float32)
        units = np.float32(terms.OTHER_UNIT_POINTS) * (np.arange(UNITS) != np.arange(UNITS)[:, None])
        each = terms.MOTIVATION_POINTS // terms.TOP_MOTIVATION
        self.mentees = np.concatenate(
            (
                fulls,
                units.astype(np.float32)[pool.mentee_unit],
                _table(terms.proximity_points, range(_SITES), range(_SITES))[pool.mentee_site],
                _table(terms.language_points, range(_MASKS), range(1, _MASKS))[pool.mentee_languages],
                _table(lambda e, m: terms.age_points(m, e), pool.mentee_band, mentor_bands),
                np.full((pool.mentees, 1), each, dtype=np.float32),
                (each * pool.mentee_motivation[:, None] + terms.NOT_GIVEN_POINTS).astype(np.float32),
            ),
            axis=1,
        ).astype(np.float32)

    @property
    def features(self) -> int:
        """Numbers per person in one product that would give points, shared slots included."""
        return int(self.mentees.shape[1]) + terms.SLOTS

    def block(self, rows: slice) -> Singles:
        """What the pairs of these mentees are worth, to within a point per wish."""
        pool = self.pool
        points: Singles = self.mentees[rows] @ self.mentors
        shared = self._mentee_hours[rows] @ self._mentor_hours.T
        points += terms.HOURS_POINTS // terms.ENOUGH_SLOTS * np.minimum(shared, terms.ENOUGH_SLOTS)
        allowed = (self._wanted[rows] @ self._offered) > 0
        allowed &= shared > 0
        allowed &= self._speaks[pool.mentee_languages[rows]]
        allowed &= self._line != pool.mentee_line[rows, None]
        points *= allowed
        for row, mentee in enumerate(range(pool.mentees)[rows]):
            points[row, pool.previous_mentor[pool.previous_start[mentee] : pool.previous_start[mentee + 1]]] = 0
        return points

    def bare(self) -> tuple[Singles, Singles]:
        """The operands of the one product that a dense formulation cannot do without."""
        mentees = np.concatenate((self.mentees, self._mentee_hours), axis=1)
        mentors = np.concatenate((self.mentors, self._mentor_hours.T))
        return np.ascontiguousarray(mentees), np.ascontiguousarray(mentors)


def _bits(hours: Integers) -> Singles:
    return (hours[:, None] >> np.arange(terms.SLOTS) & 1).astype(np.float32)


def _table(points: Callable[[int, int], int], rows: Iterable[int], columns: Iterable[int]) -> NDArray[np.int16]:
    distinct, back = np.unique(np.asarray(list(columns)), return_inverse=True)
    owners, home = np.unique(np.asarray(list(rows)), return_inverse=True)
    table = np.array([[points(int(row), int(column)) for column in distinct] for row in owners], dtype=np.int16)
    return table[:, back][home]
