"""Simulations and studies of sensitivity: asked for over HTTP, computed by whichever replica takes them.

Nothing of them is published, and none touches a pairing, a place or a run.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from shared.chassis.aggregates import Cause, Page
from shared.chassis.logging import get_logger
from shared.contracts import AccessRole, Principal, Role

from ..domain import study as decide
from ..domain.candidate import Candidate
from ..domain.outcome import Outcome, Swing, outcome, swing
from ..domain.proposal import EngineFailed, Problem, Proposal, check_size
from ..domain.refusals import PoolTooLarge, RunNotHeld, UnknownStudy, UnknownUpload, UploadUsed
from ..domain.rules import History
from ..domain.study import PolicyAsked, Study, StudyKind, StudyStatus, study_id
from ..domain.why_not import pairs_of
from .leases import Progress, under_lease
from .people_file import read_people
from .ports import Engine, Stores, Upload
from .runs import Runs
from .snapshot import read_pool, read_programme

log = get_logger(__name__)

KEPT = timedelta(hours=2)
"""How long uploaded people wait for their simulation, and it for a replica; then the database deletes them."""
RENEW_SECONDS = 1.0


class Studies:
    """Asks for studies, computes them, shows what they found."""

    def __init__(self, stores: Stores, engine: Engine, runs: Runs, *, replica: str) -> None:
        self._stores = stores
        self._engine = engine
        self._runs = runs
        self._replica = replica

    async def upload(self, principal: Principal, body: bytes) -> Upload:
        """Keep the people of a CSV file for one simulation. Raises: UnusablePeople, PoolTooLarge."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        people = await asyncio.to_thread(read_people, body, tenant=principal.tenant)
        mentors = sum(person.role is Role.MENTOR for person in people)
        check_size(mentors, len(people) - mentors)
        upload = Upload(
            id=f"upload_{uuid4().hex}",
            tenant=principal.tenant,
            mentors=mentors,
            mentees=len(people) - mentors,
            until=self._stores.clock.now() + KEPT,
        )
        await self._stores.uploads.keep(upload, people)
        return upload

    async def simulate(
        self,
        principal: Principal,
        programme_id: str,
        policies: Sequence[PolicyAsked],
        *,
        upload_id: str | None,
        seed: int,
        assume_ready: bool,
        key: str | None = None,
    ) -> Study:
        """Queue a simulation of these policies, on the programme's pool or on uploaded people.

        Raises: UnknownProgramme, UnknownUpload, UploadUsed, UnusablePolicies, PoolTooLarge.
        """
        principal.require(AccessRole.PROGRAMME_MANAGER)
        programme = await read_programme(self._stores, principal.tenant, programme_id)
        now = self._stores.clock.now()
        if upload_id is None:
            figures = await self._stores.backlog.pool(principal.tenant, programme_id)
            check_size(figures.mentors, figures.mentees)
            cause: tuple[str, ...] = (principal.subject, programme_id, key or uuid4().hex)
        else:
            await self._upload(principal.tenant, upload_id)
            cause = (upload_id,)
        asked = decide.simulate(
            programme,
            decide.cases(programme.policy, policies),
            id=study_id(StudyKind.SIMULATION, principal.tenant, *cause),
            seed=seed,
            now=now,
            upload=upload_id,
            assume_ready=assume_ready,
        )
        return await self._ask(asked, Cause.command(principal, key))

    async def study_weights(
        self, principal: Principal, programme_id: str, *, percent: int, key: str | None = None
    ) -> Study:
        """Queue a study of what hangs on each published weight. Raises: UnknownProgramme, PoolTooLarge."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        programme = await read_programme(self._stores, principal.tenant, programme_id)
        figures = await self._stores.backlog.pool(principal.tenant, programme_id)
        check_size(figures.mentors, figures.mentees)
        id_ = study_id(StudyKind.SENSITIVITY, principal.tenant, principal.subject, programme_id, key or uuid4().hex)
        asked = decide.study_weights(programme, percent, id=id_, now=self._stores.clock.now())
        return await self._ask(asked, Cause.command(principal, key))

    async def get(self, principal: Principal, kind: StudyKind, id: str) -> Study:
        """One study. Raises: UnknownStudy."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        study = await self._stores.studies.find(principal.tenant, id)
        if study is None or study.kind is not kind:
            raise UnknownStudy(f"there is no {kind} {id!r}")
        return study

    async def page(
        self, principal: Principal, kind: StudyKind, programme_id: str, *, limit: int, cursor: str | None
    ) -> Page[Study]:
        """The studies of a programme."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        where = {"programme_id": programme_id, "kind": kind.value}
        return await self._stores.studies.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def cancel(self, principal: Principal, kind: StudyKind, id: str) -> Study:
        """Stop a study that nobody wants any more. Repeatable. Raises: UnknownStudy, StudyEnded."""
        await self.get(principal, kind, id)
        study = await self._change(principal, id, decide.cancel)
        await self._forget(study)
        return study

    async def work(self) -> None:
        """Compute the studies that nobody works on, one after the other. Runs that are asked for come first."""
        for tenant, study_id_ in await self._stores.backlog.studies_to_take(self._stores.clock.now()):
            with contextlib.suppress(RunNotHeld):  # another replica was faster, or it was cancelled
                await self._compute(Principal.service("matching", tenant=tenant), study_id_)

    async def _ask(self, asked: Study, cause: Cause) -> Study:
        def once(present: Study | None) -> tuple[Study, tuple[()]]:
            if present is not None and present.upload is not None:
                raise UploadUsed(f"{present.upload} was used by {present.id}; upload the people again")
            return present or asked, ()

        return await self._stores.studies.change(asked.id, cause, once)

    async def _upload(self, tenant: str, upload_id: str) -> Upload:
        upload = await self._stores.uploads.find(tenant, upload_id, self._stores.clock.now())
        if upload is None:
            raise UnknownUpload(f"no people are kept under {upload_id!r}", field="upload_id")
        return upload

    async def _compute(self, principal: Principal, id: str) -> None:
        study = await self._change(
            principal, id, lambda present: decide.take(present, self._replica, self._stores.clock.now())
        )
        if study.status is not StudyStatus.RUNNING:
            log.warning("study given up", study_id=id, attempts=study.attempt)
            await self._forget(study)
            return
        progress = Progress()

        def renewed(present: Study) -> Study:
            now = self._stores.clock.now()
            return decide.renew(present, self._replica, study.attempt, progress.percent, now)

        try:
            outcomes, swings = await under_lease(
                self._answer(study, progress),
                lambda: self._change(principal, id, renewed),
                every_seconds=RENEW_SECONDS,
            )
        except EngineFailed:
            log.warning("the engine died; the study is taken again when its lease ends", study_id=id)
            return
        except (PoolTooLarge, UnknownUpload) as refusal:
            reason = refusal.detail
            await self._change(
                principal, id, lambda present: decide.fail(present, self._replica, study.attempt, reason)
            )
        else:
            await self._change(
                principal,
                id,
                lambda present: decide.conclude(
                    present, self._replica, study.attempt, outcomes=outcomes, swings=swings
                ),
            )
        await self._forget(study)

    async def _answer(self, study: Study, progress: Progress) -> tuple[tuple[Outcome, ...], tuple[Swing, ...]]:
        """Solve under each policy. Raises: PoolTooLarge, UnknownUpload, EngineFailed."""
        question = await self._question(study)
        outcomes: list[Outcome] = []
        swings: list[Swing] = []
        base: Proposal | None = None
        for number, case in enumerate(study.cases):
            await self._runs.work()
            problem = replace(question, charter=study.charter(case.policy))
            proposal = await self._engine.propose(problem, _Share(progress, number, len(study.cases)).tell)
            base = base or proposal
            if study.kind is StudyKind.SIMULATION:
                first = pairs_of(base)
                outcomes.append(
                    await asyncio.to_thread(
                        outcome, case.name, problem, proposal, first=first, published=study.published
                    )
                )
            elif case.weight is not None:
                swings.append(
                    await asyncio.to_thread(
                        swing,
                        case.weight,
                        case.percent,
                        base=base,
                        varied=proposal,
                        problem=problem,
                        published=study.published,
                    )
                )
        return tuple(outcomes), tuple(swings)

    async def _question(self, study: Study) -> Problem:
        """Who is studied; the charter is that of the first case."""
        charter = study.charter(study.cases[0].policy)
        if study.upload is None:
            pool = await read_pool(self._stores, study.tenant, study.programme_id)
            problem = pool.problem(charter, seed=study.seed)
        else:
            people = await self._stores.uploads.people(await self._upload(study.tenant, study.upload))
            problem = Problem(
                charter=charter,
                history=History(),
                mentors=tuple(person for person in people if person.role is Role.MENTOR),
                mentees=tuple(person for person in people if person.role is Role.MENTEE),
                places={person.id: person.capacity for person in people},
                seed=study.seed,
            )
        if not study.assume_ready:
            return problem
        return replace(problem, mentors=_ready(problem.mentors), mentees=_ready(problem.mentees))

    async def _forget(self, study: Study) -> None:
        if study.upload is not None:
            await self._stores.uploads.delete(study.tenant, study.upload)

    async def _change(self, principal: Principal, id: str, decision: Callable[[Study], Study]) -> Study:
        def decide_on(present: Study | None) -> tuple[Study, tuple[()]]:
            if present is None:
                raise UnknownStudy(f"there is no study {id!r}")
            return decision(present), ()

        return await self._stores.studies.change(id, Cause(principal=principal), decide_on)


class _Share:
    """The progress of one case out of many."""

    def __init__(self, progress: Progress, number: int, of: int) -> None:
        self._progress, self._number, self._of = progress, number, of

    def tell(self, percent: int) -> None:
        self._progress.tell((100 * self._number + percent) // self._of)


def _ready(people: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    return tuple(replace(person, ready=True) for person in people)
