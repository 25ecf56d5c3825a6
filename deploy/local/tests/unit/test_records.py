import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from local_stack import Stack
from local_stack.ports import Ports
from local_stack.processes import ProcessId
from local_stack.record import Component, Record, read_record, record_path, write_record


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """Some process that a stack might have left."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def a_record(keeper: ProcessId | None, process: ProcessId | None = None) -> Record:
    component = Component(
        name="mongodb", stage="back-end", argv=[], ready_when="mongo answers", address="127.0.0.1:1", process=process
    )
    return Record(
        state="ready",
        keeper=keeper,
        broker="",
        database="",
        kafka_bootstrap="",
        mongo_uri="",
        topic_prefix="",
        components={"mongodb": component},
    )


def a_dead_process() -> ProcessId:
    with subprocess.Popen(["sleep", "60"]) as process:
        dead = ProcessId.of(process.pid)
        process.kill()
    assert dead is not None
    return dead


def this_process() -> ProcessId:
    me = ProcessId.of(os.getpid())
    assert me is not None
    return me


def test_a_record_of_a_living_keeper_is_believed(tmp_path: Path) -> None:
    write_record(tmp_path, a_record(this_process()))
    assert Stack.load(tmp_path) is not None


def test_without_a_record_nothing_runs(tmp_path: Path) -> None:
    assert Stack.load(tmp_path) is None


def test_a_record_of_a_dead_keeper_is_removed(tmp_path: Path) -> None:
    write_record(tmp_path, a_record(a_dead_process()))
    assert Stack.load(tmp_path) is None
    assert not record_path(tmp_path).exists()


def test_a_number_that_belongs_to_another_process_now_is_not_the_keeper(tmp_path: Path) -> None:
    somebody_else = ProcessId(pid=os.getpid(), started=this_process().started - 3600)
    write_record(tmp_path, a_record(somebody_else))
    assert Stack.load(tmp_path) is None


def test_what_a_killed_keeper_left_is_ended(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    write_record(tmp_path, a_record(a_dead_process(), ProcessId.of(sleeper.pid)))
    assert Stack.load(tmp_path) is None
    assert sleeper.wait(10) != 0


def test_a_stranger_with_a_recorded_number_is_spared(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    stranger = ProcessId(pid=sleeper.pid, started=1.0)
    write_record(tmp_path, a_record(a_dead_process(), stranger))
    assert Stack.load(tmp_path) is None
    assert sleeper.poll() is None


@pytest.mark.parametrize("content", ["", "{}", "not json", '{"state": "ready"'])
def test_an_unreadable_record_is_no_record(tmp_path: Path, content: str) -> None:
    record_path(tmp_path).write_text(content)
    assert read_record(tmp_path) is None
    assert Stack.load(tmp_path) is None


def test_a_record_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    write_record(tmp_path, a_record(None))
    assert record_path(tmp_path).stat().st_mode & 0o077 == 0


def test_a_name_keeps_its_port(tmp_path: Path) -> None:
    assert Ports(tmp_path).give("kafka") == Ports(tmp_path).give("kafka")


def test_a_port_that_is_taken_is_not_given_again(tmp_path: Path) -> None:
    port = Ports(tmp_path).give("kafka")
    with socket.create_server(("127.0.0.1", port)):
        assert Ports(tmp_path).give("kafka") != port


def test_two_names_never_share_a_port(tmp_path: Path) -> None:
    ports = Ports(tmp_path)
    assert len({ports.give(str(name)) for name in range(50)}) == 50
