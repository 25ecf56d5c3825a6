"""The use cases on ports in memory, with an engine in this process."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from matching.domain.candidate import Candidate, Programme
from matching.domain.pairing import Pairing, PairingStatus
from matching.domain.proposal import ChosenPair, Problem, Proposal, StoredLeftOut, StoredPair
from matching.domain.renewal import Renewal
from matching.domain.restriction import Restriction
from matching.domain.run import MatchRun, RunStatus, may_be_taken
from matching.domain.study import Study
from matching.domain.study import may_be_taken as study_may_be_taken
from matching.engine.compute import compute
from matching.engine.process import best_partner
from matching.use_cases import Matching, PoolFigures, Stores
from matching.use_cases.ports import Upload, Work
from matching.use_cases.snapshot import HOLDING
from matching_builders import NOW
from shared.chassis.aggregates import Cause
from shared.chassis.reservations import Claim
from shared.contracts import AccessRole, Event, Principal, Role
from shared.testing.clock import ManualClock
from shared.testing.memory import InMemoryAggregates, InMemoryProjections, InMemoryReservations

MANAGER = Principal(tenant="default", subject="manager_1", roles=frozenset({AccessRole.PROGRAMME_MANAGER}))


def somebody(person_ref: str) -> Principal:
    return Principal(tenant="default", subject=person_ref, roles=frozenset({AccessRole.PARTICIPANT}))


class InMemoryBacklog:
    """The same questions, asked of dictionaries."""

    def __init__(
        self,
        runs: InMemoryAggregates[MatchRun],
        pairings: InMemoryAggregates[Pairing],
        candidates: InMemoryProjections[Candidate],
        studies: InMemoryAggregates[Study],
        *,
        renewals: InMemoryAggregates[Renewal],
        programmes: InMemoryProjections[Programme],
    ) -> None:
        self._runs, self._pairings, self._candidates, self._studies = runs, pairings, candidates, studies
        self._renewals, self._programmes = renewals, programmes

    async def runs_to_take(self, now: datetime) -> Sequence[Work]:
        waiting = [run for run in self._runs.states.values() if may_be_taken(run, now)]
        return [(run.tenant, run.id) for run in sorted(waiting, key=lambda run: run.requested_at)]

    async def studies_to_take(self, now: datetime) -> Sequence[Work]:
        waiting = [study for study in self._studies.states.values() if study_may_be_taken(study, now)]
        return [(study.tenant, study.id) for study in sorted(waiting, key=lambda study: study.requested_at)]

    async def renewals_to_take(self, now: datetime) -> Sequence[Work]:
        return [
            (renewal.tenant, renewal.id)
            for renewal in self._renewals.states.values()
            if renewal.asked is not None or (renewal.due is not None and renewal.due <= now)
        ]

    async def programmes(self) -> Sequence[Work]:
        return [(programme.tenant, programme.id) for programme in self._programmes.states.values()]

    async def approvals_to_resume(self, now: datetime) -> Sequence[Work]:
        return [
            (run.tenant, run.id)
            for run in self._runs.states.values()
            if run.status is RunStatus.PROPOSED and run.approval_due is not None and run.approval_due <= now
        ]

    async def runs_with_leftovers(self, before: datetime) -> Sequence[Work]:
        lying = [run for run in self._runs.states.values() if run.leftovers_since and run.leftovers_since <= before]
        return [(run.tenant, run.id) for run in sorted(lying, key=lambda run: str(run.leftovers_since))]

    async def proposals_to_settle(self, now: datetime) -> Sequence[Work]:
        return [
            (pairing.tenant, pairing.id)
            for pairing in self._pairings.states.values()
            if pairing.status is PairingStatus.PROPOSED and pairing.until <= now
        ]

    async def places_to_give_back(self) -> Sequence[Work]:
        over = {PairingStatus.ENDED, PairingStatus.ABORTED}
        return [(p.tenant, p.id) for p in self._pairings.states.values() if p.status in over and p.claims_held]

    async def places_taken(self, tenant: str, programme_id: str) -> Mapping[str, int]:
        return Counter(
            volunteer
            for pairing in self._pairings.states.values()
            if (pairing.tenant, pairing.programme_id) == (tenant, programme_id) and pairing.status in HOLDING
            for volunteer in pairing.volunteers
        )

    async def pool(self, tenant: str, programme_id: str) -> PoolFigures:
        known = [
            person
            for person in self._candidates.states.values()
            if (person.tenant, person.programme_id) == (tenant, programme_id)
        ]
        mentors = [person for person in known if person.role is Role.MENTOR and not person.withdrawn]
        mentees = [person for person in known if person.role is Role.MENTEE and not person.withdrawn]
        return PoolFigures(
            programme_id=programme_id,
            known=len(known),
            mentors=len(mentors),
            mentees=len(mentees),
            mentors_ready=sum(person.ready for person in mentors),
            mentees_ready=sum(person.ready for person in mentees),
            places=sum(person.capacity for person in mentors if person.ready),
            paired=await self._pairings.count(
                tenant, {"programme_id": programme_id, "status": PairingStatus.ACTIVE.value}
            ),
        )


class InMemoryReady:
    """Whoever may be paired, out of the dictionary."""

    def __init__(self, candidates: InMemoryProjections[Candidate]) -> None:
        self._candidates = candidates

    async def of_role(self, tenant: str, programme_id: str, role: Role) -> Sequence[Candidate]:
        where = {"programme_id": programme_id, "role": role.value, "ready": True, "withdrawn": False}
        return [person async for person in self._candidates.stream(tenant, where)]


class InMemoryResults:
    """Removes from the dictionaries."""

    def __init__(self, *kept: InMemoryProjections[Any]) -> None:
        self._kept = kept

    async def remove(self, tenant: str, result: str, *, most: int) -> int:
        found = [
            (states, id_)
            for states in (kept.states for kept in self._kept)
            for id_, state in states.items()
            if (state.tenant, state.result) == (tenant, result)
        ][:most]
        for states, id_ in found:
            del states[id_]
        return len(found)


class InMemoryUploads:
    """Uploaded people in a dictionary."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], tuple[Upload, tuple[Candidate, ...]]] = {}

    async def keep(self, upload: Upload, people: Sequence[Candidate]) -> None:
        self.held[upload.tenant, upload.id] = (upload, tuple(people))

    async def find(self, tenant: str, id: str, now: datetime) -> Upload | None:
        upload, _ = self.held.get((tenant, id), (None, ()))
        return upload if upload is not None and upload.until > now else None

    async def people(self, upload: Upload) -> tuple[Candidate, ...]:
        return self.held[upload.tenant, upload.id][1]

    async def delete(self, tenant: str, id: str) -> None:
        self.held.pop((tenant, id), None)


