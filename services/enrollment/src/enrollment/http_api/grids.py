"""Results on the competence grid over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from shared.chassis.aggregates import Cause
from shared.chassis.clock import Clock
from shared.chassis.http import Acting, IdempotencyKey
from shared.contracts import Principal, Ref
from starlette.status import HTTP_201_CREATED

from ..domain.grids import GridResult
from ..domain.volunteers import Volunteer
from ..use_cases import Volunteers
from .inbound import CalendarDay, Inbound, PathId

Points = Annotated[int, Field(ge=0, le=100)]


class GridResultIn(Inbound):
    """What one evaluation gave; today, and by whoever records it, unless told otherwise."""

    score: Points
    threshold: Points
    evaluated_by: Ref | None = None
    evaluated_on: CalendarDay | None = None

    def result(self, acting: Principal, today: date) -> GridResult:
        """The result to record."""
        return GridResult(
            score=self.score,
            threshold=self.threshold,
            evaluated_by=self.evaluated_by or acting.subject,
            evaluated_on=self.evaluated_on or today,
        )


class GridResultOut(BaseModel):
    """One result."""

    score: int
    threshold: int
    passed: bool
    evaluated_by: str
    evaluated_on: date


class GridOut(BaseModel):
    """Where a mentor stands on the grid, and how they came there. Nothing else of the volunteer."""

    volunteer_id: str
    grid_passed: bool | None
    grid_score: int | None
    results: tuple[GridResultOut, ...]
    """In the order in which they were recorded."""

    @classmethod
    def of(cls, volunteer: Volunteer) -> "GridOut":
        """The representation of a volunteer's results."""
        newest = volunteer.grid_result
        return cls(
            volunteer_id=volunteer.id,
            grid_passed=volunteer.grid_passed,
            grid_score=newest.score if newest else None,
            results=tuple(
                GridResultOut(
                    score=one.score,
                    threshold=one.threshold,
                    passed=one.passed,
                    evaluated_by=one.evaluated_by,
                    evaluated_on=one.evaluated_on,
                )
                for one in volunteer.grid_results
            ),
        )


def router(volunteers: Volunteers, clock: Clock) -> APIRouter:
    """Results on the grid: recorded, and told."""
    routes = APIRouter(tags=["volunteers"])

    @routes.post("/volunteers/{volunteer_id}/grid-results", status_code=HTTP_201_CREATED)
    async def record_grid_result(
        body: GridResultIn, acting: Acting, volunteer_id: PathId, key: IdempotencyKey = None
    ) -> GridOut:
        """Record a mentor's result on the competence grid."""
        result = body.result(acting, clock.now().date())
        return GridOut.of(await volunteers.record_grid_result(volunteer_id, result, Cause.command(acting, key)))

    @routes.get("/volunteers/{volunteer_id}/grid-results")
    async def get_grid_results(acting: Acting, volunteer_id: PathId) -> GridOut:
        """Every result of a mentor."""
        return GridOut.of(await volunteers.grid_results(acting, volunteer_id))

    return routes
