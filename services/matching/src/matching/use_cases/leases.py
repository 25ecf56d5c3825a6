"""Work that one replica does at a time, under a lease that it renews."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Progress:
    """How far the work is, as the engine tells it and the lease's renewals pass it on."""

    def __init__(self) -> None:
        self.percent = 0

    def tell(self, percent: int) -> None:
        """Percent."""
        self.percent = percent


async def under_lease(
    work: Coroutine[Any, Any, T], renew: Callable[[], Awaitable[object]], *, every_seconds: float
) -> T:
    """Renew the lease all the while, and stop the work when it is lost. Raises: what ``renew`` raises."""

    async def hold() -> None:
        while True:
            await asyncio.sleep(every_seconds)
            await renew()

    working, holding = asyncio.create_task(work), asyncio.create_task(hold())
    try:
        await asyncio.wait({working, holding}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            holding.result()  # the lease is lost: this raises
        return await working
    finally:
        for task in (working, holding):
            task.cancel()
        await asyncio.gather(working, holding, return_exceptions=True)
