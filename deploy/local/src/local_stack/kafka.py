"""Apache Kafka without Docker: its own jars, resolved by Maven, as one KRaft node on loopback."""

import base64
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from .errors import StackError
from .places import KAFKA_FILES, cache_folder, exclusive
from .ports import Ports
from .processes import die_with_parent, output_of
from .record import Component

_OLDEST_JAVA = 17
_DOWNLOAD_SECONDS = 900
_COPY_JARS = "org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy-dependencies"
_JVM = (
    "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true",
)  # fmt: skip

Progress = Callable[[int, int], None]
"""Called with the jars that are there and the jars that are needed."""


@dataclass(frozen=True)
class Line:
    """A second way to the broker, which tells those who come by it to come back through somebody else."""

    port: int
    """Where the broker listens."""
    advertised: str
    """host:port of whoever stands in between, and is to be asked from then on."""


@dataclass(frozen=True)
class Kafka:
    """A Kafka whose jars are complete and unchanged, and a Java that can run it."""

    java: Path
    libs: Path
    version: str
    jars: tuple[str, ...]

    def __str__(self) -> str:
        return f"Apache Kafka {self.version}"

    def broker(self, data: Path, ports: Ports, line: Line | None = None) -> Component:
        """The process that serves this data folder on loopback, and those who come by the line, if there is one."""
        port, controller_port = ports.give("kafka"), ports.give("kafka-controller")
        folder = data / "kafka"
        folder.mkdir(parents=True, exist_ok=True)
        settings = data / "kafka.properties"
        settings.write_text(server_properties(folder, port, controller_port, line))
        java = [str(self.java), *_JVM, f"-Dlog4j2.configurationFile={(KAFKA_FILES / 'log4j2.yaml').as_uri()}"]
        java += ["-cp", os.pathsep.join(str(self.libs / jar) for jar in self.jars)]
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        # joined by "=", since a random id may begin with "-"
        identity = f"--cluster-id={cluster}"
        format_log = ["kafka.tools.StorageTool", "format", identity, "-c", str(settings), "--ignore-formatted"]
        return Component(
            name="kafka",
            stage="back-end",
            argv=[*java, "kafka.Kafka", str(settings)],
            prepare=[*java, *format_log],
            prepared=folder / "bootstrap.checkpoint",
            ready_when="kafka answers",
            address=f"127.0.0.1:{port}",
            grace=30.0,
        )


def server_properties(folder: Path, port: int, controller_port: int, line: Line | None = None) -> str:
    """The node's configuration. Topics are declared, never created by a typing error."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": folder,
        "auto.create.topics.enable": "false",
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # nobody waits for members that may still join: one machine starts them all
        "group.initial.rebalance.delay.ms": 0,
        "log.retention.hours": 168,
        "log.segment.bytes": 64 * 2**20,
        "log.index.size.max.bytes": 2**20,
        "log.cleaner.dedupe.buffer.size": 16 * 2**20,
        "num.network.threads": 2,
        "num.io.threads": 4,
    }
    if line:
        settings["listeners"] = f"{settings['listeners']},LINE://127.0.0.1:{line.port}"
        settings["advertised.listeners"] = f"{settings['advertised.listeners']},LINE://{line.advertised}"
        settings["listener.security.protocol.map"] = f"{settings['listener.security.protocol.map']},LINE:PLAINTEXT"
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def pinned_version() -> str:
    """The Kafka version that the pom names."""
    found = ET.parse(KAFKA_FILES / "pom.xml").find(".//{*}kafka.version")  # noqa: S314 - our own file
    if found is None or not found.text:
        raise StackError("deploy/local/kafka/pom.xml names no Kafka version.", "restore the file from git.")
    return found.text


def find_java() -> Path | None:
    """A Java that Kafka 4 runs on: ``JAVA_HOME``, else the PATH."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    on_path = shutil.which("java")
    candidates += [Path(on_path)] if on_path else []
    return next((java for java in candidates if java_version(java) >= _OLDEST_JAVA), None)


def java_version(java: Path) -> int:
    """The feature release of this Java, 0 when it does not run."""
    found = re.search(r'version "(?:1\.)?(\d+)', output_of(java, "-version").stderr)
    return int(found[1]) if found else 0


