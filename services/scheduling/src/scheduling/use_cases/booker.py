"""Carries out the booking protocol of :mod:`scheduling.domain.booking` on the sessions and the two calendars."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from shared.chassis.reservations import Claim

from ..domain import booking
from ..domain.refusals import PersonAlreadyBooked, ProposalGone
from ..domain.sessions import Proposal, Session, SessionChange
from ..domain.zones import Interval
from .ports import Stores, on_our_own, present_session, together


def interval_of(claim: Claim) -> Interval:
    """The time that a claim takes. Every claim on a calendar has one."""
    assert claim.start is not None
    assert claim.end is not None
    return Interval(claim.start, claim.end)


def no_overlap(others: Sequence[Claim], claim: Claim) -> bool:
    """Nobody is in two sessions at once. A session never stands in its own way while it moves."""
    wanted, own = interval_of(claim), booking.session_of(claim.holder)
    return not any(wanted.overlaps(interval_of(other)) for other in others if booking.session_of(other.holder) != own)


class Booker:
    """Finishes what a session proposes. Any number of processes may work on the same one."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def book(self, proposed: Sequence[Session]) -> bool:
        """Finish several proposals of one pair at once; False when a time was taken by somebody else meanwhile."""
        waiting = [(session, session.proposal) for session in proposed if session.proposal is not None]
        if not waiting:
            return True
        by_person: dict[str, list[Claim]] = defaultdict(list)
        for session, proposal in waiting:
            for claim in _claims(session, proposal):
                by_person[claim.on].append(claim)
        tenant = waiting[0][0].tenant
        blocked = await together(
            self._stores.calendars.acquire(tenant, claims, no_overlap) for claims in by_person.values()
        )
        if all(claim is None for claim in blocked):
            return all(await together(_succeeds(self._confirm(*one)) for one in waiting))
        return all(await together(_succeeds(self.finish(session)) for session, _ in waiting))

    async def finish(self, session: Session) -> Session:
        """Book what the session proposes, or give it up.

        Raises:
            PersonAlreadyBooked: One of the two is busy then; the session keeps the time that it had.
            ProposalGone: Somebody else gave the proposal up or replaced it.
        """
        proposal = session.proposal
        if proposal is None:
            return await self.tidy(session)
        claims = _claims(session, proposal)
        blocked = await self._stores.calendars.acquire(session.tenant, claims, no_overlap)
        if blocked is not None and await self._drop_strays(session.tenant, blocked):
            blocked = await self._stores.calendars.acquire(session.tenant, claims, no_overlap)
        if blocked is None:
            return await self._confirm(session, proposal)
        now = self._stores.clock.now()
        left = await self._change(session, lambda present: booking.give_up(present, proposal.holder, now=now))
        if booking.stands(left, proposal.holder):  # another process was luckier with the same proposal
            return left
        if proposal.holder not in left.stale:  # another one gave it up already, perhaps before we claimed in its name
            await self._stores.calendars.release(session.tenant, proposal.holder, session.people)
        await self.tidy(left)
        who = "mentor" if blocked.on == session.mentor.person_ref else "mentee"
        raise PersonAlreadyBooked(f"the {who} has another session at that time", field="starts_at")

    async def tidy(self, session: Session) -> Session:
        """Release the claims that the session needs no more."""
        if not session.stale:
            return session
        for holder in session.stale:
            await self._stores.calendars.release(session.tenant, holder, session.people)
        return await self._change(session, lambda present: booking.released(present, session.stale))

    async def _confirm(self, session: Session, proposal: Proposal) -> Session:
        now = self._stores.clock.now()
        try:
            confirmed = await self._change(session, lambda present: booking.confirm(present, proposal.holder, now=now))
        except ProposalGone:  # what was claimed in its name stands for nothing any more
            await self._stores.calendars.release(session.tenant, proposal.holder, session.people)
            raise
        return await self.tidy(confirmed)

    async def _drop_strays(self, tenant: str, wanted: Claim) -> bool:
        """Remove claims in the way that stand for nothing, left by a process that died; whether there were any."""
        dropped = False
        for claim in await self._stores.calendars.claims(tenant, wanted.on):
            if not no_overlap([claim], wanted):
                holder = await self._stores.sessions.find(tenant, booking.session_of(claim.holder))
                if not booking.stands(holder, claim.holder):
                    await self._stores.calendars.release(tenant, claim.holder, [wanted.on])
                    dropped = True
        return dropped

    async def _change(self, session: Session, decide: Callable[[Session], SessionChange]) -> Session:
        return await self._stores.sessions.change(session.id, on_our_own(session.tenant), present_session(decide))


async def _succeeds(booking_of_one: Awaitable[Session]) -> bool:
    """False where somebody else was faster; any other error is one."""
    try:
        await booking_of_one
    except (PersonAlreadyBooked, ProposalGone):
        return False
    return True


def _claims(session: Session, proposal: Proposal) -> list[Claim]:
    """The same proposal always makes the same claims, so claiming may be repeated."""
    start, end = proposal.time.occupied
    return [Claim(holder=proposal.holder, on=person, start=start, end=end) for person in session.people]
