"""The measurements as JSON for programs, and as a page and a picture for people."""

import json
import statistics
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from .contenders import BY_NAME, TOP, Kind
from .goals import failures, goals
from .harness import Run, times
from .machine import machine
from .method import METHOD
from .people import Mode
from .tables import every_row, goal_table, live_table, size_section

PLOTTED = ("engine", "scipy", "lapjv", "lap", "flow-top", "mentor-match", "pass", "sgemm")
GIB = 2**30


def results(run: Run, command: str) -> dict[str, Any]:
    """Everything about a run that is worth keeping."""
    plan = run.plan
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "machine": machine(),
        "plan": {
            "sizes": list(plan.sizes),
            "modes": [str(mode) for mode in plan.modes],
            "rounds": plan.rounds,
            "limit_seconds": plan.limit,
            "seed": plan.seed,
            "present_levels": plan.levels,
        },
        "packages": {
            name: {"version": package.version, "missing": package.missing} for name, package in run.packages.items()
        },
        "goals": goals(run.rows, run.skipped),
        "failures": failures(run.rows, run.skipped),
        "skipped": run.skipped,
        "rows": run.rows,
    }


def write_json(found: dict[str, Any], path: Path) -> None:
    """Write the results, indented."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_page(found: dict[str, Any], folder: Path) -> str | None:
    """Write ``matching.md`` and ``matching.svg``. Returns why there is no picture, where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    picture = folder / "matching.svg"
    no_picture = draw(found, picture)
    if no_picture is not None:
        picture.unlink(missing_ok=True)
    (folder / "matching.md").write_text(page(found, with_picture=no_picture is None), encoding="utf-8")
    return no_picture


def page(found: dict[str, Any], *, with_picture: bool) -> str:
    """What was compared, on what, and what came out."""
    told = found["machine"]
    packages = {**told["packages"], **{name: entry["version"] for name, entry in found["packages"].items()}}
    parts = [
        "# Matching, measured",
        "",
        "Written by `make bench-matching`; everything on this page comes from one run of it.",
        "",
        "| | |",
        "|---|---|",
        f"| Command | `{found['command']}` |",
        f"| Measured at | {found['measured_at']} |",
        f"| Processor | {told['processor']}, {told['cores']} cores |",
        f"| Memory | {told['memory_bytes'] / GIB:.0f} GiB |",
        f"| Load at the start | {told['load_at_start']} (0 is a quiet machine) |",
        f"| Python | {told['python']}, {told['system']} |",
        "| Packages | "
        + ", ".join(f"{name} {version or '**not installed**'}" for name, version in sorted(packages.items()))
        + " |",
        "",
        *_verdict(found),
        "## Goals",
        "",
        "A goal is a ratio between two medians of this run, at the size and mode for which it was set; G7 and G8 are",
        "taken at the largest size of this run.",
        "",
        *goal_table(found["goals"]),
        "",
        *(["![Seconds by number of people](matching.svg)", ""] if with_picture else []),
        "## Figures",
        "",
        f"Medians over the rounds, {found['plan']['rounds']} at most: what takes long is measured once per size. Each",
        "measurement is a process of its own, and contenders alternate. In engines is how many times the engine's",
        "seconds a contender takes, by the clock and by the processors' time of all its threads. Score is the",
        "time to compute the scores, solve the rest (for the engine: everything after its columns are filled, its",
        "proof included; filling them is in the time together). Peak is the memory of the whole process with",
        "interpreter and packages; added is how much of it came after the people were loaded. Below the best is how",
        "far a total falls short of the proven optimum.",
        "",
    ]
    for mode in Mode:
        for size in found["plan"]["sizes"]:
            parts += size_section(found, size, mode)
    return "\n".join([*parts, *live_table(found), _method(found), *every_row(found)])


def _verdict(found: dict[str, Any]) -> list[str]:
    if found["failures"]:
        return ["**This run failed its checks:**", "", *(f"- {failure}" for failure in found["failures"]), ""]
    oracles = {row["contender"] for row in found["rows"] if BY_NAME[row["contender"]].kind is Kind.ORACLE}
    if not any(row["contender"] == "engine" for row in found["rows"]):
        return ["**The engine was not part of this run.**", ""]
    if not oracles:
        return ["**No exact solver ran beside the engine**: only its own prices prove its totals here.", ""]
    return [
        "Every check held: the engine's total is that of each exact solver that could run and that its own prices",
        "prove; a plain scorer found every chosen pair allowed, and no mentor with more mentees than places.",
        "",
    ]


def _method(found: dict[str, Any]) -> str:
    """What was compared, in words."""
    features = {row["told"]["features"] for row in found["rows"] if row["contender"] == "sgemm"}
    return METHOD.format(
        top=TOP,
        features=f"{max(features)} features per person" if features else "the features",
        limit=f"{found['plan']['limit_seconds']:,.0f}",
    )


def draw(found: dict[str, Any], path: Path) -> str | None:
    """Seconds by number of people, both axes in powers of ten. Returns why nothing was drawn, if so."""
    try:
        pyplot = import_module("matplotlib.pyplot")
    except ImportError:
        return "matplotlib is not installed: run it by `make bench-matching`"
    pyplot.switch_backend("svg")
    matplotlib = import_module("matplotlib")
    matplotlib.rcParams.update({"svg.hashsalt": "matching", "font.size": 9, "svg.fonttype": "none"})
    modes = [mode for mode in Mode if any(row["mode"] == mode for row in found["rows"])]
    if not modes:
        return "nothing was measured"
    figure, axes = pyplot.subplots(
        1, len(modes), figsize=(4.6 * len(modes), 4.4), sharey=True, squeeze=False, layout="constrained"
    )
    for axis, mode in zip(axes[0], modes, strict=True):
        for number, name in enumerate(PLOTTED):
            points = [
                (size, statistics.median(seconds))
                for size in found["plan"]["sizes"]
                if (seconds := times(found["rows"], name, size, mode))
            ]
            if points:
                dashed = BY_NAME[name].kind in {Kind.PASS, Kind.APPROXIMATE}
                axis.plot(
                    *zip(*points, strict=True),
                    color=f"C{number}",
                    marker="o",
                    markersize=3,
                    linewidth=2.2 if name == "engine" else 1,
                    linestyle="--" if dashed else "-",
                    label=BY_NAME[name].title,
                )
        axis.set(xscale="log", yscale="log", title=str(mode), xlabel="people a side")
        axis.set_xticks(found["plan"]["sizes"], [f"{size:,}" for size in found["plan"]["sizes"]], minor=False)
        axis.set_xticks([], minor=True)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("seconds, scoring included")
    lines = {line.get_label(): line for axis in axes[0] for line in axis.get_lines()}
    titles = [BY_NAME[name].title for name in PLOTTED if BY_NAME[name].title in lines]
    figure.legend(
        [lines[title] for title in titles], titles, loc="outside lower center", ncols=2, fontsize=8, frameon=False
    )
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    return None
