"""Choosing a mentor: for mentees, about themselves."""

from fastapi import APIRouter, status
from shared.chassis.http import Acting, IdempotencyKey

from ..use_cases import Matching
from .inputs import ChoiceIn, ProgrammeId
from .outputs import PairingOut, ShortListOut


def router(matching: Matching) -> APIRouter:
    """``/programmes/{programme_id}/shortlist`` and ``.../choices``."""
    routes = APIRouter(prefix="/programmes/{programme_id}", tags=["choices"])

    @routes.get("/shortlist")
    async def get_short_list(principal: Acting, programme_id: ProgrammeId) -> ShortListOut:
        """The five best mentors who are free for the mentee who asks, with the reasons. It changes with the pool."""
        return ShortListOut.of(await matching.choices.short_list(principal, programme_id))

    @routes.post("/choices", status_code=status.HTTP_201_CREATED)
    async def choose(
        principal: Acting, programme_id: ProgrammeId, wanted: ChoiceIn, key: IdempotencyKey = None
    ) -> PairingOut:
        """Pair the mentee who asks with a mentor of their short list, at once."""
        made = await matching.choices.choose(principal, programme_id, wanted.mentor_volunteer_id, key=key)
        return PairingOut.of(made, principal)

    return routes
