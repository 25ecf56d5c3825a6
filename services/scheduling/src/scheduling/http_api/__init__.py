"""In: HTTP -> use case. Paths are under ``/v1``."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from shared.chassis.aggregates import Cause
from shared.chassis.clock import Clock
from shared.chassis.http import Acting, Cursor, IdempotencyKey, Limit, PageOut
from shared.contracts import Ref

from ..domain.conduct import Outcome
from ..domain.sessions import Session
from ..use_cases import Conducting, Planning, Reading, Wish
from . import ics
from .representations import (
    AcceptIn,
    CancelIn,
    CompleteIn,
    FeedOut,
    MoveIn,
    ObjectiveIn,
    PlanChangeIn,
    PlanOut,
    PublicStatus,
    SessionOut,
    stored_status,
)

Id = Annotated[str, Path(max_length=200)]
PersonRef = Annotated[Ref, Path()]
Language = Annotated[ics.Language, Query(description="Language of the words in the calendar.")]
Filter = Annotated[Ref | None, Query()]


def router(*, planning: Planning, conducting: Conducting, reading: Reading, clock: Clock, public_url: str) -> APIRouter:
    """Every endpoint of scheduling."""
    api = APIRouter()
    _plans(api, planning, reading)
    _calendars(api, reading, public_url)
    _sessions(api, reading, clock)
    _conduct(api, conducting, clock)
    return api


def _plans(api: APIRouter, planning: Planning, reading: Reading) -> None:
    @api.get("/plans", tags=["plans"])
    async def list_plans(
        acting: Acting,
        *,
        pairing_id: Filter = None,
        programme_id: Filter = None,
        person_ref: Filter = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[PlanOut]:
        """Plans; participants see their own."""
        page = await reading.plans(
            acting,
            pairing_id=pairing_id,
            programme_id=programme_id,
            person_ref=person_ref,
            limit=limit,
            cursor=cursor,
        )
        return PageOut(items=[PlanOut.of(plan) for plan in page.items], next_cursor=page.next_cursor)

    @api.get("/plans/{pairing_id}", tags=["plans"])
    async def get_plan(acting: Acting, pairing_id: Id) -> PlanOut:
        """One pair's plan, with the sessions for which no time was found."""
        return PlanOut.of(await reading.plan(acting, pairing_id))

    @api.patch("/plans/{pairing_id}", tags=["plans"])
    async def amend_plan(
        acting: Acting, pairing_id: Id, body: PlanChangeIn, idempotency_key: IdempotencyKey = None
    ) -> PlanOut:
        """Make cadence and format the pair's own; sessions not yet held are planned again."""
        cause = Cause.command(acting, idempotency_key)
        return PlanOut.of(await planning.amend(pairing_id, cause, body.wanted()))


