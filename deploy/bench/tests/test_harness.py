"""What is measured, what is left out and why, and what counts as a failure."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matching_bench import harness
from matching_bench.__main__ import SIZES
from matching_bench.apart import Package, obtain
from matching_bench.contenders import BY_NAME, CONTENDERS, Contender
from matching_bench.goals import LARGE, failures, goals
from matching_bench.harness import Plan, Row, Run
from matching_bench.people import Mode
from matching_bench.report import page, results, write_json
from matching_bench.tables import live_table

ONE = Mode.ONE_TO_ONE


def a_row(contender: str, size: int = 10_000, mode: Mode = ONE, **changes: Any) -> Row:
    row: Row = {
        "contender": contender,
        "size": size,
        "mode": str(mode),
        "round": 0,
        "wall": 1.0,
        "cpu": 1.0,
        "wall_by_phase": {"solve": 1.0},
        "cpu_by_phase": {"solve": 1.0},
        "peak_bytes": 2**27,
        "added_bytes": 2**20,
        "told": {},
    }
    if BY_NAME[contender].kind != "pass":
        row |= {"pairs": 9_000, "total": 1_000_000, "violations": []}
    return row | changes


@pytest.fixture
def a_plan(tmp_path: Path) -> Callable[..., Plan]:
    def make(*names: str, **changes: Any) -> Plan:
        plan = Plan(
            contenders=tuple(BY_NAME[name] for name in names),
            sizes=(60,),
            modes=(ONE,),
            rounds=2,
            limit=60,
            seed=1,
            levels=1,
            folder=tmp_path,
        )
        return replace(plan, **changes)

    return make


def measure_at_once(run: Run, seconds: float) -> None:
    """Instead of a process: a row that says it took so long."""

    def once(contender: Contender, _: Path, size: int, mode: Mode, number: int) -> None:
        run.rows.append(a_row(contender.name, size, mode, round=number, wall=seconds))

    run._once = once  # type: ignore[method-assign]


def test_measurements_alternate(a_plan: Callable[..., Plan]) -> None:
    told: list[str] = []
    run = Run(a_plan("numpy", "sgemm"), tell=told.append)
    measure_at_once(run, 0.1)
    run()
    assert [(row["contender"], row["round"]) for row in run.rows] == [
        ("numpy", 0),
        ("sgemm", 0),
        ("sgemm", 1),
        ("numpy", 1),
    ]
    assert "60 one-to-one, round 2: numpy" in told


def test_what_takes_long_is_measured_once_but_what_the_goals_rest_on_again(a_plan: Callable[..., Plan]) -> None:
    run = Run(a_plan("scipy", "engine"))
    measure_at_once(run, 6.0)
    run()
    assert [row["contender"] for row in run.rows] == ["scipy", "engine", "engine"]


def test_the_default_run_is_expected_to_take_a_quarter_of_an_hour_at_most(a_plan: Callable[..., Plan]) -> None:
    plan = replace(a_plan(), contenders=CONTENDERS, sizes=SIZES, modes=tuple(Mode), rounds=3)
    assert 5 * 60 < plan.seconds < 15 * 60
    assert replace(plan, sizes=(*SIZES, LARGE)).seconds > plan.seconds + 60
    few = replace(plan, contenders=(BY_NAME["lapjv"],), sizes=(10_000,), modes=(ONE,))
    assert few.seconds == harness.COMPILING_SECONDS + BY_NAME["lapjv"].seconds + harness.PROCESS_SECONDS


def test_who_cannot_run_is_listed_with_the_reason(a_plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str, _: Path) -> Package:
        return Package(None, missing=f"{name} has no wheel")

    monkeypatch.setattr(harness, "obtain", missing)
    monkeypatch.setattr(harness, "available_bytes", lambda: 2**30)
    steps: list[int] = []
    scipy = replace(BY_NAME["scipy"], package=None, needs=lambda *_: 2**40)
    plan = replace(
        a_plan("lapjv", "mentor-match", modes=(Mode.CAPACITY,)),
        contenders=(
            BY_NAME["lapjv"],
            BY_NAME["mentor-match"],
            scipy,
            replace(BY_NAME["numpy"], largest=50, why_not_larger="slow"),
        ),
    )
    run = Run(plan, step=steps.append)
    run()
    assert [(row["contender"], row["reason"]) for row in run.skipped] == [
        ("lapjv", "lapjv has no wheel"),
        ("mentor-match", "it pairs one to one only"),
        ("scipy", "it needs about 1024 GiB of memory; 1 GiB are free"),
        ("numpy", "slow"),
    ]
    assert sum(steps) == plan.measurements


def test_a_size_that_would_take_too_long_is_foreseen_from_the_size_before(a_plan: Callable[..., Plan]) -> None:
    run = Run(a_plan("scipy", limit=100))
    run.rows += [a_row("scipy", size=30, wall=20.0), a_row("scipy", size=30, wall=30.0)]
    assert run._too_slow(BY_NAME["scipy"], 60, ONE) == "about 200 s are expected, from 25.0 s at 30 people"
    assert run._too_slow(BY_NAME["scipy"], 45, ONE) is None
    assert run._too_slow(BY_NAME["lap"], 60, ONE) is None


def test_a_contender_that_takes_too_long_is_stopped_and_not_tried_again(
    a_plan: Callable[..., Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(harness, "STARTING_SECONDS", 0.0)
    run = Run(a_plan("numpy", sizes=(60, 90), limit=0.01))
    run()
    assert run.rows == []
    assert [(row["size"], row["reason"]) for row in run.skipped] == [
        (60, "it was stopped after 0 s"),
        (90, "it was stopped at a smaller size"),
    ]


def test_a_contender_that_fails_is_listed_and_our_own_failure_fails_the_run(a_plan: Callable[..., Plan]) -> None:
    broken = replace(BY_NAME["numpy"], runner="nowhere:Nothing")
    run = Run(replace(a_plan("numpy"), contenders=(broken,)))
    run._skip(broken, 60, ONE, "it failed: ModuleNotFoundError", failed=True)
    assert failures(run.rows, run.skipped) == []
    run._skip(BY_NAME["engine"], 60, ONE, "it failed: ImportError", failed=True)
    assert failures(run.rows, run.skipped) == [
        "this engine, exact and proven, 60 people a side, one-to-one: it failed: ImportError"
    ]
    run.skipped.clear()
    for name in ("engine", "live", "scipy"):
        run._skip(BY_NAME[name], 60, ONE, "it was stopped after 5 s", stopped=True)
    assert failures(run.rows, run.skipped) == [
        "this engine, exact and proven, 60 people a side, one-to-one: it was stopped after 5 s"
    ]


def test_a_package_that_is_not_installed_is_told_with_the_command(tmp_path: Path) -> None:
    package = obtain("no-such-package-anywhere", tmp_path)
    assert package.missing == "no-such-package-anywhere is not installed: run it by `make bench-matching`"


def test_unequal_totals_broken_rules_and_proofs_that_do_not_add_up_are_failures() -> None:
    engine, scipy = a_row("engine", told={"dual": 1_000_000}), a_row("scipy")
    assert failures([engine, scipy], []) == []
    assert "the totals differ" in failures([engine, a_row("scipy", total=999_999)], [])[0]
    assert "the totals differ" in failures([engine, a_row("engine", total=999_999)], [])[0]
    assert "the prices prove 5" in failures([a_row("engine", told={"dual": 5})], [])[0]
    assert "paired before" in failures([a_row("engine", violations=["mentor 1 and mentee 2: paired before"])], [])[0]


def test_a_solver_below_the_optimum_is_no_failure_but_one_above_it_is() -> None:
    assert failures([a_row("engine"), a_row("flow-top", total=900_000), a_row("lapjv", total=999_999)], []) == []
    assert "is more than the optimum" in failures([a_row("engine"), a_row("flow-top", total=1_000_001)], [])[0]


def test_a_kernel_that_lost_its_lead_over_the_matrix_product_is_a_failure() -> None:
    fast = [a_row("pass", wall=1.0), a_row("sgemm", wall=10.0)]
    slow = [a_row("pass", wall=5.0), a_row("sgemm", wall=10.0)]
    assert failures(fast, []) == []
    assert "is it still vectorised?" in failures(slow, [])[0]


def test_goals_are_ratios_of_medians_at_their_size_and_say_where_they_were_not_measured() -> None:
    rows = [
        *(a_row("scipy", wall=wall, peak_bytes=2**30) for wall in (30.0, 31.0, 90.0)),
        *(a_row("engine", wall=wall) for wall in (0.4, 0.5, 0.6)),
        a_row("engine", size=1_000, wall=0.01),
    ]
    skipped = [{"contender": "mentor-match", "size": 1_000, "mode": str(ONE), "reason": "it could not be installed"}]
    found = goals(rows, skipped)
    assert set(found) >= {"G1", "G2", "G3", "G4_capacity", "G4_one_to_one", "G6", "G7", "G8", "G10", "G11_capacity"}
    assert (found["G1"]["ratio"], found["G1"]["goal"], found["G1"]["prototype"]) == (62, 100, 68)
    assert found["G10"]["ratio"] == 8
    assert found["G2"]["not_measured"] == "NOT MEASURED: 10,000 people a side, one-to-one, were not asked for"
    assert "mentor-match, given the scores: it could not be installed" in found["G3"]["not_measured"]
    assert found["G7"]["not_measured"] == "NOT MEASURED: the live engine was not asked for"


def test_the_live_goals_are_taken_at_the_largest_size_of_the_run() -> None:
    def live(size: int, solve: float, arrival: float) -> Row:
        told = {"arrival_ms": {"median": arrival, "p95": 9.0}, "re_matches_per_core_second": 3_000.0}
        return a_row("live", size, Mode.CAPACITY, wall_by_phase={"solve": solve}, told=told)

    found = goals([live(10_000, 0.5, 0.1), *(live(50_000, solve, 0.25) for solve in (2.0, 3.0, 9.0))], [])
    assert (found["G7"]["ratio"], found["G7"]["by_size"]) == (12_000, {"10000": 5_000, "50000": 12_000})
    rows = [live(50_000, 2.0, 0.25)]
    event = {"median": 0.25, "p95": 9.0, "count": 300}
    rows[0]["told"] |= dict.fromkeys(("arrival_ms", "departure_ms", "mentor_leaves_and_returns_ms"), event)
    rows[0]["wall_by_phase"] |= {"certify": 0.4}
    told = live_table({"rows": rows, "plan": {"sizes": [50_000]}})
    each = "0.250 (9.000; 300)"
    assert f"| 50,000, capacity 1-3 | 2.000 | {each} | {each} | {each} | 3,000 | 0.400 | 1 |" in told
    assert (found["G8"]["ratio"], found["G8"]["at"]["size"]) == (3_000, 50_000)


def test_a_live_pool_that_is_not_what_a_fresh_solution_gives_is_a_failure() -> None:
    good = a_row("live", told={"dual": 1_000_000, "left_total": 7, "left_total_anew": 7})
    assert failures([a_row("engine"), good], []) == []
    stale = a_row("live", told={"dual": 1_000_000, "left_total": 6, "left_total_anew": 7})
    assert "kept up to date 6, solved anew 7" in failures([stale], [])[0]
    assert "the totals differ" in failures([a_row("engine"), a_row("live", total=999_999)], [])[0]


def test_less_is_better_where_a_goal_counts_looks_at_all_pairs() -> None:
    rows = [a_row("engine", size=50_000, wall=4.0), a_row("pass", size=50_000, wall=0.5)]
    assert goals(rows, [])["G4_one_to_one"]["ratio"] == 8


def test_the_page_tells_what_was_measured_what_was_not_and_what_failed(
    a_plan: Callable[..., Plan], tmp_path: Path
) -> None:
    run = Run(a_plan("engine", "scipy", "lapjv", sizes=(10_000,)))
    run.rows += [a_row("engine"), a_row("scipy", wall=30.0)]
    run._skip(BY_NAME["lapjv"], 10_000, ONE, "it needs about 80 GiB of memory")
    run.packages["lapjv"] = Package("lapjv 1.3.29")
    found = results(run, "make bench-matching")
    text = page(found, with_picture=False)
    assert "- NumPy + lapjv: **not run**, it needs about 80 GiB of memory" in text
    assert "| NumPy + SciPy linear_sum_assignment |  | 1.000 | 30.000 | 1.000 | 30 | 1 |" in text
    assert "| 10,000 | one-to-one | 1 | `scipy` | 30.0000 | 1.0000 | 128 | 9,000 | 1,000,000 |" in text
    assert "Every check held" in text
    assert "matching.svg" not in text
    run.rows.append(a_row("scipy", total=5))
    assert "This run failed its checks" in page(results(run, "make bench-matching"), with_picture=False)
    write_json(found, tmp_path / "deep" / "matching.json")
    assert json.loads((tmp_path / "deep" / "matching.json").read_text())["goals"]["G1"]["ratio"] == 30


def test_every_contender_has_a_name_and_a_title_of_its_own() -> None:
    assert len({contender.name for contender in CONTENDERS}) == len(CONTENDERS)
    assert len({contender.title for contender in CONTENDERS}) == len(CONTENDERS)
