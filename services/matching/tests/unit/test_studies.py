import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from matching.domain.proposal import EngineFailed, LeftOutReason, Problem, Proposal
from matching.domain.refusals import PoolTooLarge, StudyEnded, UnknownProgramme, UnknownStudy, UnknownUpload, UploadUsed
from matching.domain.rules import Charter, HardRule, History
from matching.domain.run import LEASE, RunStatus
from matching.domain.scoring import score_pair
from matching.domain.study import PolicyAsked, Study, StudyKind, StudyStatus
from matching.engine.compute import compute
from matching.use_cases import studies as studies_module
from matching.use_cases.people_file import read_people
from matching.use_cases.ports import Upload
from matching.use_cases.studies import KEPT
from matching_builders import a_crowd, a_mentee, a_mentor, a_programme
from matching_stores import MANAGER, Service, Weather, somebody
from shared.contracts import Forbidden, Objective, Principal, Role

PUBLISHED = PolicyAsked(name="as published", changes={})
NO_SKILL_NEEDED = PolicyAsked(name="no skill needed", changes={"require_wanted_skill": False})
TOTAL_FIRST = PolicyAsked(name="total first", changes={"objective": (Objective.TOTAL,)})
FILE = b"""role,languages,time_zone,skills_offered,skills_wanted,availability,unit,site,age_band
mentor,fr,Europe/Paris,generative_ai:4,,1 09:00-12:00,sales,lyon,1995-1999
mentor,de,Europe/Paris,generative_ai:4,,1 09:00-12:00,sales,lyon,
mentee,fr,Europe/Paris,,generative_ai:1:3,1 09:00-12:00,sales,paris,1970-1974
mentee,fr,Europe/Paris,,generative_ai:1:3,1 09:00-12:00,board,paris,1970-1974
"""


async def a_service(mentors: int = 8, mentees: int = 10, seed: int = 3) -> Service:
    service = Service()
    juniors, seniors = a_crowd(mentors, mentees, seed)
    await service.know(*juniors, *seniors, programme=a_programme())
    return service


async def asked(
    service: Service, *policies: PolicyAsked, upload: Upload | None = None, principal: Principal = MANAGER, **how: Any
) -> Study:
    values: dict[str, Any] = {"seed": 0, "assume_ready": False, "key": None} | how
    return await service.matching.studies.simulate(
        principal, "prog_1", policies or (PUBLISHED,), upload_id=upload.id if upload else None, **values
    )


async def simulated(service: Service, *policies: PolicyAsked, **how: Any) -> Study:
    study = await asked(service, *policies, **how)
    await service.matching.studies.work()
    return service.studies.states[study.id]


async def test_policies_are_laid_side_by_side() -> None:
    service = await a_service()
    study = await simulated(service, PUBLISHED, NO_SKILL_NEEDED, TOTAL_FIRST)
    assert (study.status, study.progress) == (StudyStatus.DONE, 100)
    published, loose, total = study.outcomes
    assert [outcome.name for outcome in study.outcomes] == ["as published", "no skill needed", "total first"]
    run = await service.run()
    assert run.figures is not None
    assert (published.pairs, published.score, published.worst_score) == (
        run.figures.pairs,
        run.figures.score,
        run.figures.worst_score,
    )
    assert published.same_pairs == published.pairs
    assert published.score == published.published_score
    assert loose.pairs > published.pairs
    assert total.score >= published.score
    for outcome in study.outcomes:
        assert outcome.proven
        assert outcome.deciles[0] == outcome.worst_score
        assert outcome.score >= outcome.greedy_score
        assert sum(count.people for count in outcome.unmatched) == sum(
            side.people - side.paired for side in outcome.coverage
        )
        for side in outcome.coverage:
            for by in (side.by_unit, side.by_site, side.by_age_band):
                assert sum(group.people for group in by) == side.people
                assert sum(group.paired for group in by) == side.paired


async def test_totals_of_other_weights_are_told_by_the_published_ones_as_well() -> None:
    service = await a_service()
    heavier = PolicyAsked(name="age", changes={"weights": {"age_gap": 9000}})
    study = await simulated(service, PUBLISHED, heavier)
    published, other = study.outcomes
    assert other.score > other.published_score
    assert other.published_score <= published.score or other.pairs > published.pairs
    assert other.same_pairs <= published.pairs


