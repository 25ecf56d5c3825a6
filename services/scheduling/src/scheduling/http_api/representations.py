"""What goes over the wire: inbound and outbound models of the HTTP interface."""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    model_validator,
)
from shared.chassis.http import Body
from shared.contracts import Cadence, CancelReason, Code, Modality, Ref, UnpairReason

from ..domain.plans import FIRST_YEAR, LAST_YEAR, Participant, Plan
from ..domain.sessions import Session, SessionStatus, Side
from ..domain.slots import Unplaceable
from ..domain.zones import zone_named

_DATE_AND_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def _only_text(value: object) -> object:
    """Numbers are refused: nobody can see whether they are seconds or milliseconds."""
    if not isinstance(value, str) or not _DATE_AND_TIME.match(value):
        raise ValueError("write date and time with an offset, such as 2026-03-02T09:00:00Z")
    return value


def _plausible(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise ValueError(f"the year must lie between {FIRST_YEAR} and {LAST_YEAR - 1}")
    return moment.astimezone(UTC).replace(microsecond=0)


Moment = Annotated[AwareDatetime, BeforeValidator(_only_text), AfterValidator(_plausible)]
"""RFC 3339 with an offset, in plausible years; carried to the second, in UTC."""


def _secure_link(link: str) -> str:
    parts = urlsplit(link)
    if parts.scheme != "https" or not parts.hostname or " " in link:
        raise ValueError("a link must begin with https:// and name a host")
    return link


Link = Annotated[str, StringConstraints(max_length=500), AfterValidator(_secure_link)]
WholeNumber = Annotated[int, Field(strict=True)]


class OwnReason(StrEnum):
    """Why a person cancels; the platform has reasons of its own."""

    MENTOR_UNAVAILABLE = "mentor_unavailable"
    MENTEE_UNAVAILABLE = "mentee_unavailable"
    OTHER = "other"


class OwnCadence(StrEnum):
    """How often a pair can choose to meet."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"


class OwnModality(StrEnum):
    """How a pair can choose to meet."""

    REMOTE = "remote"
    IN_PERSON = "in_person"
    HYBRID = "hybrid"


class PublicStatus(StrEnum):
    """Where an announced session stands."""

    PLANNED = "planned"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    MISSED = "missed"
    CANCELLED = "cancelled"


class PlanChangeIn(Body):
    """What a pair may make its own (3-20). Fields left out stay as they are; null clears a place or a link."""

    clearable: ClassVar[frozenset[str]] = frozenset({"place", "link"})

    sessions: Annotated[WholeNumber, Field(ge=1, le=52)] | None = None
    cadence: OwnCadence | None = None
    minutes: Annotated[WholeNumber, Field(ge=30, le=180)] | None = None
    modality: OwnModality | None = None
    place: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    link: Link | None = None
    travel_minutes: Annotated[WholeNumber, Field(ge=0, le=240)] | None = None

    @model_validator(mode="after")
    def _null_only_where_it_clears(self) -> Self:
        for name in sorted(self.model_fields_set - self.clearable):
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null; leave it out to keep it")
        return self

    def wanted(self) -> dict[str, Any]:
        """The fields that were given, in the domain's terms."""
        given = self.model_dump(exclude_unset=True)
        if "cadence" in given:
            given["cadence"] = Cadence(given["cadence"])
        if "modality" in given:
            given["modality"] = Modality(given["modality"])
        return given


class AcceptIn(Body):
    """Who accepts."""

    person_ref: Ref


class MoveIn(Body):
    """The new time."""

    starts_at: Moment
    minutes: Annotated[WholeNumber, Field(ge=30, le=180)] | None = None


class CancelIn(Body):
    """Why."""

    reason: OwnReason

    def code(self) -> CancelReason:
        """In the domain's terms."""
        return CancelReason(self.reason.value)


class CompleteIn(Body):
    """How it went."""

    multiline: ClassVar[frozenset[str]] = frozenset({"note"})

    started_at: Moment
    actual_minutes: Annotated[WholeNumber, Field(ge=1, le=600)]
    objective_reached: Annotated[bool, Field(strict=True)]
    note: Annotated[str, StringConstraints(max_length=2000)] | None = None


class ObjectiveIn(Body):
    """Another objective, or words to it."""

    multiline: ClassVar[frozenset[str]] = frozenset({"objective_note"})

    objective: Code | None = None
    objective_note: Annotated[str, StringConstraints(max_length=1000)] | None = None


class LocalTime(BaseModel):
    """A session on one person's clock."""

    time_zone: str
    starts_at: str
    """RFC 3339 with that zone's offset on that date."""
    ends_at: str

    @classmethod
    def of(cls, session: Session, side: Side) -> "LocalTime":
        """The session's time for one side."""
        zone = zone_named(side.time_zone)
        return cls(
            time_zone=side.time_zone,
            starts_at=session.time.starts_at.astimezone(zone).isoformat(),
            ends_at=session.time.ends_at.astimezone(zone).isoformat(),
        )


class SessionOut(BaseModel):
    """One session."""

    id: str
    version: int
    pairing_id: str
    programme_id: str
    number: int
    mentor_ref: str
    mentee_ref: str
    status: PublicStatus
    starts_at: datetime
    ends_at: datetime
    minutes: int
    modality: Modality
    outside_availability: bool
    objective: str
    objective_note: str | None
    accepted_by: list[str]
    late: bool
    """Its time has passed, and nobody has said how it went."""
    started_at: datetime | None
    actual_minutes: int | None
    objective_reached: bool | None
    outcome_note: str | None
    cancel_reason: CancelReason | None
    answers: int
    sequence: int
    local_times: dict[str, LocalTime]

    @classmethod
    def of(cls, session: Session, *, now: datetime) -> "SessionOut":
        """What is shown of an announced session."""
        time = session.time
        return cls(
            id=session.id,
            version=session.version,
            pairing_id=session.pairing_id,
            programme_id=session.programme_id,
            number=session.number,
            mentor_ref=session.mentor.person_ref,
            mentee_ref=session.mentee.person_ref,
            status=PublicStatus(session.status.value),
            starts_at=time.starts_at,
            ends_at=time.ends_at,
            minutes=time.minutes,
            modality=time.modality,
            outside_availability=time.outside_availability,
            objective=session.objective,
            objective_note=session.objective_note,
            accepted_by=list(session.accepted_by),
            late=session.is_late(now),
            started_at=session.started_at,
            actual_minutes=session.actual_minutes,
            objective_reached=session.objective_reached,
            outcome_note=session.outcome_note,
            cancel_reason=session.cancel_reason,
            answers=session.answers,
            sequence=session.sequence,
            local_times={side.person_ref: LocalTime.of(session, side) for side in (session.mentor, session.mentee)},
        )


class ParticipantOut(BaseModel):
    """One of the two people of a plan."""

    volunteer_id: str
    person_ref: str
    time_zone: str

    @classmethod
    def of(cls, participant: Participant) -> "ParticipantOut":
        """As they came with the pairing."""
        return cls(
            volunteer_id=participant.volunteer_id,
            person_ref=participant.person_ref,
            time_zone=participant.time_zone,
        )


class UnplacedOut(BaseModel):
    """A session for which no time was found yet."""

    number: int
    reason: Unplaceable


class PlanOut(BaseModel):
    """One pair's plan. Its id is the pairing's."""

    id: str
    version: int
    pairing_id: str
    programme_id: str
    status: str
    ended_reason: UnpairReason | None
    mentor: ParticipantOut
    mentee: ParticipantOut
    effective_on: date | None
    sessions: int
    cadence: Cadence
    minutes: int
    modality: Modality
    place: str | None
    link: str | None
    travel_minutes: int
    unplaced: list[UnplacedOut]

    @classmethod
    def of(cls, plan: Plan) -> "PlanOut":
        """What is shown of a plan."""
        return cls(
            id=plan.id,
            version=plan.version,
            pairing_id=plan.id,
            programme_id=plan.programme_id,
            status=plan.status.value,
            ended_reason=plan.ended_reason,
            mentor=ParticipantOut.of(plan.mentor),
            mentee=ParticipantOut.of(plan.mentee),
            effective_on=plan.effective_on,
            sessions=plan.format.sessions,
            cadence=plan.format.cadence,
            minutes=plan.format.minutes,
            modality=plan.format.modality,
            place=plan.format.place,
            link=plan.format.link,
            travel_minutes=plan.format.travel_minutes,
            unplaced=[UnplacedOut(number=gap.number, reason=gap.reason) for gap in plan.unplaced],
        )


class FeedOut(BaseModel):
    """Where a person's calendar can be subscribed to; shown once, since only a hash of the secret is kept."""

    id: str
    version: int
    person_ref: str
    url: str


def stored_status(status: PublicStatus | None) -> SessionStatus | None:
    """A filter in the domain's terms."""
    return None if status is None else SessionStatus(status.value)
