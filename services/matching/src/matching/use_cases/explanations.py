"""Why this pair, why not that one, what would let somebody in, and who would rather have each other."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from shared.contracts import AccessRole, Principal

from ..domain.blocking import Blocking, ScoredPair, blocking_pairs, possible_pairs, what_they_have
from ..domain.broken import BrokenRule, broken_with_facts
from ..domain.candidate import Candidate
from ..domain.letting_in import Tried, WhatIf, tried, what_ifs
from ..domain.pairing import PairingStatus
from ..domain.proposal import LeftOut, Problem, Proposal
from ..domain.refusals import RunNotProposed, UnknownRun
from ..domain.restriction import check_roles
from ..domain.rules import Charter, MentorMentee
from ..domain.run import MatchRun
from ..domain.scoring import PairScore, score_pair
from ..domain.why_not import Price, Verdict, held_by_locks, pairs_of, price, with_pair
from .ports import Engine, Stores
from .run_changes import require_results
from .snapshot import Snapshot, read_pool, read_programme, read_volunteer

MOST_SOLVES = 8
"""How often one question may ask the engine."""
AT_ONCE = 2
"""Questions of managers that are worked on at the same time: people who arrive must not wait behind many."""
PATIENCE_SECONDS = 20.0


class NoAnswerInTime(Exception):
    """The engine needed longer than a request may wait."""


@dataclass(frozen=True, kw_only=True)
class Why:
    """What two people are to each other."""

    mentor: Candidate
    mentee: Candidate
    paired_now: bool
    broken: tuple[BrokenRule, ...]
    points: PairScore
    """Whether or not a rule forbids the pair."""


@dataclass(frozen=True, kw_only=True)
class WhyNot:
    """Why two people are not paired."""

    why: Why
    verdict: Verdict
    locks: tuple[MentorMentee, ...] = ()
    full: tuple[str, ...] = ()
    """Volunteers without a free place."""
    price: Price | None = None


@dataclass(frozen=True, kw_only=True)
class LettingIn:
    """What was tried to let somebody in."""

    person: Candidate
    partner: str | None
    """With whom the best solution, or a present pairing, has them already; nothing is tried then."""
    left_out: LeftOut | None
    tried: tuple[Tried, ...] = ()
    not_tried: tuple[WhatIf, ...] = ()
    """For want of solves or of time."""


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What explanations rest on: the pool, and the engine's question about it."""

    pool: Snapshot
    problem: Problem
    run: MatchRun | None

    @property
    def charter(self) -> Charter:
        return self.problem.charter


