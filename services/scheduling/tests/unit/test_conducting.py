"""What people do with their sessions, with every port in memory."""

from datetime import UTC, datetime, timedelta

import pytest
from scheduling.domain import booking
from scheduling.domain.conduct import Outcome
from scheduling.domain.refusals import (
    ImplausibleTime,
    NoSuchFeed,
    NoSuchPerson,
    NoSuchSession,
    NotAParticipant,
    OnlyForYourself,
    PersonAlreadyBooked,
    SessionBeingMoved,
)
from scheduling.domain.sessions import SessionStatus, Time
from scheduling.use_cases import Wish
from scheduling_builders import (
    World,
    because_of,
    feedback_submitted,
    manager,
    on_behalf_of,
    other_pace,
    paired,
    participant,
    unpaired,
    windows,
)
from shared.chassis.dead_letter import NotYetKnown
from shared.contracts import CancelReason


@pytest.fixture
async def world() -> World:
    world = World()
    await world.pair()
    return world


def later(world: World, **by: float) -> Wish:
    return Wish(starts_at=world.session(1).time.starts_at + timedelta(**by))


async def test_a_participant_moves_a_session(world: World) -> None:
    wish = later(world, days=1)
    moved = await world.conducting.move(world.session(1).id, on_behalf_of(participant("mentor_1")), wish)
    assert moved.time.starts_at == wish.starts_at
    assert moved.accepted_by == ("mentor_1",)
    assert not moved.time.outside_availability
    assert (moved.stale, moved.attention_at) == ((), None)
    assert world.told()[-1] == "session_rescheduled"
    world.check_calendars()


async def test_a_time_outside_the_stated_hours_is_allowed_and_reported(world: World) -> None:
    moved = await world.conducting.move(world.session(1).id, on_behalf_of(manager()), later(world, hours=12))
    assert moved.time.outside_availability
    world.check_calendars()


async def test_a_session_can_move_into_part_of_its_own_time(world: World) -> None:
    moved = await world.conducting.move(world.session(1).id, on_behalf_of(manager()), later(world, minutes=30))
    assert moved.sequence == 1
    world.check_calendars()


async def test_nobody_is_moved_into_another_session(world: World) -> None:
    await world.pair(paired(2, mentor="mentor_1"))
    taken = world.session(1).time
    session = world.session(1, pair=2)
    with pytest.raises(PersonAlreadyBooked) as refusal:
        await world.conducting.move(
            session.id, on_behalf_of(manager()), Wish(starts_at=taken.starts_at + timedelta(minutes=45))
        )
    assert (refusal.value.field, refusal.value.detail) == ("starts_at", "the mentor has another session at that time")
    after = world.session(1, pair=2)
    assert (after.time, after.proposal, after.stale) == (session.time, None, ())
    world.check_calendars()


async def test_moving_to_the_present_time_changes_nothing(world: World) -> None:
    before = world.session(1)
    same = await world.conducting.move(before.id, on_behalf_of(manager()), later(world))
    assert same == before


async def test_a_repeated_move_has_one_effect(world: World) -> None:
    cause = on_behalf_of(manager(), "key-1")
    wish = later(world, days=1)
    first = await world.conducting.move(world.session(1).id, cause, wish)
    assert await world.conducting.move(world.session(1).id, cause, wish) == first
    assert world.told().count("session_rescheduled") == 1


async def test_a_second_move_waits_for_the_first(world: World) -> None:
    session = world.session(1)
    time = session.time
    await world.sessions.change(
        session.id,
        on_behalf_of(manager()),
        lambda present: booking.move(
            present or session,
            Time(starts_at=time.starts_at + timedelta(days=1), minutes=60, modality=time.modality),
            asked_by=None,
            sides=(session.mentor, session.mentee),
            layout=1,
            now=world.clock.now(),
        ),
    )
    with pytest.raises(SessionBeingMoved):
        await world.conducting.move(session.id, on_behalf_of(manager()), later(world, days=2))
    world.clock.advance(timedelta(minutes=1))
    moved = await world.conducting.move(session.id, on_behalf_of(manager()), later(world, days=2))
    assert moved.time.starts_at == time.starts_at + timedelta(days=2)
    world.check_calendars()


@pytest.mark.parametrize("year", [2001, 2025, 2028, 2099])
async def test_a_session_cannot_leave_the_years_of_its_plan(world: World, year: int) -> None:
    with pytest.raises(ImplausibleTime) as refusal:
        await world.conducting.move(
            world.session(1).id, on_behalf_of(manager()), Wish(starts_at=datetime(year, 1, 1, tzinfo=UTC))
        )
    assert refusal.value.field == "starts_at"


async def test_a_session_is_accepted_by_its_people_only(world: World) -> None:
    session = world.session(1).id
    with pytest.raises(NotAParticipant):
        await world.conducting.accept(session, on_behalf_of(manager()), "somebody")
    with pytest.raises(OnlyForYourself):
        await world.conducting.accept(session, on_behalf_of(participant("mentor_1")), "mentee_1")
    await world.conducting.accept(session, on_behalf_of(participant("mentor_1")), "mentor_1")
    accepted = await world.conducting.accept(session, on_behalf_of(manager()), "mentee_1")
    assert accepted.status is SessionStatus.ACCEPTED


