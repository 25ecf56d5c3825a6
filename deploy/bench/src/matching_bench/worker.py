"""``python -m matching_bench.worker CONTENDER POOL RESULT``: one measurement, in a process of its own."""

import gc
import json
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

from .checks import checked
from .contenders import BY_NAME
from .people import Mode, Pool, people
from .watch import Watch, resident_bytes

WARM_UP_PEOPLE = 60


def measure(name: str, pool_file: Path) -> dict[str, Any]:
    """Import and warm up, then measure, then check the pairs; only the middle is on the clock."""
    before = time.perf_counter()
    module, _, kind = BY_NAME[name].runner.partition(":")
    runner = getattr(import_module(f".{module}", __package__), kind)()
    imported = time.perf_counter()
    runner(people(WARM_UP_PEOPLE, seed=0, mode=Mode.ONE_TO_ONE), Watch())
    warm = time.perf_counter()
    pool = Pool.load(pool_file)
    gc.collect()
    baseline = resident_bytes(peak=False)
    watch = Watch()
    told = runner(pool, watch)
    peak = resident_bytes(peak=True)
    row: dict[str, Any] = {
        "wall": sum(watch.wall.values()),
        "cpu": sum(watch.cpu.values()),
        "wall_by_phase": watch.wall,
        "cpu_by_phase": watch.cpu,
        "peak_bytes": peak,
        "added_bytes": peak - baseline,
        "import_seconds": imported - before,
        "warm_up_seconds": warm - imported,
    }
    partner = told.pop("partner", None)
    if partner is not None:
        check = checked(pool, partner)
        row |= {"pairs": check.pairs, "total": check.total, "violations": list(check.violations)}
    return row | {"told": told}


if __name__ == "__main__":
    contender, source, target = sys.argv[1:]
    Path(target).write_text(json.dumps(measure(contender, Path(source))), encoding="utf-8")
