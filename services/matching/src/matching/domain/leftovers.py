"""Results of runs that nobody needs any more: superseded, failed or abandoned. The runs themselves stay, and say so.

Pure functions, as in :mod:`.run`.
"""

from dataclasses import replace
from datetime import datetime

from .refusals import ResultsRemoved
from .run import MatchRun, RunStatus

_DECIDED_BY_OTHERS = frozenset({RunStatus.SUPERSEDED, RunStatus.FAILED, RunStatus.UNCHANGED})


def leftovers(run: MatchRun) -> tuple[str, ...]:
    """The results that can go: of every attempt, or of all but the last where that is a proposal or became pairings."""
    return tuple(f"{run.id}.{attempt}" for attempt in range(1, run.attempt + (1 if _is_over(run) else 0)))


def is_shown_by(run: MatchRun, confirmed: MatchRun | None) -> bool:
    """Whether the proposal that this renewal confirmed tells of the people left out that the renewal found."""
    return confirmed is not None and confirmed.left_out_in == run.result and confirmed.results_removed_at is None


def look_again_later(run: MatchRun, seen: MatchRun, now: datetime) -> MatchRun:
    """The leftovers are needed for a while. What has changed since it was ``seen`` stays as it is."""
    return _next(run, now) if run.leftovers_since == seen.leftovers_since is not None else run


def clear(run: MatchRun, seen: MatchRun, now: datetime) -> MatchRun:
    """The leftovers are gone. What has changed since it was ``seen`` stays as it is: there are new ones."""
    if run.leftovers_since is None or run.leftovers_since != seen.leftovers_since:
        return run
    return replace(_next(run, None), results_removed_at=now if _is_over(run) else run.results_removed_at)


def require_results(run: MatchRun) -> None:
    """Refuse to show as an empty list what was there and is gone. Raises: ResultsRemoved."""
    if run.results_removed_at is not None:
        instead = f"look at {run.renewed_by}" if run.renewed_by else "ask for another run"
        raise ResultsRemoved(
            f"the pairs and the people left out of {run.id} ({run.status}) were removed on "
            f"{run.results_removed_at:%Y-%m-%d}; its figures are still there: {instead}",
            field="run_id",
        )


def run_of(result: str) -> str:
    """The run that holds a result."""
    return result.rpartition(".")[0]


def _is_over(run: MatchRun) -> bool:
    return run.status in _DECIDED_BY_OTHERS


def _next(run: MatchRun, since: datetime | None) -> MatchRun:
    return replace(run, version=run.version + 1, leftovers_since=since)
