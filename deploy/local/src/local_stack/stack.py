"""A running stack, as the demo, the tests and the command line see it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console

from .errors import StackError
from .places import data_folder, exclusive
from .plan import SERVICES, Broker, make_plan, service
from .processes import ProcessId, end_orphans
from .record import Component, Record, last_lines, log_path, read_record, record_path, write_record
from .screen import Screen

_GLANCE = 0.05
_COMMAND_SECONDS = 150.0
_STOP_SECONDS = 90.0
_DATA = ("mongodb", "kafka")


class Stack:
    """Back-ends and services that run, kept by a process of their own (the keeper)."""

    def __init__(self, data: Path, *, found: bool) -> None:
        self.data = data
        self.found = found
        """Whether it ran already: then it is somebody else's to stop."""
        self._last = self._read()

    @classmethod
    def load(cls, data: Path | None = None) -> "Stack | None":
        """The stack that runs with this data folder, or None.

        A record whose keeper is gone is not believed: what it left running is ended, and the record removed.
        """
        data = (data or data_folder()).absolute()
        while (record := read_record(data)) and record.keeper and record.keeper.alive():
            if record.state == "ready":
                return cls(data, found=True)
            time.sleep(_GLANCE)  # it is coming up, or going down
        if record:
            end_orphans(record.processes())
        record_path(data).unlink(missing_ok=True)
        return None

    # --- what there is ----------------------------------------------------------------------------

    @property
    def record(self) -> Record:
        """The state now."""
        self._last = read_record(self.data) or self._last
        return self._last

    @property
    def urls(self) -> dict[str, str]:
        """The base address of each service."""
        return {each.name: each.address for each in self._last.components.values() if each.stage == "service"}

    @property
    def kafka_bootstrap(self) -> str:
        """host:port of the broker."""
        return self._last.kafka_bootstrap

    @property
    def kafka_line(self) -> str:
        """host:port at which a proxy finds the broker (``start_stack(kafka_line=...)``)."""
        return self._last.kafka_line

    @property
    def mongo_uri(self) -> str:
        """Where the database is."""
        return self._last.mongo_uri

    @property
    def broker(self) -> str:
        """What the broker is, such as ``Apache Kafka 4.3.1``."""
        return self._last.broker

    @property
    def database(self) -> str:
        """What the database is, such as ``MongoDB 6.0.5``."""
        return self._last.database

    def component(self, name: str) -> Component:
        """One process of the stack, as it is now."""
        return self.record.components[name]

    def log(self, name: str) -> Path:
        """Where a component's output goes."""
        return log_path(self.data, name)

    # --- what can be done -------------------------------------------------------------------------

    def restart(self, component: str) -> None:
        """Stop it in order and start it again, on its port and its data; returns once it is ready."""
        self._tell("restart", component=component)

    def kill(self, component: str) -> None:
        """End it at once (SIGKILL), with the processes it started; it stays dead until ``start``."""
        self._tell("kill", component=component)

    def end(self, component: str) -> None:
        """Stop it in order (SIGTERM); it stays so until ``start``."""
        self._tell("end", component=component)

    def start(self, component: str) -> None:
        """Start what was killed or died; returns once it is ready. No effect on what runs."""
        self._tell("start", component=component)

    def add_services(self, names: Iterable[str], environment: Mapping[str, str]) -> None:
        """Start the services that are not part of the stack yet."""
        record = self.record
        new = [service(record, self.data, name, environment) for name in names if name not in record.components]
        if new:
            self._tell("add", components=[component.model_dump(mode="json") for component in new])
            self._last = self._read()

    def add_replica(self, name: str, environment: Mapping[str, str]) -> str:
        """Start one more process of a service beside those there are; return the component's name."""
        record = self.record
        replica = next(each for each in (f"{name}-{number}" for number in count(2)) if each not in record.components)
        new = service(record, self.data, name, environment, component=replica)
        self._tell("add", components=[new.model_dump(mode="json")])
        self._last = self._read()
        return replica

    def stop(self) -> None:
        """Stop everything in order: services, broker, database. Returns when no process is left."""
        record = self.record
        keeper = record.keeper
        if keeper is None or not keeper.alive():
            end_orphans(record.processes())
            record_path(self.data).unlink(missing_ok=True)
            return
        try:
            self._tell("shut down")
        except StackError:
            os.kill(keeper.pid, 15)
        deadline = time.monotonic() + _STOP_SECONDS
        while keeper.alive() and time.monotonic() < deadline:
            time.sleep(_GLANCE)
        if keeper.alive():
            os.kill(keeper.pid, 9)
        end_orphans(self.record.processes())
        record_path(self.data).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self.found:
            self.stop()

    def _read(self) -> Record:
        record = read_record(self.data)
        if record is None:
            raise StackError("The stack is gone.", "start it again with `make up`.")
        return record

    def _tell(self, order: str, **details: Any) -> None:
        request = {"do": order, "key": self._last.control_key} | details
        try:
            with socket.create_connection(("127.0.0.1", self._last.control_port), timeout=_COMMAND_SECONDS) as line:
                line.sendall(json.dumps(request).encode() + b"\n")
                with line.makefile("rb") as answers:
                    answer = json.loads(answers.readline())
        except (OSError, ValueError) as silent:
            raise StackError(f"The keeper of the stack does not answer: {silent}", "run `make down`.") from silent
        if answer:
            raise StackError(answer["what"], answer["next_step"])


