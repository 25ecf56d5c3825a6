"""From events to sessions, with every port in memory."""

from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from scheduling.domain.booking import place
from scheduling.domain.plans import PlanStatus
from scheduling.domain.refusals import NoSuchPlan, PairingEnded
from scheduling.domain.sessions import SessionStatus
from scheduling.domain.slots import Unplaceable
from scheduling.domain.zones import UnknownTimeZone
from scheduling.use_cases import Wish
from scheduling_builders import (
    MONDAY,
    OFFICE_HOURS,
    TENANT,
    World,
    a_plan,
    because_of,
    manager,
    on_behalf_of,
    other_pace,
    paired,
    participant,
    published,
    unpaired,
    volunteer_updated,
    volunteer_withdrawn,
    windows,
)
from shared.chassis.reservations import Claim
from shared.contracts import Cadence, CancelReason, SessionCancelled, UnpairReason


async def test_a_pairing_becomes_six_booked_sessions() -> None:
    world = World()
    plan = await world.pair()
    assert [session.number for session in world.open_sessions()] == [1, 2, 3, 4, 5, 6]
    assert world.told() == ["session_scheduled"] * 6
    assert len(world.calendar("mentor_1")) == len(world.calendar("mentee_1")) == 6
    assert plan.attention_at is None
    world.check_calendars()


async def test_a_redelivered_pairing_changes_nothing() -> None:
    world = World()
    await world.pair()
    before = (dict(world.plans.states), dict(world.sessions.states), dict(world.calendars.held))
    await world.pair()
    assert (dict(world.plans.states), dict(world.sessions.states), dict(world.calendars.held)) == before
    assert world.told() == ["session_scheduled"] * 6


async def test_one_person_is_never_booked_twice_across_pairings_and_programmes() -> None:
    world = World()
    narrow = windows(2, start="09:00", end="11:00")
    for pair in (1, 2, 3):
        await world.pair(paired(pair, mentor="busy", hours=(narrow, narrow)))
    assert len(world.calendar("busy")) == 18
    world.check_calendars()


async def test_a_session_without_a_free_hour_is_listed_with_the_reason() -> None:
    world = World()
    hour = windows(2, start="09:00", end="10:00")
    weekly = other_pace(sessions=4, cadence=Cadence.WEEKLY)
    await world.pair(paired(1, mentor="busy", hours=(hour, hour), plan=weekly))
    plan = await world.pair(paired(2, mentor="busy", hours=(hour, hour), plan=weekly))
    assert [(gap.number, gap.reason) for gap in plan.unplaced] == [
        (number, Unplaceable.NO_FREE_SLOT) for number in (1, 2, 3, 4)
    ]
    assert world.told() == ["session_scheduled"] * 4


async def test_sessions_without_a_time_are_tried_again_when_hours_change() -> None:
    world = World()
    await world.pair(paired(hours=(windows(1), windows(2))))
    assert world.open_sessions() == []
    event = volunteer_updated(availability=windows(2))
    await world.planning.hours_changed(event, because_of(event))
    assert len(world.open_sessions()) == 6
    assert world.plans.states["pair_1"].unplaced == ()
    await world.planning.hours_changed(event, because_of(event))
    assert world.told() == ["session_scheduled"] * 6


async def test_planned_sessions_stay_when_hours_change() -> None:
    world = World()
    await world.pair()
    before = dict(world.sessions.states)
    event = volunteer_updated(availability=windows(5))
    await world.planning.hours_changed(event, because_of(event))
    assert world.sessions.states == before


async def test_the_newest_hours_serve_whatever_the_order_of_arrival() -> None:
    world = World()
    newer = volunteer_updated(version=5, availability=windows(3))
    older = volunteer_updated(version=4, availability=windows(4))
    for event in (newer, older):
        await world.planning.hours_changed(event, because_of(event))
    await world.pair()
    assert {session.time.starts_at.isoweekday() for session in world.open_sessions()} == {3}


async def test_an_update_with_an_unknown_zone_is_refused() -> None:
    event = volunteer_updated(time_zone="Mars/Phobos")
    with pytest.raises(UnknownTimeZone):
        await World().planning.hours_changed(event, because_of(event))


async def test_the_end_of_a_pairing_cancels_what_was_not_held() -> None:
    world = World()
    await world.pair()
    world.clock.set(world.session(1).time.ends_at)
    await world.conducting.miss(world.session(1).id, on_behalf_of(manager()))
    event = unpaired()
    for _ in range(2):
        await world.planning.end(event, because_of(event))
    assert [world.session(number).status for number in range(1, 7)] == [
        SessionStatus.MISSED,
        *[SessionStatus.CANCELLED] * 5,
    ]
    cancelled = [event for event in world.sessions.events if isinstance(event, SessionCancelled)]
    assert [event.reason for event in cancelled] == [CancelReason.UNPAIRED] * 5
    assert world.plans.states["pair_1"].ended_reason is UnpairReason.RE_MATCH
    assert len(world.calendar("mentor_1")) == 1  # the missed one, which is past
    world.check_calendars()


async def test_an_end_that_comes_before_its_pairing_leaves_nothing_to_plan() -> None:
    world = World()
    event = unpaired()
    await world.planning.end(event, because_of(event))
    plan = await world.pair()
    assert plan.status is PlanStatus.ENDED
    assert world.sessions.states == {}
    assert world.calendars.held == {}


async def test_nothing_more_is_planned_with_a_volunteer_who_left() -> None:
    world = World()
    event = volunteer_withdrawn()
    await world.planning.volunteer_left(event, because_of(event))
    plan = await world.pair()
    assert {gap.reason for gap in plan.unplaced} == {Unplaceable.PARTICIPANT_LEFT}
    assert world.told() == []


