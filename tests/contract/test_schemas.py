import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from shared.contracts import EVENTS, Event
from shared.contracts import schema_export as export
from shared.contracts.cloud_events import data_schema

SERVICES = {"enrollment", "matching", "scheduling", "feedback"}
IDENTIFIES_A_PERSON = re.compile(
    r"name|mail|phone|birth|matric|staff_number|address|text|note|comment|rating|satisfaction"
)
PERSON_REFERENCE = re.compile(r"^(person_ref|mentor_ref|mentee_ref|mentor|mentee|(mentor_|mentee_)?volunteer_id)$")

each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object schema, at any depth."""
    if isinstance(schema, dict):
        if "properties" in schema:
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_the_checked_in_schemas_and_examples_are_the_generated_ones() -> None:
    complaints = export.drift()
    assert not complaints, "\n".join([*complaints, "run: make schemas"])


def test_no_schema_breaks_one_that_was_published() -> None:
    complaints = export.incompatibilities()
    assert not complaints, "\n".join(complaints)


def test_every_present_version_is_published() -> None:
    missing = [path.name for path in export.unpublished()]
    assert not missing, f"{missing}\nrun: python -m shared.contracts.schema_export --publish"


def test_the_published_schemas_all_belong_to_an_event() -> None:
    frozen = {path for event in EVENTS for path in export.published(event)}
    assert set(export.PUBLISHED.glob("*.json")) == frozen


def test_event_names_are_unique() -> None:
    names = [(event.name, event.major) for event in EVENTS]
    assert len(names) == len(set(names))


@each_event
def test_a_schema_is_valid_json_schema(event: type[Event]) -> None:
    Draft202012Validator.check_schema(export.schema(event))


@each_event
def test_a_schema_is_closed_at_every_level(event: type[Event]) -> None:
    assert all(part["additionalProperties"] is False for part in objects(export.schema(event)))


@each_event
def test_a_schema_names_itself_as_the_envelope_does(event: type[Event]) -> None:
    assert export.schema(event)["$id"] == data_schema(event)


@each_event
def test_the_documentation_says_what_happened_who_emits_it_its_key_and_its_readers(event: type[Event]) -> None:
    said = export.routing(event)
    first = (event.__doc__ or "").splitlines()[0]
    assert len(first.split()) >= 4
    assert first.endswith(".")
    assert said["emitter"] == ("every service but enrollment" if event.emitter == "any" else event.emitter)
    assert said["key"] == re.sub(r"_(id|ref)$", "", event.key_field)
    assert export.readers(event)
    assert event.emitter not in export.readers(event)
    assert event.emitter in SERVICES | {"any"}


@each_event
def test_aggregate_key_and_personal_data_are_fields_of_the_event(event: type[Event]) -> None:
    fields = event.model_fields.keys()
    assert {event.aggregate_field, event.key_field, *event.personal_data} <= fields
    assert event.model_fields[event.aggregate_field].is_required()
    assert event.model_fields[event.key_field].is_required()


@each_event
def test_whatever_points_at_a_person_is_declared_as_personal_data(event: type[Event]) -> None:
    pointing = {name for name in event.model_fields if PERSON_REFERENCE.match(name)}
    assert pointing <= set(event.personal_data)


@each_event
def test_no_field_holds_an_identity_a_rating_or_free_text(event: type[Event]) -> None:
    names = {name for part in objects(export.schema(event)) for name in part["properties"]}
    assert not [name for name in names if IDENTIFIES_A_PERSON.search(name)]


@each_event
def test_every_size_is_bounded(event: type[Event]) -> None:
    unbounded = [
        path for path, part in leaves("$", export.schema(event)) if not is_bounded(part) and "const" not in part
    ]
    assert not unbounded


def leaves(path: str, schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every schema of a string, number or list."""
    if isinstance(schema, dict):
        if schema.get("type") in {"string", "integer", "number", "array"}:
            yield path, schema
        for name, part in schema.items():
            if name != "default":
                yield from leaves(f"{path}.{name}", part)
    elif isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from leaves(f"{path}[{number}]", part)


def is_bounded(part: dict[str, Any]) -> bool:
    match part["type"]:
        case "string":
            anchored = part.get("pattern", "").startswith("^") and not re.search(r"[*+](?!/)", part["pattern"])
            return bool(anchored or {"maxLength", "enum", "format"} & part.keys())
        case "array":
            return "maxItems" in part
        case _:
            return {"minimum", "maximum"} <= part.keys()


def test_writing_again_changes_no_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert export.main([]) == 0
    assert capsys.readouterr().out == ""


def test_the_check_fails_and_names_the_command_when_a_schema_differs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Any
) -> None:
    monkeypatch.setattr(export, "HERE", tmp_path)
    monkeypatch.setattr(export, "SCHEMAS", tmp_path / "schemas")
    monkeypatch.setattr(export, "PUBLISHED", tmp_path / "schemas" / "published")
    monkeypatch.setattr(export, "EXAMPLES", tmp_path / "examples")
    assert export.main([]) == 0
    assert export.main(["--publish"]) == 0
    assert export.main(["--check"]) == 0

    path = tmp_path / "schemas" / "paired.v1.json"
    path.write_text(path.read_text().replace('"score"', '"points"'))
    (tmp_path / "schemas" / "stray.v1.json").write_text("{}")
    capsys.readouterr()
    assert export.main(["--check"]) == 1
    said = capsys.readouterr().out
    assert "schemas/paired.v1.json differs" in said
    assert "schemas/stray.v1.json belongs to no event" in said
    assert "run: make schemas" in said


def test_a_changed_schema_of_the_same_minor_version_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(export, "HERE", tmp_path)
    monkeypatch.setattr(export, "PUBLISHED", tmp_path)
    event = EVENTS[0]
    frozen = json.loads(json.dumps(export.schema(event)))
    frozen["description"] = "Something else."
    (tmp_path / f"{event.name}.v{event.major}.{event.minor}.json").write_text(json.dumps(frozen))
    assert [line for line in export.incompatibilities() if "raise" in line and event.__name__ in line]
