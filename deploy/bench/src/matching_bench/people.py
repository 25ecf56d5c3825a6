"""Made-up people in the shape of a large company, as columns: the same for the same seed.

200 skills with Zipf popularity mixed per department, 30 departments, 20 sites with time zones, 5 languages, ages 21-38
and 40-66, 4 to 8 three-hour slots a week within 8:00-20:00 local time; mentors offer 4-10 skills at levels 1-5,
mentees want 3-6 at priorities 1-3; capacity 1-3; up to 3 previous pairings; reporting lines of about 40 people. About
a fifth of all pairs break no hard rule.
"""

from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .terms import LANGUAGES, OFFSETS, SKILLS, open_slots

Integers = NDArray[np.int64]

UNITS = 30
LINE_SIZE = 40
POPULARITY = 1.1
"""Exponent of the Zipf law of skills."""
OWN_TASTE = 0.5
"""Share of a department's own ranking of the skills in what its people offer and want."""
MENTOR_AGES, MENTEE_AGES, THIS_YEAR = (21, 38), (40, 66), 2026
BAND_YEARS = 5
CAPACITY_SHARES = (0.5, 0.3, 0.2)
SECOND_ENGLISH, THIRD_LANGUAGE = 0.58, 0.12
HOME_LANGUAGE = (1, 1, 1, 2, 2, 2, 0, 0, 0, 0, 3, 2, 0, 0, 4, 0, 0, 0, 0, 0)
"""Of each site: English, French, German, Spanish, Portuguese."""
_AT_A_TIME = 16_384
_MOST_PREVIOUS = 3


class Mode(StrEnum):
    """How many mentees a mentor takes."""

    CAPACITY = "capacity 1-3"
    ONE_TO_ONE = "one-to-one"


