"""What the use cases need from outside."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from shared.chassis.aggregates import Aggregates, Cause
from shared.chassis.clock import Clock
from shared.chassis.projections import Projections
from shared.chassis.reservations import Reservations
from shared.contracts import Principal

from ..domain.copies import ProgrammeCopy, VolunteerCopy
from ..domain.feeds import Feed
from ..domain.plans import Plan, PlanChange
from ..domain.refusals import NoSuchPlan, NoSuchSession
from ..domain.sessions import Session, SessionChange

T = TypeVar("T")

Calendars = Reservations
"""One document per person: every time that is claimed."""


@dataclass(frozen=True)
class Due:
    """Something that was begun and not finished."""

    tenant: str
    id: str


class Unfinished(Protocol):
    """Finds what a process that died, or lost a race, has left behind; over all tenants."""

    async def sessions(self, now: datetime) -> Sequence[Due]:
        """Sessions whose attention time has come."""
        ...

    async def plans(self, now: datetime) -> Sequence[Due]:
        """Plans whose attention time has come."""
        ...


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Everything that scheduling keeps."""

    plans: Aggregates[Plan]
    sessions: Aggregates[Session]
    feeds: Aggregates[Feed]
    volunteers: Projections[VolunteerCopy]
    programmes: Projections[ProgrammeCopy]
    calendars: Calendars
    unfinished: Unfinished
    clock: Clock

    async def sessions_of(self, plan: Plan) -> dict[int, Session]:
        """Every session of the plan, announced or not, by number."""
        found = self.sessions.stream(plan.tenant, {"pairing_id": plan.id})
        return {session.number: session async for session in found}


async def together(steps: Iterable[Awaitable[T]]) -> list[T]:
    """Every step at the same time; an error is raised only once all have ended, so that none goes on unwatched."""
    outcomes = await asyncio.gather(*steps, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


def on_our_own(tenant: str) -> Cause:
    """The service itself goes on with what it began; each step of it is safe to repeat."""
    return Cause(principal=Principal.service("scheduling", tenant=tenant))


def present_session(decide: Callable[[Session], SessionChange]) -> Callable[[Session | None], SessionChange]:
    """A decision on a session that must be there. Raises: NoSuchSession."""

    def decision(session: Session | None) -> SessionChange:
        if session is None:
            raise NoSuchSession("there is no such session")
        return decide(session)

    return decision


def present_plan(decide: Callable[[Plan], PlanChange]) -> Callable[[Plan | None], PlanChange]:
    """A decision on a plan that must be there. Raises: NoSuchPlan."""

    def decision(plan: Plan | None) -> PlanChange:
        if plan is None:
            raise NoSuchPlan("there is no such plan")
        return decide(plan)

    return decision
