"""The optimum kept while people come and go: what an arrival, a departure, a mentor who leaves and returns take."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import numpy as np
from matching.engine.live import Live
from matching.engine.market import Columns, Lists, Market
from matching.engine.optimum import optimum

from .ours import market_of
from .people import Integers, Pool
from .watch import Watch

TIMED_MENTEES, TIMED_MENTORS = 300, 50
RE_MATCHES = 2_000
GONE = 200
MOST_SECONDS = 4.0
"""For each kind of event; then as many count as there was time for."""
MILLI = 1_000
Who = TypeVar("Who")


class Events:
    """One solution, many events, and a proof and a fresh solution afterwards."""

    def __call__(self, pool: Pool, watch: Watch) -> dict[str, Any]:
        """People are chosen at random, the same for the same number of people."""
        chance = np.random.default_rng(pool.mentees)
        market = market_of(pool)
        with watch.phase("solve"):
            best = optimum(market)
        with watch.phase("start"):
            live = Live.of(market, best)
        departures, arrivals = _timed(_some(chance, pool.mentees, TIMED_MENTEES), live.depart, live.arrive)
        leaving, returning = _timed(
            _some(chance, pool.mentors, TIMED_MENTORS),
            lambda mentor: live.offer(mentor, 0),
            lambda mentor: live.offer(mentor, int(pool.places[mentor])),
        )
        again = chance.integers(0, pool.mentees, RE_MATCHES).tolist()
        with watch.phase("re-match"):
            re_matches = 0
            for mentee in _while_there_is_time(again):
                live.depart(mentee)
                live.arrive(mentee)
                re_matches += 1
        with watch.phase("certify"):
            live.certify()
        told = {
            "partner": live.partner.astype(np.int64),
            "dual": live.total,
            "arrival_ms": _spread(arrivals),
            "departure_ms": _spread(departures),
            "mentor_leaves_and_returns_ms": _spread([sum(both) for both in zip(leaving, returning, strict=True)]),
            "re_matches": re_matches,
            "re_matches_per_core_second": re_matches / watch.cpu["re-match"],
        }
        with watch.phase("solve without some"):
            told |= _without_some(pool, market, live, chance)
        return told


def _without_some(pool: Pool, market: Market, live: Live, chance: np.random.Generator) -> dict[str, Any]:
    """Mentees and mentors go for good; those who are left are solved anew. Raises: NotProven."""
    partings = zip(_some(chance, pool.mentees, GONE), _some(chance, pool.mentors, GONE), strict=True)
    mentees, mentors = [], []
    for mentee, mentor in _while_there_is_time(partings):
        live.depart(mentee)
        live.offer(mentor, 0)
        mentees.append(mentee)
        mentors.append(mentor)
    live.certify()
    left = np.setdiff1d(np.arange(pool.mentees), mentees)
    places = market.places.copy()
    places[mentors] = 0
    return {
        "left_without": len(mentees),
        "left_total": live.total,
        "left_total_anew": optimum(_of_rows(market, left, places)).total,
    }


def _of_rows(market: Market, rows: Integers, places: Integers) -> Market:
    """The market of some of its mentees, with other places."""
    return Market(_columns(market.columns, rows), places, market.highest, market.lowest, market.wide)


def _columns(columns: Columns, rows: Integers) -> Columns:
    def of(lists: Lists) -> Lists:
        return Lists(lists.start[rows], lists.stop[rows], lists.items)

    return columns._replace(
        row_addends=of(columns.row_addends),
        row_wishes=of(columns.row_wishes),
        hours=columns.hours._replace(rows=of(columns.hours.rows)),
        interests=columns.interests._replace(rows=of(columns.interests.rows)),
        row_allowed=of(columns.row_allowed),
        meeting=columns.meeting._replace(rows=of(columns.meeting.rows)),
        barred=of(columns.barred),
        singles=columns.singles._replace(rows=of(columns.singles.rows)),
    )


def _some(chance: np.random.Generator, people: int, most: int) -> list[int]:
    """Half of them at most, each once."""
    some: list[int] = chance.choice(people, min(most, people // 2), replace=False).tolist()
    return some


def _while_there_is_time(people: Iterable[Who]) -> Iterator[Who]:
    """One at least."""
    ends = time.perf_counter() + MOST_SECONDS
    for person in people:
        yield person
        if time.perf_counter() > ends:
            return


def _timed(
    people: Iterable[int], go: Callable[[int], Any], come: Callable[[int], Any]
) -> tuple[list[float], list[float]]:
    """Each goes and comes back before the next. Returns the seconds of each going and each coming."""
    going, coming = [], []
    for person in _while_there_is_time(people):
        began = time.perf_counter()
        go(person)
        gone = time.perf_counter()
        come(person)
        coming.append(time.perf_counter() - gone)
        going.append(gone - began)
    return going, coming


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(MILLI * second for second in seconds)
    at_95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return {
        "count": len(ordered),
        "median": float(np.median(ordered)),
        "p95": at_95,
        "most": ordered[-1],
    }
