"""What the measurements mean: the figures to beat, and what must hold in any case."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .contenders import BY_NAME, Kind
from .harness import Row, times
from .people import Mode

LEAST_KERNEL_LEAD = 3.0
"""A kernel that the compiler stopped vectorising is 4 to 14 times slower, and would fall below this lead over sgemm."""
OURS = frozenset({"engine", "live", "pass"})
SWIFT = OURS - {"live"}
"""These never take as long as the limit; single events one-to-one may, which the page then says."""
EXACT = frozenset({Kind.ENGINE, Kind.LIVE, Kind.ORACLE})
KERNEL_JUDGED_FROM = 10_000
"""With fewer people the pass is over before it says anything."""


@dataclass(frozen=True)
class Goal:
    """A ratio between two contenders: how many times less the first one takes."""

    name: str
    title: str
    ours: str
    theirs: str
    size: int
    mode: Mode
    prototype: float
    goal: float
    what: str = "wall"
    less_is_better: bool = False
    """Then the ratio is ours over theirs, and stays small."""

    def ratio(self, rows: Sequence[Row], size: int) -> float | None:
        """At this size, between medians; ``None`` where one of the two was not measured."""
        ours = times(rows, self.ours, size, self.mode, self.what)
        theirs = times(rows, self.theirs, size, self.mode, self.what)
        if not ours or not theirs or not statistics.median(ours):
            return None
        ratio: float = statistics.median(theirs) / statistics.median(ours)
        return round(1 / ratio if self.less_is_better else ratio, 2)


RATIOS = (
    Goal("G1", "exact and proven, against SciPy", "engine", "scipy", 10_000, Mode.ONE_TO_ONE, 68, 100),
    Goal("G2", "the same, against lapjv", "engine", "lapjv", 10_000, Mode.ONE_TO_ONE, 24, 40),
    Goal("G3", "the same, against mentor-match", "engine", "mentor-match", 1_000, Mode.ONE_TO_ONE, 900, 1_000),
    Goal(
        "G4_capacity", "exact and proven, in looks at all pairs", "engine", "pass", 50_000, Mode.CAPACITY, 5.1, 3,
        less_is_better=True,
    ),
    Goal(
        "G4_one_to_one", "exact and proven, in looks at all pairs", "engine", "pass", 50_000, Mode.ONE_TO_ONE, 16, 8,
        less_is_better=True,
    ),
    Goal("G6", "a look at all pairs, against the bare matrix product", "pass", "sgemm", 50_000, Mode.CAPACITY, 12, 20),
    Goal(
        "G10", "peak memory, against SciPy", "engine", "scipy", 10_000, Mode.ONE_TO_ONE, 23, 25, what="peak_bytes"
    ),
)  # fmt: skip
LIVE = {
    "G7": ("one arrival, against a full re-solve (goal set at 50,000 people)", 14_600, 20_000),
    "G8": ("exact re-matches per core-second (goal set at 50,000 people)", 2_900, 5_000),
}
LARGE, HUGE = 50_000, 100_000
HUGE_GOALS = {Mode.CAPACITY: (11.0, 6.0), Mode.ONE_TO_ONE: (28.0, 15.0)}
HUGE_MEMORY = 2**30


def goals(rows: Sequence[Row], skipped: Sequence[Row]) -> dict[str, Any]:
    """One entry per goal: the ratio at the size for which it was set, and at every size that was measured."""
    sizes = sorted({row["size"] for row in rows})
    found: dict[str, Any] = {}
    for goal in RATIOS:
        at = {str(size): ratio for size in sizes if (ratio := goal.ratio(rows, size)) is not None}
        entry: dict[str, Any] = {
            "title": goal.title,
            "at": {"size": goal.size, "mode": str(goal.mode)},
            "ratio": at.get(str(goal.size)),
            "goal": goal.goal,
            "prototype": goal.prototype,
            "less_is_better": goal.less_is_better,
            "by_size": at,
        }
        if goal.what == "wall":
            entry["ratio_by_cpu"] = replace(goal, what="cpu").ratio(rows, goal.size)
        if goal.what == "peak_bytes":
            entry["by_size_beyond_packages"] = {
                str(size): ratio
                for size in sizes
                if (ratio := replace(goal, what="added_bytes").ratio(rows, size)) is not None
            }
        if entry["ratio"] is None:
            entry["not_measured"] = _why_not(goal, rows, skipped)
        found[goal.name] = entry
    found |= {name: _live(name, rows, skipped, sizes) for name in LIVE}
    return found | {
        f"G11_{mode.name.lower()}": _huge(rows, skipped, mode, *figures) for mode, figures in HUGE_GOALS.items()
    }


def failures(rows: Sequence[Row], skipped: Sequence[Row]) -> list[str]:
    """What must never be: unequal totals, broken rules, a proof that does not add up, a kernel that lost its speed."""
    told = [
        f"{_place(row)}: {row['reason']}"
        for row in skipped
        if (row["contender"] in OURS and row.get("failed")) or (row["contender"] in SWIFT and row.get("stopped"))
    ]
    told += [
        f"{_place(row)}: {violation}"
        for row in rows
        if BY_NAME[row["contender"]].kind in EXACT
        for violation in row.get("violations", ())
    ]
    told += [
        f"{_place(row)}: kept up to date {row['told']['left_total']:,}, solved anew {row['told']['left_total_anew']:,}"
        for row in rows
        if row["told"].get("left_total") != row["told"].get("left_total_anew")
    ]
    for row in rows:
        dual = row["told"].get("dual")
        if dual is not None and dual != row["total"]:
            told.append(f"{_place(row)}: the pairs are worth {row['total']:,}, the prices prove {dual:,}")
    for size, mode in sorted({(row["size"], row["mode"]) for row in rows}):
        totals = {
            (row["contender"], row["total"])
            for row in rows
            if BY_NAME[row["contender"]].kind in EXACT and (row["size"], row["mode"]) == (size, mode)
        }
        if len({total for _, total in totals}) > 1:
            told.append(f"{size:,} people a side, {mode}: the totals differ: {sorted(totals)}")
        best = max((total for _, total in totals), default=None)
        told += [
            f"{_place(row)}: {row['total']:,} is more than the optimum of {best:,}"
            for row in rows
            if best is not None and (row["size"], row["mode"]) == (size, mode) and row.get("total", 0) > best
            and not row.get("violations")
        ]  # fmt: skip
        passes = [times(rows, name, size, mode) for name in ("pass", "sgemm")]
        if size >= KERNEL_JUDGED_FROM and all(passes):
            lead = min(passes[1]) / min(passes[0])
            if lead < LEAST_KERNEL_LEAD:
                told.append(
                    f"{size:,} people a side, {mode}: the kernel leads the matrix product by {lead:.1f} only; "
                    "is it still vectorised?"
                )
    return told


def _why_not(goal: Goal, rows: Sequence[Row], skipped: Sequence[Row]) -> str:
    for contender in (goal.ours, goal.theirs):
        if times(rows, contender, goal.size, goal.mode):
            continue
        for row in skipped:
            if _case(row) == (contender, goal.size, goal.mode):
                return f"NOT MEASURED: {BY_NAME[contender].title}: {row['reason']}"
        how = " (--large)" if goal.size == LARGE else ""
        return f"NOT MEASURED: {goal.size:,} people a side, {goal.mode}, were not asked for{how}"
    return "NOT MEASURED"


def _live(name: str, rows: Sequence[Row], skipped: Sequence[Row], sizes: Sequence[int]) -> dict[str, Any]:
    """At the largest size of this run, in capacity mode."""
    title, prototype, aim = LIVE[name]
    at: dict[int, float] = {}
    for size in sizes:
        own = [row for row in rows if _case(row) == ("live", size, Mode.CAPACITY)]
        if own and name == "G7":
            solving = statistics.median(row["wall_by_phase"]["solve"] for row in own)
            at[size] = round(1000 * solving / statistics.median(row["told"]["arrival_ms"]["median"] for row in own), 2)
        elif own:
            at[size] = round(statistics.median(row["told"]["re_matches_per_core_second"] for row in own), 2)
    entry: dict[str, Any] = {
        "title": title,
        "ratio": at[max(at)] if at else None,
        "goal": aim,
        "prototype": prototype,
        "by_size": {str(size): figure for size, figure in at.items()},
    }
    if at:
        return entry | {"at": {"size": max(at), "mode": str(Mode.CAPACITY)}}
    reasons = [row["reason"] for row in skipped if (row["contender"], row["mode"]) == ("live", Mode.CAPACITY)]
    return entry | {"not_measured": f"NOT MEASURED: {reasons[0] if reasons else 'the live engine was not asked for'}"}


def _huge(rows: Sequence[Row], skipped: Sequence[Row], mode: Mode, prototype: float, aim: float) -> dict[str, Any]:
    seconds = times(rows, "engine", HUGE, mode)
    entry: dict[str, Any] = {
        "title": "100,000 people a side, exact and proven, in seconds, inside 1 GiB",
        "at": {"size": HUGE, "mode": str(mode)},
        "ratio": None,
        "goal": aim,
        "prototype": prototype,
        "less_is_better": True,
        "goal_bytes": HUGE_MEMORY,
    }
    if seconds:
        entry["ratio"] = round(statistics.median(seconds), 2)
        entry["peak_bytes"] = max(times(rows, "engine", HUGE, mode, "peak_bytes"))
    else:
        reasons = [row["reason"] for row in skipped if _case(row) == ("engine", HUGE, mode)]
        entry["not_measured"] = f"NOT MEASURED: {reasons[0] if reasons else 'needs --huge'}"
    return entry


def _case(row: Row) -> tuple[Any, Any, Any]:
    return row["contender"], row["size"], row["mode"]


def _place(row: Row) -> str:
    return f"{BY_NAME[row['contender']].title}, {row['size']:,} people a side, {row['mode']}"
