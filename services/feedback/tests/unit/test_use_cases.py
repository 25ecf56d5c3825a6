from datetime import timedelta
from typing import Any

import pytest
from feedback.domain import (
    AlreadyAnswered,
    Journey,
    NoAnswerYet,
    NoSuchPairing,
    NoSuchRequest,
    NotAsked,
    RequestStatus,
    Response,
    request_id,
)
from feedback_builders import (
    MONDAY,
    PROGRAMME,
    TENANT,
    an_answer,
    completed,
    missed,
    paired,
    published,
)
from feedback_memory import World, everybody_answers, manager, officer, person, requests_of, say
from shared.chassis.aggregates import Cause
from shared.chassis.dead_letter import NotYetKnown
from shared.contracts import (
    FeedbackSubmitted,
    Forbidden,
    Goal,
    GoalReached,
    PairingAtRisk,
    Principal,
)

FIRST = request_id(TENANT, "ses_1_1")


@pytest.fixture
def world() -> World:
    return World()


async def test_a_held_session_asks_each_side_and_shows_each_only_its_own(world: World) -> None:
    await world.happens(paired(), completed())
    [mentors] = await requests_of(world, person("mentor_1"))
    [mentees] = await requests_of(world, person("mentee_1"))
    assert (mentors.id, mentors.person_ref, mentees.person_ref) == (mentees.id, "mentor_1", "mentee_1")
    assert await requests_of(world, person("mentor_2")) == []


async def test_a_session_reported_twice_asks_once(world: World) -> None:
    await world.happens(completed(), again=True)
    await world.happens(completed(version=3))
    assert len(world.responses.states) == 1


async def test_a_session_held_before_its_pairing_is_known_is_asked_about(world: World) -> None:
    await world.happens(completed(), paired())
    assert len(await requests_of(world, person("mentee_1"))) == 1
    assert (await world.feedback.timeline(manager(), "pair_1"))[0].met


async def test_the_partners_answer_changes_nothing_in_ones_own_view(world: World) -> None:
    await world.happens(completed())
    before = await world.feedback.request(person("mentee_1"), FIRST)
    await say(world, "mentor_1", satisfaction=1, text="Never again.")
    assert await world.feedback.request(person("mentee_1"), FIRST) == before
    with pytest.raises(NoAnswerYet):
        await world.feedback.own_answer(person("mentee_1"), FIRST, None)


async def test_an_author_reads_their_own_text_again(world: World) -> None:
    await world.happens(completed())
    await say(world, "mentor_1", text="Good.")
    own = await world.feedback.own_answer(person("mentor_1"), FIRST, "mentor_1")
    assert own.answer is not None
    assert own.answer.text == "Good."


@pytest.mark.parametrize("who", [person("mentor_2"), manager(), officer(), person("mentor_1", tenant="other")])
async def test_nobody_else_sees_or_answers_a_persons_request(world: World, who: Principal) -> None:
    await world.happens(completed())
    with pytest.raises(NoSuchRequest):
        await world.feedback.request(who, FIRST)
    with pytest.raises(NoSuchRequest):
        await world.feedback.own_answer(who, FIRST, "mentor_1")
    for named in {"mentor_1", who.subject}:
        with pytest.raises(NoSuchRequest):
            await world.feedback.answer(who, FIRST, named, lambda at: an_answer(at=at), Cause.command(who, None))
    assert world.responses.states[FIRST].answers == 0


async def test_a_manager_cannot_list_who_has_answered(world: World) -> None:
    await world.happens(completed())
    assert await requests_of(world, manager()) == []
    with pytest.raises(NotAsked):
        await requests_of(world, manager(), person_ref="mentor_1")


