"""The engine in real processes of its own."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from matching.domain.proposal import MOST_PEOPLE_A_SIDE, EngineFailed, Problem
from matching.domain.refusals import PoolTooLarge
from matching.domain.rules import Charter, History
from matching.engine.compute import compute
from matching.engine.process import EngineProcesses
from matching_builders import a_crowd, a_mentee, a_mentor


def a_problem(mentors: int, mentees: int) -> Problem:
    juniors, seniors = a_crowd(mentors, mentees)
    return Problem(
        charter=Charter(),
        history=History(),
        mentors=juniors,
        mentees=seniors,
        places={person.id: person.capacity for person in (*juniors, *seniors)},
    )


def workers() -> set[int]:
    return {child.pid for child in multiprocessing.active_children() if child.pid is not None}


@pytest.fixture
def engine() -> Iterator[EngineProcesses]:
    engine = EngineProcesses(2)
    yield engine
    engine.close()


async def test_a_worker_gives_the_same_answer_as_this_process_while_the_loop_goes_on(engine: EngineProcesses) -> None:
    problem = a_problem(200, 150)
    told: list[int] = []
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0.01)

    beating = asyncio.create_task(beat())
    answer = await engine.propose(problem, told.append)
    beating.cancel()
    here = compute(problem)
    assert replace(answer.figures, seconds=0) == replace(here.figures, seconds=0)
    assert (answer.pairs, answer.left_out) == (here.pairs, here.left_out)
    assert beats > 10
    assert told == sorted(told)


async def test_a_refusal_comes_back_as_what_it_is(engine: EngineProcesses) -> None:
    crowd = (a_mentor("m1"),) * (MOST_PEOPLE_A_SIDE + 1)
    problem = Problem(
        charter=Charter(), history=History(), mentors=crowd, mentees=(a_mentee("e1"), a_mentee("e2")), places={}
    )
    with pytest.raises(PoolTooLarge, match=f"{MOST_PEOPLE_A_SIDE + 1} mentors"):
        await engine.propose(problem)


async def test_a_killed_worker_is_a_named_failure_and_the_next_question_is_answered(engine: EngineProcesses) -> None:
    before = workers()
    await engine.propose(a_problem(2, 2))
    asked = asyncio.create_task(engine.propose(a_problem(2_500, 2_500), lambda _percent: None))
    await asyncio.sleep(1)
    for pid in workers() - before:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(EngineFailed):
        await asked
    assert (await engine.propose(a_problem(20, 20))).figures.pairs > 0


async def test_an_answer_that_nobody_waits_for_is_abandoned(
    engine: EngineProcesses, eventually: Callable[..., Any]
) -> None:
    await engine.propose(a_problem(2, 2))
    asked = asyncio.create_task(engine.propose(a_problem(2_900, 2_900), lambda _percent: None))
    await asyncio.sleep(1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    engine.close()
    await eventually(lambda: not workers(), timeout=30)


PARENT = """
import asyncio, multiprocessing, os, signal
from matching.engine.process import EngineProcesses
from matching.domain.proposal import Problem
from matching.domain.rules import Charter, History
async def main():
    await EngineProcesses(1).propose(Problem(charter=Charter(), history=History(), mentors=(), mentees=(), places={}))
    print(*[child.pid for child in multiprocessing.active_children()], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    asyncio.run(main())
"""


def test_workers_die_with_a_service_that_is_killed(tmp_path: object) -> None:
    script = f"{tmp_path}/parent.py"
    with open(script, "w") as file:  # noqa: PTH123 - a path as text is what the interpreter takes
        file.write(PARENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert parent.wait(timeout=30) == -signal.SIGKILL
    assert pids
    deadline = time.monotonic() + 15
    while any(_is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_is_running(pid) for pid in pids)


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
