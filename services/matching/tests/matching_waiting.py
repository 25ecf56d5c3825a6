"""A proposal that waits for its decision, and what happens meanwhile."""

from datetime import timedelta

from matching.domain.run import MatchRun, RunStatus
from matching.use_cases import Matching
from matching_builders import a_mentee, a_mentor, a_programme, a_volunteered
from matching_stores import MANAGER, Service, a_cause
from shared.contracts import Readiness, Role

NOT_READY = Readiness(charter_signed=True, training_completed=False, ready=False)
WAIT = timedelta(seconds=5)
A_DAY = timedelta(days=1)


async def a_proposal() -> tuple[Service, MatchRun]:
    """One mentor, two mentees, and a proposal that pairs one of them."""
    service = Service()
    await service.know(a_mentor("m1"), a_mentee("e1"), a_mentee("e2", motivation=1), programme=a_programme())
    return service, await service.run()


async def arrives(service: Service, name: str = "m2", role: Role = Role.MENTOR, *, ready: bool = True) -> None:
    event = a_volunteered(name, role=role, **({} if ready else {"readiness": NOT_READY}))
    await service.matching.pool.keep_volunteer(event, a_cause())


async def work(matching: Matching) -> None:
    """What the background jobs do in a second."""
    await matching.renewals.work()
    await matching.runs.work()


async def night(*replicas: Matching) -> None:
    """The hour has come, and some seconds pass."""
    for _ in range(3):
        for replica in replicas:
            await replica.recertification.work()
            await work(replica)


async def pass_time(service: Service, seconds: int = 6) -> None:
    for _ in range(seconds):
        service.clock.advance(timedelta(seconds=1))
        await work(service.matching)


def run_of(service: Service, run_id: str) -> MatchRun:
    return service.runs.states[run_id]


def proposed(service: Service) -> list[MatchRun]:
    return [run for run in service.runs.states.values() if run.status is RunStatus.PROPOSED]


async def current(service: Service) -> tuple[str, bool | None]:
    found = await service.matching.renewals.proposal(MANAGER, "prog_1")
    return found.run.id, found.current
