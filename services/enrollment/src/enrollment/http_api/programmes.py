"""Programmes over HTTP."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from shared.chassis.aggregates import Cause
from shared.chassis.http import Acting, Cursor, IdempotencyKey, Limit, PageOut
from shared.contracts import AccessRole, Goal, MatchPolicy, Principal, SessionPlan, UtcDatetime
from starlette.status import HTTP_201_CREATED

from ..domain.programmes import EARLIEST, Charter, Programme, ProgrammeStatus, changed
from ..use_cases import Programmes
from .inbound import CalendarDay, GoalIn, Inbound, Languages, MatchPolicyIn, PathId, SessionPlanIn, Title

Goals = Annotated[tuple[GoalIn, ...], Field(max_length=50)]
AnonymityFloor = Annotated[int, Field(ge=3, le=100)]


class ProgrammeIn(Inbound):
    """A new programme."""

    title: Title
    starts_on: CalendarDay
    ends_on: CalendarDay | None = None
    languages: Languages = ()
    goals: Goals = ()
    plan: SessionPlanIn = SessionPlanIn()
    policy: MatchPolicyIn = MatchPolicyIn()
    anonymity_floor: AnonymityFloor = 5

    def charter(self) -> Charter:
        """The charter of the draft."""
        return changed(Charter(title=self.title, starts_on=self.starts_on), _given(self))


class ProgrammeChanges(Inbound):
    """Fields to change; what is left out stays. The defaults here are never used."""

    title: Title = "unchanged"
    starts_on: CalendarDay = EARLIEST
    ends_on: CalendarDay | None = None
    languages: Languages = ()
    goals: Goals = ()
    plan: SessionPlanIn = SessionPlanIn()
    policy: MatchPolicyIn = MatchPolicyIn()
    anonymity_floor: AnonymityFloor = 5


class CloneIn(Inbound):
    """A copy for another cohort."""

    title: Title
    starts_on: CalendarDay


class ProgrammeOut(BaseModel):
    """A programme: managers see the working charter, everybody else the published one."""

    id: str
    version: int
    status: ProgrammeStatus
    title: str
    starts_on: date
    ends_on: date | None
    languages: tuple[str, ...]
    goals: tuple[Goal, ...]
    plan: SessionPlan
    policy: MatchPolicy
    anonymity_floor: int
    has_unpublished_changes: bool
    published_version: int | None
    published_at: UtcDatetime | None
    created_at: UtcDatetime
    cloned_from: str | None

    @classmethod
    def of(cls, programme: Programme, principal: Principal) -> "ProgrammeOut":
        """What this principal sees of it."""
        is_manager = principal.has(AccessRole.PROGRAMME_MANAGER)
        charter = programme.charter if is_manager or programme.published is None else programme.published
        return cls(
            id=programme.id,
            version=programme.version,
            status=programme.status,
            title=charter.title,
            starts_on=charter.starts_on,
            ends_on=charter.ends_on,
            languages=charter.languages,
            goals=charter.goals,
            plan=charter.plan,
            policy=charter.policy,
            anonymity_floor=charter.anonymity_floor,
            has_unpublished_changes=is_manager and programme.has_unpublished_changes,
            published_version=programme.published_version,
            published_at=programme.published_at,
            created_at=programme.created_at,
            cloned_from=programme.cloned_from,
        )


def router(programmes: Programmes) -> APIRouter:
    """Programmes and their charters."""
    routes = APIRouter(prefix="/programmes", tags=["programmes"])

    @routes.post("", status_code=HTTP_201_CREATED)
    async def draft_programme(body: ProgrammeIn, acting: Acting, key: IdempotencyKey = None) -> ProgrammeOut:
        """A new draft, which only managers see."""
        programme = await programmes.draft(body.charter(), Cause.command(acting, key), key)
        return ProgrammeOut.of(programme, acting)

    @routes.get("")
    async def list_programmes(acting: Acting, limit: Limit = 50, cursor: Cursor = None) -> PageOut[ProgrammeOut]:
        """Every programme."""
        page = await programmes.all(acting, limit=limit, cursor=cursor)
        return PageOut(items=[ProgrammeOut.of(one, acting) for one in page.items], next_cursor=page.next_cursor)

    @routes.get("/{programme_id}")
    async def get_programme(acting: Acting, programme_id: PathId) -> ProgrammeOut:
        """One programme."""
        return ProgrammeOut.of(await programmes.get(acting, programme_id), acting)

    @routes.patch("/{programme_id}")
    async def edit_programme(
        body: ProgrammeChanges, acting: Acting, programme_id: PathId, key: IdempotencyKey = None
    ) -> ProgrammeOut:
        """Change the working charter; it holds once it is published."""
        programme = await programmes.edit(programme_id, _given(body), Cause.command(acting, key))
        return ProgrammeOut.of(programme, acting)

    @routes.post("/{programme_id}/publish")
    async def publish_programme(acting: Acting, programme_id: PathId, key: IdempotencyKey = None) -> ProgrammeOut:
        """Let the working charter hold."""
        return ProgrammeOut.of(await programmes.publish(programme_id, Cause.command(acting, key)), acting)

    @routes.post("/{programme_id}/clone", status_code=HTTP_201_CREATED)
    async def clone_programme(
        body: CloneIn, acting: Acting, programme_id: PathId, key: IdempotencyKey = None
    ) -> ProgrammeOut:
        """A new draft with the same charter; its dates move with the start."""
        cause = Cause.command(acting, key)
        copy = await programmes.clone(programme_id, body.title, body.starts_on, cause, key)
        return ProgrammeOut.of(copy, acting)

    return routes


def _given(body: ProgrammeIn | ProgrammeChanges) -> dict[str, Any]:
    """The fields that were given, with the values the domain keeps; parts of plan and policy as far as given."""
    given: dict[str, Any] = {name: getattr(body, name) for name in body.model_fields_set}
    if "goals" in given:
        given["goals"] = tuple(Goal.model_validate(goal.model_dump()) for goal in body.goals)
    for part in ("plan", "policy"):
        if part in given:
            given[part] = given[part].model_dump(exclude_unset=True)
    return given