async def test_a_simulation_changes_nothing_and_tells_nobody() -> None:
    service = await a_service()
    run = await service.run()
    await service.matching.approval.approve(MANAGER, run.id, None)
    stores: Any = service.stores

    def everything_else() -> list[Any]:
        kept = (stores.programmes, stores.candidates, stores.pairings, stores.runs, stores.restrictions)
        return [dict(store.states) for store in (*kept, stores.proposed, stores.left_out)] + [
            dict(service.claims.held),
            list(service.told()),
        ]

    before = everything_else()
    upload = await service.matching.studies.upload(MANAGER, FILE)
    await simulated(service, PUBLISHED, NO_SKILL_NEEDED)
    await simulated(service, PUBLISHED, upload=upload)
    await service.matching.studies.study_weights(MANAGER, "prog_1", percent=20)
    await service.matching.studies.work()
    assert everything_else() == before
    assert {study.status for study in service.studies.states.values()} == {StudyStatus.DONE}
    assert service.studies.events == []


async def test_uploaded_people_are_simulated_and_forgotten() -> None:
    service = await a_service(0, 0)
    upload = await service.matching.studies.upload(MANAGER, FILE)
    assert (upload.mentors, upload.mentees) == (2, 2)
    study = await simulated(service, PUBLISHED, upload=upload)
    (outcome,) = study.outcomes
    assert (outcome.mentors, outcome.mentees, outcome.pairs) == (2, 2, 1)
    assert [(one.role, one.reason, one.people) for one in outcome.unmatched] == [
        (Role.MENTOR, LeftOutReason.RULES, 1),
        (Role.MENTEE, LeftOutReason.CAPACITY, 1),
    ]
    assert [(one.role, one.rule, one.people) for one in outcome.shut_out] == [
        (Role.MENTOR, HardRule.SHARED_LANGUAGE, 1)
    ]
    mentors, mentees = outcome.coverage
    assert [(group.value, group.people, group.paired) for group in mentors.by_unit] == [("sales", 2, 1)]
    assert [(group.value, group.people, group.paired) for group in mentees.by_site] == [("paris", 2, 1)]
    assert [(group.value, group.people, group.merged) for group in mentees.by_age_band] == [(None, 2, 1)]
    assert (outcome.pairs_with_units, outcome.cross_unit_pairs) == (1, 1)
    assert service.uploads.held == {}
    assert "line-2" not in repr(study)


async def test_an_upload_serves_one_simulation() -> None:
    service = await a_service(0, 0)
    upload = await service.matching.studies.upload(MANAGER, FILE)
    first = await asked(service, PUBLISHED, upload=upload, key="k")
    assert (await asked(service, PUBLISHED, upload=upload, key="k")).id == first.id
    with pytest.raises(UploadUsed):
        await asked(service, NO_SKILL_NEEDED, upload=upload)
    await service.matching.studies.work()
    with pytest.raises(UnknownUpload):
        await asked(service, PUBLISHED, upload=upload)


async def test_people_whose_time_is_over_are_not_used_any_more() -> None:
    service = await a_service(0, 0)
    late = await service.matching.studies.upload(MANAGER, FILE)
    waiting = await asked(service, PUBLISHED, upload=late)
    other = await service.matching.studies.upload(MANAGER, FILE)
    service.clock.advance(KEPT)
    with pytest.raises(UnknownUpload):
        await asked(service, PUBLISHED, upload=other)
    await service.matching.studies.work()
    study = service.studies.states[waiting.id]
    assert study.status is StudyStatus.FAILED
    assert "no people are kept" in (study.failure or "")


async def test_people_of_another_tenant_cannot_be_used() -> None:
    service = await a_service(0, 0)
    upload = await service.matching.studies.upload(replace(MANAGER, tenant="other"), FILE)
    with pytest.raises(UnknownUpload):
        await asked(service, PUBLISHED, upload=upload)


async def test_a_simulation_may_take_everybody_for_ready() -> None:
    service = Service()
    await service.know(a_mentor(ready=False), a_mentee(ready=False), programme=a_programme())
    (waiting,) = (await simulated(service, PUBLISHED)).outcomes
    (ready,) = (await simulated(service, PUBLISHED, assume_ready=True)).outcomes
    assert (waiting.pairs, ready.pairs) == (0, 1)
    assert Counter({one.reason: one.people for one in waiting.unmatched}) == {LeftOutReason.NOT_READY: 1}


