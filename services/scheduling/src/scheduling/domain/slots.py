"""Choosing a time for each session: inside the hours of both people, and where nobody is busy."""

from bisect import bisect_left
from calendar import monthrange
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from shared.contracts import Cadence, WeeklyWindow

from .zones import QUARTER, Interval, minute_of, minutes_apart, open_hours, shared_hours, zone_named

_COMFORTABLE_FROM, _COMFORTABLE_UNTIL = 9 * 60, 18 * 60
_LUNCH_FROM, _LUNCH_UNTIL = 12 * 60, 13 * 60

# What a choice costs. A minute outside comfortable hours is the unit; the others say what it is worth.
_PER_DAY_OFF_TARGET = 20
_OTHER_WEEKDAY = 130  # more than waiting six days for the usual one
_MOST_FOR_OTHER_TIME = 60
_PER_DAY_TOO_CLOSE = 60

_CLOSE_DAYS = {Cadence.WEEKLY: 3, Cadence.FORTNIGHTLY: 6, Cadence.MONTHLY: 12}
"""Sessions of one pair nearer than this crowd each other."""


class Unplaceable(StrEnum):
    """Why no time was found for a session. It is tried again when hours or plan change."""

    NO_AVAILABILITY_STATED = "no_availability_stated"
    NO_SHARED_HOURS = "no_shared_hours"
    SHARED_HOURS_TOO_SHORT = "shared_hours_too_short"
    NO_FREE_SLOT = "no_free_slot"
    PARTICIPANT_LEFT = "participant_left"


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When one person can meet."""

    time_zone: str
    windows: tuple[WeeklyWindow, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        """Raises: UnknownTimeZone."""
        return zone_named(self.time_zone)


@dataclass(frozen=True, kw_only=True)
class Period:
    """The local dates in which one session of a plan belongs: from ``first`` up to, not including, ``until``."""

    first: date
    until: date


@dataclass(frozen=True, kw_only=True)
class Pace:
    """What a plan asks of each slot."""

    cadence: Cadence
    minutes: int
    travel_minutes: int = 0
    """Kept free for both people before and after; zero where nobody travels."""

    def around(self, start: datetime) -> Interval:
        """What a session that starts then takes from both calendars."""
        return occupied(start, self.minutes, self.travel_minutes)


def occupied(start: datetime, minutes: int, travel_minutes: int) -> Interval:
    """What a session takes from a calendar: its own time, and the way there and back."""
    travel = timedelta(minutes=travel_minutes)
    return Interval(start - travel, start + timedelta(minutes=minutes) + travel)


def step(day: date, cadence: Cadence, count: int = 1) -> date:
    """The day ``count`` periods later. A month without that day takes its last one; an unknown cadence is monthly."""
    match cadence:
        case Cadence.WEEKLY:
            return day + timedelta(weeks=count)
        case Cadence.FORTNIGHTLY:
            return day + timedelta(weeks=2 * count)
        case Cadence.MONTHLY | Cadence.UNKNOWN:
            months = day.year * 12 + day.month - 1 + count
            year, month = divmod(months, 12)
            return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def period(anchor_day: date, cadence: Cadence, index: int) -> Period:
    """The period of the session ``index`` places after the one whose period begins on the anchor day."""
    return Period(first=step(anchor_day, cadence, index), until=step(anchor_day, cadence, index + 1))


def fits_hours(session: Interval, mentor: Hours, mentee: Hours) -> bool:
    """Whether the whole session lies inside a window of each of the two people."""

    def inside(hours: Hours) -> bool:
        first = session.start.astimezone(hours.zone).date() - timedelta(days=1)
        until = session.end.astimezone(hours.zone).date() + timedelta(days=2)
        return any(window.holds(session) for window in open_hours(hours.windows, hours.zone, first, until))

    return inside(mentor) and inside(mentee)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One pair's hours and pace, against which times are chosen."""

    mentor: Hours
    mentee: Hours
    pace: Pace
    earliest: datetime | None = None
    """Nothing is chosen before; ``None`` for a plan that is recorded afterwards."""

    def shared(self, within: Period) -> list[Interval]:
        """What both have open on their own local dates of the period, in UTC."""
        return shared_hours(
            open_hours(self.mentor.windows, self.mentor.zone, within.first, within.until),
            open_hours(self.mentee.windows, self.mentee.zone, within.first, within.until),
        )

    def choose(
        self,
        within: Period,
        *,
        busy: Sequence[Interval],
        target: date | None = None,
        previous: datetime | None = None,
        others: Iterable[datetime] = (),
    ) -> datetime | Unplaceable:
        """The best start in the period, or why there is none.

        Best is: near the target day (the period's first when none is given), at the weekday and the local times of the
        previous session, in comfortable hours for both, and not close to the pair's other sessions; of equals, the
        earliest. ``busy`` is what either person has in their calendar.
        """
        if not self.mentor.windows or not self.mentee.windows:
            return Unplaceable.NO_AVAILABILITY_STATED
        shared = self.shared(within)
        if not shared:
            return Unplaceable.NO_SHARED_HOURS
        length = timedelta(minutes=self.pace.minutes)
        shared = [interval for interval in shared if interval.end - interval.start >= length]
        if not shared:
            return Unplaceable.SHARED_HOURS_TOO_SHORT
        wish = _Wish(self, target or within.first, previous=previous, others=sorted(others), busy=busy)
        start = wish.best_of(shared)
        return Unplaceable.NO_FREE_SLOT if start is None else start


