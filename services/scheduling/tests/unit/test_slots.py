from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling.domain.objectives import objective_of
from scheduling.domain.slots import (
    Hours,
    Layout,
    Pace,
    Period,
    Unplaceable,
    fits_hours,
    occupied,
    period,
    step,
)
from scheduling.domain.zones import Interval
from scheduling_builders import OFFICE_HOURS, windows
from shared.contracts import Cadence, WeeklyWindow

FEBRUARY = Period(first=date(2026, 2, 2), until=date(2026, 3, 2))


def layout(
    mentor: tuple[WeeklyWindow, ...] = OFFICE_HOURS,
    mentee: tuple[WeeklyWindow, ...] = OFFICE_HOURS,
    *,
    zones: tuple[str, str] = ("Europe/Paris", "Europe/Paris"),
    minutes: int = 60,
    travel_minutes: int = 0,
    earliest: datetime | None = None,
) -> Layout:
    return Layout(
        mentor=Hours(time_zone=zones[0], windows=mentor),
        mentee=Hours(time_zone=zones[1], windows=mentee),
        pace=Pace(cadence=Cadence.MONTHLY, minutes=minutes, travel_minutes=travel_minutes),
        earliest=earliest,
    )


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def test_the_first_shared_hour_of_the_period_is_taken() -> None:
    found = layout(windows(3, start="10:00", end="12:00"), windows(3, 4, start="11:00", end="14:00")).choose(
        FEBRUARY, busy=()
    )
    assert found == utc(2026, 2, 4, 10)  # Wednesday, 11:00 in Paris


def test_the_whole_session_lies_inside_both_windows() -> None:
    tight = layout(windows(3, start="10:00", end="12:00"), windows(3, start="11:00", end="14:00"))
    assert tight.choose(FEBRUARY, busy=()) == utc(2026, 2, 4, 10)
    longer = layout(windows(3, start="10:00", end="12:00"), windows(3, start="11:00", end="14:00"), minutes=75)
    assert longer.choose(FEBRUARY, busy=()) is Unplaceable.SHARED_HOURS_TOO_SHORT


@pytest.mark.parametrize(
    ("mentor", "mentee", "reason"),
    [
        ((), OFFICE_HOURS, Unplaceable.NO_AVAILABILITY_STATED),
        (OFFICE_HOURS, (), Unplaceable.NO_AVAILABILITY_STATED),
        (windows(1), windows(2), Unplaceable.NO_SHARED_HOURS),
    ],
)
def test_why_there_is_no_time_is_said(
    mentor: tuple[WeeklyWindow, ...], mentee: tuple[WeeklyWindow, ...], reason: Unplaceable
) -> None:
    assert layout(mentor, mentee).choose(FEBRUARY, busy=()) is reason


def test_a_busy_person_is_left_alone() -> None:
    hour = windows(3, start="10:00", end="11:00")
    first = utc(2026, 2, 4, 9)
    busy = [Interval(first + timedelta(minutes=45), first + timedelta(minutes=90))]
    assert layout(hour, hour).choose(FEBRUARY, busy=busy) == first + timedelta(weeks=1)
    every_week = [occupied(first + timedelta(weeks=week), 60, 0) for week in range(5)]
    assert layout(hour, hour).choose(FEBRUARY, busy=every_week) is Unplaceable.NO_FREE_SLOT


def test_travel_needs_free_time_around_the_session() -> None:
    hour = windows(3, start="10:00", end="11:00")
    just_before = Interval(utc(2026, 2, 4, 8), utc(2026, 2, 4, 9))
    assert layout(hour, hour).choose(FEBRUARY, busy=[just_before]) == utc(2026, 2, 4, 9)
    assert layout(hour, hour, travel_minutes=30).choose(FEBRUARY, busy=[just_before]) == utc(2026, 2, 11, 9)


def test_weekday_and_local_time_of_the_previous_session_are_kept_over_a_change_of_clocks() -> None:
    previous = utc(2026, 3, 11, 14)  # Wednesday, 15:00 in Paris in winter
    april = Period(first=date(2026, 4, 6), until=date(2026, 5, 6))
    assert layout().choose(april, busy=(), previous=previous) == utc(2026, 4, 8, 13)  # 15:00 in Paris in summer


def test_comfortable_hours_are_preferred_for_both() -> None:
    anytime = windows(1, 2, 3, 4, 5, start="06:00", end="23:00")
    found = layout(anytime, anytime, zones=("Europe/Paris", "America/New_York")).choose(FEBRUARY, busy=())
    assert found == utc(2026, 2, 2, 14)  # 15:00 in Paris, 09:00 in New York


def test_lunch_is_left_free_where_another_hour_is() -> None:
    around_noon = windows(3, start="12:00", end="15:00")
    assert layout(around_noon, around_noon).choose(FEBRUARY, busy=()) == utc(2026, 2, 4, 12)  # 13:00


def test_nothing_is_planned_before_the_earliest_moment() -> None:
    earliest = utc(2026, 2, 4, 9, 50)
    found = layout(earliest=earliest).choose(Period(first=date(2026, 2, 4), until=date(2026, 3, 4)), busy=())
    assert found == utc(2026, 2, 4, 10)


def test_sessions_of_a_pair_do_not_crowd_each_other() -> None:
    found = layout().choose(FEBRUARY, busy=(), others=[utc(2026, 1, 30, 9)])
    assert isinstance(found, datetime)
    assert found >= utc(2026, 2, 6)


