"""What managers and officers are told, when, and what the close of a programme does."""

from datetime import timedelta
from typing import Any

import pytest
from feedback.domain import (
    NoSuchProgramme,
    ProgrammeClosed,
    Question,
    RequestStatus,
)
from feedback_builders import (
    PROGRAMME,
    completed,
    missed,
    paired,
    published,
    scheduled,
    unpaired,
)
from feedback_memory import World, everybody_answers, manager, officer, person, requests_of, say
from shared.chassis.aggregates import Cause
from shared.contracts import (
    Forbidden,
    Role,
)


@pytest.fixture
def world() -> World:
    return World()


async def test_figures_count_what_happened_and_hide_ratings_below_the_floor(world: World) -> None:
    await world.happens(published(), paired(1), paired(2), paired(3), unpaired(3), scheduled(1, 2))
    await world.happens(completed(1), completed(2), missed(3))
    await everybody_answers(world, 2)
    figures = await world.feedback.kpis(manager(), PROGRAMME)
    assert (figures.counts.pairs, figures.counts.pairs_active, figures.participation) == (3, 2, 0.6667)
    assert (figures.counts.sessions_completed, figures.counts.sessions_missed) == (2, 1)
    assert figures.counts.sessions_scheduled == 1
    assert (figures.answers.requested, figures.answers.submitted, figures.published) == (4, 4, 0)
    assert (figures.overall.satisfaction, figures.overall.skill_gain) == (None, None)


async def test_figures_appear_once_two_floors_of_people_have_answered(world: World) -> None:
    await world.happens(published(), *(completed(pair) for pair in range(1, 11)))
    await everybody_answers(world, 5, satisfaction=5, skills={"ai": (1, 3)})
    figures = await world.feedback.kpis(manager(), PROGRAMME)
    assert (figures.published, figures.answers.submitted) == (5, 10)
    assert (figures.overall.satisfaction, figures.overall.skill_gain) == (5.0, None), "five mentors, five mentees"
    for pair in range(6, 11):
        await say(world, f"mentee_{pair}", pair, skills={"ai": (1, 3)})
    figures = await world.feedback.kpis(manager(), PROGRAMME)
    assert figures.skill_gain_by_side == {Role.MENTOR: None, Role.MENTEE: 2.0}
    assert [(skill.skill, skill.gain) for skill in figures.skills] == [("ai", 2.0)]


async def test_nothing_is_published_before_the_charter_says_how_many_it_takes(world: World) -> None:
    await world.happens(*(completed(pair) for pair in range(1, 31)))
    await everybody_answers(world, 30)
    assert (await world.feedback.kpis(manager(), PROGRAMME)).published == 0
    await world.happens(published(floor=20))
    assert (await world.feedback.kpis(manager(), PROGRAMME)).published == 40


async def test_the_floor_can_be_corrected_until_somebody_has_answered_and_then_only_be_raised(world: World) -> None:
    async def floor() -> int:
        return (await world.feedback.kpis(manager(), PROGRAMME)).anonymity_floor

    await world.happens(published(floor=50), published(floor=8, version=2), completed())
    assert await floor() == 8
    await say(world, "mentor_1")
    await world.happens(published(floor=3, version=3))
    assert await floor() == 8
    await world.happens(published(floor=10, version=4))
    assert await floor() == 10


async def test_reports_add_up_however_often_they_are_made(world: World) -> None:
    await world.happens(published(), *(completed(pair, number) for pair in range(1, 9) for number in (1, 2, 3)))
    for number, satisfaction in ((1, 5), (2, 4), (3, 3)):
        for pair in range(1, 9):
            for side in ("mentor", "mentee"):
                world.clock.advance(timedelta(seconds=1))
                await say(world, f"{side}_{pair}", pair, number, satisfaction=satisfaction)
                await world.feedback.kpis(manager(), PROGRAMME)
    final = await world.feedback.close(manager(), PROGRAMME, Cause.command(manager(), None))
    assert (final.published, final.withheld, final.overall.satisfaction) == (48, 0, 4.0)
    members = [key for tally in world.ledger.tallies.values() for key in tally.members]
    assert len(members) == len(set(members)) > 0
    assert final.histograms[Question.SATISFACTION] == (0, 0, 16, 16, 16)


async def test_a_report_that_lost_the_race_takes_the_winners_batch(world: World) -> None:
    await world.happens(published(), *(completed(pair) for pair in range(1, 6)))
    await everybody_answers(world, 5)
    add, raced = world.ledger.add, []

    async def beaten(tally: Any) -> bool:
        if not raced:
            raced.append(await add(tally))
            return False
        return await add(tally)

    world.ledger.add = beaten  # type: ignore[method-assign]
    assert (await world.feedback.kpis(manager(), PROGRAMME)).published == 5
    assert len(world.ledger.tallies) == 1


async def test_the_close_ends_answering_and_can_be_repeated(world: World) -> None:
    await world.happens(published(), *(completed(pair) for pair in range(1, 4)))
    await everybody_answers(world, 2)
    await say(world, "mentor_3", 3)
    closed = await world.feedback.close(manager(), PROGRAMME, Cause.command(manager(), None))
    assert (closed.published, closed.overall.satisfaction) == (5, 4.0)
    assert closed.closed_at == world.clock.now()
    with pytest.raises(ProgrammeClosed):
        await say(world, "mentee_3", 3)
    [request] = await requests_of(world, person("mentee_3"))
    assert request.status is RequestStatus.EXPIRED
    world.clock.advance(timedelta(days=1))
    again = await world.feedback.close(manager(), PROGRAMME, Cause.command(manager(), None))
    assert (again.closed_at, again.published) == (closed.closed_at, 5)


async def test_too_few_answers_at_the_close_stay_hidden(world: World) -> None:
    await world.happens(published(), completed(1), completed(2))
    await everybody_answers(world, 2)
    closed = await world.feedback.close(manager(), PROGRAMME, Cause.command(manager(), None))
    assert (closed.published, closed.withheld, closed.overall.satisfaction) == (0, 4, None)


async def test_a_crash_between_closing_and_publishing_is_made_good_by_the_next_report(world: World) -> None:
    await world.happens(published(), *(completed(pair) for pair in range(1, 4)))
    await everybody_answers(world, 3)
    add = world.ledger.add

    async def dies(_tally: object) -> bool:
        raise ConnectionError

    world.ledger.add = dies  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await world.feedback.close(manager(), PROGRAMME, Cause.command(manager(), None))
    world.ledger.add = add  # type: ignore[method-assign]
    assert (await world.feedback.kpis(manager(), PROGRAMME)).published == 6


async def test_figures_and_closing_are_for_those_who_run_the_programme(world: World) -> None:
    await world.happens(published(), completed())
    for who in (person("mentor_1"), person("anybody")):
        with pytest.raises(Forbidden):
            await world.feedback.kpis(who, PROGRAMME)
    with pytest.raises(Forbidden):
        await world.feedback.close(officer(), PROGRAMME, Cause.command(officer(), None))
    for unknown in (manager(tenant="other"), manager()):
        programme = PROGRAMME if unknown.tenant == "other" else "prg_unknown"
        with pytest.raises(NoSuchProgramme):
            await world.feedback.kpis(unknown, programme)
        with pytest.raises(NoSuchProgramme):
            await world.feedback.close(unknown, programme, Cause.command(unknown, None))
