"""What a run leaves behind: figures for machines, a page for people."""

import json
import os
import platform
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .checker.verdict import NAMED
from .outage import Outage, Survived
from .run import Outcome, Wishes
from .schedule import Kind

SHOWN = 20


def command(wishes: Wishes) -> str:
    """What replays the run."""
    orders = wishes.orders
    arguments = (
        f"--volunteers {wishes.volunteers} --kills {orders.kills} --freezes {orders.freezes} "
        f"--freeze-seconds {orders.freeze_seconds:g} --broker-restarts {orders.broker_restarts} "
        f"--database-restarts {orders.database_restarts} --storms {orders.storms} --replicas {orders.replicas} "
        f"--rounds {orders.rounds} --seed {orders.seed}"
    )
    return f'make chaos CHAOS_ARGS="{arguments}"'


def figures(outcome: Outcome) -> dict[str, Any]:
    """Everything that is counted, and by id what should not be."""
    orders, counts = outcome.wishes.orders, outcome.counts
    return {
        "holds": outcome.verdict.holds,
        **outcome.verdict.figures,
        "kills": counts[Kind.KILL],
        "freezes": counts[Kind.FREEZE],
        "broker_restarts": counts[Kind.BROKER_RESTART],
        "database_restarts": counts[Kind.DATABASE_RESTART],
        "storms": counts[Kind.WEATHER],
        "replicas": orders.replicas,
        "rounds": counts[Kind.SCALE_DOWN],
        "volunteers": outcome.wishes.volunteers,
        "pairs": outcome.notes.pairs,
        "seconds_driven": outcome.seconds_driven,
        "seconds_to_quiet": outcome.seconds_to_quiet,
        "seed": orders.seed,
        "command": command(outcome.wishes),
        "acknowledged": dict(sorted(outcome.kinds.items())),
        "refused": dict(sorted(outcome.refusals.items())),
        "waits_given_up": dict(sorted(outcome.notes.waits_given_up.items())),
        "broker": outcome.broker,
        "database": outcome.database,
        "faults": {kind: list(found[:NAMED]) for kind, found in outcome.verdict.faults.items() if found},
        "blows": [f"{blow.second:.0f} s: {blow.what}" for blow in outcome.blows],
    }


def command_of(outage: Outage) -> str:
    """What replays an outage."""
    arguments = f"--outage {outage.component} --seconds {outage.seconds:g} --rate {outage.rate:g}"
    return f'make chaos CHAOS_ARGS="{arguments}"'


def write(told: Mapping[str, Any], path: Path) -> None:
    """The figures as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def show_outage(survived: Survived, console: Console) -> None:
    """What clients noticed, and whether anything was lost."""
    console.print_json(data=survived.figures())
    if not survived.verdict.holds:
        console.print("[bold red]The promise does not hold.[/] This replays the run:")
        console.print(command_of(survived.outage), markup=False, highlight=False, soft_wrap=True)


def show(outcome: Outcome, console: Console) -> None:
    """The figures as a table, and what is wrong."""
    told = figures(outcome)
    table = Table(box=None, show_header=False)
    for name, value in told.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            wrong = value and name in outcome.verdict.faults
            table.add_row(name, f"[red]{value:,}[/]" if wrong else f"{value:,}")
    console.print(table)
    for kind, found in outcome.verdict.faults.items():
        for line in found[:SHOWN]:
            console.print(f"{kind}: {line}", style="red", markup=False, highlight=False)
    if outcome.verdict.holds:
        console.print("[green]Nothing lost, nothing twice, nothing out of order.[/]")
    else:
        console.print("[bold red]The promise does not hold.[/] This replays the run:")
        console.print(command(outcome.wishes), markup=False, highlight=False, soft_wrap=True)


def page(outcome: Outcome) -> str:
    """The published report."""
    return "\n".join(_page(outcome)) + "\n"


def _page(outcome: Outcome) -> Iterator[str]:
    told, verdict = figures(outcome), outcome.verdict
    yield "# Chaos report"
    yield ""
    yield (
        f"On {datetime.now(UTC):%d %B %Y}, {told['volunteers']:,} volunteers lived through a whole programme while "
        "processes were killed and frozen, Kafka and MongoDB restarted, lines cut and slowed, and services scaled. "
        "Then a checker that shares no code with the platform compared what clients had been told with what there is."
    )
    yield ""
    yield f"**{'The promise held' if verdict.holds else 'The promise did NOT hold'}.** Replay it with"
    yield ""
    yield f"    {told['command']}"
    yield ""
    yield "| Figure | Must be | Is |"
    yield "|---|---|---|"
    for name, must in (
        ("commands_acknowledged", "many"),
        ("commands_unknown", "few"),
        ("events", "many"),
        ("effects", "many"),
        *((name, "0") for name in verdict.faults),
        ("seconds_to_quiet", "60 or less"),
    ):
        yield f"| {name.replace('_', ' ')} | {must} | {told[name]:,} |"
    yield ""
    yield (
        f"Records on the topics: {told['records']:,}, so {told['records'] - told['events']:,} were sent again and "
        "changed nothing. Driven for "
        f"{told['seconds_driven']:.0f} s on {os.cpu_count()} processors ({platform.machine()}), {told['broker']}, "
        f"{told['database']}."
    )
    yield ""
    yield "## What was done to it"
    yield ""
    yield "| Second | What | Repaired after (s) |"
    yield "|---|---|---|"
    yield from (f"| {blow.second:.0f} | {blow.what} | {blow.took:.0f} |" for blow in outcome.blows)
    yield ""
    yield "## What clients asked for"
    yield ""
    yield "| Command | Acknowledged |"
    yield "|---|---|"
    yield from (f"| {kind} | {times:,} |" for kind, times in told["acknowledged"].items())
    if told["refused"]:
        refused = ", ".join(f"{name} {times:,}" for name, times in told["refused"].items())
        yield ""
        yield f"Refused, as any client may be when somebody else was faster: {refused}."
    if not verdict.holds:
        yield ""
        yield "## What is wrong"
        yield ""
        yield from (f"- {kind}: {line}" for kind, found in verdict.faults.items() for line in found[:SHOWN])