async def test_a_cancelled_hour_is_free_for_others(world: World) -> None:
    hour = world.session(1).time
    await world.conducting.cancel(
        world.session(1).id, on_behalf_of(participant("mentee_1")), CancelReason.MENTEE_UNAVAILABLE
    )
    assert hour.occupied not in world.calendar("mentor_1")
    await world.pair(paired(2, mentor="mentor_1", plan=other_pace(sessions=1)))
    moved = await world.conducting.move(
        world.session(1, pair=2).id, on_behalf_of(manager()), Wish(starts_at=hour.starts_at)
    )
    assert moved.time.starts_at == hour.starts_at
    world.check_calendars()


async def test_a_held_session_is_recorded_with_what_really_happened(world: World) -> None:
    session = world.session(1)
    world.clock.set(session.time.ends_at)
    held = await world.conducting.complete(
        session.id,
        on_behalf_of(participant("mentor_1")),
        Outcome(started_at=session.time.starts_at + timedelta(minutes=5), actual_minutes=70, objective_reached=True),
    )
    assert held.status is SessionStatus.COMPLETED
    assert world.told()[-1] == "session_completed"


async def test_a_session_whose_time_passed_in_silence_is_late(world: World) -> None:
    session = world.session(1)
    assert not session.is_late(session.time.ends_at)
    assert session.is_late(session.time.ends_at + timedelta(days=2))
    world.clock.set(session.time.ends_at)
    missed = await world.conducting.miss(session.id, on_behalf_of(manager()))
    assert not missed.is_late(session.time.ends_at + timedelta(days=2))


async def test_somebody_elses_session_does_not_exist_for_you(world: World) -> None:
    session = world.session(1).id
    for stranger in (participant("somebody"), manager("other"), participant("mentor_1", "other")):
        cause = on_behalf_of(stranger)
        with pytest.raises(NoSuchSession):
            await world.conducting.miss(session, cause)
        with pytest.raises(NoSuchSession):
            await world.conducting.move(session, cause, later(world, days=1))
        with pytest.raises(NoSuchSession):
            await world.reading.session(stranger, session)


async def test_answers_are_counted_once_in_any_order(world: World) -> None:
    session = world.session(1).id
    for answers in (2, 1, 2):
        event = feedback_submitted(session, answers=answers)
        await world.conducting.feedback_submitted(event, because_of(event))
    assert world.session(1).answers == 2
    assert world.told() == ["session_scheduled"] * 6


async def test_feedback_on_an_unknown_session_waits(world: World) -> None:
    event = feedback_submitted("ses_unknown")
    with pytest.raises(NotYetKnown):
        await world.conducting.feedback_submitted(event, because_of(event))


async def test_people_see_their_own_sessions_and_managers_all(world: World) -> None:
    await world.pair(paired(2))
    assert len((await world.reading.sessions(manager(), limit=200)).items) == 12
    assert len((await world.reading.sessions(participant("mentor_1"))).items) == 6
    assert len((await world.reading.sessions(manager(), person_ref="mentee_2")).items) == 6
    assert len((await world.reading.plans(participant("mentee_2"))).items) == 1
    with pytest.raises(NoSuchPerson):
        await world.reading.sessions(participant("mentor_1"), person_ref="mentor_2")
    with pytest.raises(NoSuchPerson):
        await world.reading.plans(participant("mentor_1"), person_ref="mentor_2")


async def test_the_sessions_of_a_pairing_are_listed_in_order(world: World) -> None:
    page = await world.reading.sessions(manager(), pairing_id="pair_1", limit=4)
    rest = await world.reading.sessions(manager(), pairing_id="pair_1", cursor=page.next_cursor)
    assert [session.number for session in (*page.items, *rest.items)] == [1, 2, 3, 4, 5, 6]


async def test_a_session_without_a_time_is_not_shown() -> None:
    world = World()
    await world.pair(paired(hours=(windows(1), windows(2))))
    assert (await world.reading.sessions(manager())).items == ()


async def test_a_feed_opens_with_its_newest_secret_only(world: World) -> None:
    me = participant("mentor_1")
    feed, first = await world.reading.open_feed("mentor_1", on_behalf_of(me))
    assert first.split(".", 1)[1] not in repr(world.feeds.states)
    assert len(first.split(".", 1)[1]) >= 43  # 256 bits
    assert len(await world.reading.feed(first)) == 6
    again, second = await world.reading.open_feed("mentor_1", on_behalf_of(me))
    assert (again.id, again.version) == (feed.id, 2)
    assert len(await world.reading.feed(second)) == 6
    with pytest.raises(NoSuchFeed):
        await world.reading.feed(first)


async def test_a_repeated_request_for_a_feed_gives_an_address_that_works(world: World) -> None:
    cause = on_behalf_of(participant("mentor_1"), "key-1")
    await world.reading.open_feed("mentor_1", cause)
    _, again = await world.reading.open_feed("mentor_1", cause)
    assert len(await world.reading.feed(again)) == 6


@pytest.mark.parametrize("token", ["", ".", "ge.", "ge.wrong", "wrong", "other.secret", "ge.$ne", "x" * 200])
async def test_a_wrong_secret_opens_nothing(world: World, token: str) -> None:
    await world.reading.open_feed("mentor_1", on_behalf_of(manager()))
    with pytest.raises(NoSuchFeed):
        await world.reading.feed(token)


async def test_nobody_opens_somebody_elses_feed(world: World) -> None:
    with pytest.raises(NoSuchPerson):
        await world.reading.open_feed("mentor_1", on_behalf_of(participant("mentee_1")))


async def test_a_feed_shows_cancelled_sessions_too(world: World) -> None:
    _, token = await world.reading.open_feed("mentee_1", on_behalf_of(manager()))
    await world.planning.end(unpaired(), because_of(unpaired()))
    assert {item.session.status for item in await world.reading.feed(token)} == {SessionStatus.CANCELLED}
