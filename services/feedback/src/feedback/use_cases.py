"""What feedback can do: take what happened, ask, take answers, and show what may be shown."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from shared.chassis.aggregates import Aggregates, Cause, Change, Page
from shared.chassis.clock import Clock
from shared.chassis.dead_letter import NotYetKnown
from shared.chassis.projections import Projections
from shared.contracts import (
    AccessRole,
    FeedbackSubmitted,
    Paired,
    Principal,
    ProgrammePublished,
    SessionCompleted,
    SessionEvent,
    Unpaired,
)

from . import domain
from .domain import (
    Answer,
    AnswerCounts,
    Charter,
    Closing,
    Journey,
    Kpis,
    LogEntry,
    NoAnswerYet,
    NoSuchPairing,
    NoSuchProgramme,
    NoSuchRequest,
    NotAsked,
    OwnRequest,
    PairCounts,
    PairGoal,
    Rating,
    Reading,
    RequestStatus,
    Response,
    Tally,
)

MANAGER = AccessRole.PROGRAMME_MANAGER
OFFICER = AccessRole.PROGRAMME_OFFICER


class Ledger(Protocol):
    """The published batches of answers, and what is not published yet."""

    async def latest(self, tenant: str, programme_id: str) -> Tally | None:
        """The newest batch."""
        ...

    async def add(self, tally: Tally) -> bool:
        """Add the batch unless one with its number is there; whether it was added. Batches never change."""
        ...

    async def pending(self, tenant: str, programme_id: str) -> Sequence[Rating]:
        """Every rating that is in no batch."""
        ...


class Overview(Protocol):
    """Sums over a whole programme, worked out where the data is."""

    async def pairs(self, tenant: str, programme_id: str) -> PairCounts:
        """Over its journeys."""
        ...

    async def answers(self, tenant: str, programme_id: str) -> AnswerCounts:
        """Over its responses."""
        ...

    async def goals(self, tenant: str, programme_id: str) -> Mapping[str, int]:
        """In how many pairs each goal was reached."""
        ...


class AuditTrail(Protocol):
    """Who read what in confidence. Append only."""

    async def note(self, reading: Reading) -> None:
        """Write it down."""
        ...


class Feedback:
    """The use cases of the service."""

    def __init__(
        self,
        *,
        responses: Aggregates[Response],
        journeys: Aggregates[Journey],
        goals: Aggregates[PairGoal],
        closings: Aggregates[Closing],
        programmes: Projections[Charter],
        ledger: Ledger,
        overview: Overview,
        audit: AuditTrail,
        clock: Clock,
        answer_within_days: int,
    ) -> None:
        self._responses = responses
        self._journeys = journeys
        self._goals = goals
        self._closings = closings
        self._programmes = programmes
        self._ledger = ledger
        self._overview = overview
        self._audit = audit
        self._clock = clock
        self._days = answer_within_days

    # --- what happened elsewhere

    async def keep_charter(self, event: ProgrammePublished, cause: Cause) -> None:
        """Remember the programme's goals and anonymity floor."""
        known = await self._programmes.find(cause.tenant, event.programme_id)
        answered = (await self._overview.answers(cause.tenant, event.programme_id)).submitted > 0
        promised = known.anonymity_floor if known and answered else 0
        await self._programmes.keep_newest(domain.charter(event, tenant=cause.tenant, promised=promised))

    async def follow_pairing(self, event: Paired | Unpaired, cause: Cause) -> None:
        """A pairing began or ended."""
        await self._journeys.change(
            event.pairing_id,
            cause,
            lambda known: (domain.follow_pairing(known, event, tenant=cause.tenant), []),
        )

    async def follow_session(self, event: SessionEvent, cause: Cause) -> None:
        """A session was planned, moved, held, missed or cancelled; a held one is asked about."""
        now = self._clock.now()
        await self._journeys.change(
            event.pairing_id,
            cause,
            lambda known: domain.follow_session(known, event, tenant=cause.tenant, now=now),
        )
        if isinstance(event, SessionCompleted):
            await self._ask(event, cause)

    async def _ask(self, event: SessionCompleted, cause: Cause) -> None:
        request = domain.ask(event, tenant=cause.tenant, days=self._days)
        await self._responses.change(request.id, cause, lambda known: (known or request, []))

    async def weigh_answers(self, event: FeedbackSubmitted, cause: Cause) -> None:
        """Draw the consequences of an answer: does the pairing need attention, was a goal reached?

        Raises: NotYetKnown.
        """
        tenant, now = cause.tenant, self._clock.now()
        history = [response async for response in self._responses.stream(tenant, {"pairing_id": event.pairing_id})]
        risk = domain.answers_show_risk(history)

        def decide(known: Journey | None) -> Change[Journey]:
            if known is None:
                raise NotYetKnown(f"pairing {event.pairing_id}")
            return domain.follow_feedback(known, event, risk=risk, now=now)

        await self._journeys.change(event.pairing_id, cause, decide)
        for goal in _goals_reported(history, event.request_id):
            await self._reach(goal, event, cause)

    async def _reach(self, goal: str, event: FeedbackSubmitted, cause: Cause) -> None:
        now = self._clock.now()

        def decide(known: PairGoal | None) -> Change[PairGoal]:
            return domain.reach(
                known,
                goal,
                tenant=cause.tenant,
                pairing_id=event.pairing_id,
                programme_id=event.programme_id,
                now=now,
            )

        await self._goals.change(domain.goal_id(cause.tenant, event.pairing_id, goal), cause, decide)

    # --- for the person asked

    async def requests(
        self,
        principal: Principal,
        where: Mapping[str, str],
        *,
        person_ref: str | None,
        status: RequestStatus | None,
        limit: int,
        cursor: str | None,
    ) -> Page[OwnRequest]:
        """The principal's own requests. Raises: NotAsked for anybody else's."""
        if person_ref not in {None, principal.subject}:
            raise NotAsked("requests are shown to the person asked, and to nobody else", field="person_ref")
        closed: dict[str, bool] = {}
        found: list[OwnRequest] = []
        while True:
            page = await self._responses.page(
                principal.tenant, {**where, "people": principal.subject}, limit=limit, cursor=cursor
            )
            for response in page.items:
                if response.programme_id not in closed:
                    closed[response.programme_id] = await self._is_closed(principal.tenant, response.programme_id)
                request = self._own(principal, response, closed=closed[response.programme_id])
                if status in {None, request.status}:
                    found.append(request)
            if len(found) > limit:
                return Page(tuple(found[:limit]), found[limit - 1].id)
            if page.next_cursor is None:
                return Page(tuple(found), None)
            cursor = page.next_cursor

    async def request(self, principal: Principal, request_id: str) -> OwnRequest:
        """One of the principal's own requests. Raises: NoSuchRequest."""
        response = await self._responses.find(principal.tenant, request_id)
        return self._own(principal, response, closed=await self._closed_for(response))

    async def own_answer(self, principal: Principal, request_id: str, person_ref: str | None) -> OwnRequest:
        """The principal's own request with their answer. Raises: NoSuchRequest, NoAnswerYet."""
        request = await self.request(principal, request_id)
        if person_ref not in {None, principal.subject}:
            raise NoSuchRequest("there is no such request for this person", field="person_ref")
        if request.answer is None:
            raise NoAnswerYet("this side has not answered")
        return request

    async def answer(
        self,
        principal: Principal,
        request_id: str,
        person_ref: str,
        said: Callable[[datetime], Answer],
        cause: Cause,
    ) -> OwnRequest:
        """Take the answer of one side; nobody can answer for somebody else.

        Raises: NoSuchRequest, AlreadyAnswered, ProgrammeClosed, RequestExpired, NamedTwice.
        """
        if person_ref != principal.subject:
            raise NoSuchRequest("there is no such request for this person", field="person_ref")
        response, _ = domain.seen_by(await self._responses.find(principal.tenant, request_id), person_ref)
        closed = await self._is_closed(principal.tenant, response.programme_id)
        given = said(self._clock.now())

        def decide(known: Response | None) -> Change[Response]:
            response, side = domain.seen_by(known, person_ref)
            return domain.answer(response, side, given, closed=closed)

        return self._own(principal, await self._responses.change(request_id, cause, decide), closed=closed)

    # --- for those who run the programme

    async def answers(
        self, principal: Principal, programme_id: str, *, limit: int, cursor: str | None
    ) -> Page[Response]:
        """Answers with their free text, for the programme officer; the reading is noted before it is granted.

        An officer who takes part does not see the sessions that they were in.

        Raises: Forbidden.
        """
        principal.require(OFFICER)
        page = await self._responses.page(
            principal.tenant, {"programme_id": programme_id, "answered": True}, limit=limit, cursor=cursor
        )
        others = tuple(response for response in page.items if principal.subject not in response.people)
        reading = Reading(
            id=f"rd_{uuid4().hex}",
            tenant=principal.tenant,
            at=self._clock.now(),
            subject=principal.subject,
            programme_id=programme_id,
            responses=tuple(response.id for response in others),
        )
        await self._audit.note(reading)
        return Page(others, page.next_cursor)

    async def kpis(self, principal: Principal, programme_id: str) -> Kpis:
        """The programme's figures. Publishes first what may be published by now.

        Raises: Forbidden, NoSuchProgramme.
        """
        principal.require(MANAGER, OFFICER)
        tenant = principal.tenant
        charter = await self._programmes.find(tenant, programme_id)
        closing = await self._closings.find(tenant, programme_id)
        tally = await self._publish(tenant, programme_id, charter, closed=closing is not None)
        return domain.kpis(
            programme_id,
            charter=charter,
            closing=closing,
            tally=tally,
            counts=await self._overview.pairs(tenant, programme_id),
            answers=await self._overview.answers(tenant, programme_id),
            reached=await self._overview.goals(tenant, programme_id),
        )

    async def close(self, principal: Principal, programme_id: str, cause: Cause) -> Kpis:
        """Make the final report; no answer is taken from now on. Closing again gives the report again.

        Raises: Forbidden, NoSuchProgramme.
        """
        principal.require(MANAGER)
        if await self._programmes.find(principal.tenant, programme_id) is None:
            raise NoSuchProgramme("nothing is known of this programme")
        closing = Closing(id=programme_id, tenant=principal.tenant, version=1, closed_at=self._clock.now())
        await self._closings.change(programme_id, cause, lambda known: (known or closing, []))
        return await self.kpis(principal, programme_id)

    async def timeline(self, principal: Principal, pairing_id: str) -> tuple[Journey, Sequence[LogEntry]]:
        """What happened in a pairing, for its two people and for those who run programmes.

        Raises: NoSuchPairing.
        """
        journey = await self._journeys.find(principal.tenant, pairing_id)
        if journey is None or not (principal.subject in journey.people or principal.has(MANAGER, OFFICER)):
            raise NoSuchPairing("there is no such pairing for you")
        reached = [goal async for goal in self._goals.stream(principal.tenant, {"pairing_id": pairing_id})]
        return journey, domain.timeline(journey, reached, for_the_pair=principal.subject in journey.people)

    # --- inside

    async def _publish(self, tenant: str, programme_id: str, charter: Charter | None, *, closed: bool) -> Tally | None:
        """Publish every batch that can be published by now; the newest one there is.

        Several processes may try at once: the number of a batch decides who wins, and the others look again.
        """
        tally = await self._ledger.latest(tenant, programme_id)
        while charter is not None and (tally is None or not tally.final):
            submitted = (await self._overview.answers(tenant, programme_id)).submitted
            waiting = submitted - (tally.published if tally else 0)
            if not closed and waiting < 2 * charter.anonymity_floor:
                break
            following = domain.next_tally(
                tally,
                await self._ledger.pending(tenant, programme_id),
                tenant=tenant,
                programme_id=programme_id,
                floor=charter.anonymity_floor,
                closed=closed,
                now=self._clock.now(),
            )
            if following is None:
                break
            added = await self._ledger.add(following)
            tally = following if added else await self._ledger.latest(tenant, programme_id)
        return tally

    def _own(self, principal: Principal, response: Response | None, *, closed: bool) -> OwnRequest:
        response, side = domain.seen_by(response, principal.subject)
        return domain.own_request(response, side, on=self._clock.now().date(), closed=closed)

    async def _closed_for(self, response: Response | None) -> bool:
        return response is not None and await self._is_closed(response.tenant, response.programme_id)

    async def _is_closed(self, tenant: str, programme_id: str) -> bool:
        return await self._closings.find(tenant, programme_id) is not None


def _goals_reported(history: Sequence[Response], request_id: str) -> tuple[str, ...]:
    return tuple(
        goal
        for response in history
        if response.id == request_id
        for _, answer in response.given()
        for goal in answer.goals_reached
    )
