"""The scores of all pairs, one mentee against all mentors at a time, in whole numbers.

Gives for every pair exactly what :mod:`matching.domain.scoring` and :mod:`matching.domain.rules` give for one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..domain import scoring
from ..domain.candidate import Candidate
from ..domain.hours import (
    SLOT_MINUTES,
    SLOTS,
    slots_of_a_meeting,
    stretch_starts,
    utc_offset_minutes,
    weekly_slots,
)
from ..domain.rules import Charter, HardRule, History, main_language

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Words = NDArray[np.uint64]

RULES = tuple(rule for rule in HardRule if rule is not HardRule.NOT_READY)
"""In the order of the columns of ``forbidden_*``. Nobody who is not ready gets here."""

_WORDS = -(-SLOTS // 64)
_NOT_GIVEN = -1
_LIFT = np.array([[scoring.lift(present, offered) for offered in range(6)] for present in range(6)], dtype=np.int64)


@dataclass(frozen=True)
class Scored:
    """All pairs of a pool: mentees are rows, mentors are columns."""

    scores: NDArray[np.int32]
    feasible: Flags
    forbidden_to_mentees: Integers
    """How many mentors each rule forbids to each mentee."""
    forbidden_to_mentors: Integers


class _Mentors:
    """The mentors as columns, with an index from every code to the mentors who have it."""

    def __init__(self, mentors: Sequence[Candidate], charter: Charter) -> None:
        self.count = len(mentors)
        self.motivation = _numbers(person.motivation for person in mentors)
        self.age = _numbers(_age(person) for person in mentors)
        self.grade = _numbers(_or_not_given(person.grade_band) for person in mentors)
        self.offset = _numbers(utc_offset_minutes(person.time_zone, charter.week) for person in mentors)
        slots = [weekly_slots(person.availability, person.time_zone, charter.week) for person in mentors]
        length = slots_of_a_meeting(charter.session_minutes)
        self.slots = _words(slots)
        self.stretches = _words(stretch_starts(free, length) for free in slots)
        self.unit_given = np.array([person.unit is not None for person in mentors], dtype=np.bool_)

        self.by_person = _index((person.person_ref,) for person in mentors)
        self.by_volunteer = _index((person.id,) for person in mentors)
        self.by_unit = _index(_given(person.unit) for person in mentors)
        self.by_site = _index(_given(person.site) for person in mentors)
        self.by_line = _index(_given(person.line_self) for person in mentors)
        self.by_line_above = _index(person.line_above for person in mentors)
        self.by_language = _index(map(main_language, person.languages) for person in mentors)
        self.by_interest = _index(person.interests for person in mentors)
        self.by_goal = _index(person.goals for person in mentors)
        self.by_offer = _index((offer.skill for offer in person.skills_offered) for person in mentors)
        self.by_wish = _index((wish.skill for wish in person.skills_wanted) for person in mentors)
        offers = [{offer.skill: offer.level for offer in person.skills_offered} for person in mentors]
        self.offered_level = {
            skill: _numbers(offers[at][skill] for at in who.tolist()) for skill, who in self.by_offer.items()
        }
        wishes = [{wish.skill: wish for wish in person.skills_wanted} for person in mentors]
        weight = charter.policy.weights.reciprocity
        fulls = [
            dict(zip((w.skill for w in p.skills_wanted), scoring.full_lifts(p, weight), strict=True)) for p in mentors
        ]
        self.wish_full = {
            skill: _numbers(fulls[at][skill] for at in who.tolist()) for skill, who in self.by_wish.items()
        }
        self.wish_level = {
            skill: _numbers(wishes[at][skill].level for at in who.tolist()) for skill, who in self.by_wish.items()
        }

    def count_of(self, index: dict[str, Integers], codes: Iterable[str]) -> Integers:
        """How many of these different codes each mentor has."""
        counts = np.zeros(self.count, dtype=np.int64)
        for code in codes:
            if code in index:
                counts[index[code]] += 1
        return counts

    def having(self, index: dict[str, Integers], codes: Iterable[str]) -> Flags:
        """The mentors who have any of these codes."""
        flags = np.zeros(self.count, dtype=np.bool_)
        for code in codes:
            if code in index:
                flags[index[code]] = True
        return flags


def score_all(
    mentors: Sequence[Candidate],
    mentees: Sequence[Candidate],
    charter: Charter,
    history: History,
    progress: Callable[[float], None] = lambda _: None,
) -> Scored:
    """Score every mentee against every mentor. ``progress`` is told the share done, from 0 to 1."""
    columns = _Mentors(mentors, charter)
    previous = _partners(history.previous)
    excluded = _partners(history.excluded)
    scores = np.zeros((len(mentees), len(mentors)), dtype=np.int32)
    feasible = np.zeros((len(mentees), len(mentors)), dtype=np.bool_)
    to_mentees = np.zeros((len(mentees), len(RULES)), dtype=np.int64)
    to_mentors = np.zeros((len(mentors), len(RULES)), dtype=np.int64)
    for row, mentee in enumerate(mentees):
        points, languages, stretches, unmet = _points(columns, mentee, charter)
        forbidden = _forbidden(
            columns,
            mentee,
            charter,
            previous.get(mentee.person_ref, ()),
            excluded.get(mentee.id, ()),
            no_language=languages == 0,
            no_hour=~stretches,
            no_skill=unmet,
        )
        scores[row] = points
        feasible[row] = ~forbidden.any(axis=0)
        to_mentees[row] = forbidden.sum(axis=1)
        to_mentors += forbidden.T
        if row % 64 == 0:
            progress(row / len(mentees))
    return Scored(scores=scores, feasible=feasible, forbidden_to_mentees=to_mentees, forbidden_to_mentors=to_mentors)


def _points(mentors: _Mentors, mentee: Candidate, charter: Charter) -> tuple[Integers, Integers, Flags, Flags]:
    """The scores with all mentors; and the shared languages, hours on end, and who teaches nothing."""
    weights = charter.policy.weights
    covered, met = _covered(mentors, mentee, weights.skills)
    languages = mentors.count_of(mentors.by_language, set(map(main_language, mentee.languages)))
    further = np.clip(languages - 1, 0, scoring.ENOUGH_FURTHER_LANGUAGES)
    common = mentors.count_of(mentors.by_interest, mentee.interests)
    common += mentors.count_of(mentors.by_goal, mentee.goals)
    common = np.minimum(common, scoring.ENOUGH_COMMON_GROUND)
    slots = weekly_slots(mentee.availability, mentee.time_zone, charter.week)
    mine = _words([slots])
    minutes = np.bitwise_count(mentors.slots & mine).sum(axis=1, dtype=np.int64) * SLOT_MINUTES
    minutes = np.minimum(minutes, scoring.ENOUGH_SHARED_MINUTES)
    stretches = _words([stretch_starts(slots, slots_of_a_meeting(charter.session_minutes))])
    can_meet: Flags = (mentors.stretches & stretches).max(axis=1) > 0

    points = covered + _age_gap(mentors, mentee, charter)
    points += _other_unit(mentors, mentee, weights.other_unit)
    points += weights.motivation * (mentors.motivation + mentee.motivation) // scoring.TOP_MOTIVATION
    points += _proximity(mentors, mentee, charter)
    points += weights.shared_hours * minutes // scoring.ENOUGH_SHARED_MINUTES
    points += weights.shared_languages * further // scoring.ENOUGH_FURTHER_LANGUAGES
    points += weights.interests * common // scoring.ENOUGH_COMMON_GROUND
    points += _given_back(mentors, mentee)
    points += _seniority_gap(mentors, mentee, weights.seniority_gap)
    return points, languages, can_meet, ~met


def _covered(mentors: _Mentors, mentee: Candidate, weight: int) -> tuple[Integers, Flags]:
    """The points for the mentee's wishes, and whether any of them is met."""
    points = np.zeros(mentors.count, dtype=np.int64)
    met = np.zeros(mentors.count, dtype=np.bool_)
    for wish, full in zip(mentee.skills_wanted, scoring.full_lifts(mentee, weight), strict=True):
        who = mentors.by_offer.get(wish.skill)
        if who is not None:
            lifts = _LIFT[wish.level, mentors.offered_level[wish.skill]]
            points[who] += full * lifts >> scoring.LIFT_BITS
            met[who] |= lifts > 0
    return points, met


