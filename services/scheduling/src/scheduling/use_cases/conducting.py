"""What people do with their sessions."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from shared.chassis.aggregates import Cause
from shared.chassis.dead_letter import NotYetKnown
from shared.contracts import CancelReason, FeedbackSubmitted

from ..domain import booking, conduct, copies
from ..domain.conduct import Outcome
from ..domain.plans import Plan
from ..domain.refusals import NotAParticipant, OnlyForYourself, PairingEnded, ProposalGone, SessionBeingMoved
from ..domain.sessions import Session, SessionChange, Side, Time
from ..domain.slots import Hours, fits_hours
from ..domain.zones import Interval
from .access import own_plan, own_session
from .booker import Booker
from .ports import Stores, present_session


@dataclass(frozen=True, kw_only=True)
class Wish:
    """When somebody wants a session to be."""

    starts_at: datetime
    minutes: int | None = None
    """None keeps the present length."""


class Conducting:
    """Accept, move, cancel, miss, complete. A person acts on their own sessions, a programme manager on all."""

    def __init__(self, stores: Stores, booker: Booker) -> None:
        self._stores = stores
        self._booker = booker

    async def accept(self, session_id: str, cause: Cause, person_ref: str) -> Session:
        """A participant agrees to the time. Raises: NoSuchSession, NotAParticipant, OnlyForYourself, ..."""
        session = await self._own(session_id, cause)
        if person_ref not in session.people:
            raise NotAParticipant("this person does not take part in the session", field="person_ref")
        if not cause.principal.acts_for(person_ref):
            raise OnlyForYourself("you can accept in your own name only", field="person_ref")
        now = self._stores.clock.now()
        return await self._change(session_id, cause, lambda present: conduct.accept(present, person_ref, now=now))

    async def move(self, session_id: str, cause: Cause, wish: Wish) -> Session:
        """Another time, which both people must have free; their stated hours only decide what is reported.

        Raises: NoSuchSession, PairingEnded, ImplausibleTime, PersonAlreadyBooked, SessionBeingMoved, ProposalGone, or
        why the session is not open.
        """
        session = await self._own(session_id, cause)
        session.require_open()
        plan = await own_plan(self._stores.plans, cause.principal, session.pairing_id)
        if not plan.is_active:
            raise PairingEnded("the pairing has ended")
        now = self._stores.clock.now()
        plan.require_reach(wish.starts_at, now=now, field="starts_at")
        mentor, mentee = await self._hours(plan)
        time = _time(session, wish, mentor, mentee)
        subject = cause.principal.subject
        decide = partial(
            booking.move,
            time=time,
            asked_by=subject if subject in session.people else None,
            sides=(
                Side(person_ref=session.mentor.person_ref, time_zone=mentor.time_zone),
                Side(person_ref=session.mentee.person_ref, time_zone=mentee.time_zone),
            ),
            layout=plan.layout,
            now=now,
        )
        proposed = await self._change(session_id, cause, decide)
        if proposed.proposal is None:  # it is there already, or this command was given before
            if proposed.is_open and proposed.time == time:
                return await self._booker.tidy(proposed)
            raise ProposalGone("this time could not be kept; ask for it again")
        if proposed.proposal.time != time:
            raise SessionBeingMoved("somebody is moving this session right now; look again in a moment")
        return await self._booker.finish(proposed)

    async def cancel(self, session_id: str, cause: Cause, reason: CancelReason) -> Session:
        """The session will not take place. Raises: NoSuchSession, or why it is not open."""
        return await self._settle(session_id, cause, partial(conduct.cancel, reason=reason))

    async def miss(self, session_id: str, cause: Cause) -> Session:
        """It was not held. Raises: NoSuchSession, SessionNotStarted, or why it is not open."""
        return await self._settle(session_id, cause, conduct.miss)

    async def complete(self, session_id: str, cause: Cause, outcome: Outcome) -> Session:
        """It was held. Raises: NoSuchSession, StartedInTheFuture, StartedFarFromPlan, or why it is not open."""
        return await self._settle(session_id, cause, partial(conduct.complete, outcome=outcome))

    async def set_objective(self, session_id: str, cause: Cause, objective: str | None, note: str | None) -> Session:
        """Another objective, or words to it (4-17). Raises: NoSuchSession, or why it is not open."""
        return await self._settle(session_id, cause, partial(conduct.set_objective, objective=objective, note=note))

    async def feedback_submitted(self, event: FeedbackSubmitted, cause: Cause) -> None:
        """Count the answers. Raises: NotYetKnown."""

        def decide(session: Session | None) -> SessionChange:
            if session is None:
                raise NotYetKnown(f"session {event.session_id}")
            return conduct.count_answers(session, event.answers)

        await self._stores.sessions.change(event.session_id, cause, decide)

    async def _settle(self, session_id: str, cause: Cause, decide: Callable[..., SessionChange]) -> Session:
        await self._own(session_id, cause)
        now = self._stores.clock.now()
        changed = await self._change(session_id, cause, lambda session: decide(session, now=now))
        return await self._booker.tidy(changed)

    async def _own(self, session_id: str, cause: Cause) -> Session:
        return await own_session(self._stores.sessions, cause.principal, session_id)

    async def _change(self, session_id: str, cause: Cause, decide: Callable[[Session], SessionChange]) -> Session:
        return await self._stores.sessions.change(session_id, cause, present_session(decide))

    async def _hours(self, plan: Plan) -> tuple[Hours, Hours]:
        mentor, mentee = plan.volunteers
        return (
            copies.hours_of(plan.mentor, await self._stores.volunteers.find(plan.tenant, mentor)),
            copies.hours_of(plan.mentee, await self._stores.volunteers.find(plan.tenant, mentee)),
        )


def _time(session: Session, wish: Wish, mentor: Hours, mentee: Hours) -> Time:
    present = session.time
    time = Time(
        starts_at=wish.starts_at,
        minutes=present.minutes if wish.minutes is None else wish.minutes,
        modality=present.modality,
        travel_minutes=present.travel_minutes,
    )
    inside = fits_hours(Interval(time.starts_at, time.ends_at), mentor, mentee)
    return replace(time, outside_availability=not inside)
