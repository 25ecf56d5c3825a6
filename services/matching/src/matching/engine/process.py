"""The engine in processes of its own, so that the event loop never waits for it.

A worker imports the domain and the engine only. It stops by itself when its service dies, whatever killed it, and
between two steps when nobody waits for its answer any more.
"""

import asyncio
import itertools
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from multiprocessing.sharedctypes import Synchronized

from ..domain.candidate import Candidate
from ..domain.partner import best_partners, in_roles
from ..domain.proposal import ChosenPair, EngineFailed, Problem, Proposal
from ..domain.scoring import score_pair
from .compute import canonical, compute

WORKERS = 2
"""One for a cohort run, one for the small questions that must not wait for it."""
TELL_EVERY = 0.25
AT_A_TIME = 200
"""People whom a single person is compared with before others may use the event loop: some 5 to 10 ms."""


class Abandoned(Exception):
    """Nobody waits for this answer any more."""


_progress: "Synchronized[int] | None" = None
_wanted: "Synchronized[int] | None" = None


def _prepare_worker(progress: "Synchronized[int]", wanted: "Synchronized[int]") -> None:
    global _progress, _wanted
    _progress, _wanted = progress, wanted
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(problem: Problem, number: int | None) -> Proposal:
    """Runs in a worker. ``number`` names a cohort run; small questions tell no progress."""

    def tell(percent: int) -> None:
        if number is None or _progress is None or _wanted is None:
            return
        if _wanted.value != number:
            raise Abandoned
        _progress.value = percent

    return compute(problem, tell)


async def best_partner(problem: Problem) -> ChosenPair | None:
    """What :func:`compute` would choose for one mentor or one mentee alone: of equals the first in canonical order.

    Neither a process nor a thread is worth it: to hand the people over would take longer than to compare them.
    """
    mentor_alone = len(problem.mentors) == 1
    (person,) = problem.mentors if mentor_alone else problem.mentees
    others = problem.mentees if mentor_alone else problem.mentors
    chosen: Candidate | None = None
    for begin in range(0, len(others), AT_A_TIME):
        free = [other for other in others[begin : begin + AT_A_TIME] if problem.places[other.id] > 0]
        equals = best_partners(person, free if chosen is None else (chosen, *free), problem.charter, problem.history)
        chosen = min(equals, key=canonical) if len(equals) > 1 else next(iter(equals), None)
        await asyncio.sleep(0)
    if chosen is None or problem.places[person.id] <= 0:
        return None
    mentor, mentee = in_roles(person, chosen)
    return ChosenPair(mentor=mentor, mentee=mentee, points=score_pair(mentor, mentee, problem.charter), locked=False)


class EngineProcesses:
    """The engine port on worker processes. Cohort runs go one at a time; they are started by one task."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._workers = workers
        self._context = multiprocessing.get_context("spawn")
        self._progress: Synchronized[int] = self._context.Value("i", 0)
        self._wanted: Synchronized[int] = self._context.Value("i", 0)
        self._numbers = itertools.count(1)
        self._executor: ProcessPoolExecutor | None = None

    async def propose(self, problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        """See the port. Raises: PoolTooLarge, EngineFailed."""
        number = None if on_progress is None else next(self._numbers)
        if number is not None:
            self._progress.value = 0
            self._wanted.value = number
        answer = asyncio.wrap_future(self._running().submit(_answer, problem, number))
        try:
            while on_progress is not None and not (await asyncio.wait({answer}, timeout=TELL_EVERY))[0]:
                on_progress(self._progress.value)
            return await answer
        except BrokenExecutor as error:
            self._executor = None
            raise EngineFailed from error
        finally:
            if number is not None and self._wanted.value == number:
                self._wanted.value = 0

    async def partner(self, problem: Problem) -> ChosenPair | None:
        """See the port."""
        return await best_partner(problem)

    def close(self) -> None:
        """Let the workers go; what they compute is abandoned."""
        self._wanted.value = 0
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(wait=False, cancel_futures=True)

    def _running(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(
                self._workers,
                mp_context=self._context,
                initializer=_prepare_worker,
                initargs=(self._progress, self._wanted),
            )
        return self._executor
