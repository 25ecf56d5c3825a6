"""What a measuring process is told, and what it answers."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

PARTITIONS = 8
"""Of the topics; enough for two processes with four readers each."""
EVENTS_PER_AGGREGATE = 4
"""The first makes the document, the others change it."""


class Side(StrEnum):
    """Whose way an event takes."""

    OURS = "ours"
    """A service on the chassis: handler, decision, outbox, relay, inbox, retry policy, metrics."""
    FLOOR = "floor"
    """The same number of bare writes, sends and reads with nothing in between."""


class Scenario(StrEnum):
    """Which part of an event's way is measured in one process."""

    WRITE = "write"
    """Commands: a compare-and-set with an event, and the event on its topic."""
    READ = "read"
    """Deliveries: an event read, a compare-and-set that remembers it, offsets committed."""
    THROUGH = "through"
    """Both at once, which is what most services do: an event read, a compare-and-set, another event sent."""

    @property
    def reads(self) -> bool:
        """Whether it is driven by records rather than by commands."""
        return self is not Scenario.WRITE

    @property
    def sends(self) -> bool:
        """Whether events come out of it."""
        return self is not Scenario.READ


@dataclass(frozen=True, kw_only=True)
class Job:
    """One measurement in one process."""

    side: Side
    scenario: Scenario
    events: int
    """How many to handle; the process ends with the last, or when nothing came for ``quiet`` seconds."""
    concurrency: int
    """Commands under way at once, or readers."""
    prefix: str
    """Of topics, groups and databases."""
    kafka: str
    mongo: str
    rate: float = 0.0
    """Commands per second; 0 is as fast as possible."""
    replicas: int = 1
    """So many processes share the topic."""
    quiet: float = 0.0
    profile: bool = False
    memory: bool = False
    """Note the memory once a second."""

    def as_dict(self) -> dict[str, Any]:
        """For the command line of the process."""
        return asdict(self)

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Job":
        """From the command line."""
        return cls(**told | {"side": Side(told["side"]), "scenario": Scenario(told["scenario"])})


@dataclass
class Result:
    """What one process saw."""

    events: int = 0
    began: float = 0.0
    ended: float = 0.0
    """Seconds since the epoch: processes of one machine can be compared."""
    cpu: float = 0.0
    """Processor seconds of all threads in between."""
    loop_cpu: float = 0.0
    """Of the event loop's thread; the rest is threads of the database driver."""
    profile: dict[str, float] = field(default_factory=dict)
    """Seconds in the event loop's thread by package."""
    memory: list[int] = field(default_factory=list)
    """Resident bytes, once a second."""
    written: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By event: when its command began and when its write was acknowledged. Only of paced commands."""

    @property
    def seconds(self) -> float:
        """From the first to the last."""
        return self.ended - self.began
