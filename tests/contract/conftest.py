from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from shared.contracts import EVENTS, Event
from shared.contracts.schema_export import schema

Problems = Callable[[type[Event], Any], list[str]]


@pytest.fixture(scope="session")
def problems() -> Problems:
    """Says where data departs from an event's closed schema."""
    validators = {event: Draft202012Validator(schema(event)) for event in EVENTS}

    def find(event: type[Event], data: Any) -> list[str]:
        return [f"{error.json_path}: {error.message}" for error in validators[event].iter_errors(data)]

    return find
