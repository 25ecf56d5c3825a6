"""One side of a pool as columns, with an index from whatever can be said to those who say it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from shared.contracts import OfferedSkill, WantedSkill

from ..domain import scoring
from ..domain.candidate import Candidate
from ..domain.hours import SLOTS, slots_of_a_meeting, stretch_starts, utc_offset_minutes, weekly_slots
from ..domain.rules import Charter, main_language

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_NOT_GIVEN = -1
_LIFT = np.array([[scoring.lift(present, offered) for offered in range(6)] for present in range(6)], dtype=np.int64)


class Side:
    """All mentors, or all mentees. A method looks at one person of the other side and gives a column over this one."""

    def __init__(self, people: Sequence[Candidate], charter: Charter) -> None:
        self.people = people
        self.count = len(people)
        self._charter = charter
        self._weights = charter.policy.weights
        self._motivation = _numbers(person.motivation for person in people)
        self._age = _numbers(_age(person) for person in people)
        self._grade = _numbers(_NOT_GIVEN if person.grade_band is None else person.grade_band for person in people)
        self._grid = _numbers(_NOT_GIVEN if person.grid_score is None else person.grid_score for person in people)
        self._offset = _numbers(utc_offset_minutes(person.time_zone, charter.week) for person in people)
        self._unit_given = np.array([person.unit is not None for person in people], dtype=np.bool_)
        self.weeks = [weekly_slots(person.availability, person.time_zone, charter.week) for person in people]
        """The half hours in which each is free."""
        length = slots_of_a_meeting(charter.session_minutes)
        self.stretches = [stretch_starts(free, length) for free in self.weeks]
        """The half hours from which each is free for a meeting."""
        self._packed_stretches = _packed(self.stretches)
        self._by_person = _index((person.person_ref,) for person in people)
        self._by_volunteer = _index((person.id,) for person in people)
        self._by_unit = _index(given(person.unit) for person in people)
        self._by_site = _index(given(person.site) for person in people)
        self._by_line = _index(given(person.line_self) for person in people)
        self._by_line_above = _index(person.line_above for person in people)
        self._by_language = _index(map(main_language, person.languages) for person in people)
        self.by_interest = _index(
            (*(f"i {code}" for code in p.interests), *(f"g {code}" for code in p.goals)) for p in people
        )
        """Interests and goals, which never meet each other."""
        self.by_offer = _index((offer.skill for offer in person.skills_offered) for person in people)
        self.by_wish = _index((wish.skill for wish in person.skills_wanted) for person in people)
        offers = [{offer.skill: offer.level for offer in person.skills_offered} for person in people]
        self._offered = {
            skill: _numbers(offers[at][skill] for at in who.tolist()) for skill, who in self.by_offer.items()
        }
        wishes = [{wish.skill: wish.level for wish in person.skills_wanted} for person in people]
        self._wanted = {
            skill: _numbers(wishes[at][skill] for at in who.tolist()) for skill, who in self.by_wish.items()
        }
        fulls = [_full_by_skill(person, self._weights.reciprocity) for person in people]
        self._full = {skill: _numbers(fulls[at][skill] for at in who.tolist()) for skill, who in self.by_wish.items()}

    def motivation(self, other: Candidate) -> Integers:
        """The points for both sides' motivation."""
        return self._weights.motivation * (self._motivation + other.motivation) // scoring.TOP_MOTIVATION

    def age_gap(self, mentee: Candidate) -> Integers:
        """The points for the gap in age to this mentee."""
        weight = self._weights.age_gap
        neutral = np.full(self.count, weight // 2, dtype=np.int64)
        if mentee.age_band is None:
            return neutral
        off = self._age - _age(mentee) - 2 * self._charter.policy.age_gap_target
        width = scoring.AGE_GAP_HALF_WIDTH**2
        return np.where(self._age == _NOT_GIVEN, neutral, weight * width // (width + off * off))

    def other_unit(self, other: Candidate) -> Integers:
        """The points for working elsewhere."""
        weight = self._weights.other_unit
        points = np.full(self.count, weight // 2, dtype=np.int64)
        if other.unit is not None:
            points[self._unit_given] = weight
            points[self.of_unit(other)] = 0
        return points

    def proximity(self, other: Candidate) -> Integers:
        """The points for the same site, or for clocks that are close."""
        weight = self._weights.proximity
        day = 2 * scoring.HALF_A_DAY
        apart = np.abs(self._offset - utc_offset_minutes(other.time_zone, self._charter.week)) % day
        apart = np.minimum(apart, day - apart)
        share, parts = scoring.OTHER_SITE_SHARE
        points: Integers = weight * share * (scoring.HALF_A_DAY - apart) // (parts * scoring.HALF_A_DAY)
        points[self._having(self._by_site, given(other.site))] = weight
        return points

    def further_languages(self, other: Candidate) -> Integers:
        """The points for shared languages beyond the first."""
        shared = np.zeros(self.count, dtype=np.int64)
        for language in set(map(main_language, other.languages)):
            if language in self._by_language:
                shared[self._by_language[language]] += 1
        further = np.clip(shared - 1, 0, scoring.ENOUGH_FURTHER_LANGUAGES)
        return self._weights.shared_languages * further // scoring.ENOUGH_FURTHER_LANGUAGES

    def seniority_gap(self, mentee: Candidate) -> Integers:
        """The points for standing below this mentee."""
        weight = self._weights.seniority_gap
        neutral = np.full(self.count, weight // 2, dtype=np.int64)
        if mentee.grade_band is None:
            return neutral
        gap = np.clip(mentee.grade_band - self._grade, 0, scoring.FULL_SENIORITY_GAP)
        return np.where(self._grade == _NOT_GIVEN, neutral, weight * gap // scoring.FULL_SENIORITY_GAP)

    def grid(self, _other: Candidate) -> Integers:
        """The points of these mentors for their competence grid, the same with everybody."""
        weight = self._weights.grid
        points = weight * self._grid // scoring.FULL_GRID_SCORE
        return np.where(self._grid == _NOT_GIVEN, weight // 2, points)

    def gives_back(self, offer: OfferedSkill) -> Integers:
        """The points for what somebody's offer gives to these learners."""
        points = np.zeros(self.count, dtype=np.int64)
        who = self.by_wish[offer.skill]
        points[who] = self._full[offer.skill] * _LIFT[self._wanted[offer.skill], offer.level] >> scoring.LIFT_BITS
        return points

    def lifts(self, wish: WantedSkill) -> Integers:
        """How far each of these teachers lifts somebody with this wish."""
        lifts = np.zeros(self.count, dtype=np.int64)
        lifts[self.by_offer[wish.skill]] = _LIFT[wish.level, self._offered[wish.skill]]
        return lifts

    def persons(self, person_refs: Iterable[str]) -> Iterator[int]:
        """The positions of these persons."""
        return _positions(self._by_person, person_refs)

    def volunteers(self, ids: Iterable[str]) -> Iterator[int]:
        """The positions of these volunteers."""
        return _positions(self._by_volunteer, ids)

    def in_line_with(self, other: Candidate) -> Iterator[int]:
        """The positions of those who stand above or below in the hierarchy; some come twice."""
        yield from _positions(self._by_line_above, given(other.line_self))
        yield from _positions(self._by_line, other.line_above)

    def can_meet(self, other: Candidate) -> Flags:
        """Who can begin a meeting in the same half hour of the week."""
        week = weekly_slots(other.availability, other.time_zone, self._charter.week)
        starts = stretch_starts(week, slots_of_a_meeting(self._charter.session_minutes))
        shared = self._packed_stretches & _packed((starts,))
        return np.asarray(shared.any(axis=1))

    def of_unit(self, other: Candidate) -> Flags:
        """Who works in the same unit."""
        return self._having(self._by_unit, given(other.unit))

    def of_another_unit(self, other: Candidate) -> Flags:
        """Who works elsewhere, or does not say where."""
        return ~self.of_unit(other)

    def speaks_with(self, other: Candidate) -> Flags:
        """Who shares a language."""
        return self._having(self._by_language, map(main_language, other.languages))

    def taught_by(self, offers: Iterable[OfferedSkill]) -> Flags:
        """Who wants something that these offers lift."""
        flags = np.zeros(self.count, dtype=np.bool_)
        for offer in offers:
            if offer.skill in self.by_wish:
                flags[self.by_wish[offer.skill]] |= self._wanted[offer.skill] < offer.level
        return flags

    def teaches(self, wishes: Iterable[WantedSkill]) -> Flags:
        """Who lifts any of these wishes."""
        flags = np.zeros(self.count, dtype=np.bool_)
        for wish in wishes:
            if wish.skill in self.by_offer:
                flags[self.by_offer[wish.skill]] |= self._offered[wish.skill] > wish.level
        return flags

    def _having(self, index: dict[str, Integers], codes: Iterable[str]) -> Flags:
        flags = np.zeros(self.count, dtype=np.bool_)
        for code in codes:
            if code in index:
                flags[index[code]] = True
        return flags


def _positions(index: dict[str, Integers], codes: Iterable[str]) -> Iterator[int]:
    for code in codes:
        if code in index:
            yield from index[code].tolist()


def _packed(weeks: Sequence[int]) -> NDArray[np.uint8]:
    """Weeks as bits: (people, bytes)."""
    packed = b"".join(week.to_bytes(SLOTS // 8, "little") for week in weeks)
    return np.frombuffer(packed, dtype=np.uint8).reshape(-1, SLOTS // 8)


def given(code: str | None) -> tuple[str, ...]:
    """The code, where there is one."""
    return () if code is None else (code,)


def _full_by_skill(person: Candidate, weight: int) -> dict[str, int]:
    fulls = scoring.full_lifts(person, weight)
    return {wish.skill: full for wish, full in zip(person.skills_wanted, fulls, strict=True)}


def _index(codes_of_each: Iterable[Iterable[str]]) -> dict[str, Integers]:
    """From a code to the positions of those who have it."""
    positions: dict[str, list[int]] = defaultdict(list)
    for position, codes in enumerate(codes_of_each):
        for code in set(codes):
            positions[code].append(position)
    return {code: np.array(where, dtype=np.int64) for code, where in positions.items()}


def _numbers(values: Iterable[int]) -> Integers:
    return np.fromiter(values, dtype=np.int64)


def _age(person: Candidate) -> int:
    return _NOT_GIVEN if person.age_band is None else scoring.birth_years(person.age_band)