def _sessions(api: APIRouter, reading: Reading, clock: Clock) -> None:
    @api.get("/sessions", tags=["sessions"])
    async def list_sessions(
        acting: Acting,
        *,
        pairing_id: Filter = None,
        programme_id: Filter = None,
        person_ref: Filter = None,
        status: Annotated[PublicStatus | None, Query()] = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[SessionOut]:
        """Sessions, those of a pairing in the order of their numbers; participants see their own."""
        page = await reading.sessions(
            acting,
            pairing_id=pairing_id,
            programme_id=programme_id,
            person_ref=person_ref,
            status=stored_status(status),
            limit=limit,
            cursor=cursor,
        )
        now = clock.now()
        return PageOut(items=[SessionOut.of(one, now=now) for one in page.items], next_cursor=page.next_cursor)

    @api.get("/sessions/{session_id}", tags=["sessions"])
    async def get_session(acting: Acting, session_id: Id) -> SessionOut:
        """One session."""
        return SessionOut.of(await reading.session(acting, session_id), now=clock.now())


def _conduct(api: APIRouter, conducting: Conducting, clock: Clock) -> None:
    def shown(session: Session) -> SessionOut:
        return SessionOut.of(session, now=clock.now())

    @api.post("/sessions/{session_id}/accept", tags=["sessions"])
    async def accept(
        acting: Acting, session_id: Id, body: AcceptIn, idempotency_key: IdempotencyKey = None
    ) -> SessionOut:
        """A participant agrees to the time; the session is accepted once both have."""
        cause = Cause.command(acting, idempotency_key)
        return shown(await conducting.accept(session_id, cause, body.person_ref))

    @api.post("/sessions/{session_id}/move", tags=["sessions"])
    async def move(acting: Acting, session_id: Id, body: MoveIn, idempotency_key: IdempotencyKey = None) -> SessionOut:
        """Another time: any that both have free, even outside the hours they stated."""
        cause = Cause.command(acting, idempotency_key)
        return shown(await conducting.move(session_id, cause, Wish(starts_at=body.starts_at, minutes=body.minutes)))

    @api.post("/sessions/{session_id}/cancel", tags=["sessions"])
    async def cancel(
        acting: Acting, session_id: Id, body: CancelIn, idempotency_key: IdempotencyKey = None
    ) -> SessionOut:
        """The session will not take place."""
        cause = Cause.command(acting, idempotency_key)
        return shown(await conducting.cancel(session_id, cause, body.code()))

    @api.post("/sessions/{session_id}/miss", tags=["sessions"])
    async def miss(acting: Acting, session_id: Id, idempotency_key: IdempotencyKey = None) -> SessionOut:
        """Its time came and it was not held."""
        return shown(await conducting.miss(session_id, Cause.command(acting, idempotency_key)))

    @api.post("/sessions/{session_id}/complete", tags=["sessions"])
    async def complete(
        acting: Acting, session_id: Id, body: CompleteIn, idempotency_key: IdempotencyKey = None
    ) -> SessionOut:
        """It was held: when it really began, how long it took, and whether its objective was reached."""
        outcome = Outcome(
            started_at=body.started_at,
            actual_minutes=body.actual_minutes,
            objective_reached=body.objective_reached,
            note=body.note,
        )
        return shown(await conducting.complete(session_id, Cause.command(acting, idempotency_key), outcome))

    @api.patch("/sessions/{session_id}", tags=["sessions"])
    async def set_objective(
        acting: Acting, session_id: Id, body: ObjectiveIn, idempotency_key: IdempotencyKey = None
    ) -> SessionOut:
        """Give the session another objective, or words to it."""
        cause = Cause.command(acting, idempotency_key)
        return shown(await conducting.set_objective(session_id, cause, body.objective, body.objective_note))


def _calendars(api: APIRouter, reading: Reading, public_url: str) -> None:
    @api.get("/sessions/{session_id}.ics", tags=["calendars"], response_class=Response)
    async def session_entry(acting: Acting, session_id: Id, lang: Language = "en") -> Response:
        """The session as a calendar entry (RFC 5545)."""
        item = await reading.calendar_entry(acting, session_id)
        return Response(ics.invitation(item, lang), media_type=ics.MEDIA_TYPE)

    @api.post("/people/{person_ref}/calendar-feed", status_code=201, tags=["calendars"])
    async def open_feed(
        response: Response, acting: Acting, person_ref: PersonRef, idempotency_key: IdempotencyKey = None
    ) -> FeedOut:
        """A secret address for a calendar to subscribe to; one given out before stops to work."""
        response.headers["Cache-Control"] = "no-store"
        feed, token = await reading.open_feed(person_ref, Cause.command(acting, idempotency_key))
        return FeedOut(
            id=feed.id,
            version=feed.version,
            person_ref=person_ref,
            url=f"{public_url}/v1/calendar-feeds/{token}.ics",
        )

    @api.get("/calendar-feeds/{token}.ics", tags=["calendars"], response_class=Response)
    async def read_feed(token: Id, lang: Language = "en") -> Response:
        """All sessions of the person behind the secret. Needs no other authorisation."""
        items = await reading.feed(token)
        headers = {"Cache-Control": "private, max-age=300", "Referrer-Policy": "no-referrer"}
        return Response(ics.feed(items, lang), headers=headers, media_type=ics.MEDIA_TYPE)