def pinned_jars() -> dict[str, str]:
    """Which jars Kafka needs, with their SHA-256."""
    lines = (line.split() for line in (KAFKA_FILES / "jars.sha256").read_text().splitlines())
    return {name: digest for digest, name in lines}


def missing_or_changed(libs: Path, jars: dict[str, str]) -> list[str]:
    """The jars that are not there, or are not what they should be."""
    return [name for name, digest in jars.items() if _sha256(libs / name) != digest]


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def why_not() -> str | None:
    """Why Apache Kafka cannot run on this machine, or None when it can."""
    if find_java() is None:
        return f"Java {_OLDEST_JAVA} or newer is not installed"
    complete = not missing_or_changed(cache_folder() / f"kafka-{pinned_version()}", pinned_jars())
    if not complete and shutil.which("mvn") is None:
        return "Maven (mvn) is not installed, and the jars are not in the cache"
    return None


def install_kafka(progress: Progress) -> Kafka:
    """Bring the jars into the cache, repairing what is missing or damaged there.

    Every start checks every jar against the pinned checksums, so a broken download cannot run.
    """
    java, version, jars = find_java(), pinned_version(), pinned_jars()
    if java is None:
        raise StackError(f"Java {_OLDEST_JAVA} or newer is not installed.", "install a JRE, or use `--broker tansu`.")
    libs = cache_folder() / f"kafka-{version}"
    with exclusive(libs.with_name(f"{libs.name}.lock")):
        if bad := missing_or_changed(libs, jars):
            for name in bad:
                (libs / name).unlink(missing_ok=True)
            progress(0, len(bad))
            resolve(libs, jars, progress)
        if bad := missing_or_changed(libs, jars):
            raise StackError(
                f"These jars of Kafka {version} are not what they should be: {', '.join(bad)}.",
                "check which repository Maven downloads from (~/.m2/settings.xml), then start again.",
            )
    return Kafka(java, libs, version, tuple(jars))


def resolve(libs: Path, wanted: Iterable[str], progress: Progress) -> None:
    """Let Maven download Kafka and what it needs into this folder.

    Maven works in a repository of its own, removed afterwards: nothing damaged elsewhere can come in.
    """
    mvn = shutil.which("mvn")
    if mvn is None:
        raise StackError("Maven (mvn) is not installed.", "install Maven, or use `--broker tansu`.")
    libs.mkdir(parents=True, exist_ok=True)
    waiting = {name for name in wanted if not (libs / name).exists()}
    needed = len(waiting)
    with tempfile.TemporaryDirectory(prefix="maven-", dir=libs.parent) as repository:
        argv = [
            mvn, "--batch-mode", "--strict-checksums", "--file", str(KAFKA_FILES / "pom.xml"),
            f"-Dmaven.repo.local={repository}", _COPY_JARS, f"-DoutputDirectory={libs}", "-DincludeScope=runtime",
        ]  # fmt: skip
        tail: deque[str] = deque(maxlen=200)
        with subprocess.Popen(  # noqa: S603 - Maven, with our own arguments
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509 - it makes two system calls and takes no lock
        ) as maven:
            try:
                for line in maven.stdout or ():
                    tail.append(line.rstrip())
                    if found := re.search(r"Downloaded from .*/([^/]+\.jar) ", line):
                        waiting.discard(found[1])
                        progress(needed - len(waiting), needed)
                code = maven.wait(_DOWNLOAD_SECONDS)
            except BaseException:
                maven.kill()
                raise
    if code != 0:
        errors = [line for line in tail if line.startswith("[ERROR]")] or list(tail)
        raise StackError(
            "Maven could not download Apache Kafka:\n" + "\n".join(errors[:3]),
            "check the network, and the proxy or mirror in ~/.m2/settings.xml; or use `--broker tansu`.",
        )


def pin() -> dict[str, str]:
    """Resolve the version that the pom names and write the checksums of its jars to ``jars.sha256``."""
    with tempfile.TemporaryDirectory() as folder:
        resolve(Path(folder), (), lambda _there, _needed: None)
        jars = {path.name: _sha256(path) for path in sorted(Path(folder).glob("*.jar"))}
    manifest = "".join(f"{digest}  {name}\n" for name, digest in jars.items())
    (KAFKA_FILES / "jars.sha256").write_text(manifest)
    return jars
