"""Packages that cannot stand in the common environment, each in a folder of its own.

``mentor-match`` calls its module ``matching``, which is our service's name; ``lapjv`` ships source only, so a machine
without a C++ compiler must be able to do without it. What cannot be had is told in every table and in the JSON.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

APART = {
    "mentor-match": ("mentor-match==7.0.1", "munkres==3.0.0"),
    "lapjv": ("lapjv==1.3.29",),
}
INSTALL_SECONDS = 300


@dataclass(frozen=True)
class Package:
    """Where a package is, or why it is not there."""

    version: str | None
    folder: Path | None = None
    missing: str | None = None


def obtain(name: str, folder: Path) -> Package:
    """The package, installed when it stands apart and is not there yet."""
    if name not in APART:
        try:
            return Package(version(name))
        except PackageNotFoundError:
            return Package(None, missing=f"{name} is not installed: run it by `make bench-matching`")
    home = home_of(name, folder)
    if not home.is_dir():
        missing = _install(APART[name], home)
        if missing is not None:
            return Package(None, missing=f"{name} could not be installed: {missing}")
    return Package(" with ".join(_versions(home)), folder=home)


def home_of(name: str, folder: Path) -> Path:
    """Where a package that stands apart is installed, by its version and the interpreter's."""
    versions = "-".join(requirement.replace("==", "-") for requirement in APART[name])
    return folder / f"{sys.implementation.cache_tag}-{versions}"


def _install(requirements: tuple[str, ...], home: Path) -> str | None:
    """Install into the folder, whole or not at all. Returns what went wrong."""
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        return "uv is not on the PATH"
    home.parent.mkdir(parents=True, exist_ok=True)
    half = home.with_name(f"{home.name}.part")
    shutil.rmtree(half, ignore_errors=True)
    command = [uv, "pip", "install", "--quiet", "--no-deps", "--python", sys.executable, "--target", str(half)]
    try:
        done = subprocess.run(  # noqa: S603 our own command
            [*command, *requirements], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it took more than {INSTALL_SECONDS} s"
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        return lines[0].strip() if lines else f"uv ended with {done.returncode}"
    half.rename(home)
    return None


def _versions(home: Path) -> list[str]:
    return sorted(f"{found.metadata['Name']} {found.version}" for found in distributions(path=[str(home)]))
