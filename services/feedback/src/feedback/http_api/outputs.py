"""What is shown, and by omission what is not."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Self

from pydantic import BaseModel, ConfigDict
from shared.contracts import Role

from ..domain import Journey, Kpis, LogEntry, Question, RequestStatus, Response


class Out(BaseModel):
    """Base of what is shown: read off the domain's own objects."""

    model_config = ConfigDict(from_attributes=True)


class RequestOut(Out):
    """A request as the person asked sees it: nothing here depends on the other side."""

    id: str
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


class SkillOut(Out):
    """A skill rating."""

    skill: str
    before: int
    after: int


class RatingsOut(Out):
    """An answer without its free text."""

    satisfaction: int
    quality: int
    trust: int
    skills: list[SkillOut]
    goals_reached: list[str]
    practice_adopted: bool | None
    wants_re_match: bool
    submitted_at: datetime


class AnswerOut(RatingsOut):
    """An answer with its free text."""

    text: str | None


class TakenOut(RequestOut):
    """An answer that was just taken. Its text is not repeated, so that no stored reply holds a second copy."""

    answer: RatingsOut


class OwnAnswerOut(RequestOut):
    """One's own answer."""

    answer: AnswerOut


class SideOut(AnswerOut):
    """One side's answer, as the programme officer sees it."""

    person_ref: str
    role: Role


class ResponseOut(Out):
    """The answers about one session, for the programme officer."""

    id: str
    version: int
    session_id: str
    session_number: int
    pairing_id: str
    programme_id: str
    answers: list[SideOut]

    @classmethod
    def of(cls, response: Response) -> Self:
        """Show a response with all that was said."""
        said = [
            SideOut(**AnswerOut.model_validate(answer).model_dump(), person_ref=response.person(side), role=side)
            for side, answer in response.given()
        ]
        return cls(
            id=response.id,
            version=response.version,
            session_id=response.session_id,
            session_number=response.session_number,
            pairing_id=response.pairing_id,
            programme_id=response.programme_id,
            answers=said,
        )


class SkillMeanOut(Out):
    """Mean gain of one skill."""

    skill: str
    ratings: int
    gain: float


class GoalOut(Out):
    """A goal of the charter: target and present value of its metric."""

    code: str
    metric: str
    target: float
    due_on: date | None
    value: float | None
    attained: bool | None
    pairs_reached: int


class KpisOut(Out):
    """The figures of a programme. Ratings stand for published answers only; counts stand for all."""

    id: str
    version: int
    programme_id: str
    pairs: int
    pairs_active: int
    sessions_scheduled: int
    sessions_completed: int
    sessions_missed: int
    sessions_cancelled: int
    participation: float
    feedback_requested: int
    feedback_submitted: int
    satisfaction: float | None
    quality: float | None
    trust: float | None
    skill_gain: float | None
    practice_adopted: float | None
    answers_published: int
    answers_withheld: int
    anonymity_floor: int
    skill_gain_mentors: float | None
    skill_gain_mentees: float | None
    histograms: Mapping[Question, tuple[int, ...]]
    skills: list[SkillMeanOut]
    goals_reached: int
    goals: list[GoalOut]
    closed: bool
    closed_at: datetime | None

    @classmethod
    def of(cls, kpis: Kpis) -> Self:
        """Lay the figures out flat."""
        return cls(
            id=kpis.programme_id,
            version=kpis.version,
            programme_id=kpis.programme_id,
            pairs=kpis.counts.pairs,
            pairs_active=kpis.counts.pairs_active,
            sessions_scheduled=kpis.counts.sessions_scheduled,
            sessions_completed=kpis.counts.sessions_completed,
            sessions_missed=kpis.counts.sessions_missed,
            sessions_cancelled=kpis.counts.sessions_cancelled,
            participation=kpis.participation,
            feedback_requested=kpis.answers.requested,
            feedback_submitted=kpis.answers.submitted,
            satisfaction=kpis.overall.satisfaction,
            quality=kpis.overall.quality,
            trust=kpis.overall.trust,
            skill_gain=kpis.overall.skill_gain,
            practice_adopted=kpis.overall.practice_adopted,
            answers_published=kpis.published,
            answers_withheld=kpis.withheld,
            anonymity_floor=kpis.anonymity_floor,
            skill_gain_mentors=kpis.skill_gain_by_side[Role.MENTOR],
            skill_gain_mentees=kpis.skill_gain_by_side[Role.MENTEE],
            histograms=kpis.histograms,
            skills=[SkillMeanOut.model_validate(skill) for skill in kpis.skills],
            goals_reached=kpis.goals_reached,
            goals=[GoalOut.model_validate(goal) for goal in kpis.goals],
            closed=kpis.closed_at is not None,
            closed_at=kpis.closed_at,
        )


class LogEntryOut(Out):
    """One event of a pairing's course."""

    event: str
    at: datetime
    session_number: int | None
    starts_at: datetime | None
    answers: int | None
    goal: str | None


class TimelineOut(Out):
    """A pairing's course, oldest event first."""

    id: str
    version: int
    programme_id: str
    status: str
    effective_on: date | None
    ended_reason: str | None
    sessions_completed: int
    sessions_missed: int
    sessions_cancelled: int
    items: list[LogEntryOut]

    @classmethod
    def of(cls, journey: Journey, entries: Sequence[LogEntry]) -> Self:
        """Show a journey."""
        return cls(
            id=journey.id,
            version=journey.version,
            programme_id=journey.programme_id,
            status=journey.status.value,
            effective_on=journey.effective_on,
            ended_reason=journey.ended_reason,
            sessions_completed=journey.sessions_completed,
            sessions_missed=journey.sessions_missed,
            sessions_cancelled=journey.sessions_cancelled,
            items=[LogEntryOut.model_validate(entry) for entry in entries],
        )
