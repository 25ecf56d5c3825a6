"""The score of a pair: soft terms in whole points, each bounded by its weight, which add up exactly.

This is the plain scorer, one pair at a time. The engine computes the same points for all pairs at once; a run checks
every pair that it proposes against this module.

A term that needs something the person did not give (a birth band, a grade, a unit) is off for that pair: it counts
half its weight, under a name that ends in ``_not_given``, so that silence neither helps nor harms. Ranked wishes need
no such half: whoever has none gives no points to any pair, so nothing changes between that person's pairs. The grid is
a term only where it has a weight.
"""

from dataclasses import dataclass, replace

from shared.contracts import ScoreTerm

from .candidate import Candidate
from .hours import shared_minutes, utc_offset_minutes
from .rules import Charter, languages_of, levels_of, shared_languages, slots_of, taught_skills

LIFT_BITS = 6
"""A full lift, from the learner's level to level 5, has two to this power parts."""
TOP_LEVEL = 5
AGE_GAP_HALF_WIDTH = 16
"""Half years off the target at which the age gap still gives half its points."""
ENOUGH_SHARED_MINUTES = 360
ENOUGH_FURTHER_LANGUAGES = 2
ENOUGH_COMMON_GROUND = 4
"""Interests and goals in common that give the full points."""
FULL_SENIORITY_GAP = 5
"""Grade bands by which the mentee stands above the mentor, for the full points."""
TOP_MOTIVATION = 10
"""Both sides' motivation, of five each."""
HALF_A_DAY = 720
"""Minutes: no two zones are farther apart on the clock face."""
OTHER_SITE_SHARE = (2, 3)
"""Of the proximity points, what another site in the same time zone gives."""
MOST_WISHES = 10
"""A first choice gives a side all its points, the tenth a tenth of them."""
FULL_GRID_SCORE = 100
IN_CONFIDENCE = frozenset({"ranked_wishes", "grid", "grid_not_given"})
"""Terms that would tell one of two people what the other wished for, or how the other was judged."""

Term = tuple[str, int]
"""Its name and its points."""


@dataclass(frozen=True, kw_only=True)
class PairScore:
    """The points of one pair, and what they rest on."""

    terms: tuple[ScoreTerm, ...]
    shared_skills: tuple[str, ...]
    shared_languages: tuple[str, ...]
    shared_minutes_per_week: int

    @property
    def total(self) -> int:
        """The score: the sum of the terms."""
        return sum(term.points for term in self.terms)


def lift(present: int, offered: int) -> int:
    """How far towards level 5 a teacher takes a learner, in sixty-fourths of the way."""
    return (offered - present << LIFT_BITS) // (TOP_LEVEL - present) if offered > present else 0


