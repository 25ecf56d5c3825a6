import json
from collections.abc import Callable
from typing import Any

import pytest
from shared.contracts.compatibility import breaks
from shared.contracts.schema_export import PUBLISHED

Json = dict[str, Any]
Mutation = Callable[[Json], None]


@pytest.fixture
def before() -> Json:
    """Has nested parts, lists, codes, defaults and nullable fields."""
    published: Json = json.loads((PUBLISHED / "volunteered.v1.0.json").read_text())
    return published


def after(before: Json, *mutations: Mutation) -> Json:
    copy: Json = json.loads(json.dumps(before))
    for mutate in mutations:
        mutate(copy)
    return copy


def put(path: str, value: Any) -> Mutation:
    """Set what stands at a slash-separated path."""

    def mutate(schema: Json) -> None:
        *parents, last = path.split("/")
        for parent in parents:
            schema = schema[parent]
        schema[last] = value

    return mutate


def drop(path: str) -> Mutation:
    def mutate(schema: Json) -> None:
        *parents, last = path.split("/")
        for parent in parents:
            schema = schema[parent]
        del schema[last]

    return mutate


def rename(path: str, name: str) -> Mutation:
    def mutate(schema: Json) -> None:
        *parents, last = path.split("/")
        for parent in parents:
            schema = schema[parent]
        schema[name] = schema.pop(last)

    return mutate


def append(path: str, value: Any) -> Mutation:
    def mutate(schema: Json) -> None:
        found: Any = schema
        for part in path.split("/"):
            found = found[part]
        found.append(value)

    return mutate


def remove(path: str, value: Any) -> Mutation:
    def mutate(schema: Json) -> None:
        found: Any = schema
        for part in path.split("/"):
            found = found[part]
        found.remove(value)

    return mutate


READINESS = "{'charter_signed': False, 'training_completed': False, 'grid_passed': None, 'ready': False}"

ALLOWED: dict[str, list[Mutation]] = {
    "nothing": [],
    "new words": [put("description", "Other words."), put("properties/unit/description", "The unit.")],
    "a new minor version": [put("$id", "urn:telemachus:event:volunteered:1.1")],
    "an added optional field": [put("properties/nickname_code", {"type": "string", "default": "none"})],
    "an optional field added to a part": [put("$defs/Readiness/properties/interviewed", {"type": "boolean"})],
    "an optional field added to a part that has a default": [
        put("$defs/Readiness/properties/interviewed", {"type": "boolean", "default": False}),
        put("properties/readiness/default/interviewed", False),
    ],
    "a part under another name": [
        rename("$defs/Readiness", "Preparedness"),
        put("properties/readiness/$ref", "#/$defs/Preparedness"),
    ],
    "a declared reader more": [append("x-readers", "feedback")],
}

REFUSED: dict[str, tuple[list[Mutation], str]] = {
    "removed": ([drop("properties/motivation")], "$.motivation: removed or renamed"),
    "renamed": ([rename("properties/motivation", "drive")], "$.motivation: removed or renamed"),
    "removed in a part": (
        [drop("$defs/OfferedSkill/properties/level")],
        "$.skills_offered[].level: removed or renamed",
    ),
    "retyped": (
        [put("properties/motivation/type", "string")],
        "$.motivation: type 'integer' became 'string'",
    ),
    "list became a single value": (
        [put("properties/interests", {"type": "string"})],
        "$.interests: type 'array' became 'string'",
    ),
    "narrowed from above": ([put("properties/motivation/maximum", 4)], "$.motivation: maximum 5 became 4"),
    "narrowed from below": ([put("properties/capacity/minimum", 2)], "$.capacity: minimum 1 became 2"),
    "widened past what readers take": (
        [put("properties/motivation/maximum", 10)],
        "$.motivation: maximum 5 became 10",
    ),
    "shorter list": ([put("properties/interests/maxItems", 3)], "$.interests: maxItems 40 became 3"),
    "other pattern": (
        [put("properties/time_zone/pattern", "^UTC$")],
        "$.time_zone: pattern '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$' became '^UTC$'",
    ),
    "a bound where there was none": (
        [put("properties/occurred_at/maxLength", 20)],
        "$.occurred_at: maxLength (unset) became 20",
    ),
    "other meaning when absent": ([put("properties/capacity/default", 2)], "$.capacity: default 1 became 2"),
    "other meaning when a part is absent": (
        [put("properties/readiness/default/charter_signed", True)],
        f"$.readiness: default {READINESS} became {READINESS.replace('False', 'True', 1)}",
    ),
    "a default of a part that says less": (
        [put("properties/readiness/default", {})],
        f"$.readiness: default {READINESS} became {{}}",
    ),
    "new and required": (
        [put("properties/region", {"type": "string"}), append("required", "region")],
        "$.region: is new and required",
    ),
    "became required": ([append("required", "motivation")], "$.motivation: became required"),
    "no longer always there": ([remove("required", "languages")], "$.languages: no longer always there"),
    "no longer nullable": (
        [put("properties/unit", {"type": "string"})],
        "$.unit: what it may hold changed",
    ),
    "code removed": ([remove("$defs/Role/enum", "mentor")], "$.role: code 'mentor' removed"),
    "code added to a strict list": (
        [append("$defs/Role/enum", "observer")],
        "$.role: code 'observer' added, which deployed readers would refuse",
    ),
    "list of codes dropped": ([drop("$defs/Role/enum")], "$.role: a list of codes came or went"),
    "opened": ([put("additionalProperties", True)], "$: additionalProperties changed"),
    "another key": ([put("x-key", "person_ref")], "x-key: volunteer_id became person_ref"),
    "another emitter": ([put("x-emitter", "matching")], "x-emitter: enrollment became matching"),
    "another aggregate": ([put("x-aggregate", "person_ref")], "x-aggregate: volunteer_id became person_ref"),
}


@pytest.mark.parametrize("change", ALLOWED)
def test_what_a_minor_version_may_do_is_allowed(change: str, before: Json) -> None:
    assert breaks(before, after(before, *ALLOWED[change])) == []


@pytest.mark.parametrize("change", REFUSED)
def test_what_would_break_readers_or_old_messages_is_refused(change: str, before: Json) -> None:
    mutations, complaint = REFUSED[change]
    assert complaint in breaks(before, after(before, *mutations))


def test_a_tolerant_code_may_gain_a_member_but_lose_none() -> None:
    before = json.loads((PUBLISHED / "unpaired.v1.0.json").read_text())
    assert breaks(before, after(before, append("$defs/UnpairReason/enum", "moved_abroad"))) == []
    assert breaks(before, after(before, remove("$defs/UnpairReason/enum", "completed"))) == [
        "$.reason: code 'completed' removed"
    ]
