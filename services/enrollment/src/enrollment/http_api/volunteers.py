"""Volunteers over HTTP."""

from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field
from shared.chassis.aggregates import Cause
from shared.chassis.clock import Clock
from shared.chassis.http import Acting, Cursor, IdempotencyKey, Limit, PageOut
from shared.contracts import (
    Code,
    OfferedSkill,
    Readiness,
    Ref,
    Role,
    UtcDatetime,
    WantedSkill,
    WeeklyWindow,
    WithdrawalReason,
)
from starlette.status import HTTP_200_OK, HTTP_201_CREATED

from ..domain.offers import Offer
from ..domain.volunteers import Origin, Status, Training, Volunteer
from ..use_cases import Volunteers, Wish
from .inbound import (
    CalendarDay,
    Inbound,
    KnownTimeZone,
    Languages,
    OfferedSkillIn,
    PathId,
    WantedSkillIn,
    WeeklyWindowIn,
)

RefFilter = Annotated[Ref | None, Query()]


class OfferIn(Inbound):
    """What somebody offers and asks for; languages and time zone are the directory's unless given."""

    capacity: Annotated[int, Field(ge=1, le=5)] = 1
    skills_offered: Annotated[tuple[OfferedSkillIn, ...], Field(max_length=40)] = ()
    skills_wanted: Annotated[tuple[WantedSkillIn, ...], Field(max_length=40)] = ()
    interests: Annotated[tuple[Code, ...], Field(max_length=40)] = ()
    goals: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    languages: Annotated[Languages, Field(min_length=1)] | None = None
    time_zone: KnownTimeZone | None = None
    availability: Annotated[tuple[WeeklyWindowIn, ...], Field(max_length=50)] = ()
    motivation: Annotated[int, Field(ge=1, le=5)] = 3

    def changes(self) -> dict[str, Any]:
        """The fields that were given, with the values the domain keeps."""
        given: dict[str, Any] = {
            name: getattr(self, name) for name in self.model_fields_set & OfferIn.model_fields.keys()
        }
        for name, part in (
            ("skills_offered", OfferedSkill),
            ("skills_wanted", WantedSkill),
            ("availability", WeeklyWindow),
        ):
            if name in given:
                given[name] = tuple(part.model_validate(one.model_dump()) for one in given[name])
        return given


class VolunteerIn(OfferIn):
    """Somebody's wish to take part."""

    programme_id: Ref
    person_ref: Ref
    role: Role
    charter_signed: bool = False
    nominated_by: Ref | None = None

    def wish(self) -> Wish:
        """What is asked for."""
        return Wish(
            programme_id=self.programme_id,
            person_ref=self.person_ref,
            role=self.role,
            offer=Offer(**self.changes()),
            charter_signed=self.charter_signed,
            nominated_by=self.nominated_by,
        )


class TrainingIn(Inbound):
    """A training that took place."""

    module: Code = "core"
    completed_on: CalendarDay | None = None


class RankedWishesIn(Inbound):
    """Whom somebody would like best: volunteers of the other role, the first choice first."""

    ranked_wishes: Annotated[tuple[Ref, ...], Field(max_length=10)]


class WithdrawalIn(Inbound):
    """Why somebody leaves; no reason is needed."""

    reason: Literal["not_stated", "no_time", "changed_job", "left_company"] = "not_stated"


class TrainingOut(BaseModel):
    """A recorded training."""

    module: str
    completed_on: date


class VolunteerOut(BaseModel):
    """Somebody who takes part."""

    id: str
    version: int
    programme_id: str
    person_ref: str
    role: Role
    status: Status
    origin: Origin
    nominated_by: str | None
    volunteered_at: UtcDatetime
    capacity: int
    active_pairings: tuple[str, ...]
    readiness: Readiness
    missing: tuple[str, ...]
    charter_signed_at: UtcDatetime | None
    trainings: tuple[TrainingOut, ...]
    skills_offered: tuple[OfferedSkill, ...]
    skills_wanted: tuple[WantedSkill, ...]
    interests: tuple[str, ...]
    goals: tuple[str, ...]
    languages: tuple[str, ...]
    time_zone: str
    availability: tuple[WeeklyWindow, ...]
    motivation: int
    ranked_wishes: tuple[str, ...]
    grid_score: int | None
    withdrawn_at: UtcDatetime | None
    withdrawal_reason: WithdrawalReason | None

    @classmethod
    def of(cls, volunteer: Volunteer) -> "VolunteerOut":
        """The representation of a volunteer."""
        offer = volunteer.offer
        return cls(
            id=volunteer.id,
            version=volunteer.version,
            programme_id=volunteer.programme_id,
            person_ref=volunteer.person_ref,
            role=volunteer.role,
            status=volunteer.status,
            origin=volunteer.origin,
            nominated_by=volunteer.nominated_by,
            volunteered_at=volunteer.volunteered_at,
            capacity=offer.capacity,
            active_pairings=volunteer.active_pairings,
            readiness=volunteer.readiness,
            missing=volunteer.missing,
            charter_signed_at=volunteer.charter_signed_at,
            trainings=tuple(
                TrainingOut(module=one.module, completed_on=one.completed_on) for one in volunteer.trainings
            ),
            skills_offered=offer.skills_offered,
            skills_wanted=offer.skills_wanted,
            interests=offer.interests,
            goals=offer.goals,
            languages=volunteer.languages,
            time_zone=volunteer.time_zone,
            availability=offer.availability,
            motivation=offer.motivation,
            ranked_wishes=volunteer.ranked_wishes,
            grid_score=volunteer.grid_result.score if volunteer.grid_result else None,
            withdrawn_at=volunteer.withdrawn_at,
            withdrawal_reason=volunteer.withdrawal_reason,
        )


