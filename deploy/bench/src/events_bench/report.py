"""The measurements as JSON for programs, and as a page for people."""

import json
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .goals import goals, percentile
from .jobs import PARTITIONS, Scenario, Side
from .run import READERS, WRITERS, Run

GIB, MIB = 2**30, 2**20
Row = dict[str, Any]

METHOD = f"""\
## How it was measured

**Ours** is a service on the real chassis in a process of its own: it reads `paired` and tells `session_scheduled`, as
scheduling does. `write`: {WRITERS} commands at a time, each decided and stored with its event, which the relay then
sends. `read`: {READERS} readers in one process; each event is decoded, checked against its schema, decided on and
remembered in the document it changes. `through`: both at once. Four events belong to each document, far apart; the
first makes it.

**The floor** does the same number of compare-and-set writes (`w: majority`, `j: true`), sends (`acks=all`) and reads
with the same drivers, loop and concurrency, and nothing in between: no decision, outbox, inbox, retry or metric.
Sends do not hold up the next write, and offsets are committed every quarter of a second on both sides. So the
floor is faster than anything that keeps the promise could be: the outbox needs a second write to be emptied.

Both sides take turns, each measurement in new processes on a database and topics of its own ({PARTITIONS} partitions),
with one Kafka and one MongoDB on the same machine and its processors. The clock runs from the first event to the last
one that is stored and, where events come out, published. Afterwards every event must have had its effect.

**Newcomers** are measured in the four real services: a programme that pairs at once, everybody but the newcomers ready,
then one training after the other recorded over HTTP. The time ends when a plain reader sees `paired` on its topic.

**Where the time goes** was profiled in a run of its own, in the thread of the event loop only, which Python's profiler
slows down: only shares count. The rest of a process's processor time goes to threads of the database driver.
"""


def results(run: Run, command: str, backends: str) -> dict[str, Any]:
    """Everything about a run that is worth keeping."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "machine": run.machine,
        "backends": backends,
        "events": run.events,
        "goals": goals(run.rows),
        "failures": run.failures,
        "rows": run.rows,
    }


def write_json(found: dict[str, Any], path: Path) -> None:
    """Write the results, indented."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def page(found: dict[str, Any]) -> str:
    """What was compared, on what, and what came out."""
    told = found["machine"]
    parts = [
        "# Events, measured",
        "",
        "Written by `make bench-events`; everything on this page comes from one run of it.",
        "",
        "| | |",
        "|---|---|",
        f"| Command | `{found['command']}` |",
        f"| Measured at | {found['measured_at']} |",
        f"| Processor | {told['processor']}, {told['cores']} cores, for back-ends, services and benchmark together |",
        f"| Memory | {told['memory_bytes'] / GIB:.0f} GiB |",
        f"| Load at the start | {told['load_at_start']} (0 is a quiet machine) |",
        f"| Software | Python {told['python']}, {told['system']}, {found['backends']} |",
        "",
        *([f"**This run failed its checks:** {'; '.join(found['failures'])}", ""] if found["failures"] else []),
        "## Goals",
        "",
        "| | Goal | Measured | Met |",
        "|---|---:|---:|---|",
        *(_goal(entry) for entry in found["goals"].values()),
        "",
        *_throughput(found["rows"]),
        *_profile(found["rows"]),
        *_latency(found["rows"]),
        *_newcomers(found["rows"]),
        *_replicas(found["rows"]),
        *_memory(found["rows"]),
    ]
    return "\n".join([*parts, METHOD])


def _goal(entry: dict[str, Any]) -> str:
    sign = "at most" if entry["less_is_better"] else "at least"
    met = {True: "yes", False: "**no**", None: f"**{entry.get('why', '')}**"}[entry["met"]]
    measured = "" if entry["measured"] is None else f"{entry['measured']:,g}"
    return f"| {entry['title']} | {sign} {entry['goal']:g} | {measured} | {met} |"


def _of(rows: Sequence[Row], kind: str) -> list[Row]:
    return [row for row in rows if row["kind"] == kind]


