"""A small aggregate and its events, for the chassis' own tests."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from shared.contracts import Event, GoalReached, Role

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Part:
    role: Role
    weight: int


@dataclass(frozen=True, kw_only=True)
class Sample:
    id: str
    tenant: str
    version: int
    count: int = 0
    tags: frozenset[str] = frozenset()
    parts: tuple[Part, ...] = ()
    born: date | None = None
    seen_at: datetime | None = None
    by_number: dict[int, str] = field(default_factory=dict)


def reached(sample_id: str, version: int, *, goal: str = "inclusion") -> GoalReached:
    return GoalReached(
        version=version, occurred_at=NOON, goal_id=sample_id, pairing_id="pair_1", programme_id="prog_1", goal=goal
    )


def counted(old: Sample | None, *, id: str = "a") -> tuple[Sample, list[Event]]:
    """Count one more, and say so."""
    if old is None:
        return Sample(id=id, tenant="default", version=1, count=1), [reached(id, 1)]
    return replace(old, version=old.version + 1, count=old.count + 1), [reached(old.id, old.version + 1)]
