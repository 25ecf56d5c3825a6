"""What ``stack.json`` holds: the plan of a stack and what has become of it."""

import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from .processes import ProcessId

Stage = Literal["back-end", "service"]
ReadyWhen = Literal["mongo answers", "kafka answers", "http answers"]
ComponentState = Literal["planned", "starting", "ready", "stopped", "died"]
StackState = Literal["starting", "ready", "failed", "stopping"]


class Component(BaseModel):
    """One process of the stack: how to start it, when it is ready, and its state."""

    name: str
    stage: Stage
    argv: list[str]
    env: dict[str, str] = Field(default_factory=dict)
    prepare: list[str] | None = None
    """Runs before the first start; ``prepared`` is the file that says that it has run."""
    prepared: Path | None = None
    stop: list[str] | None = None
    halt: list[str] | None = None
    """End it in order, or at once, where a signal to the process does not (a container)."""
    ready_when: ReadyWhen
    address: str
    """host:port, or the URL of a service."""
    patience: float = 120.0
    """Seconds it may take to become ready."""
    grace: float = 20.0
    """Seconds it may take to stop before it is killed."""
    state: ComponentState = "planned"
    process: ProcessId | None = None
    exit_code: int | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.address.rpartition(":")[2])


class Failure(BaseModel):
    """Why a stack did not come up."""

    what: str
    next_step: str


class Record(BaseModel):
    """One stack. Written by its keeper only, whole, at every change."""

    state: StackState = "starting"
    failure: Failure | None = None
    keeper: ProcessId | None = None
    owner: ProcessId | None = None
    """The stack ends when this process is gone; None for a stack that stays until it is stopped."""
    control_port: int = 0
    control_key: str = Field(default_factory=lambda: secrets.token_urlsafe(24))
    broker: str
    database: str
    kafka_bootstrap: str
    kafka_line: str = ""
    """Where a proxy finds the broker that announces the proxy's address; empty where none was asked for."""
    mongo_uri: str
    topic_prefix: str
    create_topics: bool = True
    keeps_data: bool = True
    """Whether the data folder stays when the stack ends."""
    components: dict[str, Component]

    def processes(self) -> list[ProcessId]:
        """Every process that may still run, the keeper aside; services first."""
        ordered = sorted(self.components.values(), key=lambda component: component.stage == "back-end")
        return [component.process for component in ordered if component.process]


def record_path(data: Path) -> Path:
    """Where the record of the stack with this data folder is."""
    return data / "stack.json"


def write_record(data: Path, record: Record) -> None:
    """Replace the record at once, readable by its owner only: it holds the control key."""
    data.mkdir(parents=True, exist_ok=True)
    draft = data / f"stack.json.{os.getpid()}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        out.write(record.model_dump_json(indent=2))
    draft.replace(record_path(data))


def read_record(data: Path) -> Record | None:
    """The record, or None when there is none or it cannot be understood."""
    try:
        return Record.model_validate_json(record_path(data).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def log_path(data: Path, component: str) -> Path:
    """Where a component's output goes."""
    return data / "logs" / f"{component}.log"


def last_lines(path: Path, count: int = 15) -> str:
    """The end of a log, for a message about what went wrong."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-count:])
    except FileNotFoundError:
        return ""
