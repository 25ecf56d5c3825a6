"""``telemachus replay``: what a service keeps of others, built anew from the log (requirement B-01)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from aiokafka import TopicPartition
from shared.chassis.dead_letter import REDRIVES_HEADER
from shared.chassis.kafka_sender import KafkaSender
from shared.chassis.topics import TopicNames
from shared.contracts import EVENTS

from .bus import Reader, connected, reading, told
from .screen import Json, counting, print_json, print_table, say
from .settings import OperatorSettings, chosen
from .trouble import Trouble

BY_NAME = {event.name: event for event in EVENTS}


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What was done with one topic."""

    event: str
    topic: str
    expired: int
    """Records that the topic does not keep any more: what only they told cannot be built again."""
    unread: int
    """Records that the service has not come to yet; it will by itself."""
    other: int
    """Records that the filters leave out."""
    replayed: int


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which records."""

    since: datetime | None
    aggregate: str | None

    def takes(self, record: Any) -> bool:
        """Whether a record is one of them."""
        if self.since is not None and record.timestamp < self.since.timestamp() * 1000:
            return False
        return self.aggregate is None or any(
            name == "ce_subject" and value == self.aggregate.encode() for name, value in record.headers
        )


def replay(
    context: typer.Context,
    *,
    service: Annotated[str, typer.Argument(help="Who reads again.", autocompletion=lambda: list(chosen(None)))],
    events: Annotated[
        list[str] | None, typer.Argument(metavar="EVENT...", help="Such as volunteer_updated; else all that it reads.")
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="Only records of this time (UTC) or later.")] = None,
    aggregate: Annotated[str | None, typer.Option(help="Only events of this id, such as vol_…")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be read again.")] = False,
    as_json: Json = False,
) -> None:
    """Let one service read again what is left of the log: lost copies come back, and what is there stays as it is.

    The records go to the topic that only this service reads. Nobody has to stop, and no other service notices.
    """
    chosen(service)
    settings: OperatorSettings = context.obj()
    when = since.replace(tzinfo=since.tzinfo or UTC) if since else None
    done = asyncio.run(_replay(settings, service, events or (), Wanted(since=when, aggregate=aggregate), dry_run))
    if as_json:
        print_json([asdict(one) for one in done])
        return
    print_table(
        ("event", "would be replayed" if dry_run else "replayed", "left out", "not read yet", "expired"),
        [(one.event, one.replayed, one.other, one.unread, one.expired) for one in done],
        empty=f"{service} reads nothing.",
    )
    if gone := [one.event for one in done if one.expired]:
        say(f"The beginning of {', '.join(gone)} has expired: what only those records told does not come back.")


async def _replay(
    settings: OperatorSettings, service: str, events: Sequence[str], wanted: Wanted, dry_run: bool
) -> list[Replayed]:
    names = TopicNames.of(settings)
    committed = await _read_by(settings, service)
    if unknown := sorted(set(events) - set(committed)):
        raise Trouble(
            f"{service} does not read {', '.join(unknown)}.",
            f"name some of {', '.join(sorted(committed))}." if committed else "start the service once.",
        )
    done: list[Replayed] = []
    async with reading(settings) as reader:
        await reader.partitions(names.retry(service))
        for event in sorted(events or committed):
            replayed, records = await _chosen(reader, event, names.event(BY_NAME[event]), committed[event], wanted)
            if not dry_run:
                await _send(settings, names.retry(service), f"replaying {event}", records)
            done.append(replayed)
    return done


async def _read_by(settings: OperatorSettings, service: str) -> dict[str, Mapping[TopicPartition, int]]:
    """The events that a service reads, by name, with how far it has come."""
    prefix = TopicNames.of(settings).group(service, "")
    async with connected(settings) as bus:
        groups = await bus.groups(prefix)
    read = {name.removeprefix(prefix): group.committed for name, group in groups.items()}
    return {name: committed for name, committed in read.items() if name in BY_NAME}


async def _chosen(
    reader: Reader, event: str, topic: str, committed: Mapping[TopicPartition, int], wanted: Wanted
) -> tuple[Replayed, list[Any]]:
    """What will be done with one topic, and the records in the order of each partition."""
    records = await reader.records(topic)
    starts = await reader.starts(await reader.partitions(topic))
    read = [record for record in records if record.offset < committed.get(TopicPartition(topic, record.partition), 0)]
    taken = [record for record in read if wanted.takes(record)]
    replayed = Replayed(
        event=event,
        topic=topic,
        expired=sum(starts.values()),
        unread=len(records) - len(read),
        other=len(read) - len(taken),
        replayed=len(taken),
    )
    return replayed, taken


async def _send(settings: OperatorSettings, topic: str, title: str, records: Sequence[Any]) -> None:
    """One after the other, so that events of one key stay in their order."""
    sender = KafkaSender(settings)
    with told(settings, title):
        await sender.start()
        try:
            with counting(title, records) as each:
                for record in each:
                    headers = [(name, value) for name, value in record.headers if name != REDRIVES_HEADER]
                    await sender.send(topic, key=record.key, value=record.value, headers=headers)
        finally:
            await sender.stop()