class InlineEngine:
    """The real engine, without a process around it."""

    def __init__(self) -> None:
        self.asked: list[Problem] = []

    async def propose(self, problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        self.asked.append(problem)
        await asyncio.sleep(0)
        return compute(problem, on_progress or (lambda _percent: None))

    async def partner(self, problem: Problem) -> ChosenPair | None:
        self.asked.append(problem)
        return await best_partner(problem)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Weather:
    """Makes the ports behave as a bad day would: crash at one step, or let others run between any two."""

    crash_at: int | None = None
    chance: Random | None = None
    steps: int = 0

    async def before_and_after(self) -> None:
        self.steps += 1
        if self.steps == self.crash_at:
            raise Crash
        if self.chance is not None:
            for _ in range(self.chance.randint(0, 3)):
                await asyncio.sleep(0)


class Exposed:
    """A port out in the weather: before each call and after it, something may happen."""

    def __init__(self, port: Any, weather: Weather, exposed: frozenset[str]) -> None:
        self._port, self._weather, self._exposed = port, weather, exposed

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._port, name)
        if name not in self._exposed:
            return inner

        async def call(*args: Any, **kwargs: Any) -> Any:
            await self._weather.before_and_after()
            outcome = await inner(*args, **kwargs)
            await self._weather.before_and_after()
            return outcome

        return call


