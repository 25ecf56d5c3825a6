"""``python -m demo``: a reverse-mentoring programme from the HR export to its final report, on real parts."""

import asyncio
import json
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from local_stack import Stack, StackError, follow_make, start_stack
from rich.console import Console

from .display import Display
from .figures import delivery
from .generate import JUNIORS, SENIORS
from .platform import NeverHappened, Refused, Unreachable, connected
from .play import Outcome, play
from .quiet import NotQuiet, Rest, at_rest
from .summary import show

CHECKOUT = Path(__file__).resolve().parents[4]
TOPIC_PREFIX = "mentoring."
EVERYBODY = SENIORS + JUNIORS
FEWEST = 24
"""With fewer, figures would stay below the anonymity floor."""


def main(
    once: Annotated[bool, typer.Option("--once", help="Stop everything when the summary is printed.")] = False,
    people: Annotated[int, typer.Option(min=FEWEST, max=EVERYBODY, help="How many volunteer.")] = EVERYBODY,
    docker: Annotated[bool, typer.Option("--docker", help="Run Kafka and MongoDB as containers.")] = False,
    report: Annotated[Path, typer.Option(help="Where the figures are written.")] = CHECKOUT / "build" / "demo.json",
    data: Annotated[Path, typer.Option(help="The folder of this demo's own stack.")] = CHECKOUT / ".local" / "demo",
) -> None:
    """Play a whole programme of 500 executives and 600 juniors through four services, Kafka and MongoDB.

    It brings up a stack of its own with empty data, so that every play tells the same story; a demo that
    still runs is stopped first.
    """
    follow_make()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in a background job of a script it is ignored
    console = Console()
    try:
        if (earlier := Stack.load(data)) is not None:
            console.print("Stopping the demo that still runs.")
            earlier.stop()
        with start_stack(data=data, fresh=True, docker=docker, topic_prefix=TOPIC_PREFIX, console=console) as stack:
            outcome, figures = asyncio.run(_perform(console, stack, people))
            report.parent.mkdir(parents=True, exist_ok=True)
            report.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n")
            show(console, outcome, figures, stack.urls)
            console.print(f"\nThe figures are in {report}.")
            if not once:
                _stay(console)
    except (StackError, Refused, Unreachable, NeverHappened, NotQuiet) as failure:
        console.print(f"[bold red]The demo failed.[/] {failure}", highlight=False)
        raise typer.Exit(1) from failure
    except KeyboardInterrupt:
        console.print("Stopped before the end.")
        raise typer.Exit(130) from None


def _stay(console: Console) -> None:
    console.print("Everything stays up until [bold]Ctrl-C[/].")
    try:
        signal.pause()
    except KeyboardInterrupt:
        console.print("Stopping.")


async def _perform(console: Console, stack: Stack, people: int) -> tuple[Outcome, dict[str, Any]]:
    display = Display(console)
    began = time.monotonic()
    async with connected(stack.urls) as platform:

        async def rest() -> Rest:
            return await at_rest(platform, stack.kafka_bootstrap, TOPIC_PREFIX)

        outcome = await play(platform, display, rest, people=people)
        with display.stage("Nothing lost, nothing left on its way"):
            left = await rest()
    figures: dict[str, Any] = (
        outcome.figures
        | delivery(left.census, left.outbox_pending, TOPIC_PREFIX)
        | {
            "broker": stack.broker,
            "database": stack.database,
            "seconds": round(time.monotonic() - began, 1),
            "seconds_by_stage": display.seconds,
        }
    )
    return outcome, figures


if __name__ == "__main__":
    typer.run(main)
