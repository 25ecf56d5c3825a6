"""Weekly hours of people in different zones, compared on one grid of half hours in UTC.

A week is a set of 336 half hours, held as the bits of one integer. Bit 0 is Monday 00:00 UTC. Local windows are
laid on the grid with the offsets of one reference week, so summer time counts as it is when the programme starts.
A half hour counts only when it lies in the window whole.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.contracts import WeeklyWindow

from .refusals import UnknownTimeZone

SLOT_MINUTES = 30
SLOTS = 7 * 24 * 60 // SLOT_MINUTES
WEEK_MINUTES = 7 * 24 * 60
_FULL_WEEK = (1 << SLOTS) - 1


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownTimeZone(f"there is no time zone named {name}", field="time_zone") from error


def require_known_zone(name: str) -> None:
    """Refuse a zone that the IANA database does not hold. Raises: UnknownTimeZone."""
    _zone(name)


@lru_cache(maxsize=4096)
def utc_offset_minutes(zone: str, week: date) -> int:
    """How far the zone is ahead of UTC at noon of the week's Wednesday."""
    noon = datetime.combine(week + timedelta(days=2), time(12), tzinfo=_zone(zone))
    offset = noon.utcoffset() or timedelta()
    return round(offset.total_seconds()) // 60


def weekly_slots(availability: tuple[WeeklyWindow, ...], zone: str, week: date) -> int:
    """The half hours of a UTC week in which the person can meet. ``week`` is the reference week's Monday."""
    slots = 0
    for window in availability:
        slots |= _window_slots(window.day, window.start, window.end, zone, week)
    return slots


@lru_cache(maxsize=65_536)
def _window_slots(day: int, start: str, end: str, zone: str, week: date) -> int:
    begin, finish = (_minutes_into_utc_week(day, clock, zone, week) for clock in (start, end))
    first = -(-begin // SLOT_MINUTES)
    count = finish // SLOT_MINUTES - first
    return _rotated_left((1 << count) - 1, first) if count > 0 else 0


def _minutes_into_utc_week(day: int, clock: str, zone: str, week: date) -> int:
    """May lie outside 0..10,079 where the UTC day is of the week before or after."""
    hours, minutes = int(clock[:2]), int(clock[3:])
    local_day = week + timedelta(days=day - 1 + hours // 24)
    local = datetime.combine(local_day, time(hours % 24, minutes), tzinfo=_zone(zone))
    monday = datetime.combine(week, time(0), tzinfo=UTC)
    return int((local.astimezone(UTC) - monday).total_seconds()) // 60


def _rotated_left(slots: int, by: int) -> int:
    by %= SLOTS
    return ((slots << by) | (slots >> (SLOTS - by))) & _FULL_WEEK


def shared_minutes(one: int, other: int) -> int:
    """Minutes per week in which both can meet."""
    return (one & other).bit_count() * SLOT_MINUTES


def stretch_starts(slots: int, length: int) -> int:
    """The half hours from which ``length`` half hours on end are free; the week runs round into itself."""
    starts = slots
    for step in range(1, length):
        starts &= _rotated_left(slots, SLOTS - step)
    return starts


def slots_of_a_meeting(session_minutes: int) -> int:
    """Half hours on end that two people must share each week: one hour, or a whole session where that is longer."""
    return -(-max(60, session_minutes) // SLOT_MINUTES)
