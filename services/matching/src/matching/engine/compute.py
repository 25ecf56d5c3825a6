"""From a problem about people to a proposal about people: score, solve, compare, explain, check."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from ..domain import left_out
from ..domain.candidate import Candidate
from ..domain.proposal import (
    ChosenPair,
    DroppedLock,
    Figures,
    LeftOut,
    Prices,
    Problem,
    Proposal,
    check_size,
)
from ..domain.rules import broken_rules
from ..domain.scoring import score_pair
from .baselines import greedy_score, random_score
from .encode import encode
from .market import UNMATCHED, Int64, Market
from .objective import Solution, solve
from .optimum import Pricing, Worth
from .shut_out import ShutOut
from .side import Side

_CANDIDATE = TypeAdapter(Candidate)
_CANDIDATES = TypeAdapter(tuple[Candidate, ...])
_NAMES: dict[str, Any] = {
    "id": "",
    "tenant": "",
    "version": 0,
    "programme_id": "",
    "person_ref": "",
    "unit": None,
    "site": None,
    "line_self": None,
    "line_above": (),
    "ranked_wishes": (),
}
"""Opaque references, blanked: they say that two things are the same, and must not decide between equal choices."""


class EngineDisagrees(AssertionError):
    """The plain scorer and the engine differ on a proposed pair: nothing of the run may be used."""


@dataclass(frozen=True)
class _Pool:
    """Who can be paired by this run, in an order that does not depend on how they were listed."""

    mentors: list[Candidate]
    mentees: list[Candidate]
    """Without those in a locked pair."""
    places: Int64
    """Beside the locked pairs."""
    locked: list[tuple[Candidate, Candidate]]
    """Mentor and mentee."""


def compute(problem: Problem, progress: Callable[[int], None] = lambda _: None) -> Proposal:
    """The best pairs, proven, with everything a manager needs to judge them.

    The answer depends on the people and the charter alone, not on the order in which people are listed.
    ``progress`` is told percents. Raises: PoolTooLarge.
    """
    began = time.perf_counter()
    check_size(len(problem.mentors), len(problem.mentees))
    pool, dropped = _pool(problem)
    mentors, mentees = Side(pool.mentors, problem.charter), Side(pool.mentees, problem.charter)
    progress(5)
    market = encode(mentors, mentees, problem.charter, problem.history, pool.places)
    progress(15)
    solution = solve(market, problem.charter.policy.objective, lambda share: progress(15 + round(65 * share)))
    solution = _first_of_equals(market, solution)
    progress(80)
    pairs = _chosen(solution, pool, problem)
    progress(85)
    locked_score = sum(pair.points.total for pair in pairs if pair.locked)
    baseline = random_score(market, problem.seed) + locked_score
    greedy = greedy_score(market) + locked_score
    progress(90)
    people = _left_out(solution, pool, problem, mentors, mentees)
    scores = [pair.points.total for pair in pairs]
    figures = Figures(
        mentors=len(pool.mentors),
        mentees=len(pool.mentees) + len(pool.locked),
        pairs=len(pairs),
        unmatched_mentees=sum(person.role == "mentee" for person in people),
        unmatched_mentors=sum(person.role == "mentor" for person in people),
        score=sum(scores),
        worst_score=min(scores, default=0),
        mean_score=sum(scores) // len(scores) if scores else 0,
        random_baseline_score=baseline,
        greedy_score=greedy,
        certificate=replace(solution.certificate, inputs_digest=_digest(problem)),
        price_of_order=solution.prices,
        dropped_locks=tuple(dropped),
        seconds=round(time.perf_counter() - began, 3),
    )
    return Proposal(figures=figures, pairs=pairs, left_out=people, prices=_prices(solution, pool))


def _first_of_equals(market: Market, solution: Solution) -> Solution:
    """One mentee alone gets, of mentors who score the same, the first in canonical order; the prices fit any of them.

    A mentor alone gets that by itself. It is the rule of :func:`matching.engine.process.best_partner`.
    """
    if market.rows != 1 or solution.partner[0] == UNMATCHED:
        return solution
    free = np.flatnonzero(market.places > 0)
    first = Pricing(market.only(free), Worth()).look(np.zeros(len(free), np.int64), np.array([-1]), 1)
    return replace(solution, partner=free[first.column].astype(np.int32))


def _prices(solution: Solution, pool: _Pool) -> Prices:
    rows, columns = solution.row_prices.tolist(), solution.column_prices.tolist()
    return Prices(
        factor=solution.worth.factor,
        bonus=solution.worth.bonus,
        floor=max(solution.worth.lowest or 0, 0),
        mentees=tuple(sorted((mentee.id, price) for mentee, price in zip(pool.mentees, rows, strict=True))),
        mentors=tuple(sorted((mentor.id, price) for mentor, price in zip(pool.mentors, columns, strict=True))),
    )


def _pool(problem: Problem) -> tuple[_Pool, list[DroppedLock]]:
    """Who can be paired, the locks to keep, and those that can no longer be kept."""
    mentors = _in_canonical_order(problem.mentors, problem.places)
    mentees = _in_canonical_order(problem.mentees, problem.places)
    mentor_of = {mentor.id: mentor for mentor in mentors}
    mentee_of = {mentee.id: mentee for mentee in mentees}
    places = {mentor.id: problem.places[mentor.id] for mentor in mentors}
    kept: dict[str, str] = {}
    dropped = []
    for mentor_id, mentee_id in sorted(problem.locked):
        mentor, mentee = mentor_of.get(mentor_id), mentee_of.get(mentee_id)
        if mentor is None or mentee is None:
            reason = "one of the two is not ready, has withdrawn or has no free place"
        elif rules := broken_rules(mentor, mentee, problem.charter, problem.history):
            reason = f"forbidden by {', '.join(rules)}"
        elif mentee_id in kept:
            reason = "a run gives a mentee one new mentor, and another lock came first"
        elif places[mentor_id] <= 0:
            reason = "the mentor has no place left beside other locks"
        else:
            kept[mentee_id] = mentor_id
            places[mentor_id] -= 1
            continue
        dropped.append(DroppedLock(mentor_volunteer_id=mentor_id, mentee_volunteer_id=mentee_id, reason=reason))
    pool = _Pool(
        mentors=mentors,
        mentees=[mentee for mentee in mentees if mentee.id not in kept],
        places=np.array(list(places.values()), dtype=np.int64),
        locked=[(mentor_of[mentor_id], mentee_of[mentee_id]) for mentee_id, mentor_id in kept.items()],
    )
    return pool, dropped


def _in_canonical_order(people: Sequence[Candidate], places: Mapping[str, int]) -> list[Candidate]:
    """Those who can be paired."""
    able = [person for person in people if person.takes_part and places.get(person.id, 0) > 0]
    return sorted(able, key=canonical)


def canonical(person: Candidate) -> tuple[bytes, str]:
    """Orders people by what they say of themselves; names only separate people who say the same."""
    return _CANDIDATE.dump_json(replace(person, **_NAMES)), person.id


def _chosen(solution: Solution, pool: _Pool, problem: Problem) -> tuple[ChosenPair, ...]:
    """The pairs, best first, each checked against the plain rules and the plain scorer. Raises: EngineDisagrees."""
    found = [
        (pool.mentors[column], mentee, False)
        for mentee, column in zip(pool.mentees, solution.partner.tolist(), strict=True)
        if column != UNMATCHED
    ]
    pairs = []
    for mentor, mentee, locked in (*found, *((mentor, mentee, True) for mentor, mentee in pool.locked)):
        broken = broken_rules(mentor, mentee, problem.charter, problem.history)
        if broken:
            raise EngineDisagrees(f"{mentor.id} and {mentee.id} are forbidden by {broken}")
        points = score_pair(mentor, mentee, problem.charter)
        pairs.append(ChosenPair(mentor=mentor, mentee=mentee, points=points, locked=locked))
    plain = sum(pair.points.total for pair in pairs if not pair.locked)
    if solution.worth.factor * plain + solution.worth.bonus * len(found) != solution.certificate.primal:
        raise EngineDisagrees(f"the chosen pairs score {plain}, which is not what the engine worked with")
    return tuple(sorted(pairs, key=lambda pair: (-pair.points.total, pair.mentee.id)))


def _left_out(solution: Solution, pool: _Pool, problem: Problem, mentors: Side, mentees: Side) -> tuple[LeftOut, ...]:
    """Everybody without any pairing, and why."""
    waiting = [
        left_out.not_ready(person)
        for person in (*problem.mentees, *problem.mentors)
        if not person.ready and not person.withdrawn and person.id not in problem.paired
    ]
    partner = solution.partner.tolist()
    taken = {pool.mentors[column].id for column in partner if column != UNMATCHED}
    taken |= {mentor.id for mentor, _ in pool.locked}
    unlucky = [mentee for mentee, column in zip(pool.mentees, partner, strict=True) if column == UNMATCHED]
    to_mentees = ShutOut(mentors, problem.charter, problem.history)
    if pool.locked:  # they are taken, and still somebody whom a mentor might have had
        mentees = Side([*pool.mentees, *(mentee for _, mentee in pool.locked)], problem.charter)
    to_mentors = ShutOut(mentees, problem.charter, problem.history)
    spare = [mentor for mentor in pool.mentors if mentor.id not in taken]
    told = [
        shut.tell(person)
        for people, shut in ((unlucky, to_mentees), (spare, to_mentors))
        for person in people
        if person.id not in problem.paired
    ]
    return tuple(sorted((*told, *waiting), key=lambda person: (person.role, person.volunteer_id)))


def _digest(problem: Problem) -> str:
    """Names everything that the answer rests on; the same whatever the order of people."""
    people = sorted((*problem.mentors, *problem.mentees), key=lambda person: person.id)
    parts = {
        "people": _CANDIDATES.dump_python(tuple(people), mode="json"),
        "places": sorted(problem.places.items()),
        "policy": problem.charter.policy.model_dump(mode="json"),
        "week": problem.charter.week.isoformat(),
        "session_minutes": problem.charter.session_minutes,
        "previous": sorted(problem.history.previous),
        "excluded": sorted(problem.history.excluded),
        "locked": sorted(problem.locked),
    }
    written = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()