async def test_the_swing_of_each_weight_is_what_solving_with_it_gives() -> None:
    service = await a_service(30, 40, 5)
    study = await service.matching.studies.study_weights(MANAGER, "prog_1", percent=80)
    await service.matching.studies.work()
    study = service.studies.states[study.id]
    assert study.status is StudyStatus.DONE
    assert len(study.swings) == 22  # the grid has no weight, and cannot swing
    people = service.candidates.states.values()
    programme = a_programme()
    problem = Problem(
        charter=Charter.of(programme),
        history=History(),
        mentors=tuple(person for person in people if person.role is Role.MENTOR),
        mentees=tuple(person for person in people if person.role is Role.MENTEE),
        places={person.id: person.capacity for person in people},
    )
    best = compute(problem)
    pairs = {(pair.mentor.id, pair.mentee.id) for pair in best.pairs}
    changed = 0
    for swing, case in zip(study.swings, study.cases[1:], strict=True):
        then = compute(replace(problem, charter=replace(problem.charter, policy=case.policy)))
        others = {(pair.mentor.id, pair.mentee.id): pair for pair in then.pairs}
        scores = [score_pair(pair.mentor, pair.mentee, problem.charter).total for pair in then.pairs]
        assert (swing.weight, swing.percent) == (case.weight, case.percent)
        assert swing.points == getattr(case.policy.weights, swing.weight)
        assert swing.pairs_changed == len(pairs - others.keys())
        assert swing.score_change == sum(scores) - best.figures.score
        assert swing.worst_score_change == min(scores) - best.figures.worst_score
        changed += swing.pairs_changed
    assert changed > 0


@pytest.mark.parametrize("step", range(1, 30))
async def test_a_simulation_whose_replica_dies_anywhere_is_finished_by_another(step: int) -> None:
    service = await a_service(3, 3, 8)
    upload = await service.matching.studies.upload(MANAGER, FILE)
    study = await asked(service, PUBLISHED, NO_SKILL_NEEDED, upload=upload)
    dying = asyncio.create_task(service.replica(Weather(crash_at=step)).studies.work())
    await asyncio.wait({dying})
    dying.cancelled() or dying.exception()
    service.clock.advance(LEASE)
    await service.matching.studies.work()
    found = service.studies.states[study.id]
    assert found.status is StudyStatus.DONE
    assert [outcome.pairs for outcome in found.outcomes] == [1, 1]


