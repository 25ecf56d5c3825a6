"""The AsyncAPI documents are what the services serve, and hold together."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import Draft7Validator
from shared.chassis.asyncapi import asyncapi_document
from shared.chassis.topics import TopicNames
from shared.contracts import EVENTS
from shared.testing import asyncapi_export

FOLDER = Path(__file__).parents[2] / "docs" / "asyncapi"
COMPONENT = re.compile(r"^[\w.\-]+$")

each_document = pytest.mark.parametrize("service", ["enrollment", "matching", "scheduling", "feedback"])


def document(service: str) -> Any:
    return json.loads((FOLDER / f"{service}.json").read_text(encoding="utf-8"))


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def resolve(whole: Any, reference: str) -> Any:
    for step in reference.removeprefix("#/").split("/"):
        whole = whole[step]
    return whole


def test_the_checked_in_documents_are_the_served_ones() -> None:
    complaints = asyncapi_export.drift(FOLDER)
    assert not complaints, "\n".join([*complaints, "run: make schemas"])


def test_settings_of_this_machine_leave_no_trace_in_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMACHUS_TOPIC_PREFIX", "elsewhere.")
    assert "elsewhere." not in "".join(asyncapi_export.documents().values())


@each_document
def test_a_document_is_asyncapi_3(service: str) -> None:
    whole = document(service)
    assert whole["asyncapi"] == "3.0.0"
    ApplicationSchema.model_validate(whole)
    for kind in whole["components"].values():
        assert all(COMPONENT.match(name) for name in kind)


@each_document
def test_every_reference_points_at_something(service: str) -> None:
    whole = document(service)
    for reference in references(whole):
        assert resolve(whole, reference)


@each_document
def test_an_operation_uses_only_messages_of_its_channel(service: str) -> None:
    whole = document(service)
    for operation in whole["operations"].values():
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


@each_document
def test_the_examples_satisfy_the_schemas_beside_them(service: str) -> None:
    whole = document(service)
    for message in whole["components"]["messages"].values():
        for example in message.get("examples", ()):
            for part, data in (("headers", example["headers"]), ("payload", example["payload"])):
                schema = {"allOf": [message[part]], "components": whole["components"]}
                Draft7Validator(schema).validate(data)


@each_document
def test_the_correlation_is_found_where_the_document_says(service: str) -> None:
    whole = document(service)
    for message in whole["components"]["messages"].values():
        if "correlationId" in message:
            header = message["correlationId"]["location"].removeprefix("$message.header#/")
            assert all(header in example["headers"] for example in message["examples"])


def test_house_rules_for_topic_names_reach_the_document() -> None:
    names = TopicNames("acme.", {"paired": "acme.hr.pairing.created.v1"})
    by_name = {event.name: event for event in EVENTS}
    whole = asyncapi_document(
        service="scheduling",
        title="Scheduling",
        description="When.",
        topics=names,
        reads={by_name["paired"]: "A plan."},
        emits=[by_name["session_scheduled"]],
    )
    assert {channel["address"] for channel in whole["channels"].values()} == {
        "acme.hr.pairing.created.v1",
        "acme.session_scheduled.v1",
        "acme.scheduling.dlq",
        "acme.scheduling.retry",
    }
    assert whole["operations"]["receive_paired"]["bindings"]["kafka"]["groupId"]["const"] == "acme.scheduling.paired"


def test_parts_of_one_name_are_the_same_in_every_event() -> None:
    """They share one place in the document."""
    seen: dict[str, Any] = {}
    for event in EVENTS:
        whole = asyncapi_document(
            service="x", title="x", description="x", topics=TopicNames("", {}), reads={}, emits=[event]
        )
        for name, part in whole["components"]["schemas"].items():
            assert seen.setdefault(name, part) == part


def test_writing_and_checking(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(asyncapi_export, "FOLDER", tmp_path)
    monkeypatch.setattr(asyncapi_export, "documents", lambda: {"matching": "{}\n"})
    assert asyncapi_export.main(["--check"]) == 1
    assert "run: make schemas" in capsys.readouterr().out
    assert asyncapi_export.main([]) == 0
    assert asyncapi_export.main(["--check"]) == 0
    assert asyncapi_export.main(["--wrong"]) == 2
