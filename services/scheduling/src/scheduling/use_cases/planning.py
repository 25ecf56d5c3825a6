"""Plans: begun by a pairing, ended by its end, made their own by the pair, and kept in step with their sessions."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from shared.chassis.aggregates import Cause
from shared.contracts import (
    CancelReason,
    Paired,
    ProgrammePublished,
    Unpaired,
    VolunteerUpdated,
    VolunteerWithdrawn,
)

from ..domain import arranging, booking, conduct, copies, plans
from ..domain.arranging import Arrangement, Circumstances, Wanted
from ..domain.plans import Plan
from ..domain.refusals import PersonAlreadyBooked, ProposalGone
from ..domain.sessions import Session, SessionChange
from .access import own_plan
from .booker import Booker, interval_of
from .ports import Due, Stores, on_our_own, present_plan, present_session, together

_ROUNDS = 4
"""How often times are chosen anew when others were faster, before the sweeper is left to go on."""


class Planning:
    """Keeps every plan and its sessions together."""

    def __init__(self, stores: Stores, booker: Booker) -> None:
        self._stores = stores
        self._booker = booker

    async def begin(self, event: Paired, cause: Cause) -> None:
        """A pairing gets its plan, and each session of it a time. Repeated, it goes on where it stopped."""
        now = self._stores.clock.now()
        decide = partial(plans.begin, paired=event, tenant=cause.tenant, now=now)
        plan = await self._stores.plans.change(event.pairing_id, cause, decide)
        if plan.attention_at is not None or not plan.is_active:
            await self.arrange(plan)

    async def end(self, event: Unpaired, cause: Cause) -> None:
        """The sessions that were not held are cancelled. Heard of before the pairing, nothing will be planned."""
        now = self._stores.clock.now()
        decide = partial(plans.end, unpaired=event, tenant=cause.tenant, now=now)
        plan = await self._stores.plans.change(event.pairing_id, cause, decide)
        await self.arrange(plan)

    async def amend(self, pairing_id: str, cause: Cause, wanted: Mapping[str, Any]) -> Plan:
        """The pair makes the format its own (3-20). Raises: NoSuchPlan, PairingEnded."""
        plan = await own_plan(self._stores.plans, cause.principal, pairing_id)
        sessions = await self._stores.sessions_of(plan)
        now = self._stores.clock.now()
        decide = partial(plans.amend, wanted=wanted, sessions=sessions.values(), now=now)
        plan = await self._stores.plans.change(pairing_id, cause, present_plan(decide))
        return await self.arrange(plan) if plan.attention_at is not None else plan

    async def hours_changed(self, event: VolunteerUpdated, cause: Cause) -> None:
        """Sessions that have a time keep it; those without one are tried again."""
        await self._stores.volunteers.keep_newest(copies.volunteer_of(event, cause.tenant))
        waiting = self._stores.plans.stream(cause.tenant, {"volunteers": event.volunteer_id, "has_unplaced": True})
        async for plan in waiting:
            sessions = await self._stores.sessions_of(plan)
            decide = partial(plans.retry, sessions=sessions.values(), now=self._stores.clock.now())
            retried = await self._stores.plans.change(plan.id, cause, present_plan(decide))
            if retried.attention_at is not None:
                await self.arrange(retried)

    async def volunteer_left(self, event: VolunteerWithdrawn, cause: Cause) -> None:
        """No further session is planned with this volunteer; the pairing's end follows as its own event."""
        await self._stores.volunteers.keep_newest(copies.gone_volunteer(event, cause.tenant))

    async def programme_published(self, event: ProgrammePublished, cause: Cause) -> None:
        """Keep the programme's name for the calendar."""
        await self._stores.programmes.keep_newest(copies.programme_of(event, cause.tenant))

    async def sweep(self) -> None:
        """Finish what a process that died, or lost a race, has left behind."""
        now = self._stores.clock.now()
        for due in await self._stores.unfinished.sessions(now):
            await self._finish_session(due)
        for due in await self._stores.unfinished.plans(now):
            plan = await self._stores.plans.find(due.tenant, due.id)
            if plan is not None and plan.attention_at is not None:
                await self.arrange(plan)

    async def arrange(self, plan: Plan) -> Plan:
        """Bring plan and sessions together; where others keep taking the chosen times, the sweeper goes on later."""
        for _ in range(_ROUNDS):
            wanted = arranging.arrange(plan, await self._stores.sessions_of(plan), await self._circumstances(plan))
            if not await self._carry_out(plan, wanted):
                continue
            seen = plan
            decide = partial(plans.arranged, seen=seen, unplaced=wanted.unplaced, now=self._stores.clock.now())
            plan = await self._stores.plans.change(plan.id, on_our_own(plan.tenant), present_plan(decide))
            if plan.version == seen.version or (plan.attention_at is None and plan.status is seen.status):
                break
        return plan

    async def _circumstances(self, plan: Plan) -> Circumstances:
        stores = self._stores
        mentor, mentee = await together(stores.volunteers.find(plan.tenant, volunteer) for volunteer in plan.volunteers)
        calendars = await together(stores.calendars.claims(plan.tenant, person) for person in plan.people)
        return Circumstances(
            mentor=copies.hours_of(plan.mentor, mentor),
            mentee=copies.hours_of(plan.mentee, mentee),
            claimed=[(claim.holder, interval_of(claim)) for calendar in calendars for claim in calendar],
            now=stores.clock.now(),
            somebody_left=any(volunteer is not None and volunteer.gone for volunteer in (mentor, mentee)),
        )

    async def _carry_out(self, plan: Plan, wanted: Arrangement) -> bool:
        """Do what was chosen; False when a time was taken meanwhile."""
        reason = CancelReason.PLAN_CHANGED if plan.is_active else CancelReason.UNPAIRED
        await together(self._withdraw(session, reason) for session in wanted.give_up)
        await together(self._keep(kept) for kept in wanted.keep)
        proposed = await together(self._propose(taken) for taken in wanted.take)
        return await self._booker.book([*proposed, *wanted.finish])

    async def _propose(self, wanted: Wanted) -> Session:
        now = self._stores.clock.now()
        return await self._stores.sessions.change(
            wanted.place.session_id,
            on_our_own(wanted.place.tenant),
            lambda session: booking.place(session, wanted.place, wanted.time, now=now),
        )

    async def _keep(self, wanted: Wanted) -> None:
        now = self._stores.clock.now()
        await self._change(
            wanted.place.tenant,
            wanted.place.session_id,
            lambda session: booking.keep_time(session, wanted.place, wanted.time, now=now),
        )

    async def _withdraw(self, session: Session, reason: CancelReason) -> None:
        now = self._stores.clock.now()
        withdrawn = await self._change(
            session.tenant, session.id, lambda present: conduct.withdraw(present, reason, now=now)
        )
        await self._booker.tidy(withdrawn)

    async def _finish_session(self, due: Due) -> None:
        session = await self._stores.sessions.find(due.tenant, due.id)
        if session is None or session.attention_at is None:
            return
        plan = await self._stores.plans.get(due.tenant, session.pairing_id)
        if session.proposal is not None and not plan.is_active:
            await self._withdraw(session, CancelReason.UNPAIRED)
            return
        try:
            await self._booker.finish(session)
        except (PersonAlreadyBooked, ProposalGone):
            if session.may_be_placed:
                await self.arrange(plan)

    async def _change(self, tenant: str, session_id: str, decide: Callable[[Session], SessionChange]) -> Session:
        return await self._stores.sessions.change(session_id, on_our_own(tenant), present_session(decide))
