"""Every night each programme is looked at anew, whether or not anybody told of a change."""

from datetime import date, datetime, timedelta

from shared.chassis.aggregates import Cause
from shared.contracts import MatchMode, Principal

from ..domain.renewal import claim_nightly, renewal_id
from .ports import Stores, Work
from .run_changes import catch_up
from .snapshot import read_programme

NEVER = -1


class Recertification:
    """Once per day and programme: renews or confirms an open proposal, and lets a continuous programme catch up.

    What is asked for is named after the day, so several replicas ask for it once.
    """

    def __init__(self, stores: Stores, *, hour: int) -> None:
        self._stores = stores
        self._hour = hour
        self._day: date | None = None
        self._left: list[Work] = []

    async def work(self) -> None:
        """Do what is left of the day whose hour came last."""
        if self._hour == NEVER:
            return
        day = last_day(self._stores.clock.now(), self._hour)
        if day != self._day:
            self._left, self._day = list(await self._stores.backlog.programmes()), day
        self._left = [work for work in self._left if not await self._certify(*work, day)]

    async def _certify(self, tenant: str, programme_id: str, day: date) -> bool:
        """Ask for it; whether that is done for the day."""
        cause = Cause(principal=Principal.service("matching", tenant=tenant))
        programme = await read_programme(self._stores, tenant, programme_id)
        if programme.policy.mode is MatchMode.CONTINUOUS:
            await catch_up(self._stores, programme, cause, f"night.{day}")
            return True
        renewal = await self._stores.renewals.change(
            renewal_id(tenant, programme_id),
            cause,
            lambda present: (claim_nightly(present, tenant, programme_id, day), ()),
        )
        return renewal.certified_on is not None and renewal.certified_on >= day


def last_day(now: datetime, hour: int) -> date:
    """The day (UTC) whose ``hour`` came last."""
    return (now - timedelta(hours=hour)).date()
