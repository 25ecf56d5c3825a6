"""Commands to the database that wait while one like them is under way, and then go together as one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_MOST = 100


class Gathered(Generic[T, R]):
    """Calls ``send`` with all that came while its call before was under way. Alone, nothing waits for company.

    ``send`` gives one result for each item, in their order; what it raises, every caller of the batch gets.
    """

    def __init__(self, send: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        self._send = send
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._sending: asyncio.Task[None] | None = None

    async def __call__(self, item: T) -> R:
        """The result for this item."""
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all())
        return await result

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_MOST], self._waiting[AT_MOST:]
                await self._send_batch(batch)
        finally:
            self._sending = None

    async def _send_batch(self, batch: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        futures = [future for _, future in batch]
        try:
            results = await self._send([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        else:
            for future, result in zip(futures, results, strict=True):
                if not future.done():
                    future.set_result(result)