def _throughput(rows: Sequence[Row]) -> list[str]:
    lines = [
        "## Events a second, one process",
        "",
        "Medians of the rounds; CPU is processor time of the process per event, in brackets that of its event loop.",
        "",
        "| | Ours | Floor | Share | Ours, CPU ms | Floor, CPU ms | Rounds |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for scenario in Scenario:
        ours, floor = (
            [row for row in _of(rows, "throughput") if (row["side"], row["scenario"]) == (side, scenario)]
            for side in (Side.OURS, Side.FLOOR)
        )
        if ours and floor:
            rates = [statistics.median(row["rate"] for row in own) for own in (ours, floor)]
            cells = [f"{rates[0]:,.0f}", f"{rates[1]:,.0f}", f"{rates[0] / rates[1]:.2f}", _cpu(ours), _cpu(floor)]
            lines.append(f"| {scenario} | {' | '.join(cells)} | {len(ours)} |")
    return [*lines, ""]


def _cpu(own: Sequence[Row]) -> str:
    whole, loop = (statistics.median(row[what] for row in own) for what in ("cpu_ms", "loop_cpu_ms"))
    return f"{whole:.2f} ({loop:.2f})"


def _profile(rows: Sequence[Row]) -> list[str]:
    profiled = _of(rows, "profile")
    if not profiled:
        return []
    names = list(dict.fromkeys(name for row in profiled for name in row["profile"]))
    totals = [sum(row["profile"].values()) for row in profiled]
    lines = [
        "## Where the event loop's time goes",
        "",
        f"| | {' | '.join(row['scenario'] for row in profiled)} |",
        f"|---|{'---:|' * len(profiled)}",
    ]
    ranked = sorted(names, key=lambda name: -max(row["profile"].get(name, 0) for row in profiled))
    for name in ranked:
        shares = [row["profile"].get(name, 0) / total for row, total in zip(profiled, totals, strict=True)]
        lines.append(f"| {name} | {' | '.join(f'{share:.0%}' if share else '' for share in shares)} |")
    return [*lines, ""]


def _latency(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in _of(rows, "latency"):
        lines = [
            f"## Latency at {row['rate']:.0f} commands a second",
            "",
            f"{row['events']} commands, each with one event, in one service process. Milliseconds.",
            "",
            *_percentiles(
                {
                    "the write: decided, stored, acknowledged": row["write_ms"],
                    "from there to the topic, as a reader sees it": row["from_write_ms"],
                    "together": row["from_command_ms"],
                }
            ),
        ]
    return lines


def _newcomers(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in _of(rows, "newcomers"):
        lines = [
            "## From volunteering to a pair",
            "",
            f"{row['people']:,} people in a programme that pairs at once; {row['per_second']:g} newcomers a second,",
            f"with {row['events_per_second']:,g} events a second on all topics together. Milliseconds.",
            "",
            *_percentiles(
                {
                    "the answer to the command": row["answered_ms"],
                    "from the command to `paired` on its topic": row["waited_ms"],
                }
            ),
        ]
    return lines


def _percentiles(series: dict[str, list[float]]) -> list[str]:
    lines = ["| | p50 | p90 | p99 | Longest | Number |", "|---|---:|---:|---:|---:|---:|"]
    for title, values in series.items():
        if values:
            shown = " | ".join(f"{percentile(values, share):.1f}" for share in (0.5, 0.9, 0.99, 1))
            lines.append(f"| {title} | {shown} | {len(values)} |")
    return [*lines, ""]


def _replicas(rows: Sequence[Row]) -> list[str]:
    lines = [
        f"| {row['replicas']} | {row['rate']:,.0f} | {', '.join(f'{one:,}' for one in row['each'])} "
        f"| {row['cpu_ms']:.2f} | {row['machine_busy']:.0%} |"
        for row in _of(rows, "replicas")
    ]
    head = [
        "## One process, and two",
        "",
        "| Processes | Events a second | Each handled | CPU ms an event | Machine busy |",
        "|---:|---:|---|---:|---:|",
    ]
    return [*head, *lines, ""] if lines else []


def _memory(rows: Sequence[Row]) -> list[str]:
    lines = []
    for row in _of(rows, "memory"):
        seen = row["resident_bytes"]
        shown = ", ".join(f"{seen[len(seen) * place // 8] / MIB:.1f}" for place in range(8)) if seen else "not told"
        lines = [
            "## Memory",
            "",
            f"{row['rate']:,.0f} events a second, half of what one process can do, for {len(seen)} s: resident MiB at",
            f"the start of each eighth: {shown}.",
            "",
        ]
    return lines
