"""``python -m matching_bench``: the matching engine against what else there is, in one run."""

import math
import shlex
import signal
import sys
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .contenders import BY_NAME, CONTENDERS
from .goals import HUGE, LARGE
from .harness import Plan, Run
from .people import Mode
from .report import results, write_json, write_page

CHECKOUT = Path(__file__).resolve().parents[4]
SIZES = (1_000, 3_000, 10_000)
FEWEST = 20
MODES = {mode.name.lower(): mode for mode in Mode}
Known = TypeVar("Known")


def main(  # noqa: PLR0917 typer turns each into an option
    sizes: Annotated[str, typer.Option(help="People a side, separated by commas.")] = ",".join(map(str, SIZES)),
    large: Annotated[bool, typer.Option("--large", help="50,000 people a side as well.")] = False,
    huge: Annotated[bool, typer.Option("--huge", help="100,000 people a side as well.")] = False,
    rounds: Annotated[
        int, typer.Option(min=1, help="Measurements of each, the median counts; one where they are slow.")
    ] = 3,
    limit: Annotated[float, typer.Option(min=1, help="Seconds that one measurement may take.")] = 180,
    modes: Annotated[str, typer.Option(help="capacity, one_to_one, or both.")] = ",".join(MODES),
    only: Annotated[str, typer.Option(help=f"Some of: {', '.join(BY_NAME)}.")] = "",
    seed: Annotated[int, typer.Option(help="Of the people.")] = 1,
    levels: Annotated[int, typer.Option(min=1, max=5, help="Levels at which mentees may stand already.")] = 1,
    output: Annotated[Path, typer.Option(help="Folder of matching.json.")] = CHECKOUT / "build" / "bench",
    page: Annotated[Path, typer.Option(help="Folder of matching.md and its picture.")] = CHECKOUT / "docs/benchmarks",
) -> None:
    """Compare speed, memory and totals; fail when a total is not the optimum or a hard rule is broken."""
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the process that measures is stopped as well
    plan = Plan(
        contenders=tuple(_known(BY_NAME, name) for name in _words(only)) or CONTENDERS,
        sizes=_sizes(sizes, *([LARGE] if large else []), *([HUGE] if huge else [])),
        modes=tuple(_known(MODES, name) for name in _words(modes)),
        rounds=rounds,
        limit=limit,
        seed=seed,
        levels=levels,
        folder=output,
    )
    console.print(
        f"This takes about {math.ceil(plan.seconds / 60)} min on a quiet machine, beside getting packages.",
        highlight=False,
    )
    bar = Progress(
        BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"), console=console
    )
    with bar:
        task = bar.add_task("starting", total=plan.measurements)
        run = Run(
            plan,
            tell=lambda text: bar.update(task, description=text),
            step=lambda count: bar.advance(task, count),
        )
        run()
    found = results(run, command=_command())
    write_json(found, output / "matching.json")
    no_picture = write_page(found, page)
    _say(console, found["packages"], no_picture)
    for name, entry in found["goals"].items():
        measured = f"[bold]{entry['ratio']:,g}[/]" if entry["ratio"] is not None else f"[red]{entry['not_measured']}[/]"
        console.print(
            f"{name}: {measured}, goal {entry['goal']:,g} ({entry['title']})", highlight=False, soft_wrap=True
        )
    console.print(f"Everything is in {output / 'matching.json'}, the page in {page / 'matching.md'}.", soft_wrap=True)
    for failure in found["failures"]:
        console.print(f"[bold red]FAILED[/] {failure}", highlight=False, soft_wrap=True)
    if found["failures"]:
        raise typer.Exit(1)


def _say(console: Console, packages: dict[str, dict[str, str | None]], no_picture: str | None) -> None:
    for package in packages.values():
        if package["missing"]:
            console.print(f"[bold red]NOT COMPARED[/] {package['missing']}", highlight=False)
    if no_picture:
        console.print(f"[bold red]NO PICTURE[/] {no_picture}", highlight=False)


def _sizes(told: str, *more: int) -> tuple[int, ...]:
    try:
        wanted = {int(size) for size in _words(told)}
    except ValueError as error:
        raise typer.BadParameter(f"{told} are not numbers separated by commas") from error
    if not wanted or min(wanted) < FEWEST:
        raise typer.BadParameter(f"at least {FEWEST} people a side are needed")
    return tuple(sorted(wanted.union(more)))


def _known(names: dict[str, Known], name: str) -> Known:
    if name not in names:
        raise typer.BadParameter(f"{name} is none of {', '.join(names)}")
    return names[name]


def _words(told: str) -> list[str]:
    return [word.strip() for word in told.split(",") if word.strip()]


def _command() -> str:
    given = shlex.join(sys.argv[1:])
    return f'make bench-matching BENCH_ARGS="{given}"' if given else "make bench-matching"


if __name__ == "__main__":
    typer.run(main)
