"""What the two people of a pairing are asked after a session, and what each of them answers.

One document holds the request to both sides and both answers, so that neither its identifier nor the
identifier of the events it emits says which side spoke (decision 0050).
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from shared.contracts import FeedbackSubmitted, Forbidden, Invalid, NotFound, Refusal, Role, SessionCompleted

REQUESTS = uuid.UUID("5f9d0f0e-5b1c-5a38-9d4e-6f1a0c1b7e52")
"""Namespace of request identifiers. Changing it would ask everybody again."""


class NoSuchRequest(NotFound):
    """There is no such request, or it was made to somebody else."""


class NoAnswerYet(NotFound):
    """This side has not answered."""


class AlreadyAnswered(Refusal):
    """Each side answers once per session; an answer that is part of a figure is never changed."""


class RequestExpired(Refusal):
    """The time to answer is over."""


class ProgrammeClosed(Refusal):
    """The programme's final report is made; no answer can be added."""


class NamedTwice(Invalid):
    """The same skill or goal stands twice in one answer."""


class NotAsked(Forbidden):
    """Requests are listed for the person asked, and for nobody else."""


class RequestStatus(StrEnum):
    """Where a request stands for one side."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"


@dataclass(frozen=True, kw_only=True)
class SkillRating:
    """How the answerer rates a skill before and after the session, from 0 (none) to 5.

    Mentees rate what they learn. Mentors rate what teaching gives them: ``confidence``, ``pedagogy``,
    ``leadership`` (2-10).
    """

    skill: str
    before: int
    after: int

    @property
    def gain(self) -> int:
        """Levels gained; negative when lost."""
        return self.after - self.before


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one side says about one session, in confidence."""

    satisfaction: int
    quality: int
    """Of the exchange."""
    trust: int
    """Whether one can speak freely with the other (2-12)."""
    skills: tuple[SkillRating, ...] = ()
    goals_reached: tuple[str, ...] = ()
    practice_adopted: bool | None = None
    """Whether something learned is used at work by now (2-11); ``None`` when not said."""
    text: str | None = None
    """For the author and the programme officer only."""
    wants_re_match: bool = False
    submitted_at: datetime


@dataclass(frozen=True, kw_only=True)
class Response:
    """The request to both sides of a held session, and their answers."""

    id: str
    tenant: str
    version: int
    session_id: str
    session_number: int
    pairing_id: str
    programme_id: str
    people: tuple[str, ...]
    """Mentor and mentee, in this order."""
    asked_at: datetime
    due_on: date
    """Last day on which an answer is accepted."""
    mentor: Answer | None = None
    mentee: Answer | None = None
    answers: int = 0
    answered: bool = False
    """Whether there is any answer."""

    def of(self, side: Role) -> Answer | None:
        """The answer of one side."""
        return self.mentor if side is Role.MENTOR else self.mentee

    def person(self, side: Role) -> str:
        """Who is asked on this side."""
        return self.people[0] if side is Role.MENTOR else self.people[1]

    def given(self) -> Iterator[tuple[Role, Answer]]:
        """The answers there are, by side."""
        for side in Role:
            if (answer := self.of(side)) is not None:
                yield side, answer


@dataclass(frozen=True, kw_only=True)
class OwnRequest:
    """One side's view of a request. Nothing in it depends on the other side's answer."""

    id: str
    tenant: str
    version: int
    session_id: str
    session_number: int
    pairing_id: str
    programme_id: str
    person_ref: str
    role: Role
    status: RequestStatus
    asked_at: datetime
    due_on: date
    answer: Answer | None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Somebody read answers in confidence: who, when, and which. Only ever added."""

    id: str
    tenant: str
    version: int = 1
    at: datetime
    subject: str
    programme_id: str
    responses: tuple[str, ...]


def request_id(tenant: str, session_id: str) -> str:
    """The same session always gives the same request, so a repeated event cannot ask twice."""
    return f"fb_{uuid.uuid5(REQUESTS, f'{tenant}/{session_id}').hex}"


def ask(session: SessionCompleted, *, tenant: str, days: int) -> Response:
    """Ask both sides about a session that was held; they have ``days`` days from its completion."""
    return Response(
        id=request_id(tenant, session.session_id),
        tenant=tenant,
        version=1,
        session_id=session.session_id,
        session_number=session.number,
        pairing_id=session.pairing_id,
        programme_id=session.programme_id,
        people=(session.mentor_ref, session.mentee_ref),
        asked_at=session.occurred_at,
        due_on=_days_after(session.occurred_at.date(), days),
    )


def _days_after(day: date, days: int) -> date:
    """At most the last day that there is: an event may carry any moment of the years 1 to 9999."""
    return day + timedelta(days=min(days, (date.max - day).days))


def seen_by(response: Response | None, person_ref: str) -> tuple[Response, Role]:
    """The request and which side of it this person is. Raises: NoSuchRequest, also for a third person."""
    if response is not None and person_ref in response.people:
        return response, Role.MENTOR if response.people[0] == person_ref else Role.MENTEE
    raise NoSuchRequest("there is no such request for this person")


def status_of(response: Response, side: Role, *, on: date, closed: bool) -> RequestStatus:
    """Where the request stands for one side on a day. Worked out when asked: no job expires anything."""
    if response.of(side) is not None:
        return RequestStatus.ANSWERED
    return RequestStatus.EXPIRED if closed or on > response.due_on else RequestStatus.OPEN


def own_request(response: Response, side: Role, *, on: date, closed: bool) -> OwnRequest:
    """The request as this side sees it on a day."""
    given = response.of(side)
    return OwnRequest(
        id=response.id,
        tenant=response.tenant,
        version=1 if given is None else 2,
        session_id=response.session_id,
        session_number=response.session_number,
        pairing_id=response.pairing_id,
        programme_id=response.programme_id,
        person_ref=response.person(side),
        role=side,
        status=status_of(response, side, on=on, closed=closed),
        asked_at=response.asked_at,
        due_on=response.due_on,
        answer=given,
    )


def answer(
    response: Response, side: Role, given: Answer, *, closed: bool
) -> tuple[Response, Sequence[FeedbackSubmitted]]:
    """Take one side's answer.

    Raises: AlreadyAnswered, ProgrammeClosed, RequestExpired, NamedTwice.
    """
    if response.of(side) is not None:
        raise AlreadyAnswered("this side has already answered")
    if closed:
        raise ProgrammeClosed("the programme is closed")
    if given.submitted_at.date() > response.due_on:
        raise RequestExpired(f"answers were accepted until {response.due_on.isoformat()}")
    _named_once("skills", [rating.skill for rating in given.skills])
    _named_once("goals_reached", given.goals_reached)
    answered = replace(response, version=response.version + 1, answers=response.answers + 1, answered=True)
    answered = replace(answered, mentor=given) if side is Role.MENTOR else replace(answered, mentee=given)
    submitted = FeedbackSubmitted(
        request_id=response.id,
        pairing_id=response.pairing_id,
        programme_id=response.programme_id,
        session_id=response.session_id,
        session_number=response.session_number,
        answers=answered.answers,
        version=answered.version,
        occurred_at=given.submitted_at,
    )
    return answered, [submitted]


def _named_once(field: str, codes: Sequence[str]) -> None:
    for place, code in enumerate(codes):
        if code in codes[:place]:
            raise NamedTwice(f"{code!r} stands twice", field=f"{field}.{place}")
