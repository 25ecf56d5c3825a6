"""The import rules of ``.importlinter`` hold, and each of them would notice if they did not."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .repository import ROOT, SERVICES, modules, packages, source

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"

PLANTED = {
    "Services never import each other": ("enrollment/use_cases", "from matching import domain"),
    "main > http_api | consumers | repository > use_cases > domain": (
        "matching/domain",
        "from matching import use_cases",
    ),
    "Only the composition root sees the settings": ("feedback/http_api", "from feedback import settings"),
    "The domain decides; it knows no driver and no framework": ("scheduling/domain", "import faststream"),
    "Use cases know ports, never a driver or a framework": ("scheduling/use_cases", "import fastapi"),
    "Contracts know no chassis and no driver": ("shared/contracts", "from shared.chassis import clock"),
    "Motor is behind one module": ("feedback/repository", "import motor.motor_asyncio"),
    "Shared code knows no service": ("shared/chassis", "from feedback import consumers"),
    "What runs in production knows neither the demo, nor the local stack, nor test code": (
        "matching/repository",
        "import shared.testing",
    ),
    "The demo, the local stack, the chaos and the command line know the services as processes, like anybody else": (
        "demo",
        "from scheduling import domain",
    ),
    "The checker of results shares no code with anything that it checks": (
        "matching_check",
        "from shared import contracts",
    ),
    "Chaos stands outside: of ours it knows the local stack and nothing else": ("chaos/driver", "import demo"),
    "The checker of chaos shares no code with the platform, nor with what disturbs it": (
        "chaos/checker/rules",
        "from chaos import ledger",
    ),
    "Nobody builds on the checker": ("matching/engine", "from matching_check import proof"),
}
"""A rule, and an import that breaks it."""


def lint(folder: Path, *, python_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run import-linter with the packages of the workspace, or with those on another path."""
    environment = os.environ | {"COLUMNS": "500"}
    if python_path is not None:
        environment["PYTHONPATH"] = str(python_path)
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache", "--no-logo"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def plant(package: Path, statement: str) -> None:
    """Add an import to a package, or to the module that stands for it."""
    module = package.with_suffix(".py") if not package.is_dir() else package / "__init__.py"
    with module.open("a", encoding="utf-8") as file:
        file.write(f"\n{statement}\n")


def test_every_import_rule_holds() -> None:
    outcome = lint(ROOT)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    kept = {line.removesuffix(" KEPT") for line in outcome.stdout.splitlines() if line.endswith(" KEPT")}
    assert kept == PLANTED.keys(), "every rule has a planted import that would break it"


@pytest.mark.timeout(300)
def test_every_import_rule_notices_a_planted_import(tmp_path: Path) -> None:
    for name, package in packages().items():
        shutil.copytree(package, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "*.json", "*.csv"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for where, statement in PLANTED.values():
        plant(tmp_path / where, statement)

    outcome = lint(tmp_path, python_path=tmp_path)

    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    broken = {line.removesuffix(" BROKEN") for line in outcome.stdout.splitlines() if line.endswith(" BROKEN")}
    assert broken == PLANTED.keys()


@pytest.mark.parametrize("service", SERVICES)
def test_a_domain_imports_the_standard_library_and_contracts_only(service: str) -> None:
    """Also refuses what the linter was not told of: any third-party package but numpy for matching's arithmetic."""
    allowed = {*sys.stdlib_module_names, "numpy"} if service == "matching" else {*sys.stdlib_module_names}
    folder = source(service) / "domain"
    for path, tree in modules(folder if folder.is_dir() else folder.with_suffix(".py")):
        strangers = [
            name
            for name in imported(tree)
            if name.partition(".")[0] not in allowed and not f"{name}.".startswith("shared.contracts.")
        ]
        assert not strangers, f"{path} imports {strangers}"


def imported(tree: ast.Module) -> Iterator[str]:
    """The absolute names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
