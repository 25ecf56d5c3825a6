"""Clocks around what is measured: time, processor time by thread, a profile, memory."""

import asyncio
import cProfile
import os
import pstats
import time
from pathlib import Path

from .jobs import Job, Result

SHOWN = 14
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Meter:
    """Runs from the first to the last event of one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.result = Result()
        self.done = asyncio.Event()
        self._profile = cProfile.Profile() if job.profile else None
        self._cpu = self._loop_cpu = 0.0
        self._last = 0.0

    def begin(self) -> None:
        """The first event is here. Later calls do nothing."""
        if not self.result.began:
            self._cpu, self._loop_cpu = time.process_time(), time.thread_time()
            self.result.began = time.time()
            if self._profile:
                self._profile.enable()

    def count(self) -> None:
        """One more is finished."""
        self.result.events += 1
        self._last = time.time()
        if self.result.events >= self.job.events:
            self.done.set()

    def end(self) -> Result:
        """What was seen. With silence at the end, the last event counts."""
        if self._profile:
            self._profile.disable()
            self.result.profile = by_package(self._profile)
        self.result.ended = self._last if self.job.quiet else time.time()
        self.result.cpu = time.process_time() - self._cpu
        self.result.loop_cpu = time.thread_time() - self._loop_cpu
        return self.result

    async def until_done(self) -> None:
        """Until all is handled, or nothing has come for as long as the job says."""
        while not self.done.is_set():
            try:
                await asyncio.wait_for(self.done.wait(), 1.0)
            except TimeoutError:
                if self.job.memory:
                    self.result.memory.append(resident())
                if self.job.quiet and self._last and time.time() - self._last > self.job.quiet:
                    return


def resident() -> int:
    """Resident bytes of this process; 0 where the system does not tell."""
    told = Path("/proc/self/statm")
    return int(told.read_text(encoding="ascii").split()[1]) * _PAGE if told.exists() else 0


def by_package(profile: cProfile.Profile) -> dict[str, float]:
    """Own seconds of every function, summed by package; what is written in C counts for who calls it."""
    spent: dict[str, float] = {}
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined] # typeshed does not list it
    for (file, _, _), (_, _, own, _, callers) in stats.items():
        if file != "~":
            _add(spent, file, own)
            continue
        for (caller, _, _), (_, _, share, _) in callers.items():
            _add(spent, caller, share)
    ranked = sorted(spent.items(), key=lambda item: -item[1])
    return {name: round(seconds, 4) for name, seconds in ranked[:SHOWN]}


def _add(spent: dict[str, float], file: str, seconds: float) -> None:
    name = _package(file)
    spent[name] = spent.get(name, 0.0) + seconds


def _package(file: str) -> str:
    parts = Path(file).with_suffix("").parts
    if "site-packages" in parts:
        return parts[parts.index("site-packages") + 1]
    if "shared" in parts:
        return ".".join(parts[len(parts) - parts[::-1].index("shared") - 1 :])
    if "events_bench" in parts:
        return "the benchmark itself"
    return "uvloop and C" if file == "~" else f"standard library: {parts[-2] if 'asyncio' in parts else parts[-1]}"