def router(volunteers: Volunteers, clock: Clock) -> APIRouter:
    """Taking part."""
    routes = APIRouter(tags=["volunteers"])

    @routes.post("/volunteers", status_code=HTTP_201_CREATED, responses={HTTP_200_OK: {"model": VolunteerOut}})
    async def volunteer(
        body: VolunteerIn, response: Response, acting: Acting, key: IdempotencyKey = None
    ) -> VolunteerOut:
        """Take part: 201, or 200 when the person already does with this very offer."""
        taken_in, is_new = await volunteers.volunteer(body.wish(), Cause.command(acting, key))
        response.status_code = HTTP_201_CREATED if is_new else HTTP_200_OK
        return VolunteerOut.of(taken_in)

    @routes.get("/volunteers")
    async def list_volunteers(
        *,
        acting: Acting,
        programme_id: RefFilter = None,
        role: Role | None = None,
        status: Status | None = None,
        person_ref: RefFilter = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[VolunteerOut]:
        """Volunteers by programme, role, status or person."""
        asked = {"programme_id": programme_id, "role": role, "status": status, "person_ref": person_ref}
        where = {field: str(value) for field, value in asked.items() if value is not None}
        page = await volunteers.all(acting, where, limit=limit, cursor=cursor)
        return PageOut(items=[VolunteerOut.of(one) for one in page.items], next_cursor=page.next_cursor)

    @routes.get("/volunteers/{volunteer_id}")
    async def get_volunteer(acting: Acting, volunteer_id: PathId) -> VolunteerOut:
        """One volunteer."""
        return VolunteerOut.of(await volunteers.get(acting, volunteer_id))

    @routes.patch("/volunteers/{volunteer_id}")
    async def change_offer(
        body: OfferIn, acting: Acting, volunteer_id: PathId, key: IdempotencyKey = None
    ) -> VolunteerOut:
        """Change what somebody offers or asks for; what is left out stays."""
        cause = Cause.command(acting, key)
        return VolunteerOut.of(await volunteers.change_offer(volunteer_id, body.changes(), cause))

    @routes.put("/volunteers/{volunteer_id}/ranked-wishes")
    async def rank_wishes(
        body: RankedWishesIn, acting: Acting, volunteer_id: PathId, key: IdempotencyKey = None
    ) -> VolunteerOut:
        """Say whom one would like best; an empty list takes every wish back."""
        cause = Cause.command(acting, key)
        return VolunteerOut.of(await volunteers.rank_wishes(volunteer_id, body.ranked_wishes, cause))

    @routes.post("/volunteers/{volunteer_id}/charter")
    async def sign_charter(acting: Acting, volunteer_id: PathId, key: IdempotencyKey = None) -> VolunteerOut:
        """Sign the code of conduct."""
        return VolunteerOut.of(await volunteers.sign_charter(volunteer_id, Cause.command(acting, key)))

    @routes.post("/volunteers/{volunteer_id}/training")
    async def record_training(
        acting: Acting, volunteer_id: PathId, body: TrainingIn | None = None, key: IdempotencyKey = None
    ) -> VolunteerOut:
        """Record a training."""
        given = body or TrainingIn()
        training = Training(module=given.module, completed_on=given.completed_on or clock.now().date())
        return VolunteerOut.of(await volunteers.record_training(volunteer_id, training, Cause.command(acting, key)))

    @routes.post("/volunteers/{volunteer_id}/withdraw")
    async def withdraw(
        acting: Acting, volunteer_id: PathId, body: WithdrawalIn | None = None, key: IdempotencyKey = None
    ) -> VolunteerOut:
        """Leave the programme, which is allowed at any time."""
        reason = WithdrawalReason((body or WithdrawalIn()).reason)
        return VolunteerOut.of(await volunteers.withdraw(volunteer_id, reason, Cause.command(acting, key)))

    @routes.get("/programmes/{programme_id}/waiting-list", tags=["programmes"])
    async def waiting_list(
        acting: Acting, programme_id: PathId, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[VolunteerOut]:
        """Who takes part and has no pairing, with what is still missing."""
        page = await volunteers.waiting_list(acting, programme_id, limit=limit, cursor=cursor)
        return PageOut(items=[VolunteerOut.of(one) for one in page.items], next_cursor=page.next_cursor)

    return routes