async def test_requests_are_filtered_and_paged(world: World) -> None:
    await world.happens(*(completed(number=number) for number in range(1, 8)))
    await say(world, "mentor_1", number=3)
    who = person("mentor_1")
    assert len(await requests_of(world, who, status=RequestStatus.OPEN)) == 6
    assert len(await requests_of(world, who, status=RequestStatus.ANSWERED)) == 1
    assert len(await requests_of(world, who, where={"session_id": "ses_1_2"})) == 1
    seen, cursor = [], None
    while True:
        page = await world.feedback.requests(
            who, {}, person_ref=None, status=RequestStatus.OPEN, limit=2, cursor=cursor
        )
        seen += [request.id for request in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 6


async def test_the_same_command_again_gives_the_stored_answer_and_another_is_refused(world: World) -> None:
    await world.happens(completed())
    first = await say(world, "mentor_1", key="k1", satisfaction=5)
    again = await say(world, "mentor_1", key="k1", satisfaction=1)
    assert again == first
    with pytest.raises(AlreadyAnswered):
        await say(world, "mentor_1", key="k2")


async def test_both_sides_may_use_the_same_key(world: World) -> None:
    await world.happens(completed())
    await say(world, "mentor_1", key="answer-1")
    await say(world, "mentee_1", key="answer-1")
    assert world.responses.states[FIRST].answers == 2


async def test_only_the_officer_reads_text_and_every_reading_is_noted(world: World) -> None:
    await world.happens(completed())
    await say(world, "mentor_1", text="In confidence.")
    for who in (manager(), person("mentee_1"), person("mentor_1")):
        with pytest.raises(Forbidden):
            await world.feedback.answers(who, PROGRAMME, limit=50, cursor=None)
    assert world.audit.readings == []
    page = await world.feedback.answers(officer(), PROGRAMME, limit=50, cursor=None)
    assert [answer.text for response in page.items for _, answer in response.given()] == ["In confidence."]
    [reading] = world.audit.readings
    assert (reading.subject, reading.programme_id, reading.responses) == ("olga", PROGRAMME, (FIRST,))


async def test_no_note_no_reading(world: World) -> None:
    async def broken(_reading: object) -> None:
        raise ConnectionError

    world.audit.note = broken  # type: ignore[method-assign]
    await world.happens(completed())
    with pytest.raises(ConnectionError):
        await world.feedback.answers(officer(), PROGRAMME, limit=50, cursor=None)


async def test_an_officer_who_takes_part_does_not_read_their_partner(world: World) -> None:
    await world.happens(completed(pair=1), completed(pair=2))
    await say(world, "mentee_1", text="About the officer.")
    await say(world, "mentee_2", 2, text="About somebody else.")
    page = await world.feedback.answers(officer("mentor_1"), PROGRAMME, limit=50, cursor=None)
    assert [response.pairing_id for response in page.items] == ["pair_2"]
    assert world.audit.readings[0].responses == (page.items[0].id,)


async def test_progress_towards_the_charters_goals_is_measured(world: World) -> None:
    goals = (
        Goal(code="digital_skills", metric="skill_gain", target=1.5),
        Goal(code="reach", metric="participation", target=1.0),
        Goal(code="culture", metric="retention", target=10),
    )
    await world.happens(published(goals=goals), paired(11), *(completed(pair) for pair in range(1, 11)))
    await everybody_answers(world, 10, skills={"ai": (1, 3)}, goals_reached=("digital_skills",))
    await world.hear_itself()
    figures = await world.feedback.kpis(manager(), PROGRAMME)
    assert [(goal.code, goal.value, goal.attained, goal.pairs_reached) for goal in figures.goals] == [
        ("digital_skills", 2.0, True, 10),
        ("reach", 0.9091, False, 0),
        ("culture", None, None, 0),
    ]
    assert figures.goals_reached == 10


async def test_a_goal_reported_by_both_in_many_sessions_is_told_once(world: World) -> None:
    await world.happens(paired(), completed(number=1), completed(number=2))
    for number in (1, 2):
        for ref in ("mentor_1", "mentee_1"):
            await say(world, ref, number=number, goals_reached=("inclusion",))
    await world.hear_itself(again=True)
    assert [type(event) for event in world.goals.events] == [GoalReached]


async def test_an_unhappy_answer_leads_to_one_signal_without_who_or_why(world: World) -> None:
    await world.happens(paired(), completed(number=1), completed(number=2))
    await say(world, "mentee_1", wants_re_match=True, text="We do not get along.")
    await world.hear_itself(again=True)
    await say(world, "mentor_1", number=2, trust=1, satisfaction=1)
    await world.hear_itself(again=True)
    [signal] = world.journeys.events
    assert isinstance(signal, PairingAtRisk)
    assert signal.model_dump().keys() == {"pairing_id", "programme_id", "version", "occurred_at"}


async def test_what_follows_from_an_answer_survives_a_crash_in_the_middle(world: World) -> None:
    await world.happens(paired(), completed())
    await say(world, "mentee_1", wants_re_match=True, goals_reached=("inclusion",))
    change, died = world.goals.change, []

    async def dies_once(*arguments: Any) -> Any:
        if not died:
            died.append(True)
            raise ConnectionError
        return await change(*arguments)

    world.goals.change = dies_once  # type: ignore[method-assign]
    [submitted] = [event for event in world.responses.events if isinstance(event, FeedbackSubmitted)]
    with pytest.raises(ConnectionError):
        await world.deliver(submitted, event_id="fb#1")
    await world.deliver(submitted, event_id="fb#1")
    assert len(world.journeys.events) == len(world.goals.events) == 1


async def test_an_answers_event_that_overtook_the_pairing_is_tried_again(world: World) -> None:
    await world.happens(completed())
    await say(world, "mentee_1")
    del world.journeys.states["pair_1"]
    with pytest.raises(NotYetKnown):
        await world.hear_itself()


async def test_the_two_see_their_course_without_answers_or_risk_and_the_manager_sees_all(world: World) -> None:
    await world.happens(paired(), completed())
    world.clock.advance(timedelta(days=1))
    await say(world, "mentee_1", wants_re_match=True, goals_reached=("inclusion",))
    await world.hear_itself()

    async def events_for(who: Principal) -> list[str]:
        journey, entries = await world.feedback.timeline(who, "pair_1")
        assert isinstance(journey, Journey)
        return [entry.event for entry in entries]

    own = ["paired", "session_completed", "goal_reached"]
    assert await events_for(person("mentor_1")) == await events_for(person("mentee_1")) == own
    assert await events_for(manager("mentor_1")) == own, "a manager who is one of the two is one of the two"
    assert set(await events_for(manager())) == {*own, "feedback_submitted", "pairing_at_risk"}
    for stranger in (person("mentor_2"), manager(tenant="other")):
        with pytest.raises(NoSuchPairing):
            await world.feedback.timeline(stranger, "pair_1")


async def test_everything_delivered_twice_changes_nothing(world: World) -> None:
    twice = World()
    for each, again in ((world, False), (twice, True)):
        await each.happens(published(), paired(), *(completed(number=number) for number in (1, 2)), again=again)
        await each.happens(missed(number=3), missed(number=4), again=again)
        await say(each, "mentor_1", goals_reached=("inclusion",))
        await each.hear_itself(again=again)
    assert twice.responses.states == world.responses.states
    assert twice.journeys.states == world.journeys.states
    assert twice.goals.states == world.goals.states
    assert twice.journeys.events == world.journeys.events
    assert isinstance(world.responses.states[FIRST], Response)
    assert world.clock.now() == MONDAY