class Service:
    """Everything of one matching service, in memory."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.pairings = InMemoryAggregates(Pairing)
        self.runs = InMemoryAggregates(MatchRun)
        self.candidates = InMemoryProjections(Candidate)
        self.claims = InMemoryReservations()
        self.studies = InMemoryAggregates(Study)
        self.renewals = InMemoryAggregates(Renewal)
        self.proposed = InMemoryProjections(StoredPair)
        self.left_out = InMemoryProjections(StoredLeftOut)
        self.ended: list[tuple[str, bool]] = []
        programmes = InMemoryProjections(Programme)
        self.uploads = InMemoryUploads()
        self.engine = InlineEngine()
        self.stores = Stores(
            programmes=programmes,
            candidates=self.candidates,
            ready=InMemoryReady(self.candidates),
            pairings=self.pairings,
            runs=self.runs,
            renewals=self.renewals,
            restrictions=InMemoryAggregates(Restriction),
            studies=self.studies,
            uploads=self.uploads,
            proposed=self.proposed,
            left_out=self.left_out,
            results=InMemoryResults(self.proposed, self.left_out),
            claims=self.claims,
            backlog=InMemoryBacklog(
                self.runs, self.pairings, self.candidates, self.studies, renewals=self.renewals, programmes=programmes
            ),
            clock=self.clock,
        )
        self.matching = Matching.of(self.stores, self.engine, replica="replica_1", tell=self.hear)

    def hear(self, outcome: str, nightly: bool) -> None:
        """How renewals ended."""
        self.ended.append((outcome, nightly))

    def replica(self, weather: Weather, name: str = "replica_2") -> Matching:
        """Another process on the same stores, out in the weather."""
        stores = Stores(
            **{
                **self.stores.__dict__,
                "pairings": Exposed(self.pairings, weather, frozenset({"change", "find"})),
                "studies": Exposed(self.studies, weather, frozenset({"change", "find"})),
                "uploads": Exposed(self.uploads, weather, frozenset({"find", "people", "delete"})),
                "runs": Exposed(self.runs, weather, frozenset({"change", "find"})),
                "renewals": Exposed(self.renewals, weather, frozenset({"change", "find", "get"})),
                "candidates": Exposed(self.candidates, weather, frozenset({"find", "keep_newest"})),
                "claims": Exposed(self.claims, weather, frozenset({"acquire", "release", "claims"})),
                "proposed": Exposed(self.stores.proposed, weather, frozenset({"keep_newest"})),
                "results": Exposed(self.stores.results, weather, frozenset({"remove"})),
            }
        )
        return Matching.of(stores, self.engine, replica=name, tell=self.hear)

    async def know(self, *people: Candidate, programme: Programme | None = None) -> None:
        if programme is not None:
            await self.stores.programmes.keep_newest(programme)
        for person in people:
            await self.candidates.keep_newest(person)

    async def arrives(self, volunteer_id: str) -> None:
        """The event about somebody who is known by now is handled to its end."""
        await self.matching.newcomers.arrive(self.candidates.states[volunteer_id], MANAGER)

    async def run(self, programme_id: str = "prog_1", *, seed: int = 0) -> MatchRun:
        run = await self.matching.runs.request(MANAGER, programme_id, seed=seed)
        await self.matching.runs.work()
        return self.runs.states[run.id]

    async def pass_time_and_sweep(self, seconds: int = 60) -> None:
        self.clock.advance(timedelta(seconds=seconds))
        await self.matching.approval.resume()
        await self.matching.places.sweep()

    def active(self) -> list[Pairing]:
        return [pairing for pairing in self.pairings.states.values() if pairing.status is PairingStatus.ACTIVE]

    def active_pairs(self) -> set[tuple[str, str]]:
        return {pairing.volunteers for pairing in self.active()}

    def claims_on(self, volunteer_id: str) -> tuple[Claim, ...]:
        return self.claims.held.get(("default", volunteer_id), ())

    def told(self) -> list[Event]:
        return self.pairings.events

    def check_books(self) -> None:
        """Nobody is over capacity, every pairing holds its two places, and nothing else does."""
        for person in self.candidates.states.values():
            held = [pairing.id for pairing in self.active() if person.id in pairing.volunteers]
            assert len(held) <= max(person.capacity, 1)
            claims = [claim.holder for claim in self.claims_on(person.id) if claim.holder.startswith("pair_")]
            assert sorted(claims) == sorted(held)
        paired = [event.aggregate_id for event in self.told() if event.name == "paired"]
        assert len(paired) == len(set(paired))
        assert not [p for p in self.pairings.states.values() if p.status is PairingStatus.PROPOSED]


def a_cause(number: int = 1) -> Cause:
    """A delivered event."""
    return Cause(principal=Principal.service("matching", tenant="default"), event_id=f"/mentoring/x#{number}")
