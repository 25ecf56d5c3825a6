"""The nemesis: carries out the schedule on the running stack, and repairs whatever it has done."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from local_stack import Stack

from .lines import Line, Weather
from .schedule import SERVICES, Fault, Kind

OVERDUE = 1
"""So many faults may be late before the driver is held back: it must not be done before everything went wrong."""


@dataclass(frozen=True)
class Blow:
    """A fault that happened."""

    second: float
    """After the start of the driver."""
    took: float
    """Seconds until it was repaired; for a freeze, until the process was frozen."""
    what: str
    """The fault, and whom it hit."""


@dataclass
class Replicas:
    """The components of each service, and which of them may be asked."""

    stack: Stack
    running: dict[str, list[str]] = field(default_factory=lambda: {name: [name] for name in SERVICES})
    ended: dict[str, list[str]] = field(default_factory=lambda: {name: [] for name in SERVICES})

    def urls(self, service: str) -> Sequence[str]:
        """Base addresses of those that run, or should."""
        addresses = self.stack.urls
        return [addresses[name] for name in self.running[service]]

    def pick(self, service: str, which: float) -> str:
        """One of those that run."""
        running = self.running[service]
        return running[int(which * len(running))]

    async def grow(self, service: str, size: int, environment: Mapping[str, str]) -> None:
        """Until so many run."""
        while len(self.running[service]) < size:
            if self.ended[service]:
                name = self.ended[service].pop()
                await asyncio.to_thread(self.stack.start, name)
            else:
                name = await asyncio.to_thread(self.stack.add_replica, service, environment)
            self.running[service].append(name)

    async def shrink(self, service: str) -> None:
        """Until only one runs; the others are ended in order (SIGTERM)."""
        while len(self.running[service]) > 1:
            name = self.running[service].pop()
            await asyncio.to_thread(self.stack.end, name)
            self.ended[service].append(name)


class Nemesis:
    """Does what the schedule says when the driver has come so far; the driver sees it as its progress."""

    def __init__(
        self,
        stack: Stack,
        lines: Mapping[str, Line],
        faults: Sequence[Fault],
        *,
        steps: int,
        replicas: int,
        environment: Mapping[str, str],
        tell: Callable[[str], object] = lambda _: None,
        advanced: Callable[[int], object] = lambda _: None,
    ) -> None:
        self.replicas = Replicas(stack)
        self._stack = stack
        self._lines = lines
        self._faults = faults
        self._steps = steps
        self._size = replicas
        self._environment = environment
        self._tell = tell
        self._advanced = advanced
        self._done = 0
        self._over = 0
        """Faults that are behind us."""
        self._moved = asyncio.Event()
        self._frozen: set[asyncio.Task[None]] = set()
        self.blows: list[Blow] = []
        self.counts: Counter[Kind] = Counter()

    # --- seen by the driver

    def advance(self, steps: int) -> None:
        """So many more steps of the driver are done."""
        self._done += steps
        self._advanced(self._done)
        self._notify()

    async def may_go_on(self) -> None:
        """Wait while more than one fault is late."""
        while self._late > OVERDUE:
            await self._moved.wait()

    @property
    def _share(self) -> float:
        return self._done / self._steps

    @property
    def _late(self) -> int:
        return sum(fault.at <= self._share for fault in self._faults[self._over :])

    def _notify(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    # --- what it does

    async def rage(self) -> None:
        """Everything on the schedule, one after the other; freezes go on beside the others. Raises: StackError."""
        began = time.monotonic()
        for fault in self._faults:
            while self._share < fault.at:
                await self._moved.wait()
            self._tell(str(fault))
            started = time.monotonic()
            victim = await self._carry_out(fault)
            self.counts[fault.kind] += 1
            took = round(time.monotonic() - started, 1)
            self.blows.append(Blow(round(started - began, 1), took, f"{fault}{f': {victim}' if victim else ''}"))
            self._over += 1
            self._notify()
        await asyncio.gather(*self._frozen)

    async def _carry_out(self, fault: Fault) -> str:
        """Do it, and repair it; return which process it hit."""
        match fault.kind:
            case Kind.KILL:
                victim = self.replicas.pick(fault.target, fault.which)
                await self._restart(victim, fault.seconds)
                return victim
            case Kind.BROKER_RESTART:
                await self._restart("kafka", fault.seconds)
            case Kind.DATABASE_RESTART:
                await self._restart("mongodb", fault.seconds)
            case Kind.FREEZE:
                return self._freeze(self.replicas.pick(fault.target, fault.which), fault.seconds)
            case Kind.WEATHER:
                line = self._lines[fault.target]
                line.turn(fault.weather)
                await asyncio.sleep(fault.seconds)
                line.turn(Weather.FAIR)
            case Kind.SCALE_UP:
                for service in SERVICES:
                    await self.replicas.grow(service, self._size, self._environment)
            case Kind.SCALE_DOWN:
                for service in SERVICES:
                    await self.replicas.shrink(service)
        return ""

    async def _restart(self, component: str, seconds: float) -> None:
        await asyncio.to_thread(self._stack.kill, component)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self._stack.start, component)

    def _freeze(self, component: str, seconds: float) -> str:
        process = self._stack.component(component).process
        if process is None:
            return ""
        os.killpg(process.pid, signal.SIGSTOP)

        async def thaw() -> None:
            try:
                await asyncio.sleep(seconds)
            finally:
                with suppress(ProcessLookupError):
                    if process.alive():
                        os.killpg(process.pid, signal.SIGCONT)

        task = asyncio.create_task(thaw())
        self._frozen.add(task)
        task.add_done_callback(self._frozen.discard)
        return component