@dataclass(frozen=True)
class Pool:
    """Mentors and mentees as columns; ``mentor_*`` have one entry per mentor, ``mentee_*`` one per mentee.

    Lists of different lengths stand one after the other: those of ``i`` are ``x_start[i]`` to ``x_start[i + 1]``.
    """

    places: Integers
    mentor_unit: Integers
    mentee_unit: Integers
    mentor_site: Integers
    mentee_site: Integers
    mentor_languages: Integers
    """Bits."""
    mentee_languages: Integers
    mentor_band: Integers
    """First of the five birth years that are told."""
    mentee_band: Integers
    mentor_motivation: Integers
    mentee_motivation: Integers
    mentor_hours: Integers
    """Bits: the three-hour slots of the UTC working week."""
    mentee_hours: Integers
    mentor_line: Integers
    mentee_line: Integers
    offer_start: Integers
    offer_skill: Integers
    offer_level: Integers
    wish_start: Integers
    wish_skill: Integers
    wish_priority: Integers
    wish_level: Integers
    """Where the mentee stands today."""
    previous_start: Integers
    previous_mentor: Integers
    """The mentors with whom each mentee was paired before, ascending."""

    @property
    def mentors(self) -> int:
        """How many."""
        return len(self.places)

    @property
    def mentees(self) -> int:
        """How many."""
        return len(self.mentee_unit)

    @property
    def seats(self) -> Integers:
        """Each mentor as often as they have places."""
        return np.repeat(np.arange(self.mentors), self.places)

    def save(self, path: Path) -> None:
        """Write as an uncompressed ``.npz``."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(path) as data:
            return cls(**{field.name: data[field.name] for field in fields(cls)})


def people(size: int, seed: int, mode: Mode = Mode.CAPACITY, *, levels: int = 1) -> Pool:
    """``size`` mentors and as many mentees. With ``levels`` above 1, mentees may know something already."""
    chance = np.random.default_rng((seed, size))
    tastes = _tastes(chance)
    site_share = _zipf(len(OFFSETS), 0.5)
    units = [chance.integers(UNITS, size=size) for _ in range(2)]
    sites = [chance.choice(len(OFFSETS), size=size, p=site_share) for _ in range(2)]
    mentor_line, mentee_line = _lines(chance, units[0], units[1])
    offer_start, offer_skill = _skills(chance, tastes, units[0], 4, 10)
    wish_start, wish_skill = _skills(chance, tastes, units[1], 3, 6)
    previous_start, previous_mentor = _previous(chance, size)
    capacity = chance.choice((1, 2, 3), size=size, p=CAPACITY_SHARES)
    return Pool(
        places=capacity if mode is Mode.CAPACITY else np.ones(size, dtype=np.int64),
        mentor_unit=units[0],
        mentee_unit=units[1],
        mentor_site=sites[0],
        mentee_site=sites[1],
        mentor_languages=_languages(chance, sites[0]),
        mentee_languages=_languages(chance, sites[1]),
        mentor_band=_bands(chance, size, MENTOR_AGES),
        mentee_band=_bands(chance, size, MENTEE_AGES),
        mentor_motivation=chance.integers(1, 6, size=size),
        mentee_motivation=chance.integers(1, 6, size=size),
        mentor_hours=_hours(chance, sites[0]),
        mentee_hours=_hours(chance, sites[1]),
        mentor_line=mentor_line,
        mentee_line=mentee_line,
        offer_start=offer_start,
        offer_skill=offer_skill,
        offer_level=chance.integers(1, 6, size=len(offer_skill)),
        wish_start=wish_start,
        wish_skill=wish_skill,
        wish_priority=chance.integers(1, 4, size=len(wish_skill)),
        wish_level=chance.integers(levels, size=len(wish_skill)),
        previous_start=previous_start,
        previous_mentor=previous_mentor,
    )


def _zipf(count: int, exponent: float) -> NDArray[np.float64]:
    shares = np.arange(1, count + 1, dtype=np.float64) ** -exponent
    shares /= shares.sum()
    return shares


def _tastes(chance: np.random.Generator) -> NDArray[np.float64]:
    """How popular each skill is in each department."""
    popularity = _zipf(SKILLS, POPULARITY)
    own = np.stack([popularity[chance.permutation(SKILLS)] for _ in range(UNITS)])
    return (1 - OWN_TASTE) * popularity + OWN_TASTE * own


def _skills(
    chance: np.random.Generator, tastes: NDArray[np.float64], unit: Integers, fewest: int, most: int
) -> tuple[Integers, Integers]:
    counts = chance.integers(fewest, most + 1, size=len(unit))
    return _drawn(chance, 1 / tastes, unit, counts)


def _hours(chance: np.random.Generator, site: Integers) -> Integers:
    waits = np.stack([np.where(open_slots(int(offset)), 1.0, np.inf) for offset in OFFSETS])
    start, slots = _drawn(chance, waits, site, chance.integers(4, 9, size=len(site)))
    bits: Integers = np.add.reduceat(np.int64(1) << slots, start[:-1])
    return bits


def _drawn(
    chance: np.random.Generator, waits: NDArray[np.float64], kind: Integers, counts: Integers
) -> tuple[Integers, Integers]:
    """``counts`` different things for each person, drawn one after the other; in a race the first arrivals win."""
    most = int(counts.max())
    parts = []
    for begin in range(0, len(kind), _AT_A_TIME):
        rows = slice(begin, begin + _AT_A_TIME)
        arrivals = chance.standard_exponential((len(kind[rows]), waits.shape[1])) * waits[kind[rows]]
        first = np.argpartition(arrivals, most - 1, axis=1)[:, :most]
        first = np.take_along_axis(first, np.take_along_axis(arrivals, first, axis=1).argsort(axis=1), axis=1)
        first[np.arange(most) >= counts[rows, None]] = waits.shape[1]
        first.sort(axis=1)
        parts.append(first[first < waits.shape[1]])
    return _starts(counts), np.concatenate(parts)


def _languages(chance: np.random.Generator, site: Integers) -> Integers:
    home = np.array(HOME_LANGUAGE)[site]
    english = chance.random(len(site)) < SECOND_ENGLISH
    third = chance.random(len(site)) < THIRD_LANGUAGE
    other = chance.integers(LANGUAGES, size=len(site))
    bits: Integers = np.int64(1) << home
    return bits | english | np.where(third, np.int64(1) << other, 0)


def _bands(chance: np.random.Generator, size: int, ages: tuple[int, int]) -> Integers:
    born = THIS_YEAR - chance.integers(ages[0], ages[1] + 1, size=size)
    return born - born % BAND_YEARS


def _lines(chance: np.random.Generator, one: Integers, other: Integers) -> tuple[Integers, Integers]:
    """Each department is cut into lines of about forty people of both sides."""
    people_of = np.bincount(one, minlength=UNITS) + np.bincount(other, minlength=UNITS)
    lines = np.maximum(1, np.round(people_of / LINE_SIZE).astype(np.int64))
    first = np.cumsum(lines) - lines
    drawn = [first[unit] + chance.integers(lines[unit]) for unit in (one, other)]
    return drawn[0], drawn[1]


def _previous(chance: np.random.Generator, size: int) -> tuple[Integers, Integers]:
    counts = chance.integers(_MOST_PREVIOUS + 1, size=size)
    mentors = np.sort(chance.integers(size, size=(size, _MOST_PREVIOUS)), axis=1)
    kept = np.arange(_MOST_PREVIOUS) < counts[:, None]
    kept[:, 1:] &= mentors[:, 1:] != mentors[:, :-1]
    return _starts(kept.sum(axis=1)), mentors[kept]


def _starts(counts: Integers) -> Integers:
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
