"""``python -m matching.engine``, and what it spares the processes after it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from matching.engine import __main__ as ahead

SOLVE = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from matching.domain.proposal import Problem
from matching.domain.rules import Charter, History
from matching.engine import baselines, scan, sight, sparse
from matching.engine.compute import compute
from matching.engine.encode import encode
from matching.engine.live import Live
from matching.engine.optimum import Worth, optimum
from matching.engine.side import Side
from matching_builders import a_crowd
from shared.contracts import MatchPolicy, MatchWeights, Objective

for mentors, mentees in ((60, 40), (20, 60)):
    juniors, seniors = a_crowd(mentors, mentees)
    for weights in (MatchWeights(), MatchWeights(skills=10_000, age_gap=10_000)):
        for first in (Objective.PARTICIPATION, Objective.TOTAL):
            policy = MatchPolicy(weights=weights, objective=(first, Objective.WORST_SERVED))
            problem = Problem(
                charter=Charter(policy=policy), history=History(), mentors=juniors, mentees=seniors,
                places={person.id: person.capacity for person in (*juniors, *seniors)},
            )
            assert compute(problem).pairs
        sides, charter = [Side(side, problem.charter) for side in (juniors, seniors)], problem.charter
        market = encode(*sides, charter, problem.history, np.ones(mentors, dtype=np.int64))
        for worth in (Worth(), Worth(bonus=10**9), Worth(factor=60, bonus=1)):
            live = Live.of(market, optimum(market, worth))
            for row in range(0, mentees, 3):
                live.depart(row)
                live.arrive(row)
            for column in range(0, mentors, 4):
                for places in (0, 2, 1):
                    live.offer(column, places)
            live.certify()
modules = baselines, scan, sight, sparse
loops = [value for module in modules for value in vars(module).values() if hasattr(value, "stats")]
assert sum(sum(loop.stats.cache_hits.values()) for loop in loops) > 5
print([f"{loop.__name__}{signature}" for loop in loops for signature in loop.stats.cache_misses])
"""


@pytest.mark.timeout(300)  # where nothing is compiled yet
def test_after_it_a_new_process_solves_without_the_compiler() -> None:
    told = subprocess.run([sys.executable, "-m", "matching.engine"], check=True, capture_output=True, text=True)
    assert told.stdout.startswith("The matching engine is compiled into ")
    assert told.stdout.count("\n") == 1
    builders = str(Path(__file__).parents[1])
    solved = subprocess.run([sys.executable, "-c", SOLVE, builders], check=False, capture_output=True, text=True)
    assert solved.returncode == 0, solved.stderr
    assert solved.stdout == "[]\n"  # nothing was missing


def test_compiled_code_is_removed_when_any_loop_has_changed_since(tmp_path: Path) -> None:
    code, other = tmp_path / "scan.look-1.py311.1.nbc", tmp_path / "notes.txt"
    for path in (code, other):
        path.touch()
    ahead._forget_older_code(tmp_path)
    assert not code.exists()
    code.touch()
    ahead._forget_older_code(tmp_path)
    assert code.exists()
    (tmp_path / ahead.NOTE).write_text("of other sources")
    ahead._forget_older_code(tmp_path)
    assert not code.exists()
    assert other.exists()


def test_code_compiled_elsewhere_is_used_where_it_is_copied_to(tmp_path: Path) -> None:
    """As the image does: what was compiled into a folder that is read-only by now is copied to one that is not."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "compiled")}
    script = """
import numpy as np
from matching.engine import sparse
scratch = sparse.new_scratch(2, 2)
sparse.push(scratch, 0, 1, 1)
print(sum(sparse.push.stats.cache_misses.values()))
"""
    for place, misses in (("compiled", "1"), ("compiled", "0"), ("copy", "0")):
        if place == "copy":
            (tmp_path / "compiled").rename(tmp_path / "copy")
            environment["NUMBA_CACHE_DIR"] = str(tmp_path / "copy")
        ran = subprocess.run(
            [sys.executable, "-c", script], check=True, capture_output=True, text=True, env=environment
        )
        assert ran.stdout.strip() == misses, place