def full_lifts(learner: Candidate, weight: int) -> tuple[int, ...]:
    """The points of each wish where it is met in full: its share of the weight, by priority, rounded down."""
    wanted = sum(wish.priority for wish in learner.skills_wanted)
    return tuple(weight * wish.priority // wanted for wish in learner.skills_wanted)


def score_pair(mentor: Candidate, mentee: Candidate, charter: Charter) -> PairScore:
    """The score of this pair, whether or not a hard rule forbids it."""
    return PairScore(
        terms=tuple(ScoreTerm(term=name, points=points) for name, points in _terms(mentor, mentee, charter)),
        shared_skills=taught_skills(mentor, mentee),
        shared_languages=shared_languages(mentor, mentee),
        shared_minutes_per_week=_shared_minutes(mentor, mentee, charter),
    )


def total_of(mentor: Candidate, mentee: Candidate, charter: Charter) -> int:
    """The total of :func:`score_pair`, in a third of its time: for whoever compares many pairs and shows one."""
    return sum(points for _, points in _terms(mentor, mentee, charter))


def told_to_the_two(points: PairScore) -> PairScore:
    """Without the terms in confidence; the total is without them as well."""
    return replace(points, terms=tuple(term for term in points.terms if term.term not in IN_CONFIDENCE))


def told_total_of(mentor: Candidate, mentee: Candidate, charter: Charter) -> int:
    """The total of :func:`told_to_the_two`."""
    return sum(points for name, points in _terms(mentor, mentee, charter) if name not in IN_CONFIDENCE)


def _terms(mentor: Candidate, mentee: Candidate, charter: Charter) -> tuple[Term, ...]:
    weights = charter.policy.weights
    further = min(max(len(languages_of(mentor) & languages_of(mentee)) - 1, 0), ENOUGH_FURTHER_LANGUAGES)
    minutes = min(_shared_minutes(mentor, mentee, charter), ENOUGH_SHARED_MINUTES)
    common = min(_common_ground(mentor, mentee), ENOUGH_COMMON_GROUND)
    wishes = wished(mentor, mentee.id) + wished(mentee, mentor.id)
    return (
        ("skills", coverage(mentor, mentee, weights.skills)),
        _age_gap(mentor, mentee, charter),
        _other_unit(mentor, mentee, weights.other_unit),
        ("motivation", weights.motivation * (mentor.motivation + mentee.motivation) // TOP_MOTIVATION),
        ("proximity", _proximity(mentor, mentee, charter)),
        ("shared_hours", weights.shared_hours * minutes // ENOUGH_SHARED_MINUTES),
        ("shared_languages", weights.shared_languages * further // ENOUGH_FURTHER_LANGUAGES),
        ("interests", weights.interests * common // ENOUGH_COMMON_GROUND),
        ("reciprocity", coverage(mentee, mentor, weights.reciprocity)),
        _seniority_gap(mentor, mentee, weights.seniority_gap),
        ("ranked_wishes", wish_points(wishes, weights.ranked_wishes)),
        *_grid(mentor, weights.grid),
    )


def _shared_minutes(mentor: Candidate, mentee: Candidate, charter: Charter) -> int:
    return shared_minutes(slots_of(mentor, charter.week), slots_of(mentee, charter.week))


def coverage(teacher: Candidate, learner: Candidate, weight: int) -> int:
    """Points for what the learner wants and the teacher can pass on, by priority and level: a sum over the wishes."""
    if not weight or not learner.skills_wanted:
        return 0
    levels, full = levels_of(teacher), learner.fact(("full_lifts", weight), lambda learner: full_lifts(learner, weight))
    return sum(
        points * lift(wish.level, levels[wish.skill]) >> LIFT_BITS
        for wish, points in zip(learner.skills_wanted, full, strict=True)
        if wish.skill in levels
    )


def wished(person: Candidate, other_id: str) -> int:
    """How much the person wished for this one: 10 for the first choice, 1 for the tenth, 0 for no wish."""
    ranks = person.ranked_wishes[:MOST_WISHES]
    return MOST_WISHES - ranks.index(other_id) if other_id in ranks else 0


def wish_points(both: int, weight: int) -> int:
    """The points for how much two people wished for each other: added up, 20 at most."""
    return weight * both // (2 * MOST_WISHES)


def birth_years(age_band: str) -> int:
    """First and last year of a band, added up: twice its middle."""
    first, _, last = age_band.partition("-")
    return int(first) + int(last)


def age_gap_points(half_years_off: int, weight: int) -> int:
    """A soft bell around the target: never zero, so no age shuts anybody out (2-01)."""
    width = AGE_GAP_HALF_WIDTH**2
    return weight * width // (width + half_years_off**2)


def minutes_apart(one_offset: int, other_offset: int) -> int:
    """How far two clocks differ on their faces: at most half a day."""
    apart = abs(one_offset - other_offset) % (2 * HALF_A_DAY)
    return min(apart, 2 * HALF_A_DAY - apart)


def _not_given(name: str, weight: int) -> Term:
    return f"{name}_not_given", weight // 2


def _age_gap(mentor: Candidate, mentee: Candidate, charter: Charter) -> Term:
    weight = charter.policy.weights.age_gap
    if mentor.age_band is None or mentee.age_band is None:
        return _not_given("age_gap", weight)
    gap = birth_years(mentor.age_band) - birth_years(mentee.age_band)
    return "age_gap", age_gap_points(gap - 2 * charter.policy.age_gap_target, weight)


def _other_unit(mentor: Candidate, mentee: Candidate, weight: int) -> Term:
    if mentor.unit is None or mentee.unit is None:
        return _not_given("other_unit", weight)
    return "other_unit", 0 if mentor.unit == mentee.unit else weight


def _proximity(mentor: Candidate, mentee: Candidate, charter: Charter) -> int:
    weight = charter.policy.weights.proximity
    if mentor.site is not None and mentor.site == mentee.site:
        return weight
    apart = minutes_apart(
        utc_offset_minutes(mentor.time_zone, charter.week), utc_offset_minutes(mentee.time_zone, charter.week)
    )
    share, parts = OTHER_SITE_SHARE
    return weight * share * (HALF_A_DAY - apart) // (parts * HALF_A_DAY)


def _common_ground(mentor: Candidate, mentee: Candidate) -> int:
    return len(set(mentor.interests).intersection(mentee.interests)) + len(set(mentor.goals).intersection(mentee.goals))


def _seniority_gap(mentor: Candidate, mentee: Candidate, weight: int) -> Term:
    if mentor.grade_band is None or mentee.grade_band is None:
        return _not_given("seniority_gap", weight)
    gap = min(max(mentee.grade_band - mentor.grade_band, 0), FULL_SENIORITY_GAP)
    return "seniority_gap", weight * gap // FULL_SENIORITY_GAP


def _grid(mentor: Candidate, weight: int) -> tuple[Term, ...]:
    if not weight:
        return ()
    if mentor.grid_score is None:
        return (_not_given("grid", weight),)
    return (("grid", weight * mentor.grid_score // FULL_GRID_SCORE),)
