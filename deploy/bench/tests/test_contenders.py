"""Every contender that is installed runs, end to end, in a process of its own, and finds the same total."""

from importlib.util import find_spec
from pathlib import Path

import pytest
from matching_bench.apart import APART, home_of
from matching_bench.contenders import CONTENDERS, Contender, Kind
from matching_bench.goals import failures
from matching_bench.harness import Plan, Row, Run
from matching_bench.people import Mode

CHECKOUT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.timeout(400)  # two dozen processes, some of which compile
PACKAGES = CHECKOUT / "build" / "bench" / "packages"


def is_installed(contender: Contender) -> bool:
    package = contender.package
    if package is None:
        return True
    return home_of(package, PACKAGES).is_dir() if package in APART else find_spec(package) is not None


def need(contender: Contender) -> None:
    if not is_installed(contender):
        pytest.skip(f"{contender.package} is installed by `make bench-matching`")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("bench")
    if PACKAGES.is_dir():
        (folder / "packages").symlink_to(PACKAGES)
    plan = Plan(
        contenders=tuple(filter(is_installed, CONTENDERS)),
        sizes=(60,),
        modes=tuple(Mode),
        rounds=1,
        limit=60,
        seed=1,
        levels=1,
        folder=folder,
    )
    run = Run(plan)
    run()
    return run


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    "contender", [known for known in CONTENDERS if known.kind is not Kind.PASS], ids=lambda known: known.name
)
def test_a_contender_pairs_people_without_breaking_a_rule(contender: Contender, mode: Mode, run: Run) -> None:
    need(contender)
    if mode not in contender.modes:
        reasons = [row["reason"] for row in run.skipped if row["contender"] == contender.name]
        assert reasons == ["it pairs one to one only"]
        return
    row, best = measured(run, contender.name, mode), measured(run, "engine", mode)
    assert row["violations"] == []
    assert row["wall"] > 0
    assert row["peak_bytes"] > 2**20
    if contender.kind is Kind.APPROXIMATE:
        assert 0.9 * best["total"] < row["total"] <= best["total"]
    else:
        assert row["total"] == best["total"]


@pytest.mark.parametrize(
    "contender", [known for known in CONTENDERS if known.kind is Kind.PASS], ids=lambda known: known.name
)
def test_a_pass_over_all_pairs_takes_time_and_chooses_nobody(contender: Contender, run: Run) -> None:
    row = measured(run, contender.name, Mode.CAPACITY)
    assert row["wall"] > 0
    assert "total" not in row


def test_the_engine_proves_its_total_and_nothing_fails(run: Run) -> None:
    for mode in Mode:
        row = measured(run, "engine", mode)
        assert row["told"]["dual"] == row["total"]
    assert failures(run.rows, run.skipped) == []


def measured(run: Run, contender: str, mode: Mode) -> Row:
    return next(row for row in run.rows if (row["contender"], row["mode"]) == (contender, mode))
