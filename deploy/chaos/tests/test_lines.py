import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from chaos.lines import TRICKLE_BYTES, Line, Weather

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    """A line to a server that says everything back."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1024):
                writer.write(data)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    line = Line("echo", seed=1)
    await line.open()
    line.target = "{}:{}".format(*server.sockets[0].getsockname())
    yield line
    await line.close()
    server.close()


@asynccontextmanager
async def called(line: Line) -> AsyncIterator[Ends]:
    host, _, port = line.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def said(ends: Ends, what: bytes, *, within: float = 5.0) -> bytes:
    """What comes back; nothing when the line is dead or silent."""
    reader, writer = ends
    try:
        async with asyncio.timeout(within):
            writer.write(what)
            return await reader.read(len(what))
    except (OSError, TimeoutError):
        return b""


async def test_in_fair_weather_everything_passes(line: Line) -> None:
    async with called(line) as ends:
        assert await said(ends, b"hello") == b"hello"


async def test_on_a_slow_line_it_comes_late(line: Line) -> None:
    line.turn(Weather.SLOW)
    async with called(line) as ends:
        began = time.monotonic()
        assert await said(ends, b"hello") == b"hello"
        assert time.monotonic() - began >= 0.2


async def test_a_trickle_lets_a_kilobyte_through_in_a_second(line: Line) -> None:
    line.turn(Weather.TRICKLE)
    async with called(line) as ends:
        began = time.monotonic()
        assert await said(ends, b"x" * (TRICKLE_BYTES // 2)) == b"x" * (TRICKLE_BYTES // 2)
        assert time.monotonic() - began >= 0.9


async def test_a_reset_is_felt_by_the_connections_there_are_and_by_new_ones(line: Line) -> None:
    async with called(line) as old:
        assert await said(old, b"hello") == b"hello"
        line.turn(Weather.RESETS)
        assert await said(old, b"hello") == b""
        async with called(line) as new:
            assert await said(new, b"hello") == b""


async def test_on_a_cut_line_nobody_gets_through_until_it_is_mended(line: Line) -> None:
    line.turn(Weather.CUT)
    async with called(line) as during:
        assert await said(during, b"hello") == b""
    line.turn(Weather.FAIR)
    async with called(line) as after:
        assert await said(after, b"hello") == b"hello"


async def test_a_half_open_connection_stays_silent_for_ever_and_new_ones_are_fair(line: Line) -> None:
    async with called(line) as old:
        assert await said(old, b"hello") == b"hello"
        line.turn(Weather.HALF_OPEN)
        line.turn(Weather.FAIR)
        assert await said(old, b"hello", within=0.3) == b""
        async with called(line) as new:
            assert await said(new, b"hello") == b"hello"


async def test_a_target_that_is_away_ends_the_call(line: Line) -> None:
    line.target = "127.0.0.1:1"
    async with called(line) as ends:
        assert await said(ends, b"hello") == b""
