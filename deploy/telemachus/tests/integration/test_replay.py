from collections.abc import Callable
from typing import Any

import pytest
from commands import Commands
from harness import Harness
from shared.testing.waiting import eventually

pytestmark = pytest.mark.integration

Send = Callable[..., Any]


@pytest.fixture
async def three_read(telemachus: Commands, harness: Harness, send: Send) -> None:
    for name in ("a", "b", "c"):
        await send(name)
    await eventually(harness.counted, equals=3)

    async def all_committed() -> bool:
        (told,) = await telemachus.json("replay", "feedback", "--dry-run")
        return bool(told["replayed"] == 3)

    await eventually(all_committed)


@pytest.mark.usefixtures("three_read")
async def test_what_a_service_lost_comes_back_from_the_log(telemachus: Commands, harness: Harness) -> None:
    await harness.chassis.collection("samples").delete_many({})
    assert await harness.counted() == 0
    (told,) = await telemachus.json("replay", "feedback", "goal_reached")
    assert (told["replayed"], told["other"], told["unread"], told["expired"]) == (3, 0, 0, 0)
    await eventually(harness.counted, equals=3)
    assert sorted(harness.handled[-3:]) == ["a.1", "b.1", "c.1"]


@pytest.mark.usefixtures("three_read")
async def test_what_is_there_stays_as_it_is_however_often_it_is_read_again(
    telemachus: Commands, harness: Harness
) -> None:
    for times in (2, 3):
        await telemachus.json("replay", "feedback")
        await eventually(lambda times=times: len(harness.handled), equals=3 * times)
    assert await harness.counted() == 3


@pytest.mark.usefixtures("three_read")
async def test_a_part_of_the_log_can_be_chosen(telemachus: Commands, harness: Harness) -> None:
    (told,) = await telemachus.json("replay", "feedback", "--aggregate", "b")
    assert (told["replayed"], told["other"]) == (1, 2)
    await eventually(lambda: harness.handled[3:], equals=["b.1"])
    (told,) = await telemachus.json("replay", "feedback", "--since", "2999-01-01")
    assert (told["replayed"], told["other"]) == (0, 3)


@pytest.mark.usefixtures("three_read")
async def test_a_dry_run_sends_nothing(telemachus: Commands, harness: Harness) -> None:
    result = await telemachus.run("replay", "feedback", "--dry-run")
    assert "would be replayed" in result.stdout
    await telemachus.json("replay", "feedback", "--aggregate", "c")
    await eventually(lambda: harness.handled[3:], equals=["c.1"])


@pytest.mark.usefixtures("three_read")
async def test_an_event_that_the_service_does_not_read_is_refused_with_those_that_it_does(telemachus: Commands) -> None:
    trouble = await telemachus.refused("replay", "feedback", "paired")
    assert "feedback does not read paired" in trouble.what
    assert "goal_reached" in trouble.next_step
