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
from .baselines import greedy, random_score
from .columns import RULES, Scored, score_all
from .solver import UNMATCHED, Instance, Integers, Solution, solve

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
}
"""Opaque references, blanked: they say that two things are the same, and must not decide between equal choices."""


class EngineDisagrees(AssertionError):
    """The plain scorer and the engine differ on a proposed pair: nothing of the run may be used."""


@dataclass(frozen=True)
class _Pool:
    """Who can be paired by this run, in an order that does not depend on how they were listed."""

    mentors: list[Candidate]
    mentees: list[Candidate]
    places: Integers
    scored: Scored


def compute(problem: Problem, progress: Callable[[int], None] = lambda _: None) -> Proposal:
    """The best pairs, proven, with everything a manager needs to judge them.

    The answer depends on the people and the charter alone, not on the order in which people are listed.
    ``progress`` is told percents. Raises: PoolTooLarge.
    """
    began = time.perf_counter()
    check_size(len(problem.mentors), len(problem.mentees))
    mentors = _in_canonical_order(problem.mentors, problem.places)
    mentees = _in_canonical_order(problem.mentees, problem.places)
    scored = score_all(mentors, mentees, problem.charter, problem.history, lambda share: progress(round(40 * share)))
    places = np.array([problem.places.get(mentor.id, 0) for mentor in mentors], dtype=np.int64)
    pool = _Pool(mentors, mentees, places, scored)
    locked, dropped = _locks(problem, pool)
    instance = _without(locked, pool, problem)
    solution = solve(instance, lambda share: progress(40 + round(40 * share)))
    partner = _with_locks(solution.partner, locked)
    progress(80)
    pairs = _chosen(partner, pool, problem, frozenset(locked.items()))
    progress(90)
    locked_score = sum(int(scored.scores[row, column]) for row, column in locked.items())
    baseline = random_score(instance, problem.seed) + locked_score
    greedy_score = _total(greedy(instance), instance) + locked_score
    people = _left_out(partner, pool, problem)
    scores = [pair.points.total for pair in pairs]
    figures = Figures(
        mentors=len(mentors),
        mentees=len(mentees),
        pairs=len(pairs),
        unmatched_mentees=sum(person.role == "mentee" for person in people),
        unmatched_mentors=sum(person.role == "mentor" for person in people),
        score=sum(scores),
        worst_score=min(scores, default=0),
        mean_score=sum(scores) // len(scores) if scores else 0,
        random_baseline_score=baseline,
        greedy_score=greedy_score,
        certificate=replace(solution.proof.certificate, inputs_digest=_digest(problem)),
        price_of_order=solution.prices,
        dropped_locks=tuple(dropped),
        seconds=round(time.perf_counter() - began, 3),
    )
    return Proposal(figures=figures, pairs=pairs, left_out=people, prices=_prices(solution, pool, locked))


def _in_canonical_order(people: Sequence[Candidate], places: Mapping[str, int]) -> list[Candidate]:
    """Those who can be paired, by what they say of themselves; names only separate people who say the same."""
    able = [person for person in people if person.takes_part and places.get(person.id, 0) > 0]
    return sorted(able, key=lambda person: (repr(replace(person, **_NAMES)), person.id))


def _locks(problem: Problem, pool: _Pool) -> tuple[dict[int, int], list[DroppedLock]]:
    """The locks to keep, as row -> column, and those that can no longer be kept."""
    row_of = {mentee.id: row for row, mentee in enumerate(pool.mentees)}
    column_of = {mentor.id: column for column, mentor in enumerate(pool.mentors)}
    kept: dict[int, int] = {}
    dropped = []
    for mentor_id, mentee_id in sorted(problem.locked):
        row, column = row_of.get(mentee_id), column_of.get(mentor_id)
        reason = None
        if row is None or column is None:
            reason = "one of the two is not ready, has withdrawn or has no free place"
        elif not pool.scored.feasible[row, column]:
            rules = broken_rules(pool.mentors[column], pool.mentees[row], problem.charter, problem.history)
            reason = f"forbidden by {', '.join(rules)}"
        elif row in kept:
            reason = "a run gives a mentee one new mentor, and another lock came first"
        elif sum(taken == column for taken in kept.values()) >= pool.places[column]:
            reason = "the mentor has no place left beside other locks"
        if reason is not None:
            dropped.append(DroppedLock(mentor_volunteer_id=mentor_id, mentee_volunteer_id=mentee_id, reason=reason))
        elif row is not None and column is not None:
            kept[row] = column
    return kept, dropped


