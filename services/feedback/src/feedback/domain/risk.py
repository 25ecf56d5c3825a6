"""When a pairing needs attention (4-27, B-10). What is decided here is told to others without who or why."""

from collections.abc import Sequence
from itertools import pairwise

from shared.contracts import Role

from .responses import Response

LOW = 2
"""On the scale of 1 to 5, this and less is low."""
RECENT_ANSWERS = 4
"""How many of the latest answers, of both sides together, the satisfaction of a pairing is judged by."""
FEWEST_ANSWERS = 2
"""One unhappy answer alone is a bad day; the answerer can still ask for a re-match."""


def answers_show_risk(history: Sequence[Response]) -> bool:
    """Whether a pairing's answers call for a re-match offer; ``history`` in any order.

    One of: somebody asks for a re-match; the same side has low trust in two answers in a row; the latest
    answers are of low satisfaction on average.
    """
    ordered = sorted(history, key=lambda response: (response.session_number, response.id))
    return _re_match_wanted(ordered) or _trust_lost(ordered) or _dissatisfied(ordered)


def _re_match_wanted(history: Sequence[Response]) -> bool:
    return any(answer.wants_re_match for response in history for _, answer in response.given())


def _trust_lost(history: Sequence[Response]) -> bool:
    for side in Role:
        trust = [answer.trust for response in history if (answer := response.of(side)) is not None]
        if any(earlier <= LOW and later <= LOW for earlier, later in pairwise(trust)):
            return True
    return False


def _dissatisfied(history: Sequence[Response]) -> bool:
    latest = [answer.satisfaction for response in history for _, answer in response.given()][-RECENT_ANSWERS:]
    return len(latest) >= FEWEST_ANSWERS and sum(latest) <= LOW * len(latest)
