"""``python -m local_stack``: the whole system on this machine, from one command."""

import asyncio
import json
import os
import shutil
import signal
import time
from collections import deque
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from . import kafka
from .docker import remove_containers
from .errors import StackError
from .mongodb import find_mongod
from .places import data_folder
from .plan import SERVICES, Broker, prepare_broker
from .processes import follow_make
from .record import Component
from .screen import Screen
from .stack import Stack, start_stack
from .topics import create_all

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
console = Console()
_MEGABYTE = 2**20


class Only(StrEnum):
    """Which part of the stack to run."""

    ALL = "all"
    BACKENDS = "backends"


OnlyOption = Annotated[Only, typer.Option("--only", help="Leave the services out.")]
DockerOption = Annotated[bool, typer.Option("--docker", help="Run Kafka and MongoDB as containers.")]
BrokerOption = Annotated[str, typer.Option("--broker", help="auto, kafka or tansu.")]
Name = Annotated[str | None, typer.Argument(help="One component; all of them by default.")]


@app.command()
def up(only: OnlyOption = Only.ALL, docker: DockerOption = False, broker: BrokerOption = "auto") -> None:
    """Start the stack and leave it running in the background."""
    show(start_stack(services=_services(only), docker=docker, broker=_broker(broker), stays=True))
    console.print("Stop it with [bold]make down[/]; watch it with [bold]make logs[/].")


@app.command()
def run(only: OnlyOption = Only.ALL, docker: DockerOption = False, broker: BrokerOption = "auto") -> None:
    """Start the stack and keep it until Ctrl-C; it ends with this process."""
    follow_make()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in a background job of a script it is ignored
    with start_stack(services=_services(only), docker=docker, broker=_broker(broker)) as stack:
        show(stack)
        console.print("[bold]Ctrl-C[/] stops everything." if not stack.found else "It ran already and stays.")
        try:
            _tell_of_deaths(stack)
        except (KeyboardInterrupt, SystemExit):
            console.print("stopping")


@app.command()
def down() -> None:
    """Stop the stack, in order, and wait until no process is left."""
    stack = Stack.load()
    if stack is None:
        console.print("Nothing runs.")
        return
    with console.status("stopping"):
        stack.stop()
    console.print("Stopped.")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """What runs, where, and whether it answers. Exit code 1 when something does not."""
    stack = Stack.load()
    if stack is None:
        console.print_json("{}") if as_json else console.print("Nothing runs. Start it with [bold]make up[/].")
        raise typer.Exit(1)
    components = [_described(component) for component in stack.record.components.values()]
    if as_json:
        console.print_json(json.dumps({"broker": stack.broker, "database": stack.database, "components": components}))
    else:
        show(stack)
    if any(component["state"] != "ready" for component in components):
        raise typer.Exit(1)


