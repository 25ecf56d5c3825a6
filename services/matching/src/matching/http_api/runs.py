"""Match runs: ask, look, approve."""

from fastapi import APIRouter, status
from shared.chassis.http import Acting, Cursor, IdempotencyKey, Limit, PageOut

from ..use_cases import Matching
from .inputs import ApproveIn, ProgrammeId, RunId, RunIn
from .outputs import ApprovedOut, LeftOutOut, ProposalOut, ProposedPairOut, RunOut


def router(matching: Matching) -> APIRouter:
    """``/programmes/{programme_id}/runs`` and ``/runs/{run_id}``."""
    routes = APIRouter(tags=["runs"])

    @routes.post("/programmes/{programme_id}/runs", status_code=status.HTTP_202_ACCEPTED)
    async def request_run(
        principal: Acting, programme_id: ProgrammeId, wanted: RunIn | None = None, key: IdempotencyKey = None
    ) -> RunOut:
        """Queue a run; look at it until its status is ``proposed``."""
        seed = wanted.seed if wanted else 0
        return RunOut.of(await matching.runs.request(principal, programme_id, seed=seed, key=key))

    @routes.get("/programmes/{programme_id}/runs")
    async def list_runs(
        principal: Acting, programme_id: ProgrammeId, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[RunOut]:
        """The runs of a programme."""
        page = await matching.runs.page(principal, programme_id, limit=limit, cursor=cursor)
        return PageOut(items=[RunOut.of(run) for run in page.items], next_cursor=page.next_cursor)

    @routes.get("/programmes/{programme_id}/proposal")
    async def get_proposal(principal: Acting, programme_id: ProgrammeId) -> ProposalOut:
        """The proposal that waits for a decision. Once it is ``current``, it is the best over the pool of today."""
        found = await matching.renewals.proposal(principal, programme_id)
        return ProposalOut.of(found.run, current=found.current)

    @routes.get("/runs/{run_id}")
    async def get_run(principal: Acting, run_id: RunId) -> RunOut:
        """A run with its figures."""
        return RunOut.of(await matching.runs.get(principal, run_id))

    @routes.get("/runs/{run_id}/pairs")
    async def list_pairs(
        principal: Acting, run_id: RunId, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[ProposedPairOut]:
        """The proposed pairs, the best first, each with its score decomposed."""
        page = await matching.runs.pairs(principal, run_id, limit=limit, cursor=cursor)
        return PageOut(items=[ProposedPairOut.of(pair) for pair in page.items], next_cursor=page.next_cursor)

    @routes.get("/runs/{run_id}/unmatched")
    async def list_unmatched(
        principal: Acting, run_id: RunId, limit: Limit = 50, cursor: Cursor = None
    ) -> PageOut[LeftOutOut]:
        """Who got nobody, and why."""
        page = await matching.runs.left_out(principal, run_id, limit=limit, cursor=cursor)
        return PageOut(items=[LeftOutOut.of(stored.person) for stored in page.items], next_cursor=page.next_cursor)

    @routes.post("/runs/{run_id}/approve")
    async def approve(principal: Acting, run_id: RunId, wanted: ApproveIn | None = None) -> ApprovedOut:
        """Turn the proposal into pairings. Sent again, it finishes what was begun and makes nothing twice."""
        effective_on = wanted.effective_on if wanted else None
        return ApprovedOut.of(await matching.approval.approve(principal, run_id, effective_on))

    return routes
