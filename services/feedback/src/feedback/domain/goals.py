import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts import GoalReached

GOALS = uuid.UUID("0b0d1b0c-77a4-5f3e-8f43-2c6f5d9f8d11")
"""Namespace of goal identifiers. Changing it would let every goal be reached again."""


@dataclass(frozen=True, kw_only=True)
class PairGoal:
    """A goal that a pairing has reached. Written once; it does not say which of the two reported it."""

    id: str
    tenant: str
    version: int
    pairing_id: str
    programme_id: str
    goal: str
    reached_at: datetime


def goal_id(tenant: str, pairing_id: str, goal: str) -> str:
    """The same goal of the same pairing always has the same identifier."""
    return f"goal_{uuid.uuid5(GOALS, f'{tenant}/{pairing_id}/{goal}').hex}"


def reach(
    known: PairGoal | None, goal: str, *, tenant: str, pairing_id: str, programme_id: str, now: datetime
) -> tuple[PairGoal, Sequence[GoalReached]]:
    """One of the two says that the goal is reached. Said again, by either, it changes nothing."""
    if known is not None:
        return known, []
    reached = PairGoal(
        id=goal_id(tenant, pairing_id, goal),
        tenant=tenant,
        version=1,
        pairing_id=pairing_id,
        programme_id=programme_id,
        goal=goal,
        reached_at=now,
    )
    event = GoalReached(
        goal_id=reached.id,
        pairing_id=pairing_id,
        programme_id=programme_id,
        goal=goal,
        version=reached.version,
        occurred_at=now,
    )
    return reached, [event]
