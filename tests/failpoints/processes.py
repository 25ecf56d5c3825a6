"""The four services as processes that may be told where to die."""

import asyncio
import os
import random
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from local_stack import SERVICES, Stack
from local_stack.plan import service as component_of
from local_stack.processes import die_with_parent
from local_stack.readiness import until_ready
from shared.chassis.failpoints import STRUCK, Failpoint

START_WITHIN = 180.0
STOP_WITHIN = 40.0
LATEST_PASS = 3
"""A life ends at one of so many first passes of its point."""
AT_FIRST_PASS = frozenset({Failpoint.RELAY_CLAIMED, Failpoint.RELAY_BETWEEN_SENDS})
"""Rare places: a life ends at the first pass."""
PRELUDES: Mapping[Failpoint, str] = {Failpoint.RELAY_CLAIMED: "relay.taken_over=kill:0.5"}
"""A relay claims what a dead process left behind, so somebody has to die elsewhere first."""


class DiedElsewhere(Exception):
    """A service ended, and not at the place where it was told to."""


class Services:
    """Starts, stops and watches the services on the back-ends of one stack."""

    def __init__(self, stack: Stack, environment: Mapping[str, str]) -> None:
        self._components = {
            name: component_of(stack.record, stack.data, name, {"TELEMACHUS_LOG_LEVEL": "WARNING", **environment})
            for name in SERVICES
        }
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._logs = stack.data / "logs"

    @property
    def urls(self) -> dict[str, str]:
        """The base address of each service."""
        return {name: component.address for name, component in self._components.items()}

    async def start(self, name: str, failpoints: str = "") -> asyncio.subprocess.Process:
        """Start one and wait until it is ready, or gone again."""
        component = self._components[name]
        with self.log(name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *component.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | component.env | {"TELEMACHUS_FAILPOINTS": failpoints},
                preexec_fn=die_with_parent(os.getpid()),
            )
        self._running[name] = process
        ready, ended = asyncio.create_task(until_ready(component)), asyncio.create_task(process.wait())
        await asyncio.wait({ready, ended}, timeout=START_WITHIN, return_when=asyncio.FIRST_COMPLETED)
        came_up = ready.done() or ended.done()
        ready.cancel()
        if not came_up:
            raise TimeoutError(f"{name} did not become ready; see {self.log(name)}")
        return process

    async def start_all(self) -> None:
        """All four, unarmed."""
        await asyncio.gather(*(self.start(name) for name in SERVICES))

    async def stop(self, name: str) -> None:
        """End one in order. No effect where it does not run."""
        process = self._running.get(name)
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_WITHIN)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def stop_all(self) -> None:
        """End all of them in order."""
        await asyncio.gather(*(self.stop(name) for name in SERVICES))

    async def die(self, name: str, point: Failpoint, deaths: int, chance: random.Random) -> int:
        """Have a service die at a place so many times, then let it live; how many lives that took.

        Raises: DiedElsewhere.
        """
        await self.stop(name)
        left, lives = deaths, 0
        while left:
            begins = self.log(name).stat().st_size
            passes = 1 if point in AT_FIRST_PASS else chance.randint(1, LATEST_PASS)
            prelude = f",{PRELUDES[point]}" if point in PRELUDES else ""
            process = await self.start(name, f"{point}=kill@{passes}{prelude}")
            code = await process.wait()
            lives += 1
            struck = _struck(self.log(name), begins)
            if code != -signal.SIGKILL or not struck:
                raise DiedElsewhere(f"{name} ended with {code}, armed at {point}; see {self.log(name)}")
            left -= struck[-1] == point
        await self.start(name)
        return lives

    def log(self, name: str) -> Path:
        """What a service has said in all its lives."""
        self._logs.mkdir(exist_ok=True)
        path = self._logs / f"{name}.log"
        path.touch()
        return path


def _struck(log: Path, begins: int) -> Sequence[str]:
    """The places at which the life that began here was struck."""
    said = log.read_bytes()[begins:].decode(errors="replace").splitlines()
    return [line.removeprefix(STRUCK) for line in said if line.startswith(STRUCK)]
