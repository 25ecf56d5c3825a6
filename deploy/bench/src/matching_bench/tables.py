"""The tables of the page."""

import statistics
from collections.abc import Sequence
from typing import Any

from .contenders import BY_NAME, CONTENDERS, Kind
from .goals import EXACT
from .harness import Row
from .people import Mode

MIB = 2**20


def goal_table(entries: dict[str, Any]) -> list[str]:
    """Each goal beside what was measured, or why it was not."""
    lines = ["| | | Measured | By CPU | Goal | Earlier prototype, another machine |", "|---|---|---:|---:|---:|---:|"]
    for name, entry in entries.items():
        where = f", {entry['at']['size']:,} a side, {entry['at']['mode']}" if "at" in entry else ""
        sign = "at most " if entry.get("less_is_better") else ""
        if entry["ratio"] is None:
            sizes = entry.get("by_size", {})
            others = "; ".join(f"{ratio:,g} at {int(size):,}" for size, ratio in sizes.items())
            measured = f"**{entry['not_measured']}**" + (f" ({others})" if others else "")
        else:
            measured = f"{entry['ratio']:,g}"
        by_cpu = f"{entry['ratio_by_cpu']:,g}" if entry.get("ratio_by_cpu") is not None else ""
        number, _, _ = name.partition("_")
        lines.append(
            f"| {number} | {entry['title']}{where} | {measured} | {by_cpu} | {sign}{entry['goal']:,g} "
            f"| {entry['prototype']:,g} |"
        )
    return lines


def size_section(found: dict[str, Any], size: int, mode: Mode) -> list[str]:
    """Medians of the contenders at one size; nothing where it was not measured."""
    rows = [row for row in found["rows"] if row["size"] == size and row["mode"] == mode]
    skipped = [row for row in found["skipped"] if row["size"] == size and row["mode"] == mode]
    if not rows and not skipped:
        return []
    best = max((row["total"] for row in rows if BY_NAME[row["contender"]].kind in EXACT), default=None)
    lines = [
        f"### {size:,} mentors and {size:,} mentees, {mode}",
        "",
        (
            "| | Score s | Solve s | Together s | CPU s | In engines, clock | In engines, CPU | Peak MiB | Added MiB "
            "| Pairs | Below the best | Rounds |"
        ),
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    measured = [
        [row for row in rows if row["contender"] == contender.name]
        for contender in CONTENDERS
        if contender.kind is not Kind.LIVE
    ]
    lines += [_line(own, best, [row for row in rows if row["contender"] == "engine"]) for own in measured if own]
    left_out = [f"- {BY_NAME[row['contender']].title}: **not run**, {row['reason']}" for row in skipped]
    return [*lines, "", *left_out, *([""] if left_out else [])]


def _line(own: Sequence[Row], best: int | None, engine: Sequence[Row]) -> str:
    def seconds(phase: str) -> str:
        known = [row["wall_by_phase"][phase] for row in own if phase in row["wall_by_phase"]]
        return f"{statistics.median(known):.3f}" if known else ""

    def median(what: str) -> float:
        return float(statistics.median(row[what] for row in own))

    def in_engines(what: str) -> str:
        theirs = statistics.median(row[what] for row in engine) if engine else 0
        return f"{median(what) / theirs:,.3g}" if theirs else ""

    added = median("added_bytes")
    first = own[0]
    below = ""
    if "total" in first and best:
        below = f"{(best - first['total']) / best:.2%}" if first["total"] != best else "0"
    if first.get("violations"):
        below = "**breaks rules**"
    cells = [
        BY_NAME[first["contender"]].title,
        seconds("score"),
        seconds("solve"),
        f"{median('wall'):.3f}",
        f"{median('cpu'):.3f}",
        in_engines("wall"),
        in_engines("cpu"),
        f"{median('peak_bytes') / MIB:,.0f}",
        f"{added / MIB:,.0f}",
        f"{first['pairs']:,}" if "pairs" in first else "",
        below,
        str(len(own)),
    ]
    return f"| {' | '.join(cells)} |"


def live_table(found: dict[str, Any]) -> list[str]:
    """What the events of a pool that is kept up to date take; nothing where that was not measured."""
    lines = [
        "## One at a time",
        "",
        "The optimum is kept while people, chosen at random, go and come back one by one. Milliseconds are the",
        "medians of each event; in brackets the time within which 95 of 100 are done, and how many there was time",
        "for. Re-matches are pairs of a departure and an arrival per second of one core. Afterwards all pairs are",
        "looked at: none is worth more than the prices say, and when further people have gone, the total is that of",
        "a fresh solution without them.",
        "",
        "| | Fresh solution s | Arrival ms | Departure ms | Mentor gone and back ms | Re-matches | Proof s | Rounds |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    measured = False
    for mode in Mode:
        for size in found["plan"]["sizes"]:
            rows = [
                row for row in found["rows"] if (row["contender"], row["size"], row["mode"]) == ("live", size, mode)
            ]
            if rows:
                measured = True
                lines.append(_events(rows))
    return [*lines, ""] if measured else []


def _events(rows: Sequence[Row]) -> str:
    def seconds(phase: str) -> str:
        return f"{statistics.median(row['wall_by_phase'][phase] for row in rows):.3f}"

    def milliseconds(event: str) -> str:
        usual, slow = (statistics.median(row["told"][event][what] for row in rows) for what in ("median", "p95"))
        return f"{usual:.3f} ({slow:.3f}; {sum(row['told'][event]['count'] for row in rows)})"

    cells = [
        f"{rows[0]['size']:,}, {rows[0]['mode']}",
        seconds("solve"),
        milliseconds("arrival_ms"),
        milliseconds("departure_ms"),
        milliseconds("mentor_leaves_and_returns_ms"),
        f"{statistics.median(row['told']['re_matches_per_core_second'] for row in rows):,.4g}",
        seconds("certify"),
        str(len(rows)),
    ]
    return f"| {' | '.join(cells)} |"


def every_row(found: dict[str, Any]) -> list[str]:
    """All measurements, in the order in which they were made."""
    lines = [
        "## Every measurement",
        "",
        "In the order in which they were made; `live` is the time of everything it does, its two solutions included.",
        "",
        "| People a side | | Round | Contender | Clock s | CPU s | Peak MiB | Pairs | Total |",
        "|---:|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for row in found["rows"]:
        cells = [
            f"{row['size']:,}",
            row["mode"],
            str(row["round"] + 1),
            f"`{row['contender']}`",
            f"{row['wall']:.4f}",
            f"{row['cpu']:.4f}",
            f"{row['peak_bytes'] / MIB:,.0f}",
            f"{row['pairs']:,}" if "pairs" in row else "",
            f"{row['total']:,}" if "total" in row else "",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return [*lines, ""]
