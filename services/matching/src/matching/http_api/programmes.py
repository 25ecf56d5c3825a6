"""The pool of a programme, its locks and its exclusions."""

from fastapi import APIRouter, Response, status
from shared.chassis.http import Acting, Cursor, IdempotencyKey, Limit, PageOut
from shared.contracts import Role

from ..domain.restriction import RestrictionKind
from ..use_cases import Matching
from .inputs import ProgrammeId, RestrictionId, TwoVolunteersIn
from .outputs import CandidateOut, PoolOut, RestrictionOut


def router(matching: Matching) -> APIRouter:
    """Everything below ``/programmes/{programme_id}`` but runs and re-matches."""
    routes = APIRouter(prefix="/programmes/{programme_id}", tags=["pool"])

    @routes.get("/pool")
    async def pool(principal: Acting, programme_id: ProgrammeId) -> PoolOut:
        """How many people and places there are, and how many pairings."""
        return PoolOut.model_validate(await matching.pool.figures(principal, programme_id))

    @routes.get("/candidates")
    async def candidates(
        principal: Acting,
        programme_id: ProgrammeId,
        role: Role | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[CandidateOut]:
        """Who is in the pool."""
        page = await matching.pool.candidates(principal, programme_id, role, limit=limit, cursor=cursor)
        return PageOut(items=[CandidateOut.of(person) for person in page.items], next_cursor=page.next_cursor)

    routes.include_router(_restrictions(matching, RestrictionKind.LOCK, "/locks"))
    routes.include_router(_restrictions(matching, RestrictionKind.EXCLUSION, "/exclusions"))
    return routes


def _restrictions(matching: Matching, kind: RestrictionKind, path: str) -> APIRouter:
    routes = APIRouter(prefix=path, tags=[path.strip("/")])

    @routes.post(
        "", status_code=status.HTTP_201_CREATED, name=f"add_{kind}", responses={200: {"model": RestrictionOut}}
    )
    async def add(
        principal: Acting,
        programme_id: ProgrammeId,
        two: TwoVolunteersIn,
        response: Response,
        key: IdempotencyKey = None,
    ) -> RestrictionOut:
        """Hold two people together, or keep them apart; 200 where it already was so."""
        restriction, is_new = await matching.restrictions.add(
            principal,
            kind,
            programme_id,
            mentor_id=two.mentor_volunteer_id,
            mentee_id=two.mentee_volunteer_id,
            key=key,
        )
        response.status_code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return RestrictionOut.of(restriction)

    @routes.get("", name=f"list_{kind}s")
    async def page(
        principal: Acting, programme_id: ProgrammeId, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[RestrictionOut]:
        """Those in force."""
        found = await matching.restrictions.page(principal, kind, programme_id, limit=limit, cursor=cursor)
        items = [RestrictionOut.of(restriction) for restriction in found.items]
        return PageOut(items=items, next_cursor=found.next_cursor)

    @routes.delete("/{restriction_id}", status_code=status.HTTP_204_NO_CONTENT, name=f"remove_{kind}")
    async def remove(
        principal: Acting, programme_id: ProgrammeId, restriction_id: RestrictionId, key: IdempotencyKey = None
    ) -> None:
        """Take it back."""
        await matching.restrictions.remove(principal, kind, programme_id, restriction_id, key=key)

    return routes