class Explanations:
    """Answers the questions of a manager. Each is asked of the pool as it is now, under the published charter.

    With a run, it is asked under the policy of that run, and as if its pairings had not been made: a proposal can be
    questioned before its approval and after.
    """

    def __init__(self, stores: Stores, engine: Engine, *, patience: float = PATIENCE_SECONDS) -> None:
        self._stores = stores
        self._engine = engine
        self._patience = patience
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def why(
        self, principal: Principal, programme_id: str, *, mentor_id: str, mentee_id: str, run_id: str | None = None
    ) -> Why:
        """The rules and the score between any two people.

        Raises: UnknownProgramme, UnknownVolunteer, UnknownRun, WrongRole, NoAnswerInTime.
        """
        async with self._in_time():
            question = await self._question(principal, programme_id, run_id)
            return await self._why(principal, programme_id, question, mentor_id, mentee_id)

    async def why_not(
        self, principal: Principal, programme_id: str, *, mentor_id: str, mentee_id: str, run_id: str | None = None
    ) -> WhyNot:
        """What stands between two people, or the exact price of pairing them: what a run with that lock would give.

        Raises: UnknownProgramme, UnknownVolunteer, UnknownRun, WrongRole, PoolTooLarge, EngineFailed, NoAnswerInTime.
        """
        async with self._in_time():
            question = await self._question(principal, programme_id, run_id)
            why = await self._why(principal, programme_id, question, mentor_id, mentee_id)
            problem = question.problem
            full = tuple(id_ for id_ in (mentor_id, mentee_id) if problem.places.get(id_, 0) <= 0)
            locks = held_by_locks(problem, why.mentor, why.mentee)
            if why.paired_now:
                return WhyNot(why=why, verdict=Verdict.PAIRED)
            if why.broken:
                return WhyNot(why=why, verdict=Verdict.FORBIDDEN)
            if full:
                return WhyNot(why=why, verdict=Verdict.NO_PLACE, full=full)
            if locks:
                return WhyNot(why=why, verdict=Verdict.HELD_BY_LOCKS, locks=locks)
            best, forced = await asyncio.gather(
                self._solve(problem), self._solve(with_pair(problem, why.mentor, why.mentee))
            )
        if (mentor_id, mentee_id) in pairs_of(best):
            return WhyNot(why=why, verdict=Verdict.CHOSEN)
        found = price(best, forced, mentee_id)
        verdict = Verdict.EQUALLY_GOOD if found.change.nothing else Verdict.COSTS
        return WhyNot(why=why, verdict=verdict, price=found)

    async def what_would_let_in(
        self, principal: Principal, programme_id: str, volunteer_id: str, *, run_id: str | None = None
    ) -> LettingIn:
        """Which single change would let somebody in whom the best solution leaves out, found by solving again.

        At most ``MOST_SOLVES`` solves. Raises: as :meth:`why_not`.
        """
        until = time.monotonic() + self._patience
        async with self._in_time():
            question = await self._question(principal, programme_id, run_id)
            person = await read_volunteer(
                self._stores, principal.tenant, programme_id, volunteer_id, field="volunteer_id"
            )
            problem = question.problem
            best = await self._solve(problem)
            left = next((left for left in best.left_out if left.volunteer_id == person.id), None)
            partner = _partner(person, pairs_of(best) | question.pool.paired_now)
            if partner is not None or person.withdrawn:
                return LettingIn(person=person, partner=partner, left_out=left)
            todo = await asyncio.to_thread(what_ifs, person, problem, best)
        done: list[Tried] = []
        for what_if, changed in todo[: MOST_SOLVES - 1]:
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    then = await self._solve(changed)
            except TimeoutError:
                break
            done.append(tried(what_if, person, best, then))
        return LettingIn(
            person=person,
            partner=None,
            left_out=left,
            tried=tuple(done),
            not_tried=tuple(what_if for what_if, _ in todo[len(done) :]),
        )

    async def blocking(self, principal: Principal, programme_id: str, *, run_id: str | None = None) -> Blocking:
        """Who would rather have each other than what the run proposes, or than the present pairings without a run.

        Raises: UnknownProgramme, UnknownRun, NoAnswerInTime.
        """
        until = time.monotonic() + self._patience
        async with self._in_time():
            question = await self._question(principal, programme_id, run_id)
            if question.run is None:
                rooms = {person.id: person.capacity for person in question.pool.people.values()}
                chosen = await self._pairs_of_today(principal, programme_id)
            else:
                rooms = question.pool.places
                chosen = await self._pairs_of_run(question.run)
        async with self._gate:
            return await asyncio.to_thread(_blocking, question, chosen, rooms, until)

    async def _question(self, principal: Principal, programme_id: str, run_id: str | None) -> _Question:
        principal.require(AccessRole.PROGRAMME_MANAGER)
        programme = await read_programme(self._stores, principal.tenant, programme_id)
        if run_id is None:
            pool = await read_pool(self._stores, principal.tenant, programme_id)
            return _Question(pool=pool, problem=pool.problem(Charter.of(programme)), run=None)
        run = await self._stores.runs.find(principal.tenant, run_id)
        if run is None or run.programme_id != programme_id:
            raise UnknownRun(f"there is no run {run_id!r} in {programme_id}", field="run_id")
        if run.figures is None:
            raise RunNotProposed(f"the run is {run.status}", field="run_id")
        pool = await read_pool(self._stores, principal.tenant, programme_id, without_run=run.id)
        return _Question(pool=pool, problem=pool.problem(run.charter), run=run)

    async def _why(
        self, principal: Principal, programme_id: str, question: _Question, mentor_id: str, mentee_id: str
    ) -> Why:
        tenant = principal.tenant
        mentor = await read_volunteer(self._stores, tenant, programme_id, mentor_id, field="mentor_volunteer_id")
        mentee = await read_volunteer(self._stores, tenant, programme_id, mentee_id, field="mentee_volunteer_id")
        check_roles(mentor, mentee)
        return Why(
            mentor=mentor,
            mentee=mentee,
            paired_now=(mentor.id, mentee.id) in question.pool.paired_now,
            broken=broken_with_facts(mentor, mentee, question.charter, question.problem.history),
            points=score_pair(mentor, mentee, question.charter),
        )

    async def _solve(self, problem: Problem) -> Proposal:
        async with self._gate:
            return await self._engine.propose(problem)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Raises: NoAnswerInTime."""
        try:
            async with asyncio.timeout(self._patience):
                yield
        except TimeoutError as error:
            raise NoAnswerInTime(f"no answer within {self._patience:g} seconds") from error

    async def _pairs_of_today(self, principal: Principal, programme_id: str) -> frozenset[MentorMentee]:
        where = {"programme_id": programme_id, "status": PairingStatus.ACTIVE.value}
        found = [pairing.volunteers async for pairing in self._stores.pairings.stream(principal.tenant, where)]
        return frozenset(found)

    async def _pairs_of_run(self, run: MatchRun) -> frozenset[MentorMentee]:
        await require_results(self._stores, run, run.pairs_result)
        stream = self._stores.proposed.stream(run.tenant, {"result": run.pairs_result})
        return frozenset([(pair.mentor_volunteer_id, pair.mentee_volunteer_id) async for pair in stream])


def _partner(person: Candidate, pairs: Iterable[MentorMentee]) -> str | None:
    """The other one of the first pair that this person is in."""
    return next(
        (
            mentee if mentor == person.id else mentor
            for mentor, mentee in sorted(pairs)
            if person.id in (mentor, mentee)
        ),
        None,
    )


def _blocking(question: _Question, chosen: frozenset[MentorMentee], rooms: Mapping[str, int], until: float) -> Blocking:
    problem, people = question.problem, question.pool.people
    able = {id_ for id_, person in people.items() if person.takes_part and rooms[id_] > 0}
    mentees = [person for person in problem.mentees if person.id in able]
    scored: list[ScoredPair] = [
        (one, other, score_pair(people[one], people[other], question.charter).total)
        for one, other in sorted(chosen)
        if one in people and other in people
    ]
    has = what_they_have(scored, rooms)
    possible = possible_pairs(
        [person for person in problem.mentors if person.id in able],
        mentees,
        question.charter,
        problem.history,
        has=has,
        in_time=lambda: time.monotonic() < until,
    )
    return blocking_pairs(possible, chosen, has, len(mentees))
