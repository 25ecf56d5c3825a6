"""Removing, in the background, the results of runs that nobody needs any more."""

from datetime import timedelta

from shared.chassis.logging import get_logger
from shared.contracts import Principal

from ..domain import leftovers as decide
from ..domain.run import MatchRun, RunStatus
from .ports import Stores
from .run_changes import change_run

log = get_logger(__name__)

MOST_AT_ONCE = 2000
"""Pairs and people removed per look: a fraction of a second, and the next look carries on."""


class Leftovers:
    """Keeps results for a while after their run is over. Any step may be repeated, also by several replicas at once."""

    def __init__(self, stores: Stores, *, keep: timedelta) -> None:
        self._stores = stores
        self._keep = keep

    async def work(self) -> None:
        """Remove a part of what has lain about for long enough."""
        if not self._keep:
            return
        room = MOST_AT_ONCE
        for tenant, run_id in await self._stores.backlog.runs_with_leftovers(self._stores.clock.now() - self._keep):
            room -= await self._clear(await self._stores.runs.get(tenant, run_id), room)
            if room <= 0:
                return

    async def _clear(self, run: MatchRun, room: int) -> int:
        """How many were removed; as many as there is room for means that some may be left."""
        principal, now = Principal.service("matching", tenant=run.tenant), self._stores.clock.now()
        if run.status is RunStatus.UNCHANGED and run.renews is not None:
            confirmed = await self._stores.runs.find(run.tenant, run.renews)
            if decide.is_shown_by(run, confirmed):
                await change_run(
                    self._stores, principal, run.id, lambda present: decide.look_again_later(present, run, now)
                )
                return 0
        removed = 0
        for result in decide.leftovers(run):
            removed += await self._stores.results.remove(run.tenant, result, most=room - removed)
            if removed >= room:
                return removed
        await change_run(self._stores, principal, run.id, lambda present: decide.clear(present, run, now))
        log.info("results removed", run_id=run.id, status=run.status, removed=removed)
        return removed
