import doctest
import subprocess
import sys

import matching.engine


def test_the_example_of_the_engine_is_true() -> None:
    assert doctest.testmod(matching.engine) == doctest.TestResults(failed=0, attempted=11)


def test_the_engine_alone_loads_nothing_that_reads_or_writes() -> None:
    script = "import sys, matching.engine.objective, matching.engine.live; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert not {"motor", "pymongo", "aiokafka", "faststream", "fastapi", "uvicorn"} & set(loaded)
