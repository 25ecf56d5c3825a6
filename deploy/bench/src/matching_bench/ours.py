"""The engine of the matching service, given the same people."""

from typing import Any

import numpy as np
from matching.engine.market import Columns, Counted, Lists, Market, Needed, no_counts, no_singles
from matching.engine.optimum import Pricing, Worth, optimum

from . import terms
from .people import UNITS, Integers, Pool
from .watch import Watch

HALF_HOURS_A_SLOT = terms.SLOT_MINUTES // 30
POINTS_PER_HALF_HOUR = terms.HOURS_POINTS // (terms.ENOUGH_SLOTS * HALF_HOURS_A_SLOT)


class Engine:
    """Scores, chooses and proves."""

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        """The clock runs from the people's columns to the proven pairs."""
        with watch.phase("prepare"):
            market = market_of(pool)
        with watch.phase("solve"):
            best = optimum(market)
        return {
            "partner": best.state.partner.astype(np.int64),
            "dual": best.dual,
            "rounds": best.rounds,
            "pairs_kept": len(best.candidates.key),
            "possible_pairs": best.possible,
        }


class Pass:
    """The engine's kernel over all pairs, once, as its proof looks at them: against a limit that nobody exceeds."""

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        """The market is prepared outside the clock."""
        market = market_of(pool)
        prices, limit = np.zeros(pool.mentors, dtype=np.int64), np.full(market.rows, 2**40, dtype=np.int64)
        pricing = Pricing(market, Worth(), lambda _: None)
        with watch.phase("score"):
            pricing.look(prices, limit, keep=1)
        return {}


def market_of(pool: Pool) -> Market:
    """The same question in the engine's columns."""
    mentors, mentees = pool.mentors, pool.mentees
    sites, masks = range(len(terms.SITE_ZONES)), range(1, 1 << terms.LANGUAGES)
    bands, motivations = np.unique(pool.mentee_band), range(1, 6)
    groups = [
        (
            _points(
                lambda mine, theirs: 0 if mine == theirs else terms.OTHER_UNIT_POINTS, range(UNITS), pool.mentor_unit
            ),
            pool.mentee_unit,
        ),
        (_points(terms.proximity_points, sites, pool.mentor_site), pool.mentee_site),
        (_points(terms.language_points, masks, pool.mentor_languages), pool.mentee_languages - 1),
        (
            _points(lambda mine, theirs: terms.age_points(theirs, mine), bands.tolist(), pool.mentor_band),
            np.searchsorted(bands, pool.mentee_band),
        ),
        (
            _points(
                lambda mine, theirs: terms.motivation_points(mine, theirs) + terms.NOT_GIVEN_POINTS,
                motivations,
                pool.mentor_motivation,
            ),
            pool.mentee_motivation - 1,
        ),
    ]
    firsts = np.cumsum([0, *(len(table) for table, _ in groups)])
    own = np.stack([mark + first for (_, mark), first in zip(groups, firsts[:-1], strict=True)], axis=1)
    wish_marks, lifts = _lifts(pool)
    sums = np.add.reduceat(pool.wish_priority, pool.wish_start[:-1])
    fulls = terms.SKILL_POINTS * pool.wish_priority // np.repeat(sums, np.diff(pool.wish_start))
    free = (pool.mentor_hours >> np.arange(terms.SLOTS)[:, None] & 1).astype(np.uint8)
    mentee_free = pool.mentee_hours[:, None] >> np.arange(terms.SLOTS) & 1
    when = _lists(np.concatenate(([0], np.cumsum(mentee_free.sum(axis=1)))), np.nonzero(mentee_free)[1])
    speaks = ((np.array(masks)[:, None] & pool.mentor_languages) != 0).astype(np.uint8)
    columns = Columns(
        addends=np.ascontiguousarray(np.concatenate([table for table, _ in groups])),  # fancy indices turn the order
        row_addends=_lists(np.arange(mentees + 1) * own.shape[1], own.ravel()),
        lifts=lifts,
        row_wishes=_lists(pool.wish_start, wish_marks),
        row_full=(4 * fulls).astype(np.int16),
        teaching=True,
        hours=Counted(
            free * np.uint8(HALF_HOURS_A_SLOT),
            when,
            terms.ENOUGH_SLOTS * HALF_HOURS_A_SLOT,
            np.array([POINTS_PER_HALF_HOUR << 8], dtype=np.int16),
        ),
        interests=no_counts(mentees, mentors, wide=False),
        allowed=speaks,
        row_allowed=_lists(np.arange(mentees + 1), pool.mentee_languages - 1),
        meeting=Needed(free, when, True),
        barred=_barred(pool),
        singles=no_singles(mentees),
    )
    return Market(columns, places=pool.places.astype(np.int64), lowest=0, highest=terms.HIGHEST, wide=False)


def _points(points: Any, marks: Any, mentors: Integers) -> Any:
    """For each mark of a mentee the points of every mentor, as 16-bit columns."""
    kinds, back = np.unique(mentors, return_inverse=True)
    return np.array([[points(mark, kind) for kind in kinds.tolist()] for mark in marks], dtype=np.int16)[:, back]


def _lifts(pool: Pool) -> tuple[Integers, Any]:
    """The mark of each wish (a skill and a present level), and how far each mentor lifts there."""
    offered = np.zeros((terms.SKILLS, pool.mentors), dtype=np.uint8)
    offered[pool.offer_skill, np.repeat(np.arange(pool.mentors), np.diff(pool.offer_start))] = pool.offer_level
    distinct, marks = np.unique(pool.wish_skill * (terms.TOP_LEVEL + 1) + pool.wish_level, return_inverse=True)
    skill, present = np.divmod(distinct, terms.TOP_LEVEL + 1)
    lift = np.array(
        [[terms.lift(low, high) for high in range(terms.TOP_LEVEL + 1)] for low in range(terms.TOP_LEVEL + 1)],
        dtype=np.uint8,
    )
    lifts = np.stack([lift[level][offered[what]] for what, level in zip(skill, present, strict=True)])
    return marks, lifts


def _barred(pool: Pool) -> Lists:
    """Previous partners and the mentors of one's own reporting line, ascending and once each."""
    by_line = np.argsort(pool.mentor_line, kind="stable")
    sorted_lines = pool.mentor_line[by_line]
    first = np.searchsorted(sorted_lines, pool.mentee_line)
    count = np.searchsorted(sorted_lines, pool.mentee_line, side="right") - first
    everybody = np.arange(pool.mentees)
    row = np.concatenate((np.repeat(everybody, count), np.repeat(everybody, np.diff(pool.previous_start))))
    ends = np.cumsum(count)
    place = np.arange(int(ends[-1])) - np.repeat(ends - count, count) + np.repeat(first, count)
    column = np.concatenate((by_line[place], pool.previous_mentor))
    row, column = np.divmod(np.unique(row * pool.mentors + column), pool.mentors)
    return _lists(np.searchsorted(row, np.arange(pool.mentees + 1)), column)


def _lists(start: Any, index: Any) -> Lists:
    start = np.ascontiguousarray(start, dtype=np.int64)
    return Lists(start[:-1].copy(), start[1:].copy(), np.ascontiguousarray(index, dtype=np.int32))