class _Wish:
    """What one choice weighs."""

    def __init__(
        self,
        layout: Layout,
        target: date,
        *,
        previous: datetime | None,
        others: Sequence[datetime],
        busy: Sequence[Interval],
    ) -> None:
        self._pace, self._earliest = layout.pace, layout.earliest
        self._zones = layout.mentor.zone, layout.mentee.zone
        self._target = target
        self._previous = None if previous is None else [previous.astimezone(zone) for zone in self._zones]
        self._others = others
        self._busy = busy
        self._close = _CLOSE_DAYS.get(layout.pace.cadence, _CLOSE_DAYS[Cadence.MONTHLY])

    def best_of(self, shared: Sequence[Interval]) -> datetime | None:
        best: tuple[int, datetime] | None = None
        for days_off, interval in sorted((self._days_off(interval), interval) for interval in shared):
            if best is not None and days_off * _PER_DAY_OFF_TARGET > best[0]:
                break
            for start in self._starts(interval):
                candidate = (self._cost(start), start)
                if (best is None or candidate < best) and self._is_free(start):
                    best = candidate
                    if best[0] == 0:
                        return start
        return None if best is None else best[1]

    def _starts(self, interval: Interval) -> Iterable[datetime]:
        start = _aligned(interval.start if self._earliest is None else max(interval.start, self._earliest))
        last = interval.end - timedelta(minutes=self._pace.minutes)
        while start <= last:
            yield start
            start += QUARTER

    def _days_off(self, interval: Interval) -> int:
        """How far the interval lies from the target day, on the mentor's calendar."""
        first, last = (moment.astimezone(self._zones[0]).date() for moment in interval)
        return max((first - self._target).days, (self._target - last).days, 0)

    def _is_free(self, start: datetime) -> bool:
        wanted = self._pace.around(start)
        return not any(wanted.overlaps(taken) for taken in self._busy)

    def _cost(self, start: datetime) -> int:
        walls = [start.astimezone(zone) for zone in self._zones]
        cost = _PER_DAY_OFF_TARGET * abs((walls[0].date() - self._target).days)
        cost += sum(map(self._discomfort, walls))
        if self._previous is not None:
            if self._previous[0].weekday() != walls[0].weekday():
                cost += _OTHER_WEEKDAY
            for before, wall in zip(self._previous, walls, strict=True):
                cost += min(_MOST_FOR_OTHER_TIME, minutes_apart(before, wall))
        return cost + self._crowding(start)

    def _discomfort(self, wall: datetime) -> int:
        begins = minute_of(wall)
        ends = begins + self._pace.minutes
        lunch = max(0, min(ends, _LUNCH_UNTIL) - max(begins, _LUNCH_FROM))
        return max(0, _COMFORTABLE_FROM - begins) + max(0, ends - _COMFORTABLE_UNTIL) + lunch

    def _crowding(self, start: datetime) -> int:
        place = bisect_left(self._others, start)
        nearest = min((abs(other - start).days for other in self._others[max(0, place - 1) : place + 1]), default=99)
        return _PER_DAY_TOO_CLOSE * max(0, self._close - nearest)


def _aligned(moment: datetime) -> datetime:
    """The same moment or the next quarter hour."""
    past = (moment - datetime(2000, 1, 1, tzinfo=UTC)) % QUARTER
    return moment if not past else moment + QUARTER - past
