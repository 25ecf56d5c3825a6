"""``telemachus outbox``: events that are stored and not yet on the bus."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from pymongo.errors import PyMongoError
from shared.chassis.mongo import DatabaseUnavailable, Mongo
from shared.chassis.publications import Incomplete, incomplete
from shared.chassis.settings import ServiceSettings

from .screen import Json, age, print_json, print_table
from .settings import OperatorSettings, chosen
from .trouble import Exit, Trouble

app = typer.Typer(no_args_is_help=True, help="Outboxes: what is stored and not yet on the bus. Changes nothing.")


@dataclass(frozen=True, kw_only=True)
class Outbox:
    """The incomplete publications of one collection."""

    service: str
    collection: str
    waiting: Incomplete


@contextmanager
def database_of(settings: ServiceSettings) -> Iterator[Mongo]:
    """The database of the settings' service. Raises: Trouble, when it does not answer."""
    try:
        mongo = Mongo(
            settings.mongo_uri.get_secret_value(),
            settings.mongo_database,
            timeout_ms=settings.mongo_timeout_ms,
            selection_timeout_ms=settings.mongo_selection_timeout_ms,
        )
        try:
            yield mongo
        finally:
            mongo.close()
    except DatabaseUnavailable as error:
        raise _away("MongoDB did not answer", error) from error
    except PyMongoError as error:  # its words may quote the URI, password included: only its class is told
        raise _away("MongoDB refused", type(error).__name__) from error


def _away(what: str, why: object) -> Trouble:
    return Trouble(
        f"{what}: {why}.",
        "check that it runs, that TELEMACHUS_MONGO_URI is right, and that its user may read.",
        Exit.UNREACHABLE,
    )


async def look(settings: OperatorSettings, services: Sequence[str], now: datetime) -> tuple[Outbox, ...]:
    """The collections with incomplete publications. Raises: Trouble, when MongoDB does not answer."""
    found = []
    for service in services:
        with database_of(settings.of(service)) as mongo:
            for name in await mongo.collection_names():
                waiting = await incomplete(mongo.collection(name), now)
                if waiting.documents:
                    found.append(Outbox(service=service, collection=name, waiting=waiting))
    return tuple(found)


@app.command()
def status(
    context: typer.Context,
    *,
    service: Annotated[
        str | None, typer.Option(help="Only this service.", autocompletion=lambda: list(chosen(None)))
    ] = None,
    as_json: Json = False,
) -> None:
    """Per collection: documents with waiting events, the oldest, leases held, and the most failed tries."""
    now = datetime.now(UTC)
    found = asyncio.run(look(context.obj(), chosen(service), now))
    if as_json:
        print_json([{"service": one.service, "collection": one.collection} | asdict(one.waiting) for one in found])
        return
    print_table(
        ("service", "collection", "documents", "events", "oldest", "leased", "failed tries"),
        [
            (
                one.service,
                one.collection,
                one.waiting.documents,
                one.waiting.events,
                age(one.waiting.oldest, now) if one.waiting.oldest else "",
                one.waiting.leased,
                one.waiting.tries,
            )
            for one in found
        ],
        empty="Every event is on the bus.",
    )
