"""Every contender that is installed finds the same total; ours are proven, and kept proven while people come and go."""

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matching.engine.market import from_scores
from matching.engine.optimum import optimum
from matching_bench.apart import APART, home_of
from matching_bench.checks import checked
from matching_bench.contenders import CONTENDERS, Contender, Kind
from matching_bench.dense import Columns
from matching_bench.people import Mode, Pool, people
from matching_bench.watch import Watch

CHECKOUT = Path(__file__).resolve().parents[3]
PACKAGES = CHECKOUT / "build" / "bench" / "packages"
SIZE = 60
CHOOSING = [known for known in CONTENDERS if known.kind is not Kind.PASS and known.name != "mentor-match"]


def need(contender: Contender, monkeypatch: pytest.MonkeyPatch) -> None:
    package = contender.package
    if package in APART and (home := home_of(package, PACKAGES)).is_dir():
        monkeypatch.syspath_prepend(home)
    elif package is not None and find_spec(package) is None:
        pytest.skip(f"{package} is installed by `make bench-matching`")


def runner(contender: Contender) -> Any:
    module, _, kind = contender.runner.partition(":")
    return getattr(import_module(f"matching_bench.{module}"), kind)()


@pytest.fixture(scope="module", params=list(Mode))
def pool(request: pytest.FixtureRequest) -> Pool:
    return people(SIZE, seed=1, mode=request.param)


@pytest.fixture(scope="module")
def best(pool: Pool) -> int:
    worths = np.stack(list(Columns(pool).worths())).astype(np.int64)
    return optimum(from_scores(worths, worths > 0, pool.places)).total


@pytest.mark.parametrize("contender", CHOOSING, ids=lambda known: known.name)
def test_a_contender_pairs_people_without_breaking_a_rule(
    contender: Contender, pool: Pool, best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(contender, monkeypatch)
    watch = Watch()
    told = runner(contender)(pool, watch)
    check = checked(pool, told["partner"])
    assert check.violations == ()
    assert sum(watch.wall.values()) > 0
    if contender.kind is Kind.APPROXIMATE:
        assert 0.9 * best < check.total <= best
    else:
        assert check.total == best
    if contender.kind in {Kind.ENGINE, Kind.LIVE}:
        assert told["dual"] == best


def test_people_who_come_and_go_are_timed_and_leave_the_optimum_behind(pool: Pool) -> None:
    watch = Watch()
    told = runner(next(known for known in CONTENDERS if known.kind is Kind.LIVE))(pool, watch)
    assert told["left_total"] == told["left_total_anew"] < told["dual"]
    assert told["arrival_ms"]["count"] == told["departure_ms"]["count"] == SIZE // 2
    assert 0 < told["arrival_ms"]["median"] <= told["arrival_ms"]["p95"] <= told["arrival_ms"]["most"]
    assert told["re_matches_per_core_second"] == told["re_matches"] / watch.cpu["re-match"]


def test_mentor_match_whose_module_has_our_name_runs_apart_from_it(tmp_path: Path) -> None:
    home = home_of("mentor-match", PACKAGES)
    if not home.is_dir():
        pytest.skip("mentor-match is installed by `make bench-matching`")
    pool = people(SIZE, seed=1, mode=Mode.ONE_TO_ONE)
    pool.save(tmp_path / "pool.npz")
    path = os.pathsep.join([str(home), str(CHECKOUT / "deploy/bench/src")])
    subprocess.run(
        [sys.executable, "-m", "matching_bench.worker", "mentor-match", tmp_path / "pool.npz", tmp_path / "row.json"],
        env=os.environ | {"PYTHONPATH": path},
        check=True,
    )
    row = json.loads((tmp_path / "row.json").read_text())
    worths = np.stack(list(Columns(pool).worths())).astype(np.int64)
    assert row["violations"] == []
    assert row["total"] == optimum(from_scores(worths, worths > 0, pool.places)).total


@pytest.mark.parametrize(
    "contender", [known for known in CONTENDERS if known.kind is Kind.PASS], ids=lambda known: known.name
)
def test_a_pass_over_all_pairs_takes_time_and_chooses_nobody(contender: Contender, pool: Pool) -> None:
    watch = Watch()
    assert "partner" not in runner(contender)(pool, watch)
    assert watch.wall["score"] > 0
