"""The whole story of the examples, told to each service on a real MongoDB: once, again, and backwards."""

import importlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import chain
from typing import Any

import pytest
from pymongo import MongoClient
from shared.chassis.dead_letter import NotYetKnown
from shared.chassis.messaging import Bus
from shared.contracts import EVENTS, Delivery, Event
from shared.contracts.cloud_events import event_type, from_record
from shared.contracts.example_messages import example_events, example_messages

pytestmark = pytest.mark.integration

KNOWN = {event_type(event): event for event in EVENTS}
Problems = Callable[[type[Event], Any], list[str]]
Contents = dict[str, list[dict[str, Any]]]

# Enrollment is told of its own volunteers only, and the examples are of nobody's: its own suite covers it.
each_service = pytest.mark.parametrize("service", ["matching", "scheduling", "feedback"])


def story(bus: Bus) -> list[Delivery[Event]]:
    """Every example that the service subscribes to, in the order in which it all happened."""
    deliveries: list[Delivery[Event]] = []
    for event in dict.fromkeys(type(example) for example in example_events()):
        if event in bus.subscriptions:
            for message in example_messages(event):
                headers = [(name, text.encode()) for name, text in message["headers"].items()]
                deliveries.append(from_record(json.dumps(message["value"]).encode(), headers, KNOWN))
    return sorted(deliveries, key=lambda delivery: delivery.event.occurred_at)


@asynccontextmanager
async def running_on(service: str, mongo_uri: str, prefix: str) -> AsyncIterator[Bus]:
    """The service's real handlers, use cases and repository; no Kafka, deliveries are handed in."""
    settings = importlib.import_module(f"{service}.settings").Settings(
        mongo_uri=mongo_uri, mongo_database_prefix=f"{prefix}_"
    )
    app = importlib.import_module(f"{service}.main").build(settings)
    supervisor = app.state.supervisor
    for step in supervisor._prepare:
        await step()
    try:
        yield supervisor._bus
    finally:
        supervisor._mongo.close()


async def tell(bus: Bus, deliveries: list[Delivery[Event]]) -> list[Delivery[Event]]:
    """Hand deliveries over one by one; return those that refer to something not known yet."""
    early = []
    for delivery in deliveries:
        try:
            await bus._dispatch(delivery, "")
        except NotYetKnown:
            early.append(delivery)
    return early


def contents(mongo_uri: str, database: str) -> Contents:
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        collections = client[database]
        return {
            name: sorted(collections[name].find(), key=lambda document: str(document["_id"]))
            for name in collections.list_collection_names()
        }


@each_service
async def test_events_that_come_again_or_late_change_nothing(service: str, mongo_uri: str, mongo_database: str) -> None:
    async with running_on(service, mongo_uri, mongo_database) as bus:
        deliveries = story(bus)
        assert deliveries
        early = await tell(bus, await tell(bus, deliveries))
        told = contents(mongo_uri, f"{mongo_database}_{service}")
        assert any(told.values())
        await tell(bus, [delivery for delivery in deliveries if delivery not in early])
        await tell(bus, [delivery for delivery in reversed(deliveries) if delivery not in early])
        assert contents(mongo_uri, f"{mongo_database}_{service}") == told


@each_service
async def test_what_a_service_answers_to_the_story_satisfies_the_published_schemas(
    service: str, mongo_uri: str, mongo_database: str, problems: Problems
) -> None:
    by_name = {event.name: event for event in EVENTS}
    async with running_on(service, mongo_uri, mongo_database) as bus:
        deliveries = story(bus)
        await tell(bus, await tell(bus, deliveries))
        found = contents(mongo_uri, f"{mongo_database}_{service}")
        for document in chain.from_iterable(found.values()):
            for entry in document.get("outbox", ()):
                event = by_name[entry["name"]]
                assert event.emitter == service
                assert problems(event, json.loads(entry["data"])) == []
                assert entry["type"] == event_type(event)


@each_service
async def test_a_story_told_backwards_ends_in_the_same_state(service: str, mongo_uri: str, mongo_database: str) -> None:
    """No order across topics is assumed: late events find their place, early ones wait for what they refer to."""
    states = []
    for turn, backwards in enumerate((False, True)):
        prefix = f"{mongo_database}_{turn}"
        async with running_on(service, mongo_uri, prefix) as bus:
            waiting = story(bus)
            if backwards:
                waiting.reverse()
            while (still := await tell(bus, waiting)) and len(still) < len(waiting):
                waiting = still
        states.append(known(contents(mongo_uri, f"{prefix}_{service}")))
    assert states[0] == states[1]


def known(found: Contents) -> dict[str, list[str]]:
    """Which documents there are."""
    return {name: [str(document["_id"]) for document in documents] for name, documents in found.items() if documents}
