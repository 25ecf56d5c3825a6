from fastapi import APIRouter, status
from shared.chassis.aggregates import Cause
from shared.chassis.http import Acting, Cursor, IdempotencyKey, Limit, PageOut

from ..domain import RequestStatus
from ..use_cases import Feedback
from .inputs import AnswerIn, Id, RefFilter
from .outputs import KpisOut, OwnAnswerOut, RequestOut, ResponseOut, TakenOut, TimelineOut


def router(feedback: Feedback) -> APIRouter:
    """The HTTP interface of feedback."""
    routes = APIRouter()
    _requests(routes, feedback)
    _programmes(routes, feedback)
    return routes


def _requests(routes: APIRouter, feedback: Feedback) -> None:
    @routes.get("/requests", tags=["requests"])
    async def list_requests(
        *,
        acting: Acting,
        programme_id: RefFilter = None,
        session_id: RefFilter = None,
        pairing_id: RefFilter = None,
        person_ref: RefFilter = None,
        status: RequestStatus | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[RequestOut]:
        """The acting person's own requests."""
        filters = {"programme_id": programme_id, "session_id": session_id, "pairing_id": pairing_id}
        page = await feedback.requests(
            acting,
            {name: value for name, value in filters.items() if value is not None},
            person_ref=person_ref,
            status=status,
            limit=limit,
            cursor=cursor,
        )
        items = [RequestOut.model_validate(request) for request in page.items]
        return PageOut(items=items, next_cursor=page.next_cursor)

    @routes.get("/requests/{request_id}", tags=["requests"])
    async def get_request(acting: Acting, request_id: Id) -> RequestOut:
        """One of the acting person's own requests; anybody else's is not found."""
        return RequestOut.model_validate(await feedback.request(acting, request_id))

    @routes.post("/requests/{request_id}/answers", tags=["requests"], status_code=status.HTTP_201_CREATED)
    async def answer(acting: Acting, request_id: Id, said: AnswerIn, key: IdempotencyKey = None) -> TakenOut:
        """Answer for oneself, once, in time. Nobody can answer for somebody else."""
        taken = await feedback.answer(acting, request_id, said.person_ref, said.at, Cause.command(acting, key))
        return TakenOut.model_validate(taken)

    @routes.get("/requests/{request_id}/answers/mine", tags=["requests"])
    async def own_answer(acting: Acting, request_id: Id, person_ref: RefFilter = None) -> OwnAnswerOut:
        """The acting person's own answer, with its free text."""
        return OwnAnswerOut.model_validate(await feedback.own_answer(acting, request_id, person_ref))


def _programmes(routes: APIRouter, feedback: Feedback) -> None:
    @routes.get("/programmes/{programme_id}/answers", tags=["programmes"])
    async def answers(
        acting: Acting, programme_id: Id, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[ResponseOut]:
        """Answers with their free text, for the programme officer only. Every reading is noted."""
        page = await feedback.answers(acting, programme_id, limit=limit, cursor=cursor)
        return PageOut(items=[ResponseOut.of(response) for response in page.items], next_cursor=page.next_cursor)

    @routes.get("/programmes/{programme_id}/kpis", tags=["programmes"])
    async def kpis(acting: Acting, programme_id: Id) -> KpisOut:
        """The programme's figures; ratings only above the anonymity floor."""
        return KpisOut.of(await feedback.kpis(acting, programme_id))

    @routes.post("/programmes/{programme_id}/close", tags=["programmes"])
    async def close(acting: Acting, programme_id: Id, key: IdempotencyKey = None) -> KpisOut:
        """Make the final report. No answer is taken afterwards."""
        return KpisOut.of(await feedback.close(acting, programme_id, Cause.command(acting, key)))

    @routes.get("/pairings/{pairing_id}/timeline", tags=["pairings"])
    async def timeline(acting: Acting, pairing_id: Id) -> TimelineOut:
        """What happened in a pairing, without any rating."""
        return TimelineOut.of(*await feedback.timeline(acting, pairing_id))
