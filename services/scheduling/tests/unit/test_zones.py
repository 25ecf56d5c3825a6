from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling.domain.zones import Interval, UnknownTimeZone, minutes_apart, open_hours, shared_hours, zone_named
from scheduling_builders import windows
from shared.contracts import WeeklyWindow

PARIS = ZoneInfo("Europe/Paris")
ZONES = [
    "Europe/Paris",
    "America/New_York",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Asia/Beirut",
    "America/Havana",
    "Pacific/Apia",
    "America/St_Johns",
    "UTC",
]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def hours_on(day: date, zone: ZoneInfo, start: str, end: str) -> list[Interval]:
    window = WeeklyWindow(day=day.isoweekday(), start=start, end=end)
    return open_hours((window,), zone, day, day + timedelta(days=1))


def test_a_window_is_at_another_utc_hour_in_summer() -> None:
    assert hours_on(date(2026, 2, 3), PARIS, "09:00", "10:00") == [Interval(utc(2026, 2, 3, 8), utc(2026, 2, 3, 9))]
    assert hours_on(date(2026, 7, 7), PARIS, "09:00", "10:00") == [Interval(utc(2026, 7, 7, 7), utc(2026, 7, 7, 8))]


def test_a_time_that_the_day_skips_holds_no_moment() -> None:
    # on 29 March 2026 Paris goes from 02:00 to 03:00
    assert hours_on(date(2026, 3, 29), PARIS, "02:00", "03:00") == []
    assert hours_on(date(2026, 3, 29), PARIS, "01:00", "04:00") == [Interval(utc(2026, 3, 29, 0), utc(2026, 3, 29, 2))]
    assert hours_on(date(2026, 3, 29), PARIS, "02:30", "03:30") == [
        Interval(utc(2026, 3, 29, 1), utc(2026, 3, 29, 1, 30))
    ]


def test_a_time_that_the_day_repeats_holds_both_and_nothing_between() -> None:
    # on 25 October 2026 Paris goes from 03:00 back to 02:00
    assert hours_on(date(2026, 10, 25), PARIS, "02:00", "02:30") == [
        Interval(utc(2026, 10, 25, 0), utc(2026, 10, 25, 0, 30)),
        Interval(utc(2026, 10, 25, 1), utc(2026, 10, 25, 1, 30)),
    ]
    assert hours_on(date(2026, 10, 25), PARIS, "02:00", "03:00") == [
        Interval(utc(2026, 10, 25, 0), utc(2026, 10, 25, 2))
    ]


def test_a_clock_changed_at_midnight_is_handled() -> None:
    beirut = ZoneInfo("Asia/Beirut")  # 29 March 2026: 00:00 becomes 01:00
    assert hours_on(date(2026, 3, 29), beirut, "00:00", "02:00") == [
        Interval(utc(2026, 3, 28, 22), utc(2026, 3, 28, 23))
    ]


def test_a_day_that_a_zone_left_out_holds_nothing() -> None:
    assert hours_on(date(2011, 12, 30), ZoneInfo("Pacific/Apia"), "00:00", "24:00") == []


def test_windows_that_touch_are_one_also_over_midnight() -> None:
    tuesday = date(2026, 2, 3)
    late_and_early = (
        WeeklyWindow(day=2, start="22:00", end="24:00"),
        WeeklyWindow(day=3, start="00:00", end="02:00"),
        WeeklyWindow(day=3, start="01:00", end="03:00"),
    )
    assert open_hours(late_and_early, PARIS, tuesday, tuesday + timedelta(days=2)) == [
        Interval(utc(2026, 2, 3, 21), utc(2026, 2, 4, 2))
    ]


def test_what_two_people_share_depends_on_the_date() -> None:
    new_york = ZoneInfo("America/New_York")
    afternoon, morning = windows(2, start="14:00", end="15:00"), windows(2, start="09:00", end="10:00")

    def shared(day: date) -> list[Interval]:
        until = day + timedelta(days=1)
        return shared_hours(open_hours(afternoon, PARIS, day, until), open_hours(morning, new_york, day, until))

    assert shared(date(2026, 2, 10)) == []  # six hours apart
    assert shared(date(2026, 3, 17)) == [Interval(utc(2026, 3, 17, 13), utc(2026, 3, 17, 14))]  # five, for three weeks
    assert shared(date(2026, 4, 7)) == []


@pytest.mark.parametrize(
    "name", ["", "Mars/Phobos", "../etc/passwd", "/etc/passwd", "Europe", "Europe/Paris\0", "x" * 300, "posix/../UTC"]
)
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownTimeZone) as refusal:
        zone_named(name, field="mentor.time_zone")
    assert refusal.value.field == "mentor.time_zone"


def test_times_of_day_are_compared_around_the_clock() -> None:
    assert minutes_apart(utc(2026, 1, 1, 23, 30), utc(2026, 1, 2, 0, 15)) == 45


@st.composite
def weekly_windows(draw: st.DrawFn) -> WeeklyWindow:
    start = draw(st.integers(0, 95))
    end = draw(st.integers(start + 1, 96))
    return WeeklyWindow(
        day=draw(st.integers(1, 7)),
        start=f"{start // 4:02d}:{start % 4 * 15:02d}",
        end=f"{end // 4:02d}:{end % 4 * 15:02d}",
    )


@settings(deadline=None, max_examples=60)
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2010, 1, 1), date(2035, 1, 1)),
    given_windows=st.lists(weekly_windows(), max_size=6),
)
def test_a_moment_is_open_exactly_when_its_wall_time_lies_in_a_window(
    zone: str, first: date, given_windows: list[WeeklyWindow]
) -> None:
    until = first + timedelta(days=4)
    found = open_hours(tuple(given_windows), ZoneInfo(zone), first, until)
    assert all(one.end < other.start for one, other in pairwise(found))
    moment = datetime.combine(first, datetime.min.time(), UTC) - timedelta(hours=20)
    while moment.date() <= until + timedelta(days=1):
        wall = moment.astimezone(ZoneInfo(zone))
        clock = f"{wall:%H:%M}"
        expected = first <= wall.date() < until and any(
            window.day == wall.isoweekday() and window.start <= clock < window.end for window in given_windows
        )
        assert any(interval.start <= moment < interval.end for interval in found) == expected, wall
        moment += timedelta(minutes=15)
