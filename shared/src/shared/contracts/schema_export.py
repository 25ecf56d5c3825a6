"""The published form of the contracts: JSON Schemas and example messages, generated from the event classes.

``python -m shared.contracts.schema_export``            writes ``schemas/`` and ``examples/``.
``python -m shared.contracts.schema_export --check``    changes nothing; exits 1 where a file differs.
``python -m shared.contracts.schema_export --publish``  freezes new minor versions under ``schemas/published/``.

The schemas are closed, since an open one can never safely gain a field in a schema registry. Readers are tolerant
all the same: they take what they know and ignore the rest.
"""

import ast
import inspect
import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

from . import EVENTS, Event
from .cloud_events import data_schema, event_type
from .compatibility import breaks
from .event import Part
from .example_messages import example_messages

HERE = Path(__file__).parent
SCHEMAS = HERE / "schemas"
PUBLISHED = SCHEMAS / "published"
EXAMPLES = HERE / "examples"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_EMITTED = re.compile(r"Emitted by (?P<emitter>.+?), keyed by (?P<key>.+?), read by (?P<readers>.+?)\.")
_SERVICES = ("enrollment", "matching", "scheduling", "feedback")

Json = dict[str, Any]


class Undocumented(Exception):
    """An event class whose docstring does not say who emits it, its key and its readers."""


def routing(event: type[Event]) -> Mapping[str, str]:
    """What the docstring says of an event's way: ``emitter``, ``key`` and ``readers``, in words.

    Raises:
        Undocumented: The docstring lacks the sentence.
    """
    found = _EMITTED.search(" ".join((event.__doc__ or "").split()))
    if found is None:
        raise Undocumented(
            f'{event.__name__} must say "Emitted by <service>, keyed by <aggregate>, read by <services>."'
        )
    return found.groupdict()


def readers(event: type[Event]) -> tuple[str, ...]:
    """The services that read an event, by its docstring. Raises: Undocumented."""
    words = routing(event)["readers"]
    if words == "all":
        return tuple(service for service in _SERVICES if service != event.emitter)
    return tuple(service for service in _SERVICES if re.search(rf"\b{service}\b", words))


def schema(event: type[Event]) -> Json:
    """The closed JSON Schema of an event's data, as it is written."""
    generated = event.model_json_schema(mode="serialization")
    parts = {part.__name__: part for part in _parts(event)}
    _describe(generated, event)
    for name, definition in generated.get("$defs", {}).items():
        if name in parts:
            _describe(definition, parts[name])
    return {
        "$schema": DIALECT,
        "$id": data_schema(event),
        "title": event.name,
        "description": inspect.getdoc(event),
        "x-type": event_type(event),
        "x-emitter": event.emitter,
        "x-key": event.key_field,
        "x-aggregate": event.aggregate_field,
        "x-readers": list(readers(event)),
        "x-personal-data": list(event.personal_data),
        **{name: value for name, value in generated.items() if name not in {"title", "description"}},
    }


def files() -> dict[Path, str]:
    """Every generated file with its content."""
    contents = {}
    for event in EVENTS:
        contents[SCHEMAS / f"{event.name}.v{event.major}.json"] = _text(schema(event))
        contents[EXAMPLES / f"{event.name}.v{event.major}.json"] = _text(example_messages(event))
    return contents


def drift() -> list[str]:
    """What ``--check`` complains of: files that differ, that are missing, and that nothing generates."""
    wanted = files()
    complaints = [
        f"{_short(path)} {'differs' if path.exists() else 'is missing'}"
        for path, content in wanted.items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]
    present = {*SCHEMAS.glob("*.json"), *EXAMPLES.glob("*.json")}
    return complaints + [f"{_short(path)} belongs to no event" for path in sorted(present - wanted.keys())]


def published(event: type[Event]) -> dict[Path, Json]:
    """The frozen schemas of an event's major version, the oldest first."""
    found = sorted(PUBLISHED.glob(f"{event.name}.v{event.major}.*.json"), key=_minor)
    return {path: json.loads(path.read_text(encoding="utf-8")) for path in found}


def incompatibilities() -> list[str]:
    """Where a schema breaks a published one, or changed without a new minor version."""
    complaints = []
    for event in EVENTS:
        now = schema(event)
        for path, before in published(event).items():
            complaints += [f"{_short(path)}: {problem}" for problem in breaks(before, now)]
            if _minor(path) == event.minor and before != now and not breaks(before, now):
                complaints.append(f"{_short(path)}: changed; raise {event.__name__}.minor, then publish")
    return complaints


def unpublished() -> list[Path]:
    """Schemas whose present version was never frozen."""
    wanted = [PUBLISHED / f"{event.name}.v{event.major}.{event.minor}.json" for event in EVENTS]
    return [path for path in wanted if not path.exists()]


def main(arguments: Sequence[str]) -> int:
    """Write, check or publish; see the module's docstring."""
    match list(arguments):
        case []:
            _write(files().items())
            return 0
        case ["--check"]:
            complaints = drift() + incompatibilities()
            sys.stdout.writelines(f"{complaint}\n" for complaint in complaints)
            if complaints:
                sys.stdout.write("run: make schemas\n")
            return 1 if complaints else 0
        case ["--publish"]:
            missing = set(unpublished())
            frozen = {
                PUBLISHED / f"{event.name}.v{event.major}.{event.minor}.json": _text(schema(event)) for event in EVENTS
            }
            _write((path, content) for path, content in frozen.items() if path in missing)
            return 0
        case _:
            sys.stderr.write(f"{__doc__}\n")
            return 2


def _write(contents: Iterable[tuple[Path, str]]) -> None:
    for path, content in contents:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            path.write_text(content, encoding="utf-8")
            sys.stdout.write(f"wrote {_short(path)}\n")


def _text(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _short(path: Path) -> str:
    return str(path.relative_to(HERE))


def _minor(path: Path) -> int:
    return int(path.stem.rpartition(".")[2])


def _describe(definition: Json, part: type[Part]) -> None:
    """Close an object and give each field the words that stand below it in the class."""
    definition["additionalProperties"] = False
    words = _attribute_docstrings(part)
    for name, field in definition.get("properties", {}).items():
        field.pop("title", None)
        if name in words:
            field["description"] = words[name]


def _attribute_docstrings(part: type[Part]) -> dict[str, str]:
    words: dict[str, str] = {}
    for base in reversed([base for base in part.__mro__ if issubclass(base, Part)]):
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        body = definition.body if isinstance(definition, ast.ClassDef) else []
        for field, below in pairwise(body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    words[name] = inspect.cleandoc(text)
                case _:
                    continue
    return words


def _parts(model: type[Part]) -> Iterator[type[Part]]:
    """The value types inside a model, at any depth."""
    for field in model.model_fields.values():
        yield from _parts_of(field.annotation)


def _parts_of(annotation: Any) -> Iterator[type[Part]]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        yield annotation
        yield from _parts(annotation)
    for argument in get_args(annotation):
        yield from _parts_of(argument)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
