"""The lines between the services and their back-ends: TCP proxies whose weather can be changed.

A proxy announces itself with a fixed port, so that Kafka can send its clients back through it. What it carries is
never looked at.
"""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CHUNK = 64 * 1024
SLOW_SECONDS = (0.1, 0.9)
"""500 ± 400 ms for everything that passes, in both directions (T8)."""
TRICKLE_BYTES = 1024
"""So many bytes pass in a second, on each connection and in each direction (T8)."""
CONNECT_SECONDS = 10.0


class Weather(StrEnum):
    """What happens to the bytes on a line."""

    FAIR = "fair"
    SLOW = "slow"
    TRICKLE = "trickle"
    RESETS = "resets"
    """Every connection is reset, and so is each new one after its first bytes."""
    HALF_OPEN = "half_open"
    """What is sent arrives nowhere, and nobody is told. Connections of that time stay so; new ones are fair after."""
    CUT = "cut"
    """Nobody gets through: what is open is closed, and new connections are refused at once."""


@dataclass(eq=False)
class Call:
    """One connection through the proxy."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    silent: bool = False

    def reset(self) -> None:
        """Both sides learn at once that the other is gone."""
        for side in (self.near, self.far):
            if side is not None:
                side.transport.abort()


class Line:
    """One proxy: listens on a port of loopback and passes everything on to the target."""

    def __init__(self, name: str, *, seed: int) -> None:
        self.name = name
        self.target = ""
        """host:port; known only once the back-end behind it runs."""
        self.weather = Weather.FAIR
        self._chance = random.Random(f"{seed}/{name}")  # noqa: S311 - it has to be repeatable
        self._calls: set[Call] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """host:port to come to."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def open(self) -> None:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)

    async def close(self) -> None:
        """End every connection, and listen no more."""
        if self._server is not None:
            self._server.close()
        for call in list(self._calls):
            call.reset()
        await asyncio.gather(*self._carrying, return_exceptions=True)

    def turn(self, weather: Weather) -> None:
        """Change the weather. Some kinds are felt by the connections there are, too."""
        self.weather = weather
        for call in list(self._calls):
            if weather in {Weather.RESETS, Weather.CUT}:
                call.reset()
            call.silent = call.silent or weather is Weather.HALF_OPEN

    def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._carry(reader, writer))
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = Call(writer, silent=self.weather is Weather.HALF_OPEN)
        self._calls.add(call)
        try:
            if self.weather is Weather.CUT:
                return
            host, _, port = self.target.rpartition(":")
            async with asyncio.timeout(CONNECT_SECONDS):
                far_reader, call.far = await asyncio.open_connection(host, int(port))
            await _both(self._pass(call, reader, call.far), self._pass(call, far_reader, writer))
        except (OSError, TimeoutError, ExceptionGroup):
            return  # the other side learns of it by the connection's end
        finally:
            self._calls.discard(call)
            call.reset()

    async def _pass(self, call: Call, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(TRICKLE_BYTES if self.weather is Weather.TRICKLE else CHUNK):
            match self.weather:
                case Weather.SLOW:
                    await asyncio.sleep(self._chance.uniform(*SLOW_SECONDS))
                case Weather.TRICKLE:
                    await asyncio.sleep(len(data) / TRICKLE_BYTES)
                case Weather.RESETS:
                    raise ConnectionResetError
                case Weather.FAIR | Weather.HALF_OPEN | Weather.CUT:
                    pass
            if not call.silent:
                writer.write(data)
                await writer.drain()
        with suppress(OSError):
            writer.write_eof()


async def _both(*ways: Coroutine[Any, Any, None]) -> None:
    """Until both directions have ended; the failure of one ends the other."""
    async with asyncio.TaskGroup() as group:
        for way in ways:
            group.create_task(way)
