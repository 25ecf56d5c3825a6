"""The machine on which something was measured, as far as it matters to the figures."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("numpy", "numba", "scipy", "lap", "ortools")
_MEMORY = Path("/proc/meminfo")


def machine() -> dict[str, Any]:
    """Processor, cores, memory, software, and how busy it was at the start."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "load_at_start": round(os.getloadavg()[0], 2),
    }


def available_bytes() -> int:
    """Memory that a new process may take without harm to others."""
    if _MEMORY.exists():
        for line in _MEMORY.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2


def _processor() -> str:
    """Name and, where it is told, what of it tells kinds of one name apart."""
    told: dict[str, str] = {}
    path = Path("/proc/cpuinfo")
    for line in path.read_text(encoding="utf-8").split("\n\n")[0].splitlines() if path.exists() else []:
        name, _, value = line.partition(":")
        told[name.strip()] = value.strip()
    if "model name" not in told:
        return platform.processor() or platform.machine()
    vectors = next((kind for kind in ("avx512f", "avx2") if kind in told.get("flags", "").split()), "no avx2")
    return f"{told['model name']} (family {told.get('cpu family')}, model {told.get('model')}, {vectors})"


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
