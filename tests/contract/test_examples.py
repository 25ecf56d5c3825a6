import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from shared.contracts import EVENTS, Event, Volunteered, VolunteerUpdated, VolunteerWithdrawn
from shared.contracts.cloud_events import Undecodable, event_type, from_record
from shared.contracts.event import MAX_INTEGER
from shared.contracts.example_messages import example_messages
from shared.contracts.schema_export import EXAMPLES, schema

from .strategies import data_of

Json = dict[str, Any]
Problems = Callable[[type[Event], Any], list[str]]

KNOWN = {event_type(event): event for event in EVENTS}
MESSAGES = [
    pytest.param(event, message, id=f"{event.name}-{number}")
    for event in EVENTS
    for number, message in enumerate(
        json.loads((EXAMPLES / f"{event.name}.v{event.major}.json").read_text(encoding="utf-8"))
    )
]
each_example = pytest.mark.parametrize(("event", "message"), MESSAGES)
each_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)


def read(message: Json, **changed: Any) -> Event:
    """Read an example as a consumer would, with some fields replaced."""
    value = json.dumps(message["value"] | changed).encode()
    headers = [(name, text.encode()) for name, text in message["headers"].items()]
    return from_record(value, headers, KNOWN).event


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value inside a message, at any depth."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, (*path, name))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from places(part, (*path, number))


def replaced(value: Json, path: tuple[str | int, ...], new: Any) -> Json:
    """A copy with one place changed."""
    copy: Any = json.loads(json.dumps(value))
    found = copy
    for step in path[:-1]:
        found = found[step]
    found[path[-1]] = new
    changed: Json = copy
    return changed


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def test_every_event_has_an_example() -> None:
    assert {parameters.values[0] for parameters in MESSAGES} == set(EVENTS)


@each_example
def test_an_example_satisfies_its_schema(event: type[Event], message: Json, problems: Problems) -> None:
    assert problems(event, message["value"]) == []


@each_example
def test_an_example_is_read_and_written_again_unchanged(event: type[Event], message: Json) -> None:
    read_back = read(message)
    assert type(read_back) is event
    assert read_back.model_dump(mode="json") == message["value"]
    assert json.loads(read_back.model_dump_json()) == message["value"]


@each_example
def test_an_examples_headers_agree_with_its_value(event: type[Event], message: Json) -> None:
    headers = message["headers"]
    written = read(message)
    assert message["key"] == headers["ce_partitionkey"] == written.key
    assert headers["ce_subject"] == written.aggregate_id
    assert headers["ce_id"].rpartition(".")[0] == written.aggregate_id
    emitters = {event.emitter} if event.emitter != "any" else {"matching", "scheduling", "feedback"}
    assert headers["ce_source"].removeprefix("/mentoring/") in emitters


@each_example
def test_no_example_emits_what_only_a_reader_may_conclude(event: type[Event], message: Json) -> None:
    assert '"unknown"' not in json.dumps(message["value"])


@each_example
def test_fields_of_a_newer_minor_version_are_ignored(event: type[Event], message: Json) -> None:
    value = message["value"]
    for path in places(value):
        part = at(value, path)
        if isinstance(part, dict):
            value = replaced(value, path, part | {"added_later": {"deep": [1, 2, 3]}})
    assert read({**message, "value": value | {"added_later": "yes"}}) == read(message)


@each_example
def test_an_unknown_code_is_read_as_unknown_where_codes_may_grow(event: type[Event], message: Json) -> None:
    tolerant = {
        code
        for definition in schema(event).get("$defs", {}).values()
        if "unknown" in definition.get("enum", ())
        for code in definition["enum"]
    }
    for path in places(message["value"]):
        if at(message["value"], path) in [*tolerant] and isinstance(path[-1], str):
            newer = replaced(message["value"], path, "added_in_a_newer_version")
            if path[-1] in {"code", "skill", "goal", "objective", "term", "metric"}:
                continue  # an open catalogue: any code is as good as another
            assert at(read({**message, "value": newer}).model_dump(mode="json"), path) == "unknown"


@pytest.mark.parametrize("event", [Volunteered, VolunteerUpdated, VolunteerWithdrawn])
def test_a_role_that_does_not_exist_is_refused(event: type[Event]) -> None:
    for message in example_messages(event):
        with pytest.raises(Undecodable, match="role"):
            read(message, role="observer")


@each_example
def test_integers_that_no_database_can_hold_are_refused(event: type[Event], message: Json) -> None:
    for path in places(message["value"]):
        number = at(message["value"], path)
        if isinstance(number, int) and not isinstance(number, bool):
            for huge in (MAX_INTEGER + 1, 10**400, -(10**400)):
                with pytest.raises(Undecodable) as refusal:
                    read({**message, "value": replaced(message["value"], path, huge)})
                assert refusal.value.reason == "schema"


@each_example
def test_a_value_of_another_json_type_is_refused(event: type[Event], message: Json) -> None:
    """A number written as text, or true for 1, is another type as well: no reader guesses."""
    others: list[Any] = ["7", True, 7, 7.5, ["7"], {"value": 7}]
    for path in places(message["value"]):
        value = at(message["value"], path)
        for other in others:
            is_its_own = type(other) is type(value) or (isinstance(value, float) and type(other) is int)
            if value is None or is_its_own or (isinstance(value, str) and isinstance(other, str)):
                continue
            with pytest.raises(Undecodable) as refusal:
                read({**message, "value": replaced(message["value"], path, other)})
            assert refusal.value.reason == "schema", (path, other)


@each_example
def test_a_missing_required_field_is_refused_and_named(event: type[Event], message: Json) -> None:
    for name in schema(event)["required"]:
        value = {field: part for field, part in message["value"].items() if field != name}
        with pytest.raises(Undecodable, match=rf"^{name}: "):
            read({**message, "value": value})


@each_example
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00"])
def test_a_moment_that_does_not_exist_in_utc_is_refused(event: type[Event], message: Json, moment: str) -> None:
    with pytest.raises(Undecodable, match="occurred_at"):
        read(message, occurred_at=moment)


@each_example
def test_a_moment_without_an_offset_is_refused(event: type[Event], message: Json) -> None:
    with pytest.raises(Undecodable, match="occurred_at"):
        read(message, occurred_at="2026-03-01T09:00:00")


@each_example
def test_events_are_frozen(event: type[Event], message: Json) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read(message).version = 2  # type: ignore[misc] # the point


@each_event
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(draw=st.data())
def test_whatever_the_schema_allows_is_read_and_what_is_written_satisfies_the_schema(
    event: type[Event], draw: st.DataObject, problems: Problems
) -> None:
    value = draw.draw(data_of(event))
    assert problems(event, value) == []
    event_read = event.model_validate_json(json.dumps(value), strict=True)
    assert problems(event, json.loads(event_read.model_dump_json())) == []
    assert event.model_validate_json(event_read.model_dump_json(), strict=True) == event_read
