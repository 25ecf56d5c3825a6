"""Data of any event, drawn from its published schema: an opinion on what is valid that is not the model's own."""

from datetime import UTC, date, datetime
from typing import Any

from hypothesis import strategies as st
from shared.contracts import Event
from shared.contracts.schema_export import schema

Json = dict[str, Any]
Data = st.SearchStrategy[Any]


def data_of(event: type[Event]) -> Data:
    """Anything that the closed schema of an event allows, with optional fields there or not."""
    document = schema(event)
    return _values(document, document)


def _values(part: Json, document: Json) -> Data:
    if "$ref" in part:
        return _values(document["$defs"][part["$ref"].removeprefix("#/$defs/")], document)
    if "anyOf" in part:
        return st.one_of([_values(choice, document) for choice in part["anyOf"]])
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if part["type"] == "object":
        return _objects(part, document)
    if part["type"] == "array":
        items = _values(part["items"], document)
        return st.lists(items, min_size=part.get("minItems", 0), max_size=min(part["maxItems"], 4))
    return _scalars(part)


def _scalars(part: Json) -> Data:
    match part["type"]:
        case "string":
            return _strings(part)
        case "integer":
            return st.integers(part["minimum"], part["maximum"])
        case "number":
            return st.floats(part["minimum"], part["maximum"], allow_nan=False)
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
        case unknown:
            raise TypeError(f"a schema of type {unknown}")


def _objects(part: Json, document: Json) -> Data:
    fields = {name: _values(field, document) for name, field in part["properties"].items()}
    required = {name: fields.pop(name) for name in part.get("required", ())}
    whole = st.fixed_dictionaries(required, optional=fields)
    if part.get("title") == "WeeklyWindow":  # the one rule that JSON Schema cannot say
        return whole.filter(lambda window: window["start"] < window["end"])
    return whole


def _strings(part: Json) -> Data:
    match part.get("format"):
        case "date-time":
            moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
            return moments.map(lambda moment: moment.isoformat().replace("+00:00", "Z"))
        case "date":
            return st.dates(date(1, 1, 1), date(9999, 12, 31)).map(date.isoformat)
        case _:
            pass
    if "pattern" in part:
        return st.from_regex(part["pattern"], fullmatch=True)
    return st.text(st.characters(codec="utf-8"), min_size=part.get("minLength", 0), max_size=part["maxLength"])
