"""Time and memory of one process, phase by phase."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass
class Watch:
    """Wall and processor seconds per phase. Phases follow each other, they do not nest."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time what happens inside; the same name again adds up."""
        cpu, wall = time.process_time(), time.perf_counter()
        yield
        self.wall[name] = self.wall.get(name, 0.0) + time.perf_counter() - wall
        self.cpu[name] = self.cpu.get(name, 0.0) + time.process_time() - cpu


def resident_bytes(*, peak: bool) -> int:
    """Memory that this process holds, or held at most.

    Linux tells of this program alone; ``getrusage`` also remembers what the process was before it became this program.
    Where only ``getrusage`` is there, the present memory is not known and the peak is given instead.
    """
    if _STATUS.exists():
        wanted = "VmHWM:" if peak else "VmRSS:"
        line = next(line for line in _STATUS.read_text(encoding="ascii").splitlines() if line.startswith(wanted))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
