"""Every contender that is installed runs, end to end, in a process of its own, and finds the same total."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from matching_bench.apart import APART, home_of
from matching_bench.contenders import BY_NAME, CONTENDERS, Kind
from matching_bench.goals import failures
from matching_bench.harness import Plan, Row, Run
from matching_bench.people import Mode

CHECKOUT = Path(__file__).resolve().parents[3]
PACKAGES = CHECKOUT / "build" / "bench" / "packages"
INSTALL = "is installed by `make bench-matching`"
Measure = Callable[[str, Mode], Row]


@pytest.fixture(scope="module")
def measure(tmp_path_factory: pytest.TempPathFactory) -> Measure:
    known: dict[tuple[str, Mode], Row] = {}

    def once(name: str, mode: Mode) -> Row:
        if (name, mode) not in known:
            run = a_run(tmp_path_factory.mktemp("bench"), name, mode)
            assert not run.skipped, run.skipped
            known[name, mode] = run.rows[0]
        return known[name, mode]

    return once


def a_run(folder: Path, name: str, mode: Mode) -> Run:
    if PACKAGES.is_dir():
        (folder / "packages").symlink_to(PACKAGES)
    plan = Plan(
        contenders=(BY_NAME[name],),
        sizes=(60,),
        modes=(mode,),
        rounds=1,
        limit=60,
        seed=1,
        levels=1,
        folder=folder,
    )
    run = Run(plan)
    run()
    return run


def need(package: str | None) -> None:
    if package in APART and not home_of(package, PACKAGES).is_dir():
        pytest.skip(f"{package} {INSTALL}")
    if package is not None and package not in APART and find_spec(package) is None:
        pytest.skip(f"{package} {INSTALL}")


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", [contender.name for contender in CONTENDERS if contender.kind is not Kind.PASS])
def test_a_contender_pairs_people_without_breaking_a_rule(name: str, mode: Mode, measure: Measure) -> None:
    contender = BY_NAME[name]
    need(contender.package)
    if mode not in contender.modes:
        mode = contender.modes[0]
    row, best = measure(name, mode), measure("engine", mode)
    assert row["violations"] == []
    assert row["wall"] > 0
    assert row["peak_bytes"] > 2**20
    if contender.kind is Kind.APPROXIMATE:
        assert 0.9 * best["total"] < row["total"] <= best["total"]
    else:
        assert row["total"] == best["total"]
    assert failures([row, best], []) == []


@pytest.mark.parametrize("name", [contender.name for contender in CONTENDERS if contender.kind is Kind.PASS])
def test_a_pass_over_all_pairs_takes_time_and_chooses_nobody(name: str, measure: Measure) -> None:
    row = measure(name, Mode.CAPACITY)
    assert row["wall"] > 0
    assert "total" not in row
