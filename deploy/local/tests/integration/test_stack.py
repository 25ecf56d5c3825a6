import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from local_stack import Stack, StackError, start_stack
from local_stack.record import Record, read_record
from pymongo import MongoClient
from rich.console import Console

pytestmark = pytest.mark.integration

QUIET = Console(quiet=True)
GREETER = """
import http.server, os, subprocess

subprocess.Popen(["sleep", "300"])  # a worker, as services have them

class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ["TELEMACHUS_KAFKA_BOOTSTRAP"].encode())

http.server.HTTPServer((os.environ["TELEMACHUS_HOST"], int(os.environ["TELEMACHUS_PORT"])), Answer).serve_forever()
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka and MongoDB of these tests alone, since they are restarted and killed."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("TELEMACHUS_MONGO_URI", raising=False)
        environment.delenv("TELEMACHUS_KAFKA_BOOTSTRAP", raising=False)
        with start_stack(data=tmp_path_factory.mktemp("whole"), services=(), console=QUIET) as stack:
            yield stack


@pytest.fixture
def borrowed(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names a broker, so that a stack needs to start its database only."""
    monkeypatch.setenv("TELEMACHUS_KAFKA_BOOTSTRAP", kafka_bootstrap)
    monkeypatch.delenv("TELEMACHUS_MONGO_URI", raising=False)


@pytest.fixture
def services(tmp_path: Path) -> dict[str, str]:
    """Settings under which ``greeter`` and ``broken`` can be run as services."""
    for name, code in {"greeter": GREETER, "broken": "raise SystemExit('no licence to run')"}.items():
        (tmp_path / "modules" / name).mkdir(parents=True)
        (tmp_path / "modules" / name / "__main__.py").write_text(code)
    return {"PYTHONPATH": str(tmp_path / "modules")}


def the_record(data: Path) -> Record:
    record = read_record(data)
    assert record is not None
    return record


def processes_of(record: Record) -> list[psutil.Process]:
    """The keeper and everything below it."""
    assert record.keeper is not None
    keeper = psutil.Process(record.keeper.pid)
    return [keeper, *keeper.children(recursive=True)]


