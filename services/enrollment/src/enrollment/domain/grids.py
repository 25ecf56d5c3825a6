"""Results on the competence grid of those who would mentor (1-33, B-07): who judged, when, and what came of it.

The grid itself (criteria, levels) stays with those who use it. What is kept here is each result with its threshold, in
the order in which they were recorded, so that a later threshold changes no earlier verdict.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from shared.contracts import Invalid, Role

from .programmes import EARLIEST

MOST_RESULTS = 50


class UnusableGridResult(Invalid):
    """The result is of somebody who is not judged by the grid, of a day that cannot be, or there are too many."""


@dataclass(frozen=True, kw_only=True)
class GridResult:
    """What one evaluation gave, in points of 100."""

    score: int
    threshold: int
    """The score from which the grid was passed, as it was asked then."""
    evaluated_by: str
    """``person_ref`` of the evaluator, or the name of whoever recorded the result."""
    evaluated_on: date

    @property
    def passed(self) -> bool:
        """The verdict."""
        return self.score >= self.threshold


def newest(results: Sequence[GridResult]) -> GridResult | None:
    """The result that counts: of the latest day; of one day the one that was recorded last."""
    return max(reversed(results), key=lambda result: result.evaluated_on, default=None)


def require_usable(result: GridResult, *, role: Role, person_ref: str, known: int, at: datetime) -> None:
    """Refuse a result that cannot be, naming the field. Raises: UnusableGridResult."""
    if role is not Role.MENTOR:
        raise UnusableGridResult("the grid is for mentors, and this is a mentee", field="volunteer_id")
    if result.evaluated_by == person_ref:
        raise UnusableGridResult("nobody evaluates themself: name who did", field="evaluated_by")
    # A day of grace: it may be tomorrow already where the evaluation took place.
    if result.evaluated_on < EARLIEST or (result.evaluated_on - at.date()).days > 1:
        raise UnusableGridResult("a result is recorded once the evaluation has taken place", field="evaluated_on")
    if known >= MOST_RESULTS:
        raise UnusableGridResult(f"at most {MOST_RESULTS} results are recorded of one mentor", field="score")
