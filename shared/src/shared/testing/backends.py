"""A pytest plugin: one real Kafka and one real MongoDB for the whole run, and clean corners of them for each test.

Where they come from: addresses in the environment (``TELEMACHUS_MONGO_URI``, ``TELEMACHUS_KAFKA_BOOTSTRAP``), else
containers where a Docker daemon answers, else processes of this machine. The header says which was chosen and the
summary says what ran. Nothing is skipped: without any of the three, the tests that need them fail.

They start when the first test asks for them. The processes of pytest-xdist share one pair, which ends with the process
that was called, even when that is killed.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from pymongo import MongoClient

from shared.chassis import topics
from shared.chassis.kafka_security import security_arguments
from shared.chassis.settings import ServiceSettings

from .waiting import eventually as _eventually

_SHARED = pytest.StashKey["_Shared"]()


@dataclass(frozen=True)
class Backends:
    """Where the real things are, and what they are."""

    mongo_uri: str
    kafka_bootstrap: str
    description: str


@dataclass(frozen=True)
class _Shared:
    """What the processes of one test run have in common."""

    folder: Path
    owner: int


def pytest_configure(config: pytest.Config) -> None:
    """The process that was called makes the folder which all of them share."""
    if worker := getattr(config, "workerinput", None):
        shared = _Shared(Path(worker["backends_folder"]), worker["backends_owner"])
    else:
        from local_stack import follow_make  # noqa: PLC0415 - a worker does not need it

        follow_make()
        shared = _Shared(Path(tempfile.mkdtemp(prefix="telemachus-tests-")), os.getpid())
    config.stash[_SHARED] = shared


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist what it shares."""
    shared = node.config.stash[_SHARED]
    node.workerinput |= {"backends_folder": str(shared.folder), "backends_owner": shared.owner}


def pytest_report_header() -> str:
    """Say which kind was chosen, before anything runs."""
    return f"back-ends: {_CHOICES[_choice()]}, started when a test needs them"


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what ran."""
    started = _started(config.stash[_SHARED].folder)
    what = started.description if started else "none was needed"
    terminalreporter.write_line(f"back-ends used: {what}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what was started, in order, and leave nothing."""
    shared = config.stash.get(_SHARED, None)
    if shared is None or hasattr(config, "workerinput"):
        return
    if (shared.folder / "stack.json").exists():
        from local_stack import Stack  # noqa: PLC0415 - only where it was used

        if stack := Stack.load(shared.folder):
            stack.stop()
    if (shared.folder / "containers.json").exists():
        (shared.folder / "stop").touch()
        _wait_until_gone(shared.folder / "containers.json")
    shutil.rmtree(shared.folder, ignore_errors=True)


@pytest.fixture(scope="session")
def backends(request: pytest.FixtureRequest) -> Backends:
    """The real Kafka and MongoDB of this test run."""
    shared = request.config.stash[_SHARED]
    with (shared.folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = _started(shared.folder) or _START[_choice()](shared)
        (shared.folder / "backends.json").write_text(json.dumps(asdict(found)))
    return found


@pytest.fixture(scope="session")
def mongo_uri(backends: Backends) -> str:
    """Where the real MongoDB is."""
    return backends.mongo_uri


@pytest.fixture(scope="session")
def kafka_bootstrap(backends: Backends) -> str:
    """Where the real Kafka is."""
    return backends.kafka_bootstrap


@pytest.fixture
def mongo_database(mongo_uri: str) -> Iterator[str]:
    """A name for a database, or the beginning of several names; all of them are dropped after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        for database in client.list_database_names():
            if database.startswith(name):
                client.drop_database(database)


@pytest.fixture
async def topic_prefix(kafka_bootstrap: str) -> AsyncIterator[str]:
    """The beginning of the names of this test's topics and groups; the topics are deleted after the test."""
    prefix = f"test-{uuid.uuid4().hex[:12]}."
    yield prefix
    admin = _admin(kafka_bootstrap)
    await admin.start()
    try:
        mine = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if mine:
            await admin.delete_topics(mine)
    finally:
        await admin.close()


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Any]:
    """``await eventually(probe)``: wait until it gives a truthy value; see :mod:`shared.testing.waiting`."""
    return _eventually


async def create_topics(bootstrap: str, names: Sequence[str], partitions: int = 1) -> None:
    """Create these topics and wait until each can be written to."""
    settings = ServiceSettings(service_name="tests", kafka_bootstrap=bootstrap)
    await topics.create_topics(settings, names, partitions=partitions, replication=1)
    admin = _admin(bootstrap)
    await admin.start()

    async def can_be_written() -> bool:
        described = await admin.describe_topics(list(names))
        return all(
            topic["error_code"] == 0 and all(partition["leader"] >= 0 for partition in topic["partitions"])
            for topic in described
        )

    try:
        await _eventually(can_be_written)
    finally:
        await admin.close()


def _admin(bootstrap: str) -> AIOKafkaAdminClient:
    settings = ServiceSettings(service_name="tests", kafka_bootstrap=bootstrap)
    return AIOKafkaAdminClient(bootstrap_servers=bootstrap, **security_arguments(settings))


# --- where they come from ----------------------------------------------------------------------------


def _choice() -> str:
    if os.environ.get("TELEMACHUS_MONGO_URI") and os.environ.get("TELEMACHUS_KAFKA_BOOTSTRAP"):
        return "environment"
    return "containers" if _docker_answers() else "processes"


_CHOICES = {
    "environment": "the addresses in the environment",
    "containers": "containers (a Docker daemon answers)",
    "processes": "processes of this machine (no Docker daemon answers)",
}


def _docker_answers() -> bool:
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        run = subprocess.run([docker, "info"], capture_output=True, timeout=10, check=False)  # noqa: S603 - a fixed command
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0


def _started(folder: Path) -> Backends | None:
    try:
        return Backends(**json.loads((folder / "backends.json").read_text()))
    except FileNotFoundError:
        return None


def _from_environment(_shared: _Shared) -> Backends:
    return Backends(
        os.environ["TELEMACHUS_MONGO_URI"], os.environ["TELEMACHUS_KAFKA_BOOTSTRAP"], "those of the environment"
    )


def _from_processes(shared: _Shared) -> Backends:
    from local_stack import start_stack  # noqa: PLC0415 - the other sources do not need it

    stack = start_stack(data=shared.folder, services=(), owner=shared.owner, create_topics=False, keeps_data=False)
    return Backends(
        stack.mongo_uri, stack.kafka_bootstrap, f"{stack.broker} and {stack.database}, processes of this machine"
    )


def _from_containers(shared: _Shared) -> Backends:
    """Have a process of its own start and hold them: the worker that comes first may also end first."""
    answer = shared.folder / "containers.json"
    with (shared.folder / "containers.log").open("ab") as log:
        holder = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "shared.testing.containers", str(shared.folder), str(shared.owner)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    while not answer.exists():
        try:
            holder.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        raise RuntimeError("The containers did not start:\n" + (shared.folder / "containers.log").read_text())
    return Backends(**json.loads(answer.read_text()))


_START: dict[str, Callable[[_Shared], Backends]] = {
    "environment": _from_environment,
    "containers": _from_containers,
    "processes": _from_processes,
}


def _wait_until_gone(path: Path, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
