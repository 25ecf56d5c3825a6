import asyncio
from collections.abc import Sequence

import pytest
from shared.chassis.gathering import Gathered


class Database:
    """Doubles numbers; takes a moment for each command, and fails when it gets a negative one."""

    def __init__(self) -> None:
        self.commands: list[list[int]] = []

    async def double(self, numbers: Sequence[int]) -> list[int]:
        self.commands.append(list(numbers))
        await asyncio.sleep(0.01)
        if min(numbers) < 0:
            raise ConnectionError("away")
        return [2 * number for number in numbers]


async def test_what_waits_while_a_command_is_under_way_goes_together_and_everybody_gets_their_own_result() -> None:
    database = Database()
    double = Gathered(database.double)
    first = asyncio.create_task(double(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(double(number)) for number in (2, 3, 4)]
    assert await asyncio.gather(first, *others) == [2, 4, 6, 8]
    assert database.commands == [[1], [2, 3, 4]]
    assert await double(5) == 10


async def test_a_failure_is_told_to_all_of_its_batch_and_to_nobody_after() -> None:
    database = Database()
    double = Gathered(database.double)
    outcomes = await asyncio.gather(double(-1), double(2), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ConnectionError, ConnectionError]
    assert await double(3) == 6


async def test_who_stops_waiting_does_not_disturb_the_others() -> None:
    double = Gathered(Database().double)
    leaves, stays = asyncio.create_task(double(1)), asyncio.create_task(double(2))
    await asyncio.sleep(0)
    leaves.cancel()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await leaves
