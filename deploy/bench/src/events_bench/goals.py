"""What the measurements mean: each goal with what was measured, and whether it is met."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from .jobs import Scenario, Side

Row = dict[str, Any]
Entry = dict[str, Any]

FREE_BELOW = 0.85
"""Beyond this share of the machine's processors, a second process has nothing left to grow into."""


def goals(rows: Sequence[Row]) -> dict[str, Entry]:
    """One entry per goal; ``measured`` is None, with the reason, where it was not measured."""
    return {
        **{f"ratio_{scenario}": _ratio(rows, scenario) for scenario in Scenario},
        **_latencies(rows),
        **_newcomers(rows),
        "replicas": _replicas(rows),
        "memory": _memory(rows),
    }


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of values in ascending order; the nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def rate(rows: Sequence[Row], side: str, scenario: str) -> float | None:
    """Events a second of one process, the median of the rounds."""
    found = [row["rate"] for row in rows if _case(row) == ("throughput", side, scenario)]
    return statistics.median(found) if found else None


def _ratio(rows: Sequence[Row], scenario: Scenario) -> Entry:
    title = f"{scenario}: events a second of one service process, as a share of the floor's"
    ours, floor = rate(rows, Side.OURS, scenario), rate(rows, Side.FLOOR, scenario)
    return _entry(title, 0.5, ours / floor if ours and floor else None)


def _latencies(rows: Sequence[Row]) -> dict[str, Entry]:
    waited: list[float] = next((row["from_write_ms"] for row in rows if row["kind"] == "latency"), [])
    title = "from the acknowledged write to its event seen on the topic, at 50 a second, ms"
    return {
        f"write_to_topic_p{round(share * 100)}": _entry(
            f"{title}, p{round(share * 100)}", goal, percentile(waited, share) if waited else None, less=True
        )
        for share, goal in ((0.5, 15.0), (0.99, 100.0))
    }


def _newcomers(rows: Sequence[Row]) -> dict[str, Entry]:
    row = next((row for row in rows if row["kind"] == "newcomers"), None)
    waited = row["waited_ms"] if row else []
    title = "from the command over HTTP in enrollment to `paired` seen on its topic, ms"
    return {
        f"command_to_paired_p{round(share * 100)}": _entry(
            f"{title}, p{round(share * 100)}", goal, percentile(waited, share) if waited else None, less=True
        )
        for share, goal in ((0.5, 40.0), (0.99, 250.0))
    }


def _replicas(rows: Sequence[Row]) -> Entry:
    by_number = {row["replicas"]: row for row in rows if row["kind"] == "replicas"}
    title = "events a second of two processes over those of one, while processors are free"
    if {1, 2} - set(by_number):
        return _entry(title, 1.7, None)
    entry = _entry(title, 1.7, by_number[2]["rate"] / by_number[1]["rate"])
    busy = by_number[1]["machine_busy"]
    if busy >= FREE_BELOW and not entry["met"]:
        entry["met"] = None
        entry["why"] = (
            f"NOT DECIDED HERE: one process with its Kafka and MongoDB already keeps {busy:.0%} of this machine busy"
        )
    return entry


def _memory(rows: Sequence[Row]) -> Entry:
    title = "growth of resident memory at half load, from the second quarter of the run to the last"
    seen: list[int] = next((row["resident_bytes"] for row in rows if row["kind"] == "memory"), [])
    quarter = len(seen) // 4
    if quarter < 1:
        return _entry(title, 0.05, None, less=True)
    early, late = statistics.median(seen[quarter : 2 * quarter]), statistics.median(seen[-quarter:])
    return _entry(title, 0.05, late / early - 1, less=True)


def _entry(title: str, goal: float, measured: float | None, *, less: bool = False) -> Entry:
    met = None if measured is None else (measured <= goal if less else measured >= goal)
    entry: Entry = {"title": title, "goal": goal, "measured": None, "met": met, "less_is_better": less}
    if measured is None:
        return entry | {"why": "NOT MEASURED: it was not part of this run"}
    return entry | {"measured": round(measured, 3)}


def _case(row: Row) -> tuple[str, str, str]:
    return row["kind"], row.get("side", ""), row.get("scenario", "")
