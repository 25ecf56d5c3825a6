"""Wall clocks: which moments of a day lie in a person's weekly hours, on that very date."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from shared.contracts import Invalid, WeeklyWindow

QUARTER = timedelta(minutes=15)
"""Sessions start on the quarter hour; every offset in use today is a multiple of it."""
_WIDEST_OFFSET = timedelta(hours=15)
_MINUTES_PER_DAY = 24 * 60


class UnknownTimeZone(Invalid):
    """There is no such time zone in the IANA database."""


class Interval(NamedTuple):
    """From ``start`` up to, but not including, ``end``: two moments in UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Whether they share a moment; touching ends do not count."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: "Interval") -> bool:
        """Whether the other one lies inside."""
        return self.start <= other.start and other.end <= self.end


@lru_cache(maxsize=1024)
def _loaded(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # absent, not a plain name, or a folder of the database
        return None


def zone_named(name: str, *, field: str = "time_zone") -> ZoneInfo:
    """The zone of that name. Raises: UnknownTimeZone."""
    zone = _loaded(name)
    if zone is None:
        raise UnknownTimeZone("there is no time zone of this name", field=field)
    return zone


@lru_cache(maxsize=2048)
def _minute_of_day(clock_time: str) -> int:
    hours, minutes = clock_time.split(":")
    return int(hours) * 60 + int(minutes)


def _spans(windows: Iterable[WeeklyWindow], day: date) -> list[tuple[int, int]]:
    weekday = day.isoweekday()
    return [(_minute_of_day(w.start), _minute_of_day(w.end)) for w in windows if w.day == weekday]


def _on_day(windows: Sequence[WeeklyWindow], zone: ZoneInfo, day: date) -> list[Interval]:
    """The windows of one local date. A time that the day skips holds no moment, one that it repeats holds two."""
    spans = _spans(windows, day)
    if not spans:
        return []
    midnight = datetime.combine(day, time.min)
    offset = midnight.replace(tzinfo=zone).utcoffset()
    next_offset = (midnight + timedelta(days=1)).replace(tzinfo=zone).utcoffset()
    if offset is not None and offset == next_offset:
        base = (midnight - offset).replace(tzinfo=UTC)
        return [Interval(base + timedelta(minutes=a), base + timedelta(minutes=b)) for a, b in spans]
    return _on_changing_day(spans, zone, day)


def _on_changing_day(spans: Sequence[tuple[int, int]], zone: ZoneInfo, day: date) -> list[Interval]:
    """The slow, exact way for a day on which the clock is changed: look at each quarter hour's wall time."""
    moment = datetime.combine(day, time.min, UTC) - _WIDEST_OFFSET
    last = datetime.combine(day, time.min, UTC) + timedelta(days=1) + _WIDEST_OFFSET
    quarters = []
    while moment < last:
        wall = moment.astimezone(zone)
        minute = wall.hour * 60 + wall.minute
        if wall.date() == day and any(a <= minute and minute + 15 <= b for a, b in spans):
            quarters.append(Interval(moment, moment + QUARTER))
        moment += QUARTER
    return merged(quarters)


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same moments as few intervals in order: what touches or overlaps becomes one."""
    result: list[Interval] = []
    for interval in sorted(intervals):
        if result and interval.start <= result[-1].end:
            result[-1] = Interval(result[-1].start, max(result[-1].end, interval.end))
        else:
            result.append(interval)
    return result


def open_hours(windows: Sequence[WeeklyWindow], zone: ZoneInfo, first: date, until: date) -> list[Interval]:
    """The moments of a person's weekly windows on the local dates from ``first`` up to, not including, ``until``."""
    days = (first + timedelta(days=n) for n in range((until - first).days))
    return merged(interval for day in days for interval in _on_day(windows, zone, day))


def shared_hours(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    """The moments that lie in both; each given in order and without overlaps, as ``open_hours`` gives them."""
    result = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i].start, other[j].start), min(one[i].end, other[j].end)
        if start < end:
            result.append(Interval(start, end))
        if one[i].end < other[j].end:
            i += 1
        else:
            j += 1
    return result


def minute_of(wall: datetime) -> int:
    """Minutes since the local midnight."""
    return wall.hour * 60 + wall.minute


def minutes_apart(one: datetime, other: datetime) -> int:
    """How far two wall-clock times of day lie apart, around the clock."""
    gap = abs(minute_of(one) - minute_of(other))
    return min(gap, _MINUTES_PER_DAY - gap)
