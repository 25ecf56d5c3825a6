"""What the person at the keyboard sees while something takes longer than a moment."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from .record import Record


class Screen:
    """Progress on a terminal, plain lines elsewhere, nothing at all for a quiet console."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)

    def say(self, line: str) -> None:
        """One line."""
        self._console.print(line, highlight=False)

    def loudly(self, title: str, text: str) -> None:
        """Something that must not be overlooked."""
        self._console.print(Panel(text, title=title, border_style="bold yellow"))

    @contextmanager
    def counting(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """A bar; the callback takes what is done and what there is to do."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=self._console)
        task = progress.add_task(title, total=None, start=False)

        def update(done: int, total: int) -> None:
            progress.start()  # at the first call: nothing is shown where nothing is to be done
            progress.start_task(task)
            progress.update(task, completed=done, total=total)

        try:
            yield update
        finally:
            progress.stop()

    @contextmanager
    def watching(self) -> Iterator[Callable[[Record], None]]:
        """One line for each component that becomes ready, and a spinner for those that are awaited."""
        began, told = time.monotonic(), set[str]()
        with Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        ) as progress:
            task = progress.add_task("starting", total=None)

            def update(record: Record) -> None:
                awaited = []
                for name, component in record.components.items():
                    if component.state == "ready" and name not in told:
                        told.add(name)
                        seconds = time.monotonic() - began
                        self.say(f"[green]ready[/] {name:<12} {component.address} [dim]after {seconds:.1f} s[/]")
                    elif component.state == "starting":
                        awaited.append(name)
                progress.update(task, description="starting " + ", ".join(awaited))

            yield update
