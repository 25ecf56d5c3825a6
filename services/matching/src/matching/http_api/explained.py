"""What explanations look like. Each representation is built field by field, so nothing leaks by accident."""

from collections.abc import Mapping
from typing import Self

from shared.contracts import Role, ScoreTerm, WeeklyWindow

from ..domain.blocking import Blocking
from ..domain.broken import FactValue
from ..domain.letting_in import Change, Tried, WhatIf
from ..domain.rules import HardRule
from ..domain.why_not import Verdict
from ..use_cases.explanations import LettingIn, Why, WhyNot
from .outputs import LeftOutOut, Out


class BrokenRuleOut(Out):
    """A hard rule that forbids a pair, with the facts it rests on."""

    rule: HardRule
    setting: str | None
    says: str
    facts: Mapping[str, FactValue]


class WhyOut(Out):
    """Two people: may they be a pair, and what would their score be. The terms add up to it exactly."""

    mentor_volunteer_id: str
    mentee_volunteer_id: str
    possible: bool
    forbidden_by: tuple[BrokenRuleOut, ...]
    paired_now: bool
    score: int
    terms: tuple[ScoreTerm, ...]
    shared_skills: tuple[str, ...]
    shared_languages: tuple[str, ...]
    shared_minutes_per_week: int

    @classmethod
    def of(cls, why: Why) -> Self:
        """Its representation."""
        return cls(
            mentor_volunteer_id=why.mentor.id,
            mentee_volunteer_id=why.mentee.id,
            possible=not why.broken,
            forbidden_by=tuple(BrokenRuleOut.model_validate(rule) for rule in why.broken),
            paired_now=why.paired_now,
            score=why.points.total,
            terms=why.points.terms,
            shared_skills=why.points.shared_skills,
            shared_languages=why.points.shared_languages,
            shared_minutes_per_week=why.points.shared_minutes_per_week,
        )


class AimsOut(Out):
    """What a solution reaches, or by how much two differ: negative where it is less."""

    pairs: int
    worst_score: int
    score: int


class MoveOut(Out):
    """A mentee whose mentor differs; null stands for nobody."""

    mentee_volunteer_id: str
    before: str | None
    after: str | None
    score_before: int | None
    score_after: int | None


class PriceOut(Out):
    """The best solution, the one that a run with this pair locked would give, and who moves between the two."""

    best: AimsOut
    with_pair: AimsOut
    change: AimsOut
    moved: int
    """Mentees whose mentor differs; ``moves`` tells of the first twenty."""
    moves: tuple[MoveOut, ...]


class LockedTwoOut(Out):
    """Two people held together by a lock."""

    mentor_volunteer_id: str
    mentee_volunteer_id: str


class WhyNotOut(Out):
    """Why two people are not paired. ``price`` is there for ``costs`` and ``equally_good``."""

    verdict: Verdict
    pair: WhyOut
    locks: tuple[LockedTwoOut, ...]
    full: tuple[str, ...]
    price: PriceOut | None

    @classmethod
    def of(cls, found: WhyNot) -> Self:
        """Its representation."""
        return cls(
            verdict=found.verdict,
            pair=WhyOut.of(found.why),
            locks=tuple(LockedTwoOut(mentor_volunteer_id=one, mentee_volunteer_id=other) for one, other in found.locks),
            full=found.full,
            price=None if found.price is None else PriceOut.model_validate(found.price),
        )


class WhatIfOut(Out):
    """A change that may let somebody in."""

    change: Change
    says: str
    rule: HardRule | None
    setting: str | None
    window: WeeklyWindow | None
    mentor_volunteer_id: str | None

    @classmethod
    def of(cls, what_if: WhatIf) -> Self:
        """Its representation."""
        return cls.model_validate(what_if)


class TriedOut(WhatIfOut):
    """What such a change does, found by solving again."""

    lets_in: bool
    partner_volunteer_id: str | None
    score: int | None
    gained: AimsOut
    put_out: int
    """People who would lose their last new pair by it."""

    @classmethod
    def of(cls, tried: Tried) -> Self:  # type: ignore[override] # a try, with what it did
        """Its representation."""
        return cls(
            **WhatIfOut.of(tried.what_if).model_dump(),
            lets_in=tried.lets_in,
            partner_volunteer_id=tried.partner,
            score=tried.score,
            gained=AimsOut.model_validate(tried.gained),
            put_out=tried.put_out,
        )


class LettingInOut(Out):
    """What would let somebody in. Nothing is tried for somebody who has a partner."""

    volunteer_id: str
    role: Role
    partner_volunteer_id: str | None
    left_out: LeftOutOut | None
    tried: tuple[TriedOut, ...]
    not_tried: tuple[WhatIfOut, ...]

    @classmethod
    def of(cls, found: LettingIn) -> Self:
        """Its representation."""
        return cls(
            volunteer_id=found.person.id,
            role=found.person.role,
            partner_volunteer_id=found.partner,
            left_out=None if found.left_out is None else LeftOutOut.of(found.left_out),
            tried=tuple(TriedOut.of(one) for one in found.tried),
            not_tried=tuple(WhatIfOut.of(one) for one in found.not_tried),
        )


class BlockingPairOut(Out):
    """Two who would both score higher together."""

    mentor_volunteer_id: str
    mentee_volunteer_id: str
    score: int
    mentor_has: int
    mentee_has: int


class BlockingOut(Out):
    """How many such pairs there are, and the first fifty. Incomplete when time was up before all were looked at."""

    found: int
    complete: bool
    mentees: int
    looked_at: int
    pairs: tuple[BlockingPairOut, ...]

    @classmethod
    def of(cls, blocking: Blocking) -> Self:
        """Its representation."""
        return cls.model_validate(blocking)
