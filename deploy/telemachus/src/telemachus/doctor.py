"""``telemachus doctor``: looks at everything an operator depends on, and says what is wrong and what to do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime

import httpx2
import typer
from shared.chassis.topics import SERVICES, TopicNames
from shared.contracts import EVENTS

from .bus import connected, reading
from .dead_letters import read
from .findings import (
    Finding,
    Level,
    fine,
    not_asked,
    of_groups,
    of_letters,
    of_outboxes,
    of_service,
    of_topics,
    wrong,
)
from .letters import waiting
from .outboxes import database_of, look
from .screen import Json, print_json, print_table
from .settings import OperatorSettings
from .topics import compared
from .trouble import Exit, Trouble

PATIENCE = 5.0

Look = Callable[[OperatorSettings], Awaitable[list[Finding]]]


def doctor(context: typer.Context, *, as_json: Json = False) -> None:
    """Look at everything, and say what is wrong and what to do. Exit code 1 if something is wrong."""
    found = asyncio.run(examine(context.obj()))
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        print_table(
            ("what", "is", "finding", "what to do"),
            [(one.subject, one.level.value, one.what, one.next_step) for one in found],
            empty="",
        )
    raise typer.Exit(Exit.WRONG if any(one.level is Level.WRONG for one in found) else Exit.FINE)


async def examine(settings: OperatorSettings) -> list[Finding]:
    """Every finding, back-ends first. What needs a back-end that is away is not asked."""
    kafka, mongo = await asyncio.gather(_kafka(settings), _mongo(settings))
    on_kafka = [_groups, _dead_letters] if kafka[0].level is Level.FINE else []
    on_mongo = [_outboxes] if mongo[0].level is Level.FINE else []
    rest = [await _looked(one, settings) for one in (*on_kafka, *on_mongo, _services)]
    return [*kafka, *mongo, *(finding for findings in rest for finding in findings)]


async def _looked(look_at: Look, settings: OperatorSettings) -> list[Finding]:
    try:
        return await look_at(settings)
    except Trouble as trouble:
        return [wrong(look_at.__name__.strip("_").replace("_", " "), trouble)]


async def _kafka(settings: OperatorSettings) -> list[Finding]:
    try:
        needed, _there, faults = await compared(settings)
    except Trouble as trouble:
        why, next_step = "Kafka does not answer", "repair that first."
        return [
            wrong("kafka", trouble),
            *(not_asked(what, why, next_step) for what in ("topics", "groups", "dead letters")),
        ]
    return [fine("kafka", f"answers at {settings.kafka_bootstrap}"), *of_topics(len(needed), faults)]


async def _mongo(settings: OperatorSettings) -> list[Finding]:
    try:
        with database_of(settings) as mongo:
            replica_set = await mongo.replica_set()
    except Trouble as trouble:
        return [wrong("mongodb", trouble), not_asked("outboxes", "MongoDB does not answer", "repair that first.")]
    if replica_set:
        return [fine("mongodb", f"answers, replica set {replica_set}")]
    return [
        fine("mongodb", "answers"),
        Finding(
            subject="mongodb",
            level=Level.NOTICE,
            what="a standalone: what its disk loses is lost",
            next_step="run a replica set of three where the data matters.",
        ),
    ]


async def _groups(settings: OperatorSettings) -> list[Finding]:
    names = TopicNames.of(settings)
    events = {event.name: names.event(event) for event in EVENTS}
    async with connected(settings) as bus:
        groups = await bus.groups(settings.topic_prefix)
        partitions = await bus.partitions(names.catalogue())
    async with reading(settings) as reader:
        ends = await reader.ends(partitions) if partitions else {}
    found: list[Finding] = []
    for service in SERVICES:
        found += of_groups(names, service, groups, ends, events | {"retry": names.retry(service)})
    return found


async def _dead_letters(settings: OperatorSettings) -> list[Finding]:
    letters = waiting(await read(settings, SERVICES))
    return [finding for service in SERVICES for finding in of_letters(service, letters)]


async def _outboxes(settings: OperatorSettings) -> list[Finding]:
    now = datetime.now(UTC)
    found = await look(settings, SERVICES, now)
    return [finding for service in SERVICES for finding in of_outboxes(service, found, now)]


async def _services(settings: OperatorSettings) -> list[Finding]:
    found: list[Finding] = []
    async with httpx2.AsyncClient(timeout=PATIENCE, trust_env=False) as client:
        for service in SERVICES:
            if url := settings.service_urls.get(service):
                found += await _asked(client, service, url.rstrip("/"))
            else:
                found.append(
                    not_asked(service, "its address is not known", "set TELEMACHUS_SERVICE_URLS (JSON: name to URL).")
                )
    return found


async def _asked(client: httpx2.AsyncClient, service: str, url: str) -> list[Finding]:
    try:
        alive, ready, status = [await client.get(f"{url}/{probe}") for probe in ("livez", "readyz", "status")]
        said = status.json()
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        trouble = Trouble(f"does not answer at {url}: {type(error).__name__}", "start it, or correct its address.")
        return [wrong(service, trouble)]
    return of_service(service, alive=alive.is_success, ready=ready.is_success, status=said)
