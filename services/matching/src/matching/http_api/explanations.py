"""Explanations: why a pair, why not another, what would let somebody in, who would rather have each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Query
from shared.chassis.http import Acting
from shared.chassis.problems import RETRY_AFTER_SECONDS, Problem

from ..domain.proposal import EngineFailed
from ..use_cases import Matching
from ..use_cases.explanations import NoAnswerInTime
from .explained import BlockingOut, LettingInOut, WhyNotOut, WhyOut
from .inputs import REF, ProgrammeId

Volunteer = Annotated[str, Query(pattern=REF)]
OfRun = Annotated[
    str | None,
    Query(
        pattern=REF,
        description="Ask under this run's policy, as if its pairings had not been made. "
        "Left out: under the published charter, about the places that are free now.",
    ),
]


def router(matching: Matching) -> APIRouter:
    """``/programmes/{programme_id}/why`` and its sisters."""
    routes = APIRouter(prefix="/programmes/{programme_id}", tags=["explanations"])

    @routes.get("/why")
    async def why(
        principal: Acting, programme_id: ProgrammeId, mentor: Volunteer, mentee: Volunteer, run_id: OfRun = None
    ) -> WhyOut:
        """The score between any two people of the pool as the sum of its terms, and the rules that forbid them."""
        with _answered():
            found = await matching.explanations.why(
                principal, programme_id, mentor_id=mentor, mentee_id=mentee, run_id=run_id
            )
        return WhyOut.of(found)

    @routes.get("/why-not")
    async def why_not(
        principal: Acting, programme_id: ProgrammeId, mentor: Volunteer, mentee: Volunteer, run_id: OfRun = None
    ) -> WhyNotOut:
        """What stands between two people; or the exact price of pairing them, found by solving with the two locked."""
        with _answered():
            found = await matching.explanations.why_not(
                principal, programme_id, mentor_id=mentor, mentee_id=mentee, run_id=run_id
            )
        return WhyNotOut.of(found)

    @routes.get("/what-would-let-in")
    async def what_would_let_in(
        principal: Acting, programme_id: ProgrammeId, volunteer: Volunteer, run_id: OfRun = None
    ) -> LettingInOut:
        """Which single change would let this person in, each tried by solving again; and what was not tried."""
        with _answered():
            found = await matching.explanations.what_would_let_in(principal, programme_id, volunteer, run_id=run_id)
        return LettingInOut.of(found)

    @routes.get("/blocking-pairs")
    async def blocking_pairs(principal: Acting, programme_id: ProgrammeId, run_id: OfRun = None) -> BlockingOut:
        """Who would both score higher together than with what the run, or the present pairings, give them."""
        with _answered():
            found = await matching.explanations.blocking(principal, programme_id, run_id=run_id)
        return BlockingOut.of(found)

    return routes


@contextmanager
def _answered() -> Iterator[None]:
    """Raises: Problem, 503, where the engine gave no answer: asking again may help."""
    try:
        yield
    except (NoAnswerInTime, EngineFailed) as error:
        raise Problem(
            503,
            "no-answer-in-time",
            str(error) or "the engine stopped; nothing is lost, try again",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        ) from error
