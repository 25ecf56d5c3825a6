"""The whole matrix: ``make failpoints``, with ``FAILPOINTS_ARGS="--each 2 --seed 7"`` for less, or another order."""

import argparse
import asyncio
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from .matrix import MOST_PAIRS_PER_DEATH, Outcome, full, theatre

REPORT = Path("build/failpoints.json")


@dataclass(frozen=True)
class Options:
    """What was asked for."""

    each: int
    seed: int
    first: int
    last: int


def options() -> Options:
    """The command line."""
    parser = argparse.ArgumentParser(prog="failpoints", description=__doc__)
    parser.add_argument("--each", type=int, default=25, help="deaths of each service at each place (25)")
    parser.add_argument("--seed", type=int, default=1, help="decides at which pass a life ends (1)")
    parser.add_argument("--first", type=int, default=1, help="the round to begin with (1)")
    parser.add_argument("--last", type=int, default=len(list(full())), help="the round to end with (the last)")
    given = parser.parse_args()
    return Options(given.each, given.seed, given.first, given.last)


async def play(wanted: Options, console: Console) -> list[Outcome]:
    """All rounds on one platform."""
    outcomes = []
    rounds = list(enumerate(full(), start=1))[wanted.first - 1 : wanted.last]
    most_pairs = MOST_PAIRS_PER_DEATH * wanted.each * len(rounds) + len(rounds)
    with tempfile.TemporaryDirectory(prefix="failpoints-") as folder:
        async with theatre(Path(folder), most_pairs=most_pairs, seed=wanted.seed) as stage:
            for number, deaths in rounds:
                console.print(f"round {number}, to {wanted.last}: {', '.join(deaths.values())}")
                try:
                    outcomes.append(await stage.play(deaths, each=wanted.each))
                except Exception as broken:  # noqa: BLE001 - what was shown before is worth telling
                    outcomes.append(Outcome(deaths, 0, dict.fromkeys(deaths, 0), 0, 0.0, [_why(broken)]))
                for complaint in outcomes[-1].complaints:
                    console.print(f"  [red]{complaint}[/red]")
                if not outcomes[-1].deaths_each:
                    break  # nobody knows what was left behind: the rounds after it would prove nothing
    return outcomes


def _why(broken: BaseException) -> str:
    inner = "; ".join(_why(one) for one in broken.exceptions) if isinstance(broken, BaseExceptionGroup) else ""
    return f"{type(broken).__name__}: {inner or broken}"


def show(console: Console, outcomes: list[Outcome]) -> None:
    """One line per place and service."""
    table = Table("place", "service", "deaths", "lives", "pairs", "seconds", "complaints", title="Places to die")
    for outcome in outcomes:
        for service, point in outcome.deaths.items():
            figures = (outcome.deaths_each, outcome.lives[service], outcome.pairs, round(outcome.seconds))
            table.add_row(point, service, *map(str, figures), str(len(outcome.complaints)))
    console.print(table)


def report(wanted: Options, outcomes: list[Outcome]) -> dict[str, object]:
    """The same for programs."""
    rounds = [
        {
            "deaths": dict(outcome.deaths),
            "deaths_each": outcome.deaths_each,
            "lives": dict(outcome.lives),
            "pairs": outcome.pairs,
            "seconds": round(outcome.seconds, 1),
            "complaints": list(outcome.complaints),
        }
        for outcome in outcomes
    ]
    return {
        "seed": wanted.seed,
        "deaths": sum(outcome.deaths_each * len(outcome.deaths) for outcome in outcomes),
        "pairs": sum(outcome.pairs for outcome in outcomes),
        "complaints": sum(len(outcome.complaints) for outcome in outcomes),
        "rounds": rounds,
    }


def main() -> int:
    """0 when nobody complained."""
    wanted, console = options(), Console()
    outcomes = asyncio.run(play(wanted, console))
    show(console, outcomes)
    found = report(wanted, outcomes)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps(found, indent=2) + "\n")
    console.print(f"{found['deaths']} deaths, {found['pairs']} pairs, {found['complaints']} complaints; {REPORT}")
    return 1 if found["complaints"] else 0


if __name__ == "__main__":
    sys.exit(main())
