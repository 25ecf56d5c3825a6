"""``python -m events_bench``: the way of an event through a service, against the bare drivers, in one run."""

import asyncio
import logging
import math
import shlex
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer
from local_stack import SERVICES, Stack, start_stack
from rich.console import Console

from .cleaning import clean, database_prefix
from .newcomers import newcomers
from .report import page as page_of
from .report import results, write_json
from .run import Run

CHECKOUT = Path(__file__).resolve().parents[4]
PREFIX = f"newcomers-{uuid4().hex[:8]}."
"""Of topics, groups and databases of the four services."""
QUIETLY = {"TELEMACHUS_LOG_LEVEL": "WARNING", "TELEMACHUS_MONGO_DATABASE_PREFIX": database_prefix(PREFIX)}


def main(  # noqa: PLR0917 typer turns each into an option
    events: Annotated[int, typer.Option(min=100, help="Events of each measurement of throughput.")] = 2_000,
    rounds: Annotated[int, typer.Option(min=1, help="Measurements of each; the median counts.")] = 2,
    seconds: Annotated[float, typer.Option(min=1, help="How long latency is measured.")] = 10,
    people: Annotated[int, typer.Option(min=0, help="In the programme that pairs at once; 0 leaves it out.")] = 1_000,
    newcomers: Annotated[int, typer.Option(min=1, help="Of these people, those who are waited for.")] = 60,
    pace: Annotated[float, typer.Option(min=0.1, help="Newcomers a second.")] = 4,
    minutes: Annotated[float, typer.Option(min=0, help="How long memory is watched; 0 leaves it out.")] = 0.4,
    output: Annotated[Path, typer.Option(help="Folder of events.json and events.md.")] = CHECKOUT / "build" / "bench",
    publish: Annotated[bool, typer.Option("--publish", help="Write docs/benchmarks/events.md as well.")] = False,
) -> None:
    """Compare throughput with the bare drivers; measure latency, replicas and memory. Fail when an event is lost."""
    console = Console(stderr=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it complains about topics that are just being made
    if people and newcomers * 2 > people:
        raise typer.BadParameter(f"of {people} people at most {people // 2} can be newcomers: each needs a mentor")
    expected = 60 + 40 * rounds * events / 2_000 + people * 0.07 + minutes * 60 + seconds
    console.print(f"This takes about {math.ceil(expected / 60)} min on a quiet machine.", highlight=False)
    with (
        tempfile.TemporaryDirectory(prefix="telemachus-bench-") as folder,
        start_stack(
            data=Path(folder) / "stack",
            services=(),
            topic_prefix=PREFIX,
            console=console,
        ) as stack,
    ):
        run = Run(stack.kafka_bootstrap, stack.mongo_uri, events, tell=lambda text: console.print(f"  {text}"))
        try:
            asyncio.run(_measure(run, rounds=rounds, seconds=seconds, minutes=minutes))
            if people:
                console.print(f"  {people:,} people in a programme that pairs at once")
                asyncio.run(_newcomers(run, stack, people=people, measured=newcomers, pace=pace))
        finally:
            asyncio.run(clean(stack.kafka_bootstrap, stack.mongo_uri, (*run.prefixes, PREFIX)))
        found = results(run, _command(), f"{stack.broker}, {stack.database}")
    write_json(found, output / "events.json")
    for path in [output / "events.md", *([CHECKOUT / "docs/benchmarks/events.md"] if publish else [])]:
        path.write_text(page_of(found), encoding="utf-8")
    for entry in found["goals"].values():
        met = {True: "[green]met[/]", False: "[bold red]not met[/]", None: f"[red]{entry.get('why', '')}[/]"}
        measured = "" if entry["measured"] is None else f"{entry['measured']:,g}, "
        console.print(f"{entry['title']}: {measured}goal {entry['goal']:g}: {met[entry['met']]}", soft_wrap=True)
    console.print(f"Everything is in {output / 'events.json'}, the page in {output / 'events.md'}.", soft_wrap=True)
    for failure in found["failures"]:
        console.print(f"[bold red]FAILED[/] {failure}", highlight=False, soft_wrap=True)
    if found["failures"]:
        raise typer.Exit(1)


async def _measure(run: Run, *, rounds: int, seconds: float, minutes: float) -> None:
    await run.throughput(rounds)
    await run.profiles()
    await run.latency(seconds)
    await run.replicas()
    if minutes:
        await run.memory(minutes)


async def _newcomers(run: Run, stack: Stack, *, people: int, measured: int, pace: float) -> None:
    stack.add_services(SERVICES, QUIETLY)
    found = await newcomers(
        stack.urls, stack.kafka_bootstrap, PREFIX, people=people, measured=measured, per_second=pace
    )
    run.rows.append({"kind": "newcomers", **asdict(found)})
    if found.never:
        run.failures.append(f"{found.never} of {found.measured} newcomers were not paired within two minutes")


def _command() -> str:
    given = shlex.join(word for word in sys.argv[1:] if word != "--publish")
    return f'make bench-events BENCH_ARGS="{given}"' if given else "make bench-events"


if __name__ == "__main__":
    typer.run(main)
