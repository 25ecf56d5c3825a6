"""Pairing two people, although each is a document of their own: the reservation protocol.

A pairing is first written as proposed; then it claims a place with each of the two; then it confirms itself, if it
is still proposed. Aborting decides the pairing first and gives the places back afterwards. Every step may be repeated
by anybody at any time, so a crash leaves nothing that :meth:`Places.sweep` cannot finish.

Somebody who leaves is closed by a claim of their own, so that no pairing which began earlier can still take them.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from shared.chassis.aggregates import Cause
from shared.chassis.reservations import Claim
from shared.contracts import Principal

from ..domain import pairing as decide
from ..domain.pairing import Pairing, PairingStatus
from ..domain.refusals import UnknownPairing
from .ports import Stores

PATIENCE = timedelta(seconds=30)
"""For how long a proposed pairing is left to whoever began it."""
LEFT = "left-the-programme"
"""Holder of the claim that closes a person."""
_OVER = frozenset({PairingStatus.ENDED, PairingStatus.ABORTED})


class Places:
    """Takes and gives back people's places."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def make(self, proposal: Pairing, principal: Principal) -> Pairing:
        """Make this pairing, once: active if both have a place, else aborted."""
        pairing = await self._stores.pairings.change(
            proposal.id, Cause(principal=principal), lambda present: (present or proposal, [])
        )
        return await self.settle(pairing, principal)

    async def settle(self, pairing: Pairing, principal: Principal) -> Pairing:
        """Finish a proposal, or abort it. Another pairing than a proposed one stays as it is."""
        if pairing.status is not PairingStatus.PROPOSED:
            return pairing
        claimed = await self._claim(pairing) is None
        settled = await self._change(pairing, principal, self._confirm if claimed else decide.abort)
        return await self.give_back(settled, principal)  # it may be over by now: then nothing may stay claimed

    async def give_back(self, pairing: Pairing, principal: Principal) -> Pairing:
        """Free both places of a pairing that is over; a pairing that is not keeps them."""
        if pairing.status not in _OVER:
            return pairing
        await self._stores.claims.release(pairing.tenant, pairing.id, pairing.volunteers)
        return await self._change(pairing, principal, decide.give_places_back)

    async def close(self, tenant: str, volunteer_id: str) -> None:
        """Let no pairing take this person from now on."""
        await self._stores.claims.acquire(tenant, [Claim(holder=LEFT, on=volunteer_id)], lambda _held, _claim: True)

    async def open(self, tenant: str, volunteer_id: str) -> None:
        """The person is back."""
        await self._stores.claims.release(tenant, LEFT, [volunteer_id])

    async def sweep(self) -> None:
        """Finish what others began and did not finish."""
        backlog = self._stores.backlog
        for tenant, id_ in await backlog.proposals_to_settle(self._stores.clock.now()):
            pairing = await self._stores.pairings.find(tenant, id_)
            if pairing is not None:
                await self.settle(pairing, Principal.service("matching", tenant=tenant))
        for tenant, id_ in await backlog.places_to_give_back():
            pairing = await self._stores.pairings.find(tenant, id_)
            if pairing is not None:
                await self.give_back(pairing, Principal.service("matching", tenant=tenant))

    def _confirm(self, pairing: Pairing) -> decide.Decision:
        return decide.confirm(pairing, self._stores.clock.now())

    async def _claim(self, pairing: Pairing) -> Claim | None:
        """Claim both people, in one order for everybody, so that two rivals never block each other."""
        two = await asyncio.gather(*(self._stores.candidates.find(pairing.tenant, id_) for id_ in pairing.volunteers))
        capacity = {person.id: 0 if person.withdrawn else person.capacity for person in two if person is not None}

        def fits(others: Sequence[Claim], claim: Claim) -> bool:
            return len(others) < capacity.get(claim.on, 0) and all(other.holder != LEFT for other in others)

        claims = [Claim(holder=pairing.id, on=id_) for id_ in sorted(pairing.volunteers)]
        refused = await self._stores.claims.acquire(pairing.tenant, claims, fits)
        if refused is not None and await self._free_what_nobody_holds(pairing.tenant, refused.on):
            refused = await self._stores.claims.acquire(pairing.tenant, claims, fits)
        return refused

    async def _free_what_nobody_holds(self, tenant: str, volunteer_id: str) -> bool:
        """Drop claims of pairings that are over: their holder died after claiming late. Whether there were any."""
        freed = False
        for claim in await self._stores.claims.claims(tenant, volunteer_id):
            if claim.holder == LEFT:
                continue
            holder = await self._stores.pairings.find(tenant, claim.holder)
            if holder is None or holder.status in _OVER:
                await self._stores.claims.release(tenant, claim.holder, [volunteer_id])
                freed = True
        return freed

    async def _change(self, pairing: Pairing, principal: Principal, decision: decide.Decider) -> Pairing:
        def on_present(present: Pairing | None) -> decide.Decision:
            if present is None:
                raise UnknownPairing(f"there is no pairing {pairing.id!r}")
            return decision(present)

        return await self._stores.pairings.change(pairing.id, Cause(principal=principal), on_present)
