"""Pairings: look, end, replace."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from shared.chassis.http import Acting, Cursor, IdempotencyKey, Limit, PageOut

from ..domain.pairing import PairingStatus
from ..use_cases import Matching
from .inputs import REF, PairingId, ProgrammeId, ReMatchIn, UnpairIn
from .outputs import PairingOut, ReMatchOut

RefFilter = Annotated[str | None, Query(pattern=REF)]


def router(matching: Matching) -> APIRouter:
    """``/pairings`` and ``/programmes/{programme_id}/re-match``."""
    routes = APIRouter(tags=["pairings"])

    @routes.get("/pairings")
    async def list_pairings(
        principal: Acting,
        *,
        programme_id: RefFilter = None,
        status: Literal["active", "ended"] | None = None,
        person_ref: RefFilter = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[PairingOut]:
        """Pairings by programme, status and person; people see their own."""
        page = await matching.pairings.page(
            principal,
            programme_id=programme_id,
            status=PairingStatus(status) if status else None,
            person_ref=person_ref,
            limit=limit,
            cursor=cursor,
        )
        return PageOut(
            items=[PairingOut.of(pairing, principal) for pairing in page.items], next_cursor=page.next_cursor
        )

    @routes.get("/pairings/{pairing_id}")
    async def get_pairing(principal: Acting, pairing_id: PairingId) -> PairingOut:
        """A pairing, with its score decomposed."""
        return PairingOut.of(await matching.pairings.get(principal, pairing_id), principal)

    @routes.post("/pairings/{pairing_id}/unpair")
    async def unpair(
        principal: Acting, pairing_id: PairingId, wanted: UnpairIn, key: IdempotencyKey = None
    ) -> PairingOut:
        """End a pairing for a reason that blames nobody."""
        ended = await matching.pairings.unpair(principal, pairing_id, wanted.reason, key=key)
        return PairingOut.of(ended, principal)

    @routes.post("/programmes/{programme_id}/re-match")
    async def re_match(
        principal: Acting, programme_id: ProgrammeId, wanted: ReMatchIn, key: IdempotencyKey = None
    ) -> ReMatchOut:
        """End a pairing and give each of the two the best partner who is free, never each other again."""
        outcome = await matching.pairings.re_match(
            principal, programme_id, wanted.pairing_id, wanted.effective_on, key=key
        )
        return ReMatchOut.of(outcome, principal)

    return routes