def all_gone(processes: list[psutil.Process], within: float = 20.0) -> bool:
    _gone, alive = psutil.wait_procs(processes, timeout=within)
    return not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def in_time(condition: Callable[[], bool], within: float = 90.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def test_a_second_start_finds_the_first(whole: Stack) -> None:
    again = start_stack(data=whole.data, services=(), console=QUIET)
    assert again.found
    assert again.record.keeper == whole.record.keeper
    assert again.kafka_bootstrap == whole.kafka_bootstrap


def test_a_stack_says_what_it_is(whole: Stack) -> None:
    assert whole.broker.startswith(("Apache Kafka 4.", "Tansu"))
    assert whole.database.startswith("MongoDB ")


def test_everything_listens_on_loopback_only(whole: Stack) -> None:
    listening = [
        connection.laddr.ip
        for process in processes_of(whole.record)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 3
    assert {address.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}


def test_running_data_is_not_wiped(whole: Stack) -> None:
    with pytest.raises(StackError, match="is running"):
        start_stack(data=whole.data, services=(), fresh=True, console=QUIET)


async def test_a_restart_keeps_address_and_data(whole: Stack) -> None:
    topic, notes = "mentoring.goal_reached.v1", MongoClient[dict[str, object]](whole.mongo_uri).kept.notes
    before = {name: whole.component(name).process for name in ("kafka", "mongodb")}
    async with AIOKafkaProducer(bootstrap_servers=whole.kafka_bootstrap, acks="all") as producer:
        await producer.send_and_wait(topic, b"kept", partition=0)
    await asyncio.to_thread(notes.insert_one, {"_id": "kept"})

    await asyncio.gather(*(asyncio.to_thread(whole.restart, name) for name in before))

    assert all(whole.component(name).process not in (None, process) for name, process in before.items())
    if whole.broker.startswith("Apache Kafka"):  # the stand-in has a memory only
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=whole.kafka_bootstrap, auto_offset_reset="earliest"
        ) as consumer:
            assert (await asyncio.wait_for(consumer.getone(), 20)).value == b"kept"
    assert await asyncio.to_thread(notes.count_documents, {"_id": "kept"}) == 1


def test_what_was_killed_stays_dead_until_it_is_started(whole: Stack) -> None:
    whole.kill("mongodb")
    assert whole.component("mongodb").state == "stopped"
    whole.start("mongodb")
    assert whole.component("mongodb").state == "ready"


def test_what_dies_is_reported(whole: Stack) -> None:
    process = whole.component("mongodb").process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    in_time(lambda: whole.component("mongodb").state == "died")
    assert whole.component("mongodb").exit_code == -signal.SIGKILL
    whole.start("mongodb")


def test_an_unknown_component_is_refused(whole: Stack) -> None:
    with pytest.raises(StackError, match="runs no enrolment") as failure:
        whole.restart("enrolment")
    assert "kafka" in failure.value.next_step


def test_a_command_without_the_key_changes_nothing(whole: Stack) -> None:
    stranger = Stack(whole.data, found=True)
    stranger._last = stranger._last.model_copy(update={"control_key": "guessed"})
    with pytest.raises(StackError):
        stranger._tell("shut down")
    assert whole.component("kafka").state == "ready"


def test_a_service_is_given_its_settings_and_ends_with_its_workers(
    borrowed: None, tmp_path: Path, kafka_bootstrap: str, services: dict[str, str]
) -> None:
    with start_stack(data=tmp_path, services=["greeter"], environment=services, console=QUIET) as stack:
        with urllib.request.urlopen(f"{stack.urls['greeter']}/readyz", timeout=5) as answer:
            assert answer.read().decode() == kafka_bootstrap
        greeter = stack.component("greeter").process
        assert greeter is not None
        workers = psutil.Process(greeter.pid).children()
        assert len(workers) == 1
        stack.kill("greeter")
        assert all_gone(workers)
        stack.start("greeter")
        everything = processes_of(stack.record)
    assert all_gone(everything, within=1)
    assert Stack.load(tmp_path) is None


def test_services_are_added_to_a_stack_that_runs_without_them(
    borrowed: None, tmp_path: Path, services: dict[str, str]
) -> None:
    with start_stack(data=tmp_path, services=(), console=QUIET) as stack:
        start_stack(data=tmp_path, services=["greeter"], environment=services, console=QUIET)
        assert stack.component("greeter").state == "ready"


def test_a_service_runs_in_as_many_replicas_as_are_asked_for(
    borrowed: None, tmp_path: Path, services: dict[str, str]
) -> None:
    with start_stack(data=tmp_path, services=["greeter"], environment=services, console=QUIET) as stack:
        assert [stack.add_replica("greeter", services) for _ in range(2)] == ["greeter-2", "greeter-3"]
        assert len(set(stack.urls.values())) == 3
        stack.end("greeter-2")
        assert stack.component("greeter-2").state == "stopped"
        stack.start("greeter-2")
        assert [stack.component(name).state for name in stack.urls] == ["ready"] * 3


def test_a_service_that_does_not_start_is_told_with_its_log_and_nothing_stays(
    borrowed: None, tmp_path: Path, services: dict[str, str]
) -> None:
    with pytest.raises(StackError, match="no licence to run"):
        start_stack(data=tmp_path, services=["greeter", "broken"], environment=services, console=QUIET)
    assert Stack.load(tmp_path) is None
    assert not [process for process in psutil.process_iter(["cmdline"]) if str(tmp_path) in _command(process)]


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda end: end.name
)
def test_an_ended_parent_leaves_nothing_behind(borrowed: None, tmp_path: Path, end: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "local_stack", "run", "--only", "backends"],
        env=os.environ | {"TELEMACHUS_DATA": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as parent:
        in_time(lambda: (record := read_record(tmp_path)) is not None and record.state == "ready")
        everything = processes_of(the_record(tmp_path))
        assert len(everything) == 2
        parent.send_signal(end)
    assert all_gone(everything)
    assert Stack.load(tmp_path) is None


def test_a_killed_keeper_leaves_nothing_behind(borrowed: None, tmp_path: Path) -> None:
    stack = start_stack(data=tmp_path, services=(), stays=True, console=QUIET)
    keeper, *children = processes_of(stack.record)
    assert len(children) == 1
    keeper.kill()
    if sys.platform.startswith("linux"):  # elsewhere they live until the next start finds them
        assert all_gone(children, within=5)
    assert Stack.load(tmp_path) is None
    assert all_gone(children, within=1)


def test_data_that_need_not_be_kept_goes_with_the_stack(borrowed: None, tmp_path: Path) -> None:
    data = tmp_path / "short-lived"
    stack = start_stack(data=data, services=(), keeps_data=False, console=QUIET)
    assert (data / "mongodb").exists()
    stack.stop()
    assert not data.exists()


def test_up_stays_and_down_ends_it(borrowed: None, tmp_path: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "local_stack", *words],
            env=os.environ | {"TELEMACHUS_DATA": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert command("up", "--only", "backends").returncode == 0
    everything = processes_of(the_record(tmp_path))
    status = json.loads(command("status", "--json").stdout)
    assert [(each["name"], each["state"]) for each in status["components"]] == [("mongodb", "ready")]
    assert "mongodb" in command("logs", "-n", "1").stdout
    assert command("down").returncode == 0
    assert all_gone(everything, within=1)
    assert command("status").returncode == 1


async def test_the_stand_in_broker_carries_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TELEMACHUS_KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.setenv("TELEMACHUS_MONGO_URI", "")
    topic = "mentoring.goal_reached.v1"
    with start_stack(data=tmp_path, services=(), broker="tansu", console=QUIET) as stack:
        assert stack.broker.startswith("Tansu")
        async with AIOKafkaProducer(bootstrap_servers=stack.kafka_bootstrap, acks="all") as producer:
            await producer.send_and_wait(topic, b"carried", partition=0)
        async with AIOKafkaConsumer(
            topic, bootstrap_servers=stack.kafka_bootstrap, auto_offset_reset="earliest"
        ) as consumer:
            assert (await asyncio.wait_for(consumer.getone(), 20)).value == b"carried"


def _command(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or ())