def start_stack(
    *,
    data: Path | None = None,
    services: Iterable[str] = SERVICES,
    docker: bool = False,
    broker: Broker = "auto",
    stays: bool = False,
    owner: int | None = None,
    fresh: bool = False,
    environment: Mapping[str, str] | None = None,
    topic_prefix: str = "mentoring.",
    create_topics: bool = True,
    keeps_data: bool = True,
    kafka_line: str = "",
    console: Console | None = None,
) -> Stack:
    """Bring up real back-ends and the services, or find them running.

    Args:
        data: The stack's folder; one stack per folder. Default: ``TELEMACHUS_DATA``, else ``.local`` in the checkout.
        services: Which to run; empty for the back-ends alone. A stack found running is given those it lacks.
        docker: Run the back-ends as containers.
        broker: ``kafka`` or ``tansu`` instead of the best that this machine can run.
        stays: Outlive this process, until ``stop``. Otherwise the stack ends with its owner, however that ends.
        owner: The process with which the stack ends; this one by default.
        fresh: Start with empty data; refused while the stack runs.
        environment: More settings for the services.
        topic_prefix: Put before every topic and group.
        create_topics: Whether to create the platform's topics.
        keeps_data: False removes the whole folder when the stack ends, however it ends.
        kafka_line: host:port of a proxy which Kafka is to announce to those who come to ``Stack.kafka_line``.
        console: Where progress is shown; standard error by default.

    Raises:
        StackError: With what to do next.
    """
    data = (data or data_folder()).absolute()
    screen = Screen(console)
    environment = environment or {}
    with exclusive(data / "start.lock"):
        if found := Stack.load(data):
            if fresh:
                raise StackError(f"A stack is running on the data in {data}.", "stop it first: `make down`.")
            found.add_services(services, environment)
            return found
        if fresh:
            for name in _DATA:
                shutil.rmtree(data / name, ignore_errors=True)
        _turn_logs(data)
        record = make_plan(
            data,
            services=services,
            use_docker=docker,
            broker=broker,
            owner=None if stays else ProcessId.of(owner or os.getpid()),
            environment=environment,
            topic_prefix=topic_prefix,
            create_topics=create_topics,
            keeps_data=keeps_data,
            screen=screen,
            kafka_line=kafka_line,
        )
        return _bring_up(data, record, screen)


def _bring_up(data: Path, record: Record, screen: Screen) -> Stack:
    write_record(data, record)
    with log_path(data, "keeper").open("ab") as log:
        keeper = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "local_stack.keeper", str(data)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        with screen.watching() as update:
            while (now := read_record(data)) and now.state == "starting" and keeper.poll() is None:
                update(now)
                time.sleep(_GLANCE)
            if now and now.state == "ready":
                update(now)
                return Stack(data, found=False)
    except BaseException:
        keeper.terminate()
        keeper.wait(_STOP_SECONDS)
        raise
    keeper.wait(_STOP_SECONDS)
    failure = now.failure if now and now.failure else None
    record_path(data).unlink(missing_ok=True)
    if failure:
        raise StackError(failure.what, failure.next_step)
    log_end = last_lines(log_path(data, "keeper"))
    raise StackError(f"The stack's keeper ended. The end of its log:\n{log_end}", "repair what the log says.")


def _turn_logs(data: Path) -> None:
    """Keep the logs of the run before this one, as ``*.log.1``."""
    logs = data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for log in logs.glob("*.log"):
        log.replace(log.with_name(f"{log.name}.1"))
