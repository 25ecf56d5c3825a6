"""Each service reads what it says it reads, emits only what is its own, and takes the published examples."""

import ast
import importlib
import inspect
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest
from shared.contracts import EVENTS, Delivery, ErasureApplied, Event, PersonErased
from shared.contracts.cloud_events import event_type, from_record
from shared.contracts.example_messages import example_messages
from shared.contracts.schema_export import readers

SERVICES = ("enrollment", "matching", "scheduling", "feedback")
NOT_EMITTED_YET = {PersonErased, ErasureApplied}
"""Published ahead of their use case, so that nobody builds on an event name that means something else later."""

ROOT = Path(__file__).parents[2]
KNOWN = {event_type(event): event for event in EVENTS}
Handler = Callable[[Delivery[Any]], Awaitable[None]]

each_service = pytest.mark.parametrize("service", SERVICES)


class RecordingBus:
    """Takes subscriptions like the bus, and delivers nothing by itself."""

    def __init__(self) -> None:
        self.handlers: dict[type[Event], Handler] = {}

    def subscribe(self, event: type[Event]) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            assert event not in self.handlers, f"{event.name} is subscribed to twice"
            self.handlers[event] = handler
            return handler

        return register


def subscriptions(service: str) -> tuple[dict[type[Event], Handler], list[AsyncMock]]:
    """The handlers of a service, over use cases that only note that they were called."""
    consumers = importlib.import_module(f"{service}.consumers").consumers
    bus, use_cases = RecordingBus(), []
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in inspect.signature(consumers).parameters.values():
        if parameter.name == "bus":
            argument: Any = bus
        else:
            argument = AsyncMock()
            use_cases.append(argument)
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            named[parameter.name] = argument
        else:
            positional.append(argument)
    consumers(*positional, **named)
    return bus.handlers, use_cases


def own_events(service: str) -> set[type[Event]]:
    return {event for event in EVENTS if event.emitter == service} - NOT_EMITTED_YET


def modules(service: str) -> Iterator[tuple[str, ast.Module]]:
    for path in (ROOT / "services" / service / "src" / service).rglob("*.py"):
        yield path.stem, ast.parse(path.read_text(encoding="utf-8"))


def constructed(service: str) -> set[str]:
    """The names of everything that the service's code calls."""
    return {
        node.func.id
        for _, tree in modules(service)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def mentioned(service: str) -> set[str]:
    """The names that the code uses outside its subscriptions and its composition root."""
    return {
        node.id
        for module, tree in modules(service)
        if module not in {"consumers", "main"}
        for node in ast.walk(tree)
        if isinstance(node, ast.Name)
    }


@each_service
async def test_a_service_takes_the_examples_of_every_event_it_subscribes_to(service: str) -> None:
    handlers, use_cases = subscriptions(service)
    assert handlers
    for event, handler in handlers.items():
        for message in example_messages(event):
            for use_case in use_cases:
                use_case.reset_mock()
            headers = [(name, text.encode()) for name, text in message["headers"].items()]
            await handler(from_record(json.dumps(message["value"]).encode(), headers, KNOWN))
            assert any(use_case.mock_calls for use_case in use_cases), f"{service} ignores {event.name}"


@pytest.mark.parametrize("event", [event for event in EVENTS if event not in NOT_EMITTED_YET])
def test_the_readers_named_in_an_events_documentation_are_those_that_subscribe(event: type[Event]) -> None:
    subscribed = {service for service in SERVICES if event in subscriptions(service)[0]}
    assert subscribed - {event.emitter} == set(readers(event))


@each_service
def test_a_service_constructs_no_event_that_another_service_emits(service: str) -> None:
    foreign = {event.__name__ for event in EVENTS if event.emitter not in {service, "any"}}
    assert not constructed(service) & foreign


@each_service
def test_a_service_has_a_use_for_every_event_it_is_the_emitter_of(service: str) -> None:
    assert {event.__name__ for event in own_events(service)} <= mentioned(service)


@each_service
def test_the_asyncapi_document_names_what_is_read_and_what_is_emitted(service: str) -> None:
    operations = json.loads((ROOT / "docs" / "asyncapi" / f"{service}.json").read_text(encoding="utf-8"))["operations"]
    read = {f"receive_{event.name}" for event in subscriptions(service)[0]}
    sent = {f"send_{event.name}" for event in own_events(service)}
    assert operations.keys() == read | sent | {"send_dead_letter", "receive_redriven"}


@each_service
def test_a_services_readme_names_every_event_that_it_reads_and_emits(service: str) -> None:
    readme = (ROOT / "services" / service / "README.md").read_text(encoding="utf-8")
    events = {*subscriptions(service)[0], *own_events(service)}
    assert not [event.name for event in events if f"`{event.name}`" not in readme]