@app.command()
def logs(
    name: Name = None,
    follow: Annotated[bool, typer.Option("--follow", "-f")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n")] = 20,
) -> None:
    """The end of the logs, and what is added to them."""
    folder = data_folder() / "logs"
    files = [folder / f"{name}.log"] if name else sorted(folder.glob("*.log"))
    if not files or not all(file.exists() for file in files):
        known = ", ".join(sorted(file.stem for file in folder.glob("*.log"))) or "none yet"
        raise StackError("There is no such log.", f"logs there are: {known}.")
    for file in files:
        with file.open(errors="replace") as content:
            for line in deque(content, maxlen=lines):
                _log_line(file, line)
    if follow:
        _follow(files)


@app.command()
def topics() -> None:
    """Create the platform's topics on the running stack where they are missing."""
    stack = _running()
    new = asyncio.run(create_all(stack.kafka_bootstrap, stack.record.topic_prefix))
    console.print("\n".join(new) if new else "All topics are there.", highlight=False)


@app.command()
def restart(component: str) -> None:
    """Restart one component, on its port and its data."""
    with console.status(f"restarting {component}"):
        _running().restart(component)


@app.command()
def kill(component: str) -> None:
    """Kill one component (SIGKILL); it stays dead until `start`."""
    _running().kill(component)


@app.command()
def start(component: str) -> None:
    """Start a component that was killed or died."""
    with console.status(f"starting {component}"):
        _running().start(component)


@app.command()
def clean() -> None:
    """Stop every stack below the data folder and remove it."""
    data = data_folder()
    with console.status("stopping"):
        for folder in [data, *(record.parent for record in data.glob("*/stack.json"))]:
            if stack := Stack.load(folder):
                stack.stop()
            remove_containers(folder)
    shutil.rmtree(data, ignore_errors=True)


@app.command()
def fetch(broker: BrokerOption = "auto") -> None:
    """Download and check what the back-ends need, without starting anything."""
    screen = Screen(console)
    if not os.environ.get("TELEMACHUS_MONGO_URI"):
        find_mongod()
    if not os.environ.get("TELEMACHUS_KAFKA_BOOTSTRAP"):
        prepare_broker(_broker(broker), screen)


@app.command(name="pin-kafka", hidden=True)
def pin_kafka() -> None:
    """Write the checksums of the Kafka that deploy/local/kafka/pom.xml names."""
    console.print(f"{len(kafka.pin())} jars pinned for Apache Kafka {kafka.pinned_version()}.")


def show(stack: Stack) -> None:
    """The stack as a table."""
    table = Table(box=None, pad_edge=False)
    for heading in ("component", "state", "address", "pid", "memory"):
        table.add_column(heading)
    for component in stack.record.components.values():
        row = _described(component)
        colour = "green" if row["state"] == "ready" else "red"
        table.add_row(
            str(row["name"]), f"[{colour}]{row['state']}[/]", str(row["address"]), str(row["pid"]), str(row["memory"])
        )
    console.print(table)
    console.print(f"{stack.broker} at {stack.kafka_bootstrap}, {stack.database}", highlight=False)
    console.print(f"data and logs: {stack.data}", highlight=False)


def _described(component: Component) -> dict[str, object]:
    process, state = component.process, str(component.state)
    if component.stage == "service" and state == "ready" and not _ready(component.address):
        state = "not ready"
    return {
        "name": component.name,
        "state": state,
        "address": component.address,
        "pid": process.pid if process else None,
        "memory": f"{process.memory() // _MEGABYTE} MB" if process else None,
    }


def _ready(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/readyz", timeout=5.0, trust_env=False).is_success
    except httpx2.HTTPError:
        return False


def _running() -> Stack:
    stack = Stack.load()
    if stack is None:
        raise StackError("Nothing runs.", "start it with `make up`.")
    return stack


def _services(only: Only) -> tuple[str, ...]:
    return SERVICES if only is Only.ALL else ()


def _broker(name: str) -> Broker:
    match name:
        case "auto" | "kafka" | "tansu":
            return name
        case _:
            raise StackError(f"There is no broker called {name}.", "use auto, kafka or tansu.")


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(143)


def _tell_of_deaths(stack: Stack) -> None:
    """Say which component died, until interrupted or until the stack is stopped from elsewhere."""
    dead: set[str] = set()
    while (keeper := stack.record.keeper) and keeper.alive():
        died = {each.name for each in stack.record.components.values() if each.state == "died"}
        for name in died - dead:
            console.print(f"[red]{name} died[/]: see {stack.log(name)}; `python -m local_stack start {name}`")
        dead = died
        time.sleep(0.5)


def _follow(files: list[Path]) -> None:
    seen = {file: file.stat().st_size for file in files}
    try:
        while True:
            for file in files:
                with file.open(errors="replace") as content:
                    content.seek(seen[file])
                    for line in content:
                        _log_line(file, line)
                    seen[file] = content.tell()
            time.sleep(0.3)
    except KeyboardInterrupt:
        return


def _log_line(file: Path, line: str) -> None:
    console.print(f"[cyan]{file.stem:<12}[/] ", end="")
    console.print(line.rstrip("\n"), markup=False, highlight=False, soft_wrap=True)


def main() -> int:
    """Run a command; a failure is told with what to do next, and without a stack trace."""
    try:
        app()
    except StackError as failure:
        errors = Console(stderr=True)
        errors.print(failure.what, style="bold red", markup=False, highlight=False)
        errors.print(f"Next: {failure.next_step}", style="bold", markup=False, highlight=False)
        return 1
    return 0
