"""Blocking pairs: a mentor and a mentee, not paired, who would both score higher together than with what they have.

The best total may well leave some: it looks at everybody at once, and two people at themselves.
"""

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.contracts import MatchWeights

from .candidate import Candidate
from .hours import slots_of_a_meeting, stretch_starts, weekly_slots
from .rules import Charter, History, MentorMentee, broken_rules
from .scoring import LIFT_BITS, TOP_MOTIVATION, full_lifts, lift, score_pair

BLOCKING_TOLD = 50

ScoredPair = tuple[str, str, int]
"""A mentor, a mentee, and their score together."""


@dataclass(frozen=True, kw_only=True)
class BlockingPair:
    """Two who would rather have each other."""

    mentor_volunteer_id: str
    mentee_volunteer_id: str
    score: int
    mentor_has: int
    """The lowest score that the mentor would give up; 0 where a place is free."""
    mentee_has: int


@dataclass(frozen=True, kw_only=True)
class Blocking:
    """The blocking pairs of one solution."""

    found: int
    pairs: tuple[BlockingPair, ...]
    """The first ``BLOCKING_TOLD``: those first in which the one who gains less gains most."""
    looked_at: int
    """Mentees whose possible partners were looked at."""
    mentees: int

    @property
    def complete(self) -> bool:
        """Whether all were; if not, time was up, and there may be more."""
        return self.looked_at == self.mentees


def what_they_have(pairs: Sequence[ScoredPair], places: Mapping[str, int]) -> dict[str, int]:
    """What each person would give up for another partner: 0 with a place left, else their lowest score.

    ``places`` counts every place of a person, taken or not.
    """
    scores: dict[str, list[int]] = {}
    for mentor, mentee, score in pairs:
        scores.setdefault(mentor, []).append(score)
        scores.setdefault(mentee, []).append(score)
    return {id_: min(scores[id_]) if len(scores.get(id_, ())) >= room > 0 else 0 for id_, room in places.items()}


def blocking_pairs(
    possible: Iterator[Sequence[ScoredPair]], chosen: frozenset[MentorMentee], has: Mapping[str, int], mentees: int
) -> Blocking:
    """The blocking pairs among the possible ones, which come mentee by mentee."""
    found: list[BlockingPair] = []
    looked_at = 0
    for row in possible:
        looked_at += 1
        found += [
            BlockingPair(
                mentor_volunteer_id=mentor,
                mentee_volunteer_id=mentee,
                score=score,
                mentor_has=has[mentor],
                mentee_has=has[mentee],
            )
            for mentor, mentee, score in row
            if score > has[mentor] and score > has[mentee] and (mentor, mentee) not in chosen
        ]
    first = heapq.nsmallest(
        BLOCKING_TOLD,
        found,
        key=lambda pair: (
            max(pair.mentor_has, pair.mentee_has) - pair.score,
            pair.mentor_volunteer_id,
            pair.mentee_volunteer_id,
        ),
    )
    return Blocking(found=len(found), pairs=tuple(first), looked_at=looked_at, mentees=mentees)


def possible_pairs(
    mentors: Sequence[Candidate],
    mentees: Sequence[Candidate],
    charter: Charter,
    history: History,
    *,
    has: Mapping[str, int],
    in_time: Callable[[], bool] = lambda: True,
) -> Iterator[list[ScoredPair]]:
    """Mentee by mentee, the possible partners with whom both score above what they have, by the plain scorer.

    Stops early once ``in_time`` says so.
    """
    meets = {person.id: _meeting_starts(person, charter) for person in (*mentors, *mentees)}
    offers: dict[str, list[tuple[str, int]]] = {}
    for mentor in mentors:
        for offer in mentor.skills_offered:
            offers.setdefault(offer.skill, []).append((mentor.id, offer.level))
    for mentee in mentees:
        if not in_time():
            return
        row = []
        for mentor in _worth_a_look(mentors, mentee, charter, has=has, meets=meets, offers=offers):
            if broken_rules(mentor, mentee, charter, history):
                continue
            score = score_pair(mentor, mentee, charter).total
            if score > max(has[mentor.id], has[mentee.id]):
                row.append((mentor.id, mentee.id, score))
        yield row


def _worth_a_look(
    mentors: Sequence[Candidate],
    mentee: Candidate,
    charter: Charter,
    *,
    has: Mapping[str, int],
    meets: Mapping[str, int],
    offers: Mapping[str, Sequence[tuple[str, int]]],
) -> Iterator[Candidate]:
    """Leaves out whom a cheap look rules out: no wanted skill, no hour, or no way to score above what both have."""
    policy, weights = charter.policy, charter.policy.weights
    skills = _skill_points(mentee, offers, weights.skills)
    for mentor in mentors:
        if policy.require_wanted_skill and mentor.id not in skills:
            continue
        if policy.require_shared_hour and not meets[mentor.id] & meets[mentee.id]:
            continue
        most = skills.get(mentor.id, 0) + _at_most_beyond_skills(mentor, mentee, weights)
        if most > max(has[mentor.id], has[mentee.id]):
            yield mentor


def _skill_points(mentee: Candidate, offers: Mapping[str, Sequence[tuple[str, int]]], weight: int) -> dict[str, int]:
    """The skill points of each mentor who masters a wanted skill better, as :func:`.scoring.coverage` has them."""
    points: dict[str, int] = {}
    for wish, full in zip(mentee.skills_wanted, full_lifts(mentee, weight), strict=True):
        for mentor_id, level in offers.get(wish.skill, ()):
            if level > wish.level:
                points[mentor_id] = points.get(mentor_id, 0) + (full * lift(wish.level, level) >> LIFT_BITS)
    return points


def _at_most_beyond_skills(mentor: Candidate, mentee: Candidate, weights: MatchWeights) -> int:
    """No less than what the other terms give to the pair: their weights, less what is plain at a glance."""
    most: int = sum(points for _, points in weights) - weights.skills
    most -= weights.motivation - weights.motivation * (mentor.motivation + mentee.motivation) // TOP_MOTIVATION
    if mentor.unit is not None and mentor.unit == mentee.unit:
        most -= weights.other_unit
    if not (mentor.interests or mentor.goals):
        most -= weights.interests
    if not (mentor.skills_wanted and mentee.skills_offered):
        most -= weights.reciprocity
    if mentor.grade_band is not None and mentee.grade_band is not None and mentee.grade_band <= mentor.grade_band:
        most -= weights.seniority_gap
    if mentee.id not in mentor.ranked_wishes and mentor.id not in mentee.ranked_wishes:
        most -= weights.ranked_wishes
    return most


def _meeting_starts(person: Candidate, charter: Charter) -> int:
    """Two people share a stretch exactly where both have it whole."""
    slots = weekly_slots(person.availability, person.time_zone, charter.week)
    return stretch_starts(slots, slots_of_a_meeting(charter.session_minutes))
