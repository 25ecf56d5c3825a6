"""The plain check of a result: every chosen pair, one at a time, against every rule and every term."""

from dataclasses import dataclass

from . import terms
from .people import Integers, Pool


@dataclass(frozen=True)
class Checked:
    """What a choice of pairs turned out to be."""

    pairs: int
    total: int
    violations: tuple[str, ...]
    """The first few, in words."""


def checked(pool: Pool, partner: Integers, most_told: int = 5) -> Checked:
    """Count and score the pairs anew. ``partner`` holds each mentee's mentor, or -1."""
    told: list[str] = []
    total = pairs = 0
    taken = [0] * pool.mentors
    for mentee, mentor in enumerate(partner.tolist()):
        if mentor < 0:
            continue
        pairs += 1
        taken[mentor] += 1
        total += points(pool, mentor, mentee)
        told += [f"mentor {mentor} and mentee {mentee}: {rule}" for rule in broken(pool, mentor, mentee)]
    told += [
        f"mentor {mentor} has {count} mentees and {pool.places[mentor]} places"
        for mentor, count in enumerate(taken)
        if count > pool.places[mentor]
    ]
    return Checked(pairs, total, tuple(told[:most_told]))


def points(pool: Pool, mentor: int, mentee: int) -> int:
    """The score of one pair."""
    wishes = range(pool.wish_start[mentee], pool.wish_start[mentee + 1])
    wanted = int(sum(pool.wish_priority[wish] for wish in wishes))
    levels = _levels(pool, mentor)
    skills = 0
    for wish in wishes:
        full = terms.SKILL_POINTS * int(pool.wish_priority[wish]) // wanted
        lifted = terms.lift(int(pool.wish_level[wish]), levels.get(int(pool.wish_skill[wish]), 0))
        skills += full * lifted >> terms.LIFT_BITS
    return (
        skills
        + terms.age_points(int(pool.mentor_band[mentor]), int(pool.mentee_band[mentee]))
        + (0 if pool.mentor_unit[mentor] == pool.mentee_unit[mentee] else terms.OTHER_UNIT_POINTS)
        + terms.motivation_points(int(pool.mentor_motivation[mentor]), int(pool.mentee_motivation[mentee]))
        + terms.proximity_points(int(pool.mentor_site[mentor]), int(pool.mentee_site[mentee]))
        + terms.hours_points(_shared(pool.mentor_hours, pool.mentee_hours, mentor, mentee).bit_count())
        + terms.language_points(int(pool.mentor_languages[mentor]), int(pool.mentee_languages[mentee]))
        + terms.NOT_GIVEN_POINTS
    )


def broken(pool: Pool, mentor: int, mentee: int) -> list[str]:
    """The hard rules that this pair breaks."""
    levels = _levels(pool, mentor)
    rules = {
        "no shared language": _shared(pool.mentor_languages, pool.mentee_languages, mentor, mentee) == 0,
        "no shared hour": _shared(pool.mentor_hours, pool.mentee_hours, mentor, mentee) == 0,
        "no wanted skill": not any(
            levels.get(int(pool.wish_skill[wish]), 0) > pool.wish_level[wish]
            for wish in range(pool.wish_start[mentee], pool.wish_start[mentee + 1])
        ),
        "one reporting line": pool.mentor_line[mentor] == pool.mentee_line[mentee],
        "paired before": mentor
        in pool.previous_mentor[pool.previous_start[mentee] : pool.previous_start[mentee + 1]].tolist(),
    }
    return [rule for rule, is_broken in rules.items() if is_broken]


def _levels(pool: Pool, mentor: int) -> dict[int, int]:
    offers = slice(pool.offer_start[mentor], pool.offer_start[mentor + 1])
    return dict(zip(pool.offer_skill[offers].tolist(), pool.offer_level[offers].tolist(), strict=True))


def _shared(ones: Integers, others: Integers, mentor: int, mentee: int) -> int:
    return int(ones[mentor]) & int(others[mentee])