async def test_the_pair_makes_the_pace_its_own() -> None:
    world = World()
    await world.pair()
    plan = await world.planning.amend(
        "pair_1", on_behalf_of(participant("mentee_1")), {"cadence": Cadence.FORTNIGHTLY, "minutes": 90, "sessions": 4}
    )
    assert (plan.format.sessions, plan.unplaced, plan.attention_at) == (4, (), None)
    sessions = world.open_sessions()
    assert [session.number for session in sessions] == [1, 2, 3, 4]
    gaps = [(b.time.starts_at - a.time.starts_at).days for a, b in pairwise(sessions)]
    assert all(7 <= gap <= 21 for gap in gaps), gaps
    assert {session.time.minutes for session in sessions} == {90}
    assert world.told().count("session_cancelled") == 2
    world.check_calendars()


async def test_sessions_taken_away_by_a_shorter_plan_come_back_with_a_longer_one() -> None:
    world = World()
    await world.pair()
    cause = on_behalf_of(manager())
    await world.planning.amend("pair_1", cause, {"sessions": 3})
    assert len(world.open_sessions()) == 3
    await world.planning.amend("pair_1", on_behalf_of(manager()), {"sessions": 6})
    assert len(world.open_sessions()) == 6
    assert world.session(6).sequence == 2
    world.check_calendars()


async def test_a_repeated_command_has_one_effect() -> None:
    world = World()
    await world.pair()
    cause = on_behalf_of(manager(), "key-1")
    first = await world.planning.amend("pair_1", cause, {"minutes": 90})
    events = len(world.sessions.events)
    assert await world.planning.amend("pair_1", cause, {"minutes": 90}) == first
    assert len(world.sessions.events) == events


async def test_a_plan_is_nobody_elses_business() -> None:
    world = World()
    await world.pair()
    for stranger in (participant("somebody"), manager("other-tenant"), participant("mentor_1", "other-tenant")):
        with pytest.raises(NoSuchPlan):
            await world.planning.amend("pair_1", on_behalf_of(stranger), {"minutes": 90})


async def test_an_ended_plan_cannot_be_amended() -> None:
    world = World()
    await world.pair()
    await world.planning.end(unpaired(), because_of(unpaired()))
    with pytest.raises(PairingEnded):
        await world.planning.amend("pair_1", on_behalf_of(manager()), {"minutes": 90})


async def test_the_sweeper_finishes_what_a_dead_process_began() -> None:
    """A process died after it had written the plan, and one proposal."""
    world = World()
    event = paired()
    finished = World()
    await finished.pair()
    began = finished.session(1)
    plan = finished.plans.states["pair_1"]

    fresh = a_plan()
    await world.plans.change(event.pairing_id, because_of(event), lambda _: (fresh, []))
    at = plan.place_of(1, (began.mentor, began.mentee))
    await world.sessions.change(
        began.id, on_behalf_of(manager()), lambda session: place(session, at, began.time, now=MONDAY)
    )
    await world.planning.sweep()
    assert world.open_sessions() == []  # whoever began it may still be at work
    world.clock.advance(timedelta(minutes=1))
    await world.planning.sweep()
    assert len(world.open_sessions()) == 6
    assert all(session.attention_at is None for session in world.sessions.states.values())
    world.check_calendars()


async def test_the_sweeper_gives_up_a_proposal_of_an_ended_pairing() -> None:
    world = World()
    await world.pair(paired(plan=other_pace(sessions=1)))
    plan = world.plans.states["pair_1"]
    await world.planning.end(unpaired(), because_of(unpaired()))
    session = world.session(1)
    at = plan.place_of(2, (session.mentor, session.mentee))
    await world.sessions.change(
        at.session_id, on_behalf_of(manager()), lambda present: place(present, at, session.time, now=MONDAY)
    )
    world.clock.advance(timedelta(minutes=1))
    for _ in range(2):
        await world.planning.sweep()
    assert world.open_sessions() == []
    assert world.calendar("mentor_1") == []
    assert world.plans.states["pair_1"].attention_at is None


async def test_claims_that_stand_for_nothing_do_not_block_a_person() -> None:
    world = World()
    await world.pair(paired(plan=other_pace(sessions=1)))
    session = world.session(1)
    start = session.time.starts_at + timedelta(days=2)
    stray = Claim(holder="ses_gone_001.7", on="mentor_1", start=start, end=start + timedelta(hours=1))
    world.calendars.held[(TENANT, "mentor_1")] += (stray,)

    moved = await world.conducting.move(session.id, on_behalf_of(manager()), Wish(starts_at=start))
    assert moved.time.starts_at == start
    world.check_calendars()


async def test_a_programmes_newest_name_is_kept() -> None:
    world = World()
    for event in (published(title="New", version=2), published(title="Old", version=1)):
        await world.planning.programme_published(event, because_of(event))
    assert world.programmes.states["prg_digital"].title == "New"


async def test_another_organisation_is_another_world() -> None:
    world = World()
    await world.pair()
    assert (await world.reading.sessions(manager("other-tenant"))).items == ()
    assert (await world.reading.plans(manager("other-tenant"))).items == ()


async def test_office_hours_in_two_zones_meet_in_between() -> None:
    world = World()
    await world.pair(paired(zones=("Europe/Paris", "Asia/Kolkata"), hours=(OFFICE_HOURS, OFFICE_HOURS)))
    for session in world.open_sessions():
        assert session.time.starts_at.astimezone(ZoneInfo("Europe/Paris")).hour >= 9
        assert session.time.ends_at.astimezone(ZoneInfo("Asia/Kolkata")).hour < 17
    world.check_calendars()
