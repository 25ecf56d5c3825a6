"""What each session is for (4-17)."""

from collections.abc import Sequence

KICKOFF = "kickoff"
CLOSING = "closing"
EXCHANGE = "exchange"
_LONGEST_CODE = 64


def objective_of(number: int, *, sessions: int, charter: Sequence[str], shared_skills: Sequence[str]) -> str:
    """The objective code of one session of a plan.

    The charter's own list wins, its last entry serving for any further session. Else the first session is the
    kick-off (4-12), the last one the closing, and those between take the pair's shared skills in turn, the most wanted
    first.
    """
    if charter:
        return charter[min(number, len(charter)) - 1]
    if number == 1:
        return KICKOFF
    if number >= sessions:
        return CLOSING
    if not shared_skills:
        return EXCHANGE
    skill = shared_skills[(number - 2) % len(shared_skills)]
    return f"skill:{skill}" if len(skill) + len("skill:") <= _LONGEST_CODE else skill
