"""One run: every contender at every size, alternating, each measurement in a process of its own."""

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .apart import APART, Package, obtain
from .contenders import Contender, Kind
from .machine import available_bytes
from .people import Mode, Pool, people

PROCESS_SECONDS = 2.0
"""A measurement takes so long beside its clock: starting, importing, warming up."""
COMPILING_SECONDS = 60.0
STARTING_SECONDS = 120.0
"""Beside the limit: imports, compilation, loading and the check of the pairs."""
SHARE_OF_MEMORY = 0.85
FEW = 60
Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    contenders: tuple[Contender, ...]
    sizes: tuple[int, ...]
    modes: tuple[Mode, ...]
    rounds: int
    limit: float
    """Seconds that one measurement may take."""
    seed: int
    levels: int
    folder: Path
    """For pools, results and packages."""

    @property
    def measurements(self) -> int:
        """At most."""
        return len(self.contenders) * len(self.sizes) * len(self.modes) * self.rounds

    @property
    def seconds(self) -> float:
        """What it is expected to take, on a quiet machine, beside getting packages. Slower machines take longer."""
        expected = COMPILING_SECONDS
        for size in self.sizes:
            for contender in self.contenders:
                if contender.largest is None or size <= contender.largest:
                    each = contender.seconds * (size / 10_000) ** contender.growth
                    rounds = self.rounds if each <= contender.once_from else 1
                    expected += len({*self.modes} & {*contender.modes}) * rounds * (each + PROCESS_SECONDS)
        return expected


@dataclass
class Run:
    """Measures and remembers."""

    plan: Plan
    tell: Callable[[str], None] = lambda _: None
    """Told what is measured now."""
    step: Callable[[int], None] = lambda _: None
    """Told how many measurements were done or dropped."""
    rows: list[Row] = field(default_factory=list)
    skipped: list[Row] = field(default_factory=list)
    packages: dict[str, Package] = field(default_factory=dict)

    def __call__(self) -> None:
        """Measure everything that can be measured."""
        self.plan.folder.mkdir(parents=True, exist_ok=True)
        for name in dict.fromkeys(contender.package for contender in self.plan.contenders):
            if name is not None:
                self.tell(f"getting {name}" if name in APART else f"looking for {name}")
                self.packages[name] = obtain(name, self.plan.folder / "packages")
        self._compile()
        for mode in self.plan.modes:
            for size in sorted(self.plan.sizes):
                self._measure(size, mode)

    def _compile(self) -> None:
        """Fill the compiler's cache on disk, so that no measured process compiles."""
        pool_file = self.plan.folder / "pool.npz"
        people(FEW, self.plan.seed, levels=self.plan.levels).save(pool_file)
        for contender in self.plan.contenders:
            if contender.kind in {Kind.ENGINE, Kind.LIVE}:
                self.tell(f"compiling: {contender.name}")
                self._once(contender, pool_file, FEW, Mode.CAPACITY, 0)
        pool_file.unlink()
        self.rows.clear()
        self.skipped.clear()  # a failure shows again where it is measured

    def _measure(self, size: int, mode: Mode) -> None:
        pool = people(size, self.plan.seed, mode, levels=self.plan.levels)
        pool_file = self.plan.folder / "pool.npz"
        pool.save(pool_file)
        left = []
        for contender in self.plan.contenders:
            reason = self._cannot(contender, pool, size, mode)
            if reason is None:
                left.append(contender)
            else:
                self._skip(contender, size, mode, reason)
                self.step(self.plan.rounds)
        for number in range(self.plan.rounds):
            for contender in left if number % 2 == 0 else left[::-1]:
                self.tell(f"{size:,} {mode}, round {number + 1}: {contender.name}")
                if not self._done_with(contender, size, mode):
                    self._once(contender, pool_file, size, mode, number)
                self.step(1)
        pool_file.unlink()

    def _done_with(self, contender: Contender, size: int, mode: Mode) -> bool:
        known = times(self.rows, contender.name, size, mode)
        failed = any(
            row["contender"] == contender.name and row["size"] == size and row["mode"] == mode for row in self.skipped
        )
        return failed or (bool(known) and known[0] > contender.once_from)

    def _cannot(self, contender: Contender, pool: Pool, size: int, mode: Mode) -> str | None:
        """Why the contender cannot be measured at this size."""
        if mode not in contender.modes:
            return "it pairs one to one only"
        package = self.packages.get(contender.package) if contender.package else None
        if package is not None and package.missing:
            return package.missing
        if contender.largest is not None and size > contender.largest:
            return contender.why_not_larger
        needed, available = contender.needs(pool.mentees, int(pool.places.sum())), available_bytes()
        if needed > SHARE_OF_MEMORY * available:
            return f"it needs about {needed / 2**30:.0f} GiB of memory; {available / 2**30:.0f} GiB are free"
        if any(
            row["contender"] == contender.name and row["mode"] == mode and row.get("stopped") for row in self.skipped
        ):
            return "it was stopped at a smaller size"
        return self._too_slow(contender, size, mode)

    def _too_slow(self, contender: Contender, size: int, mode: Mode) -> str | None:
        """Judged from the largest size that was measured."""
        largest = max(
            (row["size"] for row in self.rows if row["contender"] == contender.name and row["mode"] == mode),
            default=None,
        )
        if largest is None:
            return None
        took = statistics.median(times(self.rows, contender.name, largest, mode))
        expected = took * (size / largest) ** contender.growth
        if expected <= self.plan.limit:
            return None
        return f"about {expected:,.0f} s are expected, from {took:.1f} s at {largest:,} people"

    def _once(self, contender: Contender, pool_file: Path, size: int, mode: Mode, number: int) -> None:
        result = self.plan.folder / "result.json"
        result.unlink(missing_ok=True)
        command = [sys.executable, "-m", f"{__package__}.worker", contender.name, str(pool_file), str(result)]
        worker = subprocess.Popen(  # noqa: S603 our own module
            command,
            env=self._environment(contender),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            _, said = worker.communicate(timeout=self.plan.limit + STARTING_SECONDS)
        except subprocess.TimeoutExpired:
            self._skip(contender, size, mode, f"it was stopped after {self.plan.limit:,.0f} s", stopped=True)
            return
        finally:
            if worker.poll() is None:
                worker.kill()
                worker.wait()
        if worker.returncode or not result.exists():
            why = said.strip().splitlines()[-1].partition(" (/")[0] if said.strip() else ""
            if worker.returncode < 0:
                why = f"killed by {signal.Signals(-worker.returncode).name} {why}".strip()
            self._skip(contender, size, mode, f"it failed: {why}", failed=True)
            return
        measured = json.loads(result.read_text(encoding="utf-8"))
        place = {"contender": contender.name, "size": size, "mode": str(mode), "round": number}
        self.rows.append(place | measured)

    def _environment(self, contender: Contender) -> dict[str, str]:
        """With the contender's own folder first where it stands apart."""
        package = self.packages.get(contender.package) if contender.package else None
        ours = str(Path(__file__).parents[1])
        path = [str(package.folder)] if package and package.folder else []
        return os.environ | {"PYTHONPATH": os.pathsep.join([*path, ours])}

    def _skip(self, contender: Contender, size: int, mode: Mode, reason: str, **more: bool) -> None:
        place: Row = {"contender": contender.name, "size": size, "mode": str(mode), "reason": reason}
        self.skipped.append(place | more)


def times(rows: Sequence[Row], contender: str, size: int, mode: str, what: str = "wall") -> list[float]:
    """One figure of each round."""
    return [row[what] for row in rows if row["contender"] == contender and row["size"] == size and row["mode"] == mode]
