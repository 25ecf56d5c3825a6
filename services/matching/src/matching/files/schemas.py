"""The published form of the two file formats, and an example that stays true to the engine.

``python -m matching.files.schemas`` writes ``services/matching/schemas/``; with ``--check`` it changes nothing and
exits with 1 where a file differs. Both work in a checkout only.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from ..engine.compute import compute
from .instance import Instance
from .reading import read_instance
from .result import Result

FOLDER = Path(__file__).parents[3] / "schemas"
EXAMPLE_INSTANCE = FOLDER / "example-instance.json"
EXAMPLE_RESULT = FOLDER / "example-result.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(model: type[BaseModel], name: str) -> str:
    """The JSON Schema of a file format, as it is written."""
    generated = model.model_json_schema()
    return _text({"$schema": DIALECT, "title": name, **{key: generated[key] for key in generated if key != "title"}})


def files() -> dict[Path, str]:
    """Every generated file with its content."""
    example, sha256 = read_instance(EXAMPLE_INSTANCE)
    return {
        FOLDER / "matching-instance.v1.json": schema(Instance, "telemachus-matching-instance/1"),
        FOLDER / "matching-result.v1.json": schema(Result, "telemachus-matching-result/1"),
        EXAMPLE_RESULT: Result.of(compute(example.problem()), sha256).model_dump_json(indent=2) + "\n",
    }


def drift() -> list[str]:
    """The files that are missing, or that differ from what would be written."""
    wanted = files().items()
    return [path.name for path, content in wanted if not path.exists() or path.read_text(encoding="utf-8") != content]


def main(arguments: Sequence[str]) -> int:
    """Write or check; see the module's docstring."""
    if list(arguments) == ["--check"]:
        stale = drift()
        sys.stdout.writelines(f"{name} differs; run: make schemas\n" for name in stale)
        return 1 if stale else 0
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
    return 0


def _text(content: object) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