async def test_a_study_whose_engine_dies_is_tried_again_and_given_up_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service()

    async def dies(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        raise EngineFailed

    monkeypatch.setattr(service.engine, "propose", dies)
    upload = await service.matching.studies.upload(MANAGER, FILE)
    study = await asked(service, PUBLISHED, upload=upload)
    for _ in range(4):
        assert service.uploads.held
        await service.matching.studies.work()
        service.clock.advance(LEASE)
    assert service.studies.states[study.id].status is StudyStatus.FAILED
    assert service.uploads.held == {}


async def test_a_cancelled_study_stops_and_forgets_its_people(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service()
    computing, stopped = asyncio.Event(), asyncio.Event()

    async def for_ever(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        computing.set()
        try:
            await asyncio.sleep(3600)
        finally:
            stopped.set()
        raise AssertionError

    monkeypatch.setattr(service.engine, "propose", for_ever)
    monkeypatch.setattr(studies_module, "RENEW_SECONDS", 0.01)
    upload = await service.matching.studies.upload(MANAGER, FILE)
    study = await asked(service, PUBLISHED, upload=upload)
    working = asyncio.create_task(service.matching.studies.work())
    await computing.wait()
    cancelled = await service.matching.studies.cancel(MANAGER, StudyKind.SIMULATION, study.id)
    await asyncio.wait_for(working, 5)
    assert cancelled.status is StudyStatus.CANCELLED
    assert stopped.is_set()
    assert service.uploads.held == {}
    assert service.studies.states[study.id] == cancelled
    again = await service.matching.studies.cancel(MANAGER, StudyKind.SIMULATION, study.id)
    assert again == cancelled


async def test_what_has_ended_cannot_be_cancelled() -> None:
    service = await a_service(2, 2)
    study = await simulated(service)
    with pytest.raises(StudyEnded):
        await service.matching.studies.cancel(MANAGER, StudyKind.SIMULATION, study.id)


async def test_a_run_that_is_asked_for_meanwhile_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service()
    order: list[str] = []
    plain = service.engine.propose

    async def noted(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        order.append("loose" if not problem.charter.policy.require_wanted_skill else f"seed {problem.seed}")
        if order == ["seed 1"]:
            await service.matching.runs.request(MANAGER, "prog_1", seed=2)
        return await plain(problem, on_progress)

    monkeypatch.setattr(service.engine, "propose", noted)
    await simulated(service, PUBLISHED, NO_SKILL_NEEDED, seed=1)
    assert order == ["seed 1", "seed 2", "loose"]
    assert {run.status for run in service.runs.states.values()} == {RunStatus.PROPOSED}


async def test_the_progress_of_a_study_is_that_of_all_its_policies(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service()
    seen: list[int] = []
    plain = service.engine.propose

    async def told(problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        assert on_progress is not None
        on_progress(50)
        await asyncio.sleep(0.05)
        seen.extend(study.progress for study in service.studies.states.values())
        return await plain(problem, on_progress)

    monkeypatch.setattr(service.engine, "propose", told)
    monkeypatch.setattr(studies_module, "RENEW_SECONDS", 0.01)
    await simulated(service, PUBLISHED, NO_SKILL_NEEDED)
    assert seen == [25, 75]


async def test_too_many_people_are_refused_by_the_limit_of_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    service = await a_service(2, 2)
    monkeypatch.setattr("matching.domain.proposal.MOST_PEOPLE_A_SIDE", 1)
    studies = service.matching.studies
    with pytest.raises(PoolTooLarge, match="2 mentors are more than the 1"):
        await asked(service)
    with pytest.raises(PoolTooLarge):
        await studies.study_weights(MANAGER, "prog_1", percent=20)
    with pytest.raises(PoolTooLarge):
        await studies.upload(MANAGER, FILE)
    assert service.uploads.held == {}


async def test_studies_are_for_managers_and_of_one_tenant_and_kind() -> None:
    service = await a_service(2, 2)
    studies = service.matching.studies
    study = await simulated(service)
    for principal, refusal in ((somebody("person_m1"), Forbidden), (replace(MANAGER, tenant="other"), UnknownStudy)):
        with pytest.raises(refusal):
            await studies.get(principal, StudyKind.SIMULATION, study.id)
        with pytest.raises(refusal):
            await studies.cancel(principal, StudyKind.SIMULATION, study.id)
    with pytest.raises(Forbidden):
        await studies.upload(somebody("person_m1"), FILE)
    with pytest.raises(Forbidden):
        await asked(service, principal=somebody("person_m1"))
    with pytest.raises(UnknownProgramme):
        await asked(service, principal=replace(MANAGER, tenant="other"))
    with pytest.raises(UnknownStudy):
        await studies.get(MANAGER, StudyKind.SENSITIVITY, study.id)
    listed = await studies.page(MANAGER, StudyKind.SIMULATION, "prog_1", limit=10, cursor=None)
    assert [one.id for one in listed.items] == [study.id]
    assert (await studies.page(MANAGER, StudyKind.SENSITIVITY, "prog_1", limit=10, cursor=None)).items == ()


async def test_the_same_command_asks_for_the_same_study() -> None:
    service = await a_service(2, 2)
    first, second, third = [await asked(service, key=key) for key in ("k", "k", None)]
    assert first.id == second.id != third.id
    weights = [
        await service.matching.studies.study_weights(MANAGER, "prog_1", percent=20, key=key) for key in ("k", "k", None)
    ]
    assert weights[0].id == weights[1].id != weights[2].id


async def test_uploaded_people_are_judged_like_those_of_a_pool() -> None:
    service = await a_service(0, 0)
    upload = await service.matching.studies.upload(MANAGER, FILE)
    (outcome,) = (await simulated(service, PUBLISHED, upload=upload)).outcomes
    people = read_people(FILE, tenant="default")
    await service.know(*(replace(person, programme_id="prog_1", id=f"x{n}") for n, person in enumerate(people)))
    (same,) = (await simulated(service, PUBLISHED)).outcomes
    assert replace(outcome, seconds=0) == replace(same, seconds=0)


async def test_nothing_is_left_to_do_after_a_minute() -> None:
    service = await a_service(2, 2)
    await simulated(service)
    service.clock.advance(timedelta(minutes=1))
    assert await service.stores.backlog.studies_to_take(service.clock.now()) == []
