"""What several use cases do to runs."""

from collections.abc import Callable

from shared.chassis.aggregates import Cause
from shared.contracts import Principal

from ..domain import leftovers
from ..domain import run as decide
from ..domain.candidate import Programme
from ..domain.leftovers import run_of
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


async def require_results(stores: Stores, run: MatchRun, result: str) -> None:
    """Refuse to read a result, of this run or of another that it refers to, once it is removed.

    Raises: ResultsRemoved.
    """
    holder = run if run_of(result) == run.id else await stores.runs.find(run.tenant, run_of(result))
    for one in (run, holder or run):
        leftovers.require_results(one)


async def catch_up(stores: Stores, programme: Programme, cause: Cause, occasion: str) -> None:
    """Pair everybody who waits in a continuous programme, once per occasion: by a run that approves itself."""
    run_id = decide.run_id(programme.tenant, programme.id, occasion)
    now = stores.clock.now()
    await stores.runs.change(
        run_id,
        cause,
        lambda run: (run or decide.request(programme, id=run_id, seed=0, now=now, automatic=True), []),
    )
