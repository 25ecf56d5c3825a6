"""``python -m events_bench.worker JOB``: one measurement, in a process of its own.

Says ``READY`` when it can begin, takes a line as the signal to do so, and ends with ``RESULT`` and JSON.
"""

import asyncio
import gc
import json
import sys
from dataclasses import asdict

import uvloop
from shared.chassis.service import GARBAGE_FIRST_LOOK_AFTER

from .floor import floor
from .jobs import Job, Side
from .meter import Meter
from .ours import ours

READY, RESULT = "READY", "RESULT "


def main() -> None:
    """Measure what the command line says."""
    uvloop.run(_measure(Job.of(json.loads(sys.argv[1]))))


async def _measure(job: Job) -> None:
    meter = Meter(job)

    async def ready() -> None:
        gc.collect()
        gc.freeze()  # as a service does when it begins to serve; for both sides
        gc.set_threshold(GARBAGE_FIRST_LOOK_AFTER)
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)

    await (ours if job.side is Side.OURS else floor)(job, meter, ready)
    sys.stdout.write(f"{RESULT}{json.dumps(asdict(meter.result))}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
