"""A plan and its sessions, as pure decisions."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from scheduling.domain import plans
from scheduling.domain.arranging import NOTICE, Arrangement, Circumstances, Wanted, arrange
from scheduling.domain.booking import confirm, keep_time, place
from scheduling.domain.conduct import Outcome, cancel, complete
from scheduling.domain.plans import Plan, PlanStatus
from scheduling.domain.refusals import ImplausibleTime, PairedWithThemself, PairingEnded
from scheduling.domain.sessions import Session
from scheduling.domain.slots import Hours, Unplaceable
from scheduling.domain.zones import UnknownTimeZone, zone_named
from scheduling_builders import (
    MONDAY,
    OFFICE_HOURS,
    TENANT,
    a_plan,
    other_pace,
    paired,
    unpaired,
    windows,
)
from shared.contracts import Cadence, CancelReason, Modality, SessionPlan

PARIS = zone_named("Europe/Paris")


def arranged(
    plan: Plan,
    sessions: dict[int, Session] | None = None,
    *,
    now: datetime = MONDAY,
    hours: tuple[Hours, Hours] | None = None,
    somebody_left: bool = False,
) -> Arrangement:
    mentor, mentee = hours or (plan.mentor.hours, plan.mentee.hours)
    claimed = [
        (session.booking.holder, session.booking.time.occupied)
        for session in (sessions or {}).values()
        if session.booking is not None and session.booking.holder is not None
    ]
    given = Circumstances(mentor=mentor, mentee=mentee, claimed=claimed, now=now, somebody_left=somebody_left)
    return arrange(plan, sessions or {}, given)


def booked(
    wanted: Arrangement, before: dict[int, Session] | None = None, *, now: datetime = MONDAY
) -> dict[int, Session]:
    """The sessions after everything in the arrangement went well."""
    sessions = dict(before or {})
    for one in wanted.take:
        proposed, _ = place(sessions.get(one.place.number), one.place, one.time, now=now)
        assert proposed.proposal is not None
        sessions[one.place.number], _ = confirm(proposed, proposed.proposal.holder, now=now)
    for one in wanted.keep:
        sessions[one.place.number], _ = keep_time(sessions[one.place.number], one.place, one.time, now=now)
    return sessions


def starts(wanted: Arrangement) -> list[datetime]:
    return [one.time.starts_at for one in wanted.take]


def test_a_pair_gets_six_monthly_sessions_of_an_hour() -> None:
    wanted = arranged(a_plan())
    local = [start.astimezone(PARIS) for start in starts(wanted)]
    assert [f"{start:%Y-%m-%d %H:%M}" for start in local] == [
        "2026-02-03 09:00",
        "2026-03-03 09:00",
        "2026-04-07 09:00",
        "2026-05-05 09:00",
        "2026-06-02 09:00",
        "2026-07-07 09:00",
    ]
    assert {one.time.minutes for one in wanted.take} == {60}
    assert [one.place.objective for one in wanted.take] == [
        "kickoff",
        "skill:generative-ai",
        "skill:social-networks",
        "skill:generative-ai",
        "skill:social-networks",
        "closing",
    ]
    assert wanted.unplaced == ()


@pytest.mark.parametrize(("cadence", "days"), [(Cadence.WEEKLY, 7), (Cadence.FORTNIGHTLY, 14)])
def test_the_charter_sets_count_cadence_length_and_modality(cadence: Cadence, days: int) -> None:
    charter = other_pace(sessions=4, cadence=cadence, minutes=90, modality=Modality.IN_PERSON)
    wanted = arranged(a_plan(plan=charter))
    first, *later = starts(wanted)
    assert later == [first + timedelta(days=days * n) for n in range(1, 4)]
    assert {(one.time.minutes, one.time.modality) for one in wanted.take} == {(90, Modality.IN_PERSON)}


def test_codes_of_a_newer_contract_are_taken_as_the_default() -> None:
    charter = SessionPlan.model_validate({"cadence": "quarterly", "modality": "hologram"})
    plan = a_plan(plan=charter)
    assert (plan.format.cadence, plan.format.modality) == (Cadence.MONTHLY, Modality.REMOTE)


def test_a_pairing_recorded_afterwards_is_planned_from_its_own_first_day() -> None:
    plan = a_plan(effective_on=date(2025, 8, 4))
    assert starts(arranged(plan))[0].date() == date(2025, 8, 4)


def test_a_new_pair_has_a_day_to_prepare() -> None:
    assert starts(arranged(a_plan()))[0] >= MONDAY + NOTICE


def test_a_pairing_of_the_future_waits_for_its_first_day() -> None:
    plan = a_plan(effective_on=date(2026, 9, 1))
    assert starts(arranged(plan))[0].astimezone(PARIS).date() == date(2026, 9, 1)


def test_what_the_two_share_only_in_some_months_is_planned_in_those() -> None:
    """Paris and Sydney share an hour in the northern summer only."""
    plan = a_plan(
        zones=("Europe/Paris", "Australia/Sydney"),
        hours=(windows(2, start="09:00", end="10:00"), windows(2, start="17:00", end="18:00")),
    )
    wanted = arranged(plan)
    months = {start.month for start in starts(wanted)}
    assert months <= {4, 5, 6, 7, 8, 9, 10}
    assert {gap.reason for gap in wanted.unplaced} == {Unplaceable.NO_SHARED_HOURS}
    assert len(wanted.take) + len(wanted.unplaced) == 6


def test_sessions_of_one_plan_never_overlap() -> None:
    narrow = windows(2, start="09:00", end="10:00")
    plan = a_plan(hours=(narrow, narrow), plan=other_pace(sessions=52, cadence=Cadence.WEEKLY))
    found = starts(arranged(plan))
    assert len(set(found)) == len(found) == 52


def test_nothing_is_planned_once_somebody_left() -> None:
    wanted = arranged(a_plan(), somebody_left=True)
    assert wanted.take == ()
    assert {gap.reason for gap in wanted.unplaced} == {Unplaceable.PARTICIPANT_LEFT}


@pytest.mark.parametrize(
    ("event", "refusal", "field"),
    [
        (paired(zones=("Mars/Phobos", "UTC")), UnknownTimeZone, "mentor.time_zone"),
        (paired(zones=("UTC", "Europe")), UnknownTimeZone, "mentee.time_zone"),
        (paired(mentor="same", mentee="same"), PairedWithThemself, "mentee.person_ref"),
        (paired(effective_on=date(1, 1, 1)), ImplausibleTime, "effective_on"),
        (paired(effective_on=date(9999, 12, 31)), ImplausibleTime, "effective_on"),
    ],
)
def test_an_impossible_pairing_is_refused(event: object, refusal: type[Exception], field: str) -> None:
    with pytest.raises(refusal) as refused:
        plans.begin(None, event, tenant=TENANT, now=MONDAY)  # type: ignore[arg-type]
    assert getattr(refused.value, "field", None) == field


def test_an_end_heard_of_first_leaves_nothing_to_plan() -> None:
    tombstone, _ = plans.end(None, unpaired(), tenant=TENANT, now=MONDAY)
    late, _ = plans.begin(tombstone, paired(), tenant=TENANT, now=MONDAY)
    assert (late.status, late.version) == (PlanStatus.ENDED, 2)
    assert arranged(late) == Arrangement()
    assert plans.begin(late, paired(), tenant=TENANT, now=MONDAY) == (late, [])


def test_an_ended_plan_gives_up_what_was_not_held() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    sessions[1] = complete_at_its_time(sessions[1])
    ended, _ = plans.end(plan, unpaired(), tenant=TENANT, now=MONDAY)
    assert [session.number for session in arranged(ended, sessions).give_up] == [2, 3, 4, 5, 6]


def test_an_ended_plan_is_looked_at_once_more() -> None:
    ended, _ = plans.end(a_plan(), unpaired(), tenant=TENANT, now=MONDAY)
    assert plans.arranged(ended, ended, (), now=MONDAY) == (ended, [])
    settled, _ = plans.arranged(ended, ended, (), now=MONDAY + timedelta(minutes=1))
    assert settled.attention_at is None


def complete_at_its_time(session: Session) -> Session:
    outcome = Outcome(started_at=session.time.starts_at, actual_minutes=60, objective_reached=True)
    return complete(session, outcome, now=session.time.ends_at)[0]


def amended(
    plan: Plan, before: dict[int, Session], /, *, now: datetime = MONDAY, **wanted: object
) -> tuple[Plan, Arrangement]:
    changed, _ = plans.amend(plan, wanted, before.values(), now=now)
    return changed, arranged(changed, before, now=now)


def test_a_longer_session_keeps_its_start_where_it_fits() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    _, wanted = amended(plan, sessions, minutes=90)
    assert starts(wanted) == [session.time.starts_at for session in sessions.values()]
    assert {one.time.minutes for one in wanted.take} == {90}


def test_a_longer_session_finds_another_start_where_it_does_not_fit() -> None:
    morning = (*windows(2, start="09:00", end="10:00"), *windows(4, start="09:00", end="11:00"))
    plan = a_plan(hours=(morning, morning))
    sessions = booked(arranged(plan))
    assert {session.time.starts_at.isoweekday() for session in sessions.values()} == {2}
    _, wanted = amended(plan, sessions, minutes=120)
    assert {start.isoweekday() for start in starts(wanted)} == {4}


def test_another_modality_keeps_every_hour() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    _, wanted = amended(plan, sessions, modality=Modality.HYBRID)
    assert wanted.take == ()
    assert {one.time.modality for one in wanted.keep} == {Modality.HYBRID}


def test_travel_is_booked_around_sessions_in_person() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    _, wanted = amended(plan, sessions, modality=Modality.IN_PERSON, travel_minutes=30)
    assert {one.time.travel_minutes for one in wanted.take} == {30}
    _, remote = amended(plan, sessions, travel_minutes=30)
    assert remote.take == ()


def test_a_new_cadence_counts_from_the_last_session_held() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    sessions[1] = complete_at_its_time(sessions[1])
    now = sessions[1].time.ends_at
    _, wanted = amended(plan, sessions, now=now, cadence=Cadence.WEEKLY)
    assert [one.place.number for one in wanted.take] == [2, 3, 4, 5, 6]
    first = sessions[1].time.starts_at
    assert [start.date() for start in starts(wanted)] == [first.date() + timedelta(weeks=n) for n in range(1, 6)]


def test_a_session_that_lies_well_in_the_new_cadence_stays() -> None:
    plan = a_plan(plan=other_pace(sessions=3, cadence=Cadence.FORTNIGHTLY))
    sessions = booked(arranged(plan))
    _, wanted = amended(plan, sessions, cadence=Cadence.MONTHLY)
    assert [one.place.number for one in wanted.keep] == [1]
    assert [one.place.number for one in wanted.take] == [2, 3]


def test_fewer_sessions_give_up_the_last_ones_that_were_not_held() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    changed, wanted = amended(plan, sessions, sessions=4)
    assert [session.number for session in wanted.give_up] == [5, 6]
    objectives = [one.place.objective for one in wanted.keep]
    assert objectives[-1] == "closing"
    assert changed.layout == 2


def test_more_sessions_follow_the_last_one() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    _, wanted = amended(plan, sessions, sessions=8)
    assert [one.place.number for one in wanted.take] == [7, 8]
    assert starts(wanted)[0] > sessions[6].time.starts_at


def test_a_session_whose_time_has_come_is_left_as_it_is() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    now = sessions[2].time.starts_at + timedelta(hours=3)
    _, wanted = amended(plan, sessions, now=now, cadence=Cadence.WEEKLY)
    assert [one.place.number for one in wanted.take] == [3, 4, 5, 6]


def test_a_session_cancelled_by_a_person_is_not_planned_again() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    sessions[3], _ = cancel(sessions[3], CancelReason.MENTOR_UNAVAILABLE, now=MONDAY)
    _, wanted = amended(plan, sessions, minutes=90)
    assert 3 not in [one.place.number for one in (*wanted.take, *wanted.keep)]


def test_an_unchanged_format_changes_nothing() -> None:
    plan = a_plan()
    assert plans.amend(plan, {"minutes": 60}, (), now=MONDAY) == (plan, [])


def test_an_ended_plan_cannot_be_amended() -> None:
    ended, _ = plans.end(a_plan(), unpaired(), tenant=TENANT, now=MONDAY)
    with pytest.raises(PairingEnded):
        plans.amend(ended, {"minutes": 90}, (), now=MONDAY)


def test_a_pair_that_finds_its_hours_late_begins_then() -> None:
    plan = a_plan(hours=(windows(1), windows(2)))
    gaps = arranged(plan).unplaced
    waiting, _ = plans.arranged(plan, plan, gaps, now=MONDAY)
    june = datetime(2026, 6, 1, 8, tzinfo=UTC)
    retried, _ = plans.retry(waiting, (), now=june)
    office = Hours(time_zone="Europe/Paris", windows=OFFICE_HOURS)
    found = starts(arranged(retried, now=june, hours=(office, office)))
    assert [(start.year, start.month) for start in found] == [(2026, month) for month in range(6, 12)]


def test_a_single_gap_is_filled_without_moving_the_others() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    gap = sessions.pop(2)
    waiting, _ = plans.arranged(plan, plan, (plans.Unplaced(number=2, reason=Unplaceable.NO_FREE_SLOT),), now=MONDAY)
    april = datetime(2026, 4, 13, 8, tzinfo=UTC)
    retried, _ = plans.retry(waiting, sessions.values(), now=april)
    wanted = arranged(retried, sessions, now=april)
    assert [one.place.number for one in wanted.take] == [2]
    assert wanted.keep == ()
    assert starts(wanted)[0] > april
    assert starts(wanted)[0] != gap.time.starts_at


@pytest.mark.parametrize("day", [date(2026, 1, 31), date(2024, 2, 29), date(2026, 12, 31)])
def test_any_first_day_gives_six_months(day: date) -> None:
    plan = a_plan(effective_on=day, now=datetime(2024, 1, 1, tzinfo=UTC))
    wanted = arranged(plan, now=datetime(2024, 1, 1, tzinfo=UTC))
    assert len(wanted.take) == 6
    assert all(one.isoweekday() < 6 for one in starts(wanted))


def test_a_moved_session_is_not_moved_back_when_others_are_planned() -> None:
    plan = a_plan()
    sessions = booked(arranged(plan))
    far = replace(sessions[2].time, starts_at=sessions[2].time.starts_at + timedelta(days=42))
    assert sessions[2].booking is not None
    sessions[2] = replace(sessions[2], booking=replace(sessions[2].booking, time=far))
    wanted = arranged(plan, sessions)
    assert (wanted.take, wanted.keep) == ((), ())
    _, longer = amended(plan, sessions, minutes=90)
    assert far.starts_at in starts(longer)


def test_wanted_places_name_their_session_for_ever() -> None:
    first, second = arranged(a_plan()).take[:2]
    assert isinstance(first, Wanted)
    assert first.place.session_id < second.place.session_id
    assert first.place.session_id == arranged(a_plan()).take[0].place.session_id
