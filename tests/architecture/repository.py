"""Where things are."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("enrollment", "matching", "scheduling", "feedback")
NOT_OURS = {".git", ".venv", ".local", ".mypy_cache", ".pytest_cache", ".ruff_cache", "build", "dist", "node_modules"}


def source(service: str) -> Path:
    """The package of a service."""
    return ROOT / "services" / service / "src" / service


def packages() -> dict[str, Path]:
    """Every package of the workspace, by import name."""
    found = {"shared": ROOT / "shared/src/shared", "local_stack": ROOT / "deploy/local/src/local_stack"}
    found["demo"] = ROOT / "deploy/demo/src/demo"
    found["chaos"] = ROOT / "deploy/chaos/src/chaos"
    found["matching_check"] = ROOT / "services/matching/src/matching_check"
    return found | {service: source(service) for service in SERVICES}


def modules(*folders: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python module below these folders, parsed."""
    for folder in folders:
        for path in sorted([folder] if folder.is_file() else folder.rglob("*.py")):
            yield path, ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def documents() -> Iterator[Path]:
    """Every Markdown file of the project."""
    for path in sorted(ROOT.rglob("*.md")):
        if not NOT_OURS & set(path.relative_to(ROOT).parts):
            yield path


def short(path: Path) -> str:
    """How a complaint names a file."""
    return str(path.relative_to(ROOT))
