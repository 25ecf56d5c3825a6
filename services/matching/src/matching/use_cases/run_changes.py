"""What several use cases do to runs."""

from collections.abc import Callable

from shared.chassis.aggregates import Cause
from shared.contracts import Principal

from ..domain import run as decide
from ..domain.candidate import Programme
from ..domain.refusals import UnknownRun
from ..domain.run import MatchRun
from .ports import Stores


async def change_run(
    stores: Stores, principal: Principal, run_id: str, decision: Callable[[MatchRun], MatchRun]
) -> MatchRun:
    """Change a run that must exist. Raises: UnknownRun."""

    def decide_on(present: MatchRun | None) -> tuple[MatchRun, tuple[()]]:
        if present is None:
            raise UnknownRun(f"there is no run {run_id!r}")
        return decision(present), ()

    return await stores.runs.change(run_id, Cause(principal=principal), decide_on)


async def catch_up(stores: Stores, programme: Programme, cause: Cause, occasion: str) -> None:
    """Pair everybody who waits in a continuous programme, once per occasion: by a run that approves itself."""
    run_id = decide.run_id(programme.tenant, programme.id, occasion)
    now = stores.clock.now()
    await stores.runs.change(
        run_id,
        cause,
        lambda run: (run or decide.request(programme, id=run_id, seed=0, now=now, automatic=True), []),
    )
