"""Keeping a proposal current: the pool has changed, so the open proposal may no longer be the best.

One document per programme. It is marked when the pool changes; later one replica claims the mark and names the run that
renews the proposal; from then on anybody may finish what was claimed. The mark is taken away *before* the run reads the
pool, so a change that the run did not see always finds a document without a mark, and marks it again.

Pure functions, as in :mod:`.run`.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from .run import MatchRun, RunStatus, run_id

QUIET = timedelta(seconds=1)
"""A mark is put off at most this often, so that an import of many people writes it once a second."""
LONGEST_WAIT = 12
"""While changes keep coming, a renewal is put off for this many times the wait, and no longer."""


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """What is known of how current a programme's proposal is."""

    id: str
    tenant: str
    version: int
    programme_id: str
    stale_since: datetime | None = None
    """When the pool changed first since the last claim."""
    due: datetime | None = None
    """When the mark may be claimed; None without a mark."""
    asked: str | None = None
    """The run that renews the proposal, from the claim until it is settled."""
    number: int = 0
    """How many renewals were claimed: the name of the next run follows from it."""
    nightly: bool = False
    """The claim is that of the night, and nobody told of any change: another outcome would be a surprise."""
    certified_on: date | None = None
    """The day whose nightly re-certification was claimed last."""
    behind: str | None = None
    """The proposal whose renewal failed: nobody knows whether it is still the best."""

    def is_current(self, proposal: MatchRun) -> bool:
        """Whether no renewal of this proposal waits, is under way, or has failed."""
        return self.due is None and self.asked is None and self.behind != proposal.id


def renewal_id(tenant: str, programme_id: str) -> str:
    """Each programme has one."""
    return f"renewal_{hashlib.sha256(f'{tenant}{chr(0)}{programme_id}'.encode()).hexdigest()[:26]}"


def mark(present: Renewal | None, tenant: str, programme_id: str, *, wait: timedelta, now: datetime) -> Renewal:
    """The pool has changed. The renewal waits until it has been quiet for ``wait``, but not for ever."""
    renewal = present or _blank(tenant, programme_id)
    since = renewal.stale_since or now
    due = min(now + wait, since + LONGEST_WAIT * wait)
    if renewal.due is not None and due - renewal.due < QUIET:
        return renewal
    return _next(renewal, stale_since=since, due=due)


def claim(renewal: Renewal, now: datetime) -> Renewal:
    """Take the mark away and name the run that renews. One that is claimed, or not due, stays as it is."""
    if renewal.asked is not None or renewal.due is None or renewal.due > now:
        return renewal
    number = renewal.number + 1
    name = run_id(renewal.tenant, renewal.programme_id, f"renewal.{number}")
    return _next(renewal, stale_since=None, due=None, asked=name, number=number, nightly=False)


def claim_nightly(present: Renewal | None, tenant: str, programme_id: str, day: date) -> Renewal:
    """The same once a day, whether the pool is marked or not. While a renewal is under way, it waits for its end."""
    renewal = present or _blank(tenant, programme_id)
    if renewal.asked is not None or (renewal.certified_on is not None and renewal.certified_on >= day):
        return renewal
    name = run_id(tenant, programme_id, f"nightly.{day}")
    return _next(renewal, stale_since=None, due=None, asked=name, nightly=renewal.due is None, certified_on=day)


def put_back(renewal: Renewal, asked: str, due: datetime, now: datetime) -> Renewal:
    """Another run is under way: the claim waits for its end as a mark."""
    if renewal.asked != asked:
        return renewal
    return _next(renewal, asked=None, stale_since=renewal.stale_since or now, due=due)


def settle(renewal: Renewal, asked: str, *, failed_for: str | None = None) -> Renewal:
    """The renewal has ended. ``failed_for``: the proposal that could not be renewed."""
    if renewal.asked != asked:
        return renewal
    return _next(renewal, asked=None, nightly=False, behind=failed_for)


def newest_proposal(runs: list[MatchRun]) -> MatchRun | None:
    """Of several proposals the one that was asked for last."""
    proposed = (run for run in runs if run.status is RunStatus.PROPOSED)
    return max(proposed, key=lambda run: (run.requested_at, run.id), default=None)


def _blank(tenant: str, programme_id: str) -> Renewal:
    """Of a programme whose proposal nobody has marked yet; never stored as it is."""
    return Renewal(id=renewal_id(tenant, programme_id), tenant=tenant, version=0, programme_id=programme_id)


def _next(renewal: Renewal, **changes: Any) -> Renewal:
    return replace(renewal, version=renewal.version + 1, **changes)
