"""What was looked at, and what it means: pure judgements, with the next step for each that is not fine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from aiokafka import TopicPartition
from shared.chassis.topics import TopicNames

from .bus import Group
from .letters import PAGE, Letter
from .outboxes import Outbox
from .topics import Fault
from .trouble import Trouble

OUTBOX_PATIENCE = timedelta(seconds=60)
"""A relay needs milliseconds; after a crash at most half a minute and a sweep."""


class Level(StrEnum):
    """How bad it is. Only ``wrong`` makes the exit code 1."""

    FINE = "fine"
    NOTICE = "notice"
    WRONG = "wrong"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    subject: str
    level: Level
    what: str
    next_step: str = ""


def fine(subject: str, what: str) -> Finding:
    """Nothing to do."""
    return Finding(subject=subject, level=Level.FINE, what=what)


def wrong(subject: str, trouble: Trouble) -> Finding:
    """What could not be looked at."""
    return Finding(subject=subject, level=Level.WRONG, what=trouble.what, next_step=trouble.next_step)


def not_asked(subject: str, why: str, next_step: str) -> Finding:
    """What nobody knows yet."""
    return Finding(subject=subject, level=Level.NOT_ASKED, what=why, next_step=next_step)


def of_topics(needed: int, faults: Sequence[Fault]) -> list[Finding]:
    """The topics' shape."""
    if not faults:
        return [fine("topics", f"all {needed} are as they should be")]
    return [
        Finding(subject=fault.topic, level=Level.WRONG, what=fault.what, next_step=fault.next_step) for fault in faults
    ]


def of_groups(
    names: TopicNames,
    service: str,
    groups: Mapping[str, Group],
    ends: Mapping[TopicPartition, int],
    topics: Mapping[str, str],
) -> list[Finding]:
    """Whether a service's consumers live, and how far they are behind.

    Args:
        names: How groups are named.
        service: Whose groups.
        groups: Those that exist, by name.
        ends: Of every partition of the platform's topics.
        topics: The topic that a group reads, by what it reads (an event's name, or ``retry``).
    """
    mine = {reads: groups[name] for reads in topics if (name := names.group(service, reads)) in groups}
    if "retry" not in mine:  # every service that reads anything has this one
        return [
            Finding(
                subject=f"{service} groups",
                level=Level.WRONG,
                what="the service has never read from this bus",
                next_step=f"start {service} with this TELEMACHUS_KAFKA_BOOTSTRAP and _TOPIC_PREFIX; see its log.",
            )
        ]
    lag = {reads: _behind(group, topics[reads], ends) for reads, group in mine.items()}
    dead = sorted(reads for reads, group in mine.items() if not group.members)
    behind = ", ".join(f"{reads} {count}" for reads, count in sorted(lag.items()) if count)
    if dead:
        return [
            Finding(
                subject=f"{service} groups",
                level=Level.WRONG,
                what=f"nobody reads {', '.join(dead)}" + (f"; unread: {behind}" if behind else ""),
                next_step=f"start {service}; if it runs, its /status says what its consumers wait for.",
            )
        ]
    if behind:
        return [
            Finding(
                subject=f"{service} groups",
                level=Level.NOTICE,
                what=f"unread: {behind}",
                next_step="look again in a minute; if it grows, add replicas (up to the partitions) or read the log.",
            )
        ]
    return [fine(f"{service} groups", f"{len(mine)} groups live, nothing unread")]


def _behind(group: Group, topic: str, ends: Mapping[TopicPartition, int]) -> int:
    """Records not applied. What a group never committed on, it has all before it."""
    return sum(
        max(0, end - max(0, group.committed.get(partition, 0)))
        for partition, end in ends.items()
        if partition.topic == topic
    )


def of_outboxes(service: str, outboxes: Sequence[Outbox], now: datetime) -> list[Finding]:
    """Whether what is stored reaches the bus."""
    mine = [outbox for outbox in outboxes if outbox.service == service]
    oldest = min((one.waiting.oldest for one in mine if one.waiting.oldest), default=None)
    if oldest is None or now - oldest < OUTBOX_PATIENCE:
        count = sum(one.waiting.documents for one in mine)
        return [fine(f"{service} outbox", f"{count} documents on their way" if count else "empty")]
    seconds = int((now - oldest).total_seconds())
    where = ", ".join(f"{one.collection} {one.waiting.documents}" for one in mine)
    return [
        Finding(
            subject=f"{service} outbox",
            level=Level.WRONG,
            what=f"events wait for {seconds} s: {where}",
            next_step=f"is {service} running, with kafka_producer ok in its /status? Its log says why sends fail.",
        )
    ]


def of_letters(service: str, waiting: Sequence[Letter]) -> list[Finding]:
    """Whether somebody must look at dead letters."""
    mine = [letter for letter in waiting if letter.address.service == service]
    if not mine:
        return [fine(f"{service} dead letters", "none wait")]
    reasons = {reason: sum(one.reason == reason for one in mine) for reason in sorted({one.reason for one in mine})}
    return [
        Finding(
            subject=f"{service} dead letters",
            level=Level.WRONG,
            what=f"{len(mine)} wait: " + ", ".join(f"{count} {reason}" for reason, count in reasons.items()),
            next_step=f"`telemachus dlq list --service {service}`, then re-drive or discard ({PAGE}).",
        )
    ]


def of_service(service: str, *, alive: bool, ready: bool, status: Mapping[str, Any]) -> list[Finding]:
    """What a service says of itself."""
    said = [
        (not alive, "a consumer is stuck or dead", "restart it; its log says where it stopped."),
        (not ready, "it is not ready: MongoDB does not answer it", "check its TELEMACHUS_MONGO_URI and the database."),
        *(
            (status.get(side) != "ok", f"{side} is {status.get(side)}", "its settings or the bus are wrong; see above.")
            for side in ("kafka_producer", "kafka_consumers")
        ),
    ]
    bad = [
        Finding(subject=service, level=Level.WRONG, what=what, next_step=next_step)
        for fails, what, next_step in said
        if fails
    ]
    return bad or [fine(service, "alive, ready, on the bus")]
