"""``python -m chaos``: disturb a running platform, and check from outside that nothing was lost."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from local_stack import StackError, follow_make
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from . import report
from .customer import NoAnswer, Refused
from .driver import steps_of
from .outage import Outage, survive
from .run import Watch, Wishes, run
from .schedule import LINES, Orders

T = TypeVar("T")

CHECKOUT = Path(__file__).resolve().parents[4]
FEWEST = 20
SMALL = {
    "volunteers": 1_000,
    "kills": 5,
    "freezes": 1,
    "broker_restarts": 1,
    "database_restarts": 1,
    "storms": 4,
    "replicas": 2,
}
LARGE = {
    "volunteers": 10_000,
    "kills": 30,
    "freezes": 5,
    "broker_restarts": 5,
    "database_restarts": 3,
    "storms": 10,
    "replicas": 4,
}


def main(  # noqa: PLR0917 - typer turns each into an option
    full: Annotated[bool, typer.Option("--full", help="10,000 volunteers, 30 kills, and so on.")] = False,
    volunteers: Annotated[int | None, typer.Option(min=FEWEST, help="How many people take part.")] = None,
    kills: Annotated[int | None, typer.Option(min=0, help="kill -9 of a service.")] = None,
    freezes: Annotated[int | None, typer.Option(min=0, help="SIGSTOP of a service.")] = None,
    freeze_seconds: Annotated[float, typer.Option(min=0, help="For at least so long.")] = 35.0,
    broker_restarts: Annotated[int | None, typer.Option(min=0, help="kill -9 of Kafka.")] = None,
    database_restarts: Annotated[int | None, typer.Option(min=0, help="kill -9 of MongoDB.")] = None,
    storms: Annotated[int | None, typer.Option(min=0, help="Spells of slow, cut or broken lines.")] = None,
    replicas: Annotated[int | None, typer.Option(min=1, max=8, help="Of each service, in the middle.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Times that services grow and shrink.")] = 1,
    seed: Annotated[int, typer.Option(help="What happens when; the same seed hurts in the same places.")] = 7,
    figures: Annotated[Path, typer.Option(help="Where the figures are written.")] = CHECKOUT / "build" / "chaos.json",
    page: Annotated[Path | None, typer.Option("--report", help="Where to write a page for people.")] = None,
    data: Annotated[Path, typer.Option(help="The folder of this run's own stack.")] = CHECKOUT / ".local" / "chaos",
    outage: Annotated[str, typer.Option(help="Instead of all this, one back-end is away: kafka or mongodb.")] = "",
    seconds: Annotated[float, typer.Option(min=1, help="Of the outage.")] = 60.0,
    rate: Annotated[float, typer.Option(min=1, help="Commands in a second during the outage.")] = 20.0,
) -> None:
    """Drive whole programmes while everything breaks; then compare what was acknowledged with what there is."""
    follow_make()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in a background job of a script it is ignored
    console = Console()
    if outage:
        if outage not in LINES:
            raise typer.BadParameter(f"name one of {', '.join(LINES)}", param_hint="--outage")
        away = Outage(component=outage, seconds=seconds, rate=rate, data=data)
        survived = _ended(console, lambda watch: survive(away, watch), again=report.command_of(away))
        report.write(survived.figures(), figures)
        report.show_outage(survived, console)
        raise typer.Exit(0 if survived.verdict.holds else 1)
    asked = {
        "volunteers": volunteers,
        "kills": kills,
        "freezes": freezes,
        "broker_restarts": broker_restarts,
        "database_restarts": database_restarts,
        "storms": storms,
        "replicas": replicas,
    }
    size = (LARGE if full else SMALL) | {name: value for name, value in asked.items() if value is not None}
    wishes = Wishes(
        volunteers=size["volunteers"],
        orders=Orders(
            seed=seed,
            kills=size["kills"],
            freezes=size["freezes"],
            freeze_seconds=freeze_seconds,
            broker_restarts=size["broker_restarts"],
            database_restarts=size["database_restarts"],
            storms=size["storms"],
            replicas=size["replicas"],
            rounds=rounds,
        ),
        data=data,
    )
    outcome = _ended(
        console, lambda watch: run(wishes, watch), again=report.command(wishes), steps=steps_of(wishes.volunteers)
    )
    report.write(report.figures(outcome), figures)
    report.show(outcome, console)
    console.print(f"The figures are in {figures}.", highlight=False)
    if page is not None:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(report.page(outcome), encoding="utf-8")
    if not outcome.verdict.holds:
        raise typer.Exit(1)


def _ended(
    console: Console, play: Callable[[Watch], Coroutine[Any, Any, T]], *, again: str, steps: int | None = None
) -> T:
    """What came of a play that was watched; one that breaks off says how to do it again."""
    try:
        return asyncio.run(_watched(console, play, steps))
    except (StackError, Refused, NoAnswer) as failure:
        console.print(f"[bold red]The run broke off.[/] {failure}", highlight=False)
        console.print(again, markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from failure
    except KeyboardInterrupt:
        console.print("Stopped before the end.")
        raise typer.Exit(130) from None


async def _watched(console: Console, play: Callable[[Watch], Coroutine[Any, Any, T]], steps: int | None) -> T:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=steps is None) as progress:
        task = progress.add_task("under fire", total=steps)
        watch = Watch(
            console=console,
            steps=lambda done: progress.update(task, completed=done),
            say=lambda what: console.print(f"[dim]{what}[/]", highlight=False),
        )
        return await play(watch)


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        typer.run(main)
