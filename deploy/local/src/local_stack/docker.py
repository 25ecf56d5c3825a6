"""The back-ends as containers, for machines that have Docker and want them so."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from .errors import StackError
from .places import CHECKOUT
from .ports import Ports
from .processes import output_of
from .record import Component, ReadyWhen
from .screen import Screen


def compose(project: str) -> list[str]:
    """How to call Compose for one project of this checkout."""
    return ["docker", "compose", "--project-name", project, "--file", str(CHECKOUT / "docker-compose.yml")]


def project_of(data: Path) -> str:
    """One Compose project per data folder."""
    return "telemachus-" + hashlib.sha256(str(data).encode()).hexdigest()[:8]


class Containers:
    """Kafka and MongoDB of ``docker-compose.yml``, each followed by a process of the stack."""

    def __init__(self, data: Path, ports: Ports, screen: Screen) -> None:
        if shutil.which("docker") is None or not _daemon_answers():
            raise StackError("No Docker daemon answers.", "start it, or leave --docker out: it is not needed.")
        self._compose = compose(project_of(data))
        self._ports = ports
        self._screen = screen
        self._environment: dict[str, str] = {}

    def __str__(self) -> str:
        return "Apache Kafka in Docker"

    def mongodb(self) -> Component:
        """The database container."""
        return self._container("mongodb", "TELEMACHUS_MONGO_PORT", "mongo answers")

    def broker(self, _data: Path, _ports: Ports) -> Component:
        """The broker container."""
        return self._container("kafka", "TELEMACHUS_KAFKA_PORT", "kafka answers")

    def create(self, components: Iterable[Component]) -> None:
        """Pull and create the containers, with Docker's own progress."""
        names = []
        for component in components:
            component.env = dict(self._environment)
            names.append(component.name)
        self._screen.say("Docker: pulling and creating the containers")
        run = subprocess.run(  # noqa: S603 - Docker, with our own arguments
            [*self._compose, "create", *names],
            env=os.environ | self._environment,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if run.returncode != 0:
            raise StackError("Docker could not create the containers (see above).", "repair that, or omit --docker.")

    def _container(self, name: str, port_variable: str, ready_when: ReadyWhen) -> Component:
        port = self._ports.give(name)
        self._environment[port_variable] = str(port)
        return Component(
            name=name,
            stage="back-end",
            argv=[*self._compose, "up", "--no-deps", "--no-recreate", "--no-color", name],
            stop=[*self._compose, "stop", name],
            halt=[*self._compose, "kill", name],
            ready_when=ready_when,
            address=f"127.0.0.1:{port}",
        )


def remove_containers(data: Path) -> None:
    """Remove the containers of this data folder and what they stored, if Docker runs."""
    if shutil.which("docker") and _daemon_answers():
        output_of(*compose(project_of(data)), "down", "--volumes", seconds=120)


def _daemon_answers() -> bool:
    return output_of("docker", "info", seconds=10).returncode == 0
