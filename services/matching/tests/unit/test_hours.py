from datetime import date

import pytest
from matching.domain.hours import (
    SLOT_MINUTES,
    SLOTS,
    require_known_zone,
    shared_minutes,
    slots_of_a_meeting,
    stretch_starts,
    utc_offset_minutes,
    weekly_slots,
)
from matching.domain.refusals import UnknownTimeZone
from shared.contracts import WeeklyWindow

WINTER, SUMMER = date(2026, 1, 5), date(2026, 7, 6)


def slots(*windows: tuple[int, str, str], zone: str = "UTC", week: date = WINTER) -> int:
    return weekly_slots(tuple(WeeklyWindow(day=day, start=start, end=end) for day, start, end in windows), zone, week)


def clock_times(free: int) -> list[str]:
    """``1 09:30`` for Monday half past nine UTC."""
    minutes = [slot * SLOT_MINUTES for slot in range(SLOTS) if free >> slot & 1]
    return [f"{minute // 1440 + 1} {minute % 1440 // 60:02}:{minute % 60:02}" for minute in minutes]


def test_a_local_window_is_laid_on_the_utc_grid_with_the_offset_of_the_week() -> None:
    assert clock_times(slots((1, "09:00", "10:00"), zone="Europe/Paris")) == ["1 08:00", "1 08:30"]
    assert clock_times(slots((1, "09:00", "10:00"), zone="Europe/Paris", week=SUMMER)) == ["1 07:00", "1 07:30"]


def test_a_week_runs_round_into_itself() -> None:
    sunday_evening_in_boston = slots((7, "20:00", "24:00"), zone="America/New_York")
    assert clock_times(sunday_evening_in_boston)[:2] == ["1 01:00", "1 01:30"]
    monday_morning_in_sydney = slots((1, "08:00", "09:00"), zone="Australia/Sydney")
    assert clock_times(monday_morning_in_sydney) == ["7 21:00", "7 21:30"]


def test_only_whole_half_hours_count() -> None:
    assert clock_times(slots((2, "09:10", "10:20"))) == ["2 09:30"]
    assert clock_times(slots((2, "09:00", "10:00"), zone="Asia/Kathmandu")) == ["2 03:30"]
    assert slots((2, "09:05", "09:25")) == 0


def test_overlapping_windows_count_once() -> None:
    assert slots((3, "09:00", "11:00"), (3, "10:00", "12:00")) == slots((3, "09:00", "12:00"))


def test_hours_of_two_zones_meet_where_they_meet() -> None:
    paris = slots((1, "14:00", "18:00"), zone="Europe/Paris")
    boston = slots((1, "08:00", "11:00"), zone="America/New_York")
    assert shared_minutes(paris, boston) == 180
    assert shared_minutes(paris, slots((1, "08:00", "17:00"), zone="Asia/Tokyo")) == 0


@pytest.mark.parametrize(("minutes", "half_hours"), [(30, 2), (60, 2), (61, 3), (90, 3), (180, 6)])
def test_a_meeting_needs_an_hour_on_end_or_a_whole_session(minutes: int, half_hours: int) -> None:
    assert slots_of_a_meeting(minutes) == half_hours


def test_two_half_hours_apart_are_no_hour() -> None:
    scattered = slots((1, "09:00", "09:30"), (1, "11:00", "11:30"))
    assert stretch_starts(scattered, 2) == 0
    assert clock_times(stretch_starts(slots((1, "09:00", "10:30")), 2)) == ["1 09:00", "1 09:30"]


def test_a_stretch_may_run_over_the_end_of_the_week() -> None:
    over_the_end = slots((7, "23:30", "24:00"), (1, "00:00", "00:30"))
    assert clock_times(stretch_starts(over_the_end, 2)) == ["7 23:30"]


def test_the_clock_change_of_the_reference_week_is_counted() -> None:
    change = date(2026, 3, 23)  # summer time begins on Sunday the 29th in Europe
    assert clock_times(slots((6, "09:00", "09:30"), zone="Europe/Paris", week=change)) == ["6 08:00"]
    assert clock_times(slots((7, "09:00", "09:30"), zone="Europe/Paris", week=change)) == ["7 07:00"]


@pytest.mark.parametrize("name", ["Mars/Olympus", "Europe", "../etc/passwd", "a" * 64, "Europe/Paris/"])
def test_a_zone_that_does_not_exist_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownTimeZone) as refused:
        require_known_zone(name)
    assert refused.value.field == "time_zone"


def test_offsets_are_those_of_the_week() -> None:
    assert utc_offset_minutes("Asia/Kathmandu", WINTER) == 345
    assert utc_offset_minutes("America/New_York", WINTER) == -300
    assert utc_offset_minutes("America/New_York", SUMMER) == -240
