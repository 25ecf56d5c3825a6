"""What a pair is worth and what forbids it, in numbers that every contender gets: the default policy.

The same points as the service's plain scorer gives (a test compares them, pair by pair), written down apart from it, so
that the check after a measurement does not share the engine's code.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

SKILLS, SLOTS, LANGUAGES, TOP_LEVEL = 200, 40, 5, 5
SKILL_POINTS = 6000
LIFT_BITS = 6
AGE_POINTS, AGE_TARGET, AGE_HALF_WIDTH = 1500, 20, 16
OTHER_UNIT_POINTS = 1000
MOTIVATION_POINTS, TOP_MOTIVATION = 1000, 10
PROXIMITY_POINTS, HALF_A_DAY = 900, 720
HOURS_POINTS, ENOUGH_SLOTS = 600, 2
LANGUAGE_POINTS, ENOUGH_FURTHER_LANGUAGES = 300, 2
NOT_GIVEN_POINTS = 150
"""Half of the seniority gap's 300: the data gives no grades. Interests and reciprocity are not in it either."""
HIGHEST = (
    SKILL_POINTS + AGE_POINTS + OTHER_UNIT_POINTS + MOTIVATION_POINTS + PROXIMITY_POINTS + HOURS_POINTS
    + LANGUAGE_POINTS + NOT_GIVEN_POINTS
)  # fmt: skip

WEEK = date(2026, 1, 5)
"""The Monday of the week in which the hours of different zones are compared."""
SLOT_MINUTES, SLOTS_A_DAY = 180, 8
DAY_BEGINS, DAY_ENDS = 8 * 60, 20 * 60
"""Local time within which people meet, in minutes."""

SITE_ZONES = (
    *("Europe/Paris",) * 3,
    *("Europe/Berlin",) * 3,
    *("Europe/London",) * 2,
    *("America/New_York",) * 2,
    "Europe/Madrid",
    "Europe/Warsaw",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "Asia/Dubai",
    "Asia/Kolkata",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
)


def offset_minutes(zone: str) -> int:
    """How far the zone is ahead of UTC in the middle of the reference week."""
    noon = datetime.combine(WEEK + timedelta(days=2), datetime.min.time(), tzinfo=ZoneInfo(zone)).replace(hour=12)
    return round((noon.utcoffset() or timedelta()).total_seconds()) // 60


OFFSETS = np.array([offset_minutes(zone) for zone in SITE_ZONES], dtype=np.int64)


def local_start(slot: int, offset: int) -> tuple[int, int]:
    """Weekday (0 is Monday; may be -1 or 5) and minute of the day at which a three-hour slot begins there."""
    return divmod(slot // SLOTS_A_DAY * 1440 + slot % SLOTS_A_DAY * SLOT_MINUTES + offset, 1440)


def open_slots(offset: int) -> NDArray[np.bool_]:
    """The slots of the week that lie within a working day's local hours."""
    return np.array(
        [
            0 <= day < 5 and minute >= DAY_BEGINS and minute + SLOT_MINUTES <= DAY_ENDS  # noqa: PLR2004 Saturday
            for day, minute in (local_start(slot, offset) for slot in range(SLOTS))
        ]
    )


def lift(present: int, offered: int) -> int:
    """How far towards level 5 a teacher takes a learner, in sixty-fourths of the way."""
    return (offered - present << LIFT_BITS) // (TOP_LEVEL - present) if offered > present else 0


def age_points(mentor_band: int, mentee_band: int) -> int:
    """A bell around the target; a band is told by the first of its five birth years."""
    off = 2 * (mentor_band - mentee_band) - 2 * AGE_TARGET
    return AGE_POINTS * AGE_HALF_WIDTH**2 // (AGE_HALF_WIDTH**2 + off * off)


def proximity_points(one_site: int, other_site: int) -> int:
    """All points at one site, two thirds in one time zone, none on the other side of the clock."""
    if one_site == other_site:
        return PROXIMITY_POINTS
    apart = int(abs(OFFSETS[one_site] - OFFSETS[other_site])) % (2 * HALF_A_DAY)
    apart = min(apart, 2 * HALF_A_DAY - apart)
    return PROXIMITY_POINTS * 2 * (HALF_A_DAY - apart) // (3 * HALF_A_DAY)


def language_points(one: int, other: int) -> int:
    """For languages in common beyond the first; people's languages are bits."""
    further = min(max((one & other).bit_count() - 1, 0), ENOUGH_FURTHER_LANGUAGES)
    return LANGUAGE_POINTS * further // ENOUGH_FURTHER_LANGUAGES


def motivation_points(one: int, other: int) -> int:
    """By both people's motivation, 1 to 5 each."""
    return MOTIVATION_POINTS * (one + other) // TOP_MOTIVATION


def hours_points(shared_slots: int) -> int:
    """By the slots of the week in which both are free."""
    return HOURS_POINTS * min(shared_slots, ENOUGH_SLOTS) // ENOUGH_SLOTS
