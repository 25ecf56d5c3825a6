"""What is compared: commands as the client noted them, records as they lie on the topics, documents as stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]

READERS: Mapping[str, Sequence[str]] = {
    "enrollment": ("paired", "unpaired"),
    "matching": (
        "programme_published",
        "volunteered",
        "volunteer_updated",
        "volunteer_withdrawn",
        "pairing_at_risk",
        "feedback_submitted",
        "goal_reached",
    ),
    "scheduling": (
        "paired",
        "unpaired",
        "volunteer_updated",
        "volunteer_withdrawn",
        "programme_published",
        "feedback_submitted",
    ),
    "feedback": (
        "programme_published",
        "paired",
        "unpaired",
        "session_scheduled",
        "session_rescheduled",
        "session_completed",
        "session_missed",
        "session_cancelled",
        "feedback_submitted",
    ),
}
"""Which service reads which events, as the table in each service's README says."""
WITH_OUTBOX: Mapping[str, Sequence[str]] = {
    "enrollment": ("programmes", "volunteers", "people_imports"),
    "matching": ("pairings", "match_runs", "renewals", "restrictions", "studies"),
    "scheduling": ("plans", "sessions", "feeds"),
    "feedback": ("responses", "journeys", "goals", "closings"),
}
"""Collections whose documents carry an outbox; those that are there and not listed are looked at, too."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """One command of the client, and the events that it owes: name, aggregate, whether nobody else emits the same."""

    outcome: str
    kind: str
    key: str
    owes: tuple[tuple[str, str, bool], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record on an event topic."""

    event: str
    """The event's name, from the topic's."""
    id: str
    """``ce_id``: aggregate, full stop, number; unlike any other of the same source."""
    source: str
    """The service that emitted it."""
    partition: int
    offset: int
    digest: bytes = b""
    """Of the value."""
    data: Document = field(default_factory=dict)
    """The part of the payload that is compared."""

    @property
    def aggregate(self) -> str:
        """Of which it tells."""
        return self.id.rpartition(".")[0]

    @property
    def number(self) -> int:
        """Its place among the aggregate's events, from 1."""
        return int(self.id.rpartition(".")[2])

    @property
    def version(self) -> int:
        """The aggregate's version that it tells of."""
        return int(self.data["version"])


@dataclass(frozen=True, kw_only=True)
class Rest:
    """What is still on its way; all zero when the platform is quiet."""

    outbox: Mapping[str, int] = field(default_factory=dict)
    """Documents with something to send, by collection."""
    lag: Mapping[str, int] = field(default_factory=dict)
    """Records that a group has not applied, by group."""
    unfinished: Mapping[str, int] = field(default_factory=dict)
    """Documents that some process has still to finish, by collection."""
    records: int = 0
    """On all topics."""

    @property
    def is_quiet(self) -> bool:
        """Nothing is on its way."""
        return not (any(self.outbox.values()) or any(self.lag.values()) or any(self.unfinished.values()))


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything that a verdict is based on."""

    commands: Sequence[Command] = ()
    records: Sequence[Record] = ()
    dead_letters: Sequence[str] = ()
    """One line for each: where it lies, what it is, and why."""
    documents: Mapping[str, Mapping[str, Document]] = field(default_factory=dict)
    """By collection, such as ``matching.pairings``, and ``_id``."""
    active_pairings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """What the API of matching says: both volunteers, by pairing."""
    rest: Rest = field(default_factory=Rest)