def _without(locked: Mapping[int, int], pool: _Pool, problem: Problem) -> Instance:
    """What is left to solve once the locked pairs have their places."""
    feasible = pool.scored.feasible.copy()
    places = pool.places.copy()
    for row, column in locked.items():
        feasible[row] = False
        places[column] -= 1
    return Instance(
        scores=pool.scored.scores,
        feasible=feasible,
        places=places,
        order=problem.charter.policy.objective,
    )


def _prices(solution: Solution, pool: _Pool, locked: Mapping[int, int]) -> Prices:
    rows, columns = solution.proof.row_prices.tolist(), solution.proof.column_prices.tolist()
    return Prices(
        factor=solution.measure.factor,
        bonus=solution.measure.bonus,
        floor=solution.measure.floor,
        mentees=tuple(sorted((pool.mentees[row].id, price) for row, price in enumerate(rows) if row not in locked)),
        mentors=tuple(sorted((mentor.id, price) for mentor, price in zip(pool.mentors, columns, strict=True))),
    )


def _with_locks(partner: Integers, locked: Mapping[int, int]) -> Integers:
    partner = partner.copy()
    for row, column in locked.items():
        partner[row] = column
    return partner


def _chosen(
    partner: Integers, pool: _Pool, problem: Problem, locked: frozenset[tuple[int, int]]
) -> tuple[ChosenPair, ...]:
    """The pairs, best first, each checked against the plain rules and the plain scorer. Raises: EngineDisagrees."""
    pairs = []
    for row in np.flatnonzero(partner != UNMATCHED).tolist():
        column = int(partner[row])
        mentor, mentee = pool.mentors[column], pool.mentees[row]
        points = score_pair(mentor, mentee, problem.charter)
        if points.total != pool.scored.scores[row, column]:
            raise EngineDisagrees(f"{mentor.id} and {mentee.id} score {points.total}")
        broken = broken_rules(mentor, mentee, problem.charter, problem.history)
        if broken:
            raise EngineDisagrees(f"{mentor.id} and {mentee.id} are forbidden by {broken}")
        pairs.append(ChosenPair(mentor=mentor, mentee=mentee, points=points, locked=(row, column) in locked))
    return tuple(sorted(pairs, key=lambda pair: (-pair.points.total, pair.mentee.id)))


def _left_out(partner: Integers, pool: _Pool, problem: Problem) -> tuple[LeftOut, ...]:
    """Everybody without any pairing, and why: mentees first."""
    waiting = [
        left_out.not_ready(person)
        for person in (*problem.mentees, *problem.mentors)
        if not person.ready and not person.withdrawn and person.id not in problem.paired
    ]
    rows = [(row, mentee) for row, mentee in enumerate(pool.mentees) if partner[row] == UNMATCHED]
    matched_columns = set(partner.tolist())
    columns = [(column, mentor) for column, mentor in enumerate(pool.mentors) if column not in matched_columns]
    possible_to_mentees = pool.scored.feasible.sum(axis=1)
    possible_to_mentors = pool.scored.feasible.sum(axis=0)
    unlucky = [
        left_out.without_partner(
            mentee,
            others=len(pool.mentors),
            possible=int(possible_to_mentees[row]),
            forbidden=dict(zip(RULES, pool.scored.forbidden_to_mentees[row].tolist(), strict=True)),
        )
        for row, mentee in rows
        if mentee.id not in problem.paired
    ] + [
        left_out.without_partner(
            mentor,
            others=len(pool.mentees),
            possible=int(possible_to_mentors[column]),
            forbidden=dict(zip(RULES, pool.scored.forbidden_to_mentors[column].tolist(), strict=True)),
        )
        for column, mentor in columns
        if mentor.id not in problem.paired
    ]
    return tuple(sorted((*unlucky, *waiting), key=lambda person: (person.role, person.volunteer_id)))


def _total(partner: Integers, instance: Instance) -> int:
    matched = np.flatnonzero(partner != UNMATCHED)
    return int(instance.scores[matched, partner[matched]].sum(dtype=np.int64))


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
