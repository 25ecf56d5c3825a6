import asyncio
import inspect
from collections.abc import Callable
from typing import Any

_PAUSE_SECONDS = 0.05


async def eventually(probe: Callable[[], Any], *, equals: Any = True, timeout: float = 15) -> None:  # noqa: ASYNC109 - the deadline is what the test states
    """Wait until ``probe`` (a function or a coroutine function) gives ``equals``, a truthy value by default.

    Raises:
        AssertionError: With the last value seen, when the time is over.
    """
    deadline = asyncio.get_running_loop().time() + timeout
    while True:
        value = probe()
        if inspect.isawaitable(value):
            value = await value
        if value == equals or (equals is True and value):
            return
        if asyncio.get_running_loop().time() >= deadline:
            raise AssertionError(f"after {timeout} s: still {value!r} instead of {equals!r}")
        await asyncio.sleep(_PAUSE_SECONDS)
