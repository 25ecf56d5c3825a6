"""How the sessions of a pair go, and what both sides say afterwards.

Every decision hangs on the staff numbers of the two people and the number of the session, so that two plays
of the same programme tell the same story, whatever was restarted in between.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from .chance import Chance


class Ending(StrEnum):
    """How a session ends."""

    COMPLETED = "complete"
    MISSED = "miss"
    CANCELLED = "cancel"


@dataclass(frozen=True)
class Pair:
    """Two people, by their staff numbers, and what the one teaches the other."""

    mentor: str
    mentee: str
    skills: tuple[str, ...] = ()

    def chance(self, *about: object) -> Chance:
        """Chance in matters of this pair."""
        return Chance("pair", self.mentor, self.mentee, *about)


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """What happens to one session."""

    ending: Ending
    moved: bool
    """One of the two asks for another week."""
    confirmed: bool
    """Both say that the time suits them: of the first session, and of any that was moved."""
    late: timedelta
    """How long after the agreed time it really began."""
    minutes: int
    """How long it really lasted."""
    objective_reached: bool

    def report(self, starts_at: datetime) -> dict[str, Any]:
        """What is recorded when the session is over."""
        return {
            "started_at": (starts_at + self.late).isoformat(),
            "actual_minutes": self.minutes,
            "objective_reached": self.objective_reached,
        }


def conduct(pair: Pair, number: int, *, unhappy: bool = False) -> Conduct:
    """How session ``number`` goes. An unhappy pair does meet: that is where it finds out."""
    chance = pair.chance("session", number)
    fate = chance.share("ending")
    moved = chance.happens("moved", 0.08)
    ending = Ending.MISSED if fate < 0.04 else Ending.CANCELLED if fate < 0.05 else Ending.COMPLETED  # noqa: PLR2004 - 4 % and 1 %
    return Conduct(
        ending=Ending.COMPLETED if unhappy else ending,
        moved=moved,
        confirmed=moved or number == 1,
        late=timedelta(minutes=max(0, chance.whole("late", -3, 9))),
        minutes=chance.whole("minutes", 50, 75),
        objective_reached=chance.happens("objective", 0.85),
    )


class Side(StrEnum):
    """Which of the two."""

    MENTOR = "mentor"
    MENTEE = "mentee"


TEACHING = ("confidence", "pedagogy")
"""What mentors gain by teaching."""
REMARKS = (
    "Séance utile, j'ai pu essayer tout de suite.",
    "Good pace, and my questions were answered.",
    "Nous avons pris du retard, mais le sujet est clair maintenant.",
    "I will show this to my team next week.",
    "Échange très ouvert, j'ai appris autant que je n'ai transmis.",
)


def answer(
    pair: Pair, number: int, side: Side, goals: Sequence[str], *, unhappy: bool = False
) -> dict[str, Any] | None:
    """What this side answers after session ``number``; ``None`` for the few who do not answer."""
    chance = pair.chance("answer", number, side)
    if chance.happens("silent", 0.08) and not unhappy:
        return None
    mood = -2 if unhappy else pair.chance("mood").weighted("mood", {-1: 2, 0: 5, 1: 3})
    worst = 1 if unhappy or chance.happens("bad day", 0.05) else 3

    def rating(what: str) -> int:
        return min(5, max(worst, 4 + mood + chance.weighted(what, {-1: 2, 0: 5, 1: 3})))

    learns = side is Side.MENTEE
    reached = learns and number >= 4 and chance.happens("goal", 0.3)  # noqa: PLR2004 - goals take some months
    return {
        "satisfaction": rating("satisfaction"),
        "quality": rating("quality"),
        "trust": rating("trust"),
        "skills": [_progress(pair, number, skill) for skill in (pair.skills[:3] if learns else TEACHING)],
        "goals_reached": [chance.pick("which goal", sorted(goals))] if reached and goals else [],
        "text": chance.pick("remark", REMARKS) if chance.happens("writes", 0.25) else None,
        "wants_re_match": unhappy and learns,
    }


def _progress(pair: Pair, number: int, skill: str) -> dict[str, Any]:
    """Where somebody stands before and after a session: nobody forgets, some sessions bring nothing."""
    chance = pair.chance("skill", skill)
    levels = [chance.whole("at first", 0, 2)]
    for session in range(1, number + 1):
        levels.append(min(5, levels[-1] + chance.happens(session, 0.45)))
    return {"skill": skill, "before": levels[-2], "after": levels[-1]}