def test_a_month_without_that_day_takes_its_last_one() -> None:
    assert [step(date(2026, 1, 31), Cadence.MONTHLY, count) for count in range(4)] == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]
    assert step(date(2026, 11, 15), Cadence.MONTHLY, 2) == date(2027, 1, 15)


@pytest.mark.parametrize(
    ("cadence", "first", "until"),
    [
        (Cadence.WEEKLY, date(2026, 2, 16), date(2026, 2, 23)),
        (Cadence.FORTNIGHTLY, date(2026, 3, 2), date(2026, 3, 16)),
        (Cadence.MONTHLY, date(2026, 4, 2), date(2026, 5, 2)),
        (Cadence.UNKNOWN, date(2026, 4, 2), date(2026, 5, 2)),
    ],
)
def test_periods_follow_the_cadence(cadence: Cadence, first: date, until: date) -> None:
    assert period(date(2026, 2, 2), cadence, 2) == Period(first=first, until=until)


def test_hours_are_checked_on_both_sides_and_over_midnight() -> None:
    night = (WeeklyWindow(day=2, start="22:00", end="24:00"), WeeklyWindow(day=3, start="00:00", end="02:00"))
    paris = Hours(time_zone="Europe/Paris", windows=night)
    kolkata = Hours(time_zone="Asia/Kolkata", windows=windows(3, start="04:00", end="06:00"))
    over_midnight = Interval(utc(2026, 2, 3, 22, 45), utc(2026, 2, 3, 23, 45))
    assert fits_hours(over_midnight, paris, kolkata)
    assert not fits_hours(over_midnight, paris, Hours(time_zone="Asia/Kolkata", windows=windows(3)))


@pytest.mark.parametrize(
    ("charter", "skills", "expected"),
    [
        ((), (), ["kickoff", "exchange", "exchange", "closing"]),
        ((), ("ai", "vr"), ["kickoff", "skill:ai", "skill:vr", "closing"]),
        ((), ("a" * 64,), ["kickoff", "a" * 64, "a" * 64, "closing"]),
        (("meet", "practise"), ("ai",), ["meet", "practise", "practise", "practise"]),
    ],
)
def test_each_session_has_exactly_one_objective(
    charter: Sequence[str], skills: Sequence[str], expected: list[str]
) -> None:
    found = [objective_of(n, sessions=4, charter=charter, shared_skills=skills) for n in range(1, 5)]
    assert found == expected


def test_a_single_session_is_the_kickoff() -> None:
    assert objective_of(1, sessions=1, charter=(), shared_skills=("ai",)) == "kickoff"


ZONES = st.sampled_from(
    ["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"]
)
QUARTERS = st.integers(0, 92)


@st.composite
def weekly(draw: st.DrawFn) -> WeeklyWindow:
    start = draw(QUARTERS)
    end = draw(st.integers(start + 2, 96))
    return WeeklyWindow(
        day=draw(st.integers(1, 7)),
        start=f"{start // 4:02d}:{start % 4 * 15:02d}",
        end=f"{end // 4:02d}:{end % 4 * 15:02d}",
    )


@settings(deadline=None, max_examples=60)
@given(
    zones=st.tuples(ZONES, ZONES),
    mentor=st.lists(weekly(), min_size=1, max_size=5),
    mentee=st.lists(weekly(), min_size=1, max_size=5),
    first=st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    minutes=st.sampled_from([30, 60, 90]),
    busy=st.lists(st.tuples(st.integers(0, 14 * 24), st.integers(1, 30)), max_size=12),
)
def test_a_chosen_time_suits_both_and_is_free(
    *,
    zones: tuple[str, str],
    mentor: list[WeeklyWindow],
    mentee: list[WeeklyWindow],
    first: date,
    minutes: int,
    busy: list[tuple[int, int]],
) -> None:
    midnight = datetime.combine(first, datetime.min.time(), UTC)
    taken = [
        Interval(midnight + timedelta(hours=begin), midnight + timedelta(hours=begin + length))
        for begin, length in busy
    ]
    fortnight = Period(first=first, until=first + timedelta(days=14))
    wanted = layout(tuple(mentor), tuple(mentee), zones=zones, minutes=minutes)
    found = wanted.choose(fortnight, busy=taken)
    free = [start for start in _every_quarter(fortnight) if _suits(start, wanted, fortnight, taken)]
    if isinstance(found, datetime):
        assert found in free
    else:
        assert free == []


def _every_quarter(within: Period) -> list[datetime]:
    start = datetime.combine(within.first, datetime.min.time(), UTC) - timedelta(days=1)
    return [start + timedelta(minutes=15 * n) for n in range(96 * 17)]


def _suits(start: datetime, wanted: Layout, within: Period, taken: list[Interval]) -> bool:
    """The definition, looked up minute by minute on both wall clocks."""
    session = occupied(start, wanted.pace.minutes, 0)
    if any(session.overlaps(other) for other in taken):
        return False
    for hours in (wanted.mentor, wanted.mentee):
        for quarter in range(wanted.pace.minutes // 15):
            wall = (start + timedelta(minutes=15 * quarter)).astimezone(hours.zone)
            clock = f"{wall:%H:%M}"
            if not within.first <= wall.date() < within.until or not any(
                w.day == wall.isoweekday() and w.start <= clock < w.end for w in hours.windows
            ):
                return False
    return True
