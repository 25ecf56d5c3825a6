"""What the person at the keyboard sees, and what a script reads instead."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

T = TypeVar("T")

_WIDE = 200
_STYLES = {
    "fine": "green",
    "redriven": "green",
    "discarded": "dim",
    "waiting": "yellow",
    "notice": "yellow",
    "wrong": "bold red",
    "missing": "bold red",
    "not asked": "dim",
}

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts instead of a table.")]


def console(*, errors: bool = False) -> Console:
    """Made anew for each use: a test replaces the streams. In a pipe nothing is cut to 80 columns."""
    stream = sys.stderr if errors else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False)


def print_json(content: Any) -> None:
    """One JSON document on standard output; times as RFC 3339."""
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, default=_plain))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """A table, or one sentence where there is nothing to show. A state is shown in its colour."""
    if not rows:
        say(empty)
        return
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(cell), style=_STYLES.get(str(cell), "")) for cell in row))
    console().print(table)


def say(line: str) -> None:
    """One line on standard output, exactly as it is."""
    console().print(line, markup=False, soft_wrap=True)


def age(since: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says enough."""
    past = max(timedelta(0), now - since)
    minutes, seconds = divmod(int(past.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@contextmanager
def counting(title: str, items: Sequence[T]) -> Iterator[Iterator[T]]:
    """A bar on a terminal's standard error that moves with each item that is done."""
    errors = console(errors=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as progress:
        yield iter(progress.track(items, description=title))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
