import asyncio

from shared.chassis.supervisor import _ended


async def test_a_task_that_swallows_its_cancellation_is_cancelled_again() -> None:
    swallowed = 0

    async def connect() -> None:
        nonlocal swallowed
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            swallowed += 1
        await asyncio.sleep(60)

    task = asyncio.create_task(connect())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert await _ended([task])
    assert task.cancelled()
    assert swallowed == 1


async def test_tasks_that_end_when_told_are_not_told_twice() -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    assert not await _ended([task])
    assert not await _ended([])
