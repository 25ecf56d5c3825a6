"""What the person at the keyboard sees while the programme is played."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from .scene import Tick


class Display:
    """A bar for each stage, and how many seconds each took."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, title: str, total: int | None = None) -> Iterator[Tick]:
        """One stage. It is full when its block is left in good order."""
        began = time.monotonic()
        progress = Progress(
            TextColumn("{task.description:<44}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
        )
        with progress:
            task = progress.add_task(title, total=1 if total is None else total)
            yield lambda: progress.advance(task)
            if total is None:
                progress.advance(task)
        self.seconds[title] = round(time.monotonic() - began, 1)