def _given_back(mentors: _Mentors, mentee: Candidate) -> Integers:
    points = np.zeros(mentors.count, dtype=np.int64)
    for offer in mentee.skills_offered:
        who = mentors.by_wish.get(offer.skill)
        if who is not None:
            lifts = _LIFT[mentors.wish_level[offer.skill], offer.level]
            points[who] += mentors.wish_full[offer.skill] * lifts >> scoring.LIFT_BITS
    return points


def _age_gap(mentors: _Mentors, mentee: Candidate, charter: Charter) -> Integers:
    weight = charter.policy.weights.age_gap
    neutral = np.full(mentors.count, weight // 2, dtype=np.int64)
    if mentee.age_band is None:
        return neutral
    off = mentors.age - _age(mentee) - 2 * charter.policy.age_gap_target
    width = scoring.AGE_GAP_HALF_WIDTH**2
    points: Integers = weight * width // (width + off * off)
    return np.where(mentors.age == _NOT_GIVEN, neutral, points)


def _other_unit(mentors: _Mentors, mentee: Candidate, weight: int) -> Integers:
    points = np.full(mentors.count, weight // 2, dtype=np.int64)
    if mentee.unit is not None:
        points[mentors.unit_given] = weight
        points[mentors.having(mentors.by_unit, (mentee.unit,))] = 0
    return points


def _proximity(mentors: _Mentors, mentee: Candidate, charter: Charter) -> Integers:
    weight = charter.policy.weights.proximity
    day = 2 * scoring.HALF_A_DAY
    apart = np.abs(mentors.offset - utc_offset_minutes(mentee.time_zone, charter.week)) % day
    apart = np.minimum(apart, day - apart)
    share, parts = scoring.OTHER_SITE_SHARE
    points: Integers = weight * share * (scoring.HALF_A_DAY - apart) // (parts * scoring.HALF_A_DAY)
    points[mentors.having(mentors.by_site, _given(mentee.site))] = weight
    return points


def _seniority_gap(mentors: _Mentors, mentee: Candidate, weight: int) -> Integers:
    neutral = np.full(mentors.count, weight // 2, dtype=np.int64)
    if mentee.grade_band is None:
        return neutral
    gap = np.clip(mentee.grade_band - mentors.grade, 0, scoring.FULL_SENIORITY_GAP)
    return np.where(mentors.grade == _NOT_GIVEN, neutral, weight * gap // scoring.FULL_SENIORITY_GAP)


def _forbidden(
    mentors: _Mentors,
    mentee: Candidate,
    charter: Charter,
    previous: Iterable[str],
    excluded: Iterable[str],
    *,
    no_language: Flags,
    no_hour: Flags,
    no_skill: Flags,
) -> Flags:
    """For each of ``RULES``, the mentors whom it forbids to this mentee."""
    policy = charter.policy
    nobody = np.zeros(mentors.count, dtype=np.bool_)
    line = mentors.having(mentors.by_line_above, _given(mentee.line_self))
    line |= mentors.having(mentors.by_line, mentee.line_above)
    forbidden = {
        HardRule.SAME_PERSON: mentors.having(mentors.by_person, (mentee.person_ref,)),
        HardRule.EXCLUDED: mentors.having(mentors.by_volunteer, excluded),
        HardRule.PREVIOUS_PAIRING: mentors.having(mentors.by_person, previous),
        HardRule.SAME_LINE: line if policy.forbid_same_line else nobody,
        HardRule.SAME_UNIT: mentors.having(mentors.by_unit, _given(mentee.unit)) if policy.forbid_same_unit else nobody,
        HardRule.SHARED_LANGUAGE: no_language if policy.require_shared_language else nobody,
        HardRule.SHARED_HOUR: no_hour if policy.require_shared_hour else nobody,
        HardRule.WANTED_SKILL: no_skill if policy.require_wanted_skill else nobody,
    }
    return np.stack([forbidden[rule] for rule in RULES])


def _partners(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The mentors of each mentee."""
    partners: dict[str, list[str]] = defaultdict(list)
    for mentor, mentee in pairs:
        partners[mentee].append(mentor)
    return partners


def _index(codes_of_each: Iterable[Iterable[str]]) -> dict[str, Integers]:
    """From a code to the positions of those who have it."""
    positions: dict[str, list[int]] = defaultdict(list)
    for position, codes in enumerate(codes_of_each):
        for code in set(codes):
            positions[code].append(position)
    return {code: np.array(where, dtype=np.int64) for code, where in positions.items()}


def _words(weeks: Iterable[int]) -> Words:
    """Sets of half hours as rows of 64-bit words."""
    packed = b"".join(slots.to_bytes(8 * _WORDS, "little") for slots in weeks)
    return np.frombuffer(packed, dtype="<u8").astype(np.uint64).reshape(-1, _WORDS)


def _numbers(values: Iterable[int]) -> Integers:
    return np.fromiter(values, dtype=np.int64)


def _age(person: Candidate) -> int:
    return _NOT_GIVEN if person.age_band is None else scoring.birth_years(person.age_band)


def _or_not_given(value: int | None) -> int:
    return _NOT_GIVEN if value is None else value


def _given(code: str | None) -> tuple[str, ...]:
    return () if code is None else (code,)
