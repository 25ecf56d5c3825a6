"""One behaviour suite for the service's own port: what the in-memory one does is what MongoDB does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from matching import repository
from matching.domain import pairing as pairing_decisions
from matching.domain import run as run_decisions
from matching.domain.candidate import Candidate
from matching.domain.pairing import Pairing, propose
from matching.domain.proposal import Certificate, Figures, LeftOut, LeftOutReason, RuleCount, StoredLeftOut, StoredPair
from matching.domain.restriction import Restriction, RestrictionKind, restriction_id
from matching.domain.rules import Charter, HardRule
from matching.domain.run import MatchRun
from matching.domain.scoring import score_pair
from matching.settings import Settings
from matching.use_cases import PoolFigures, Stores
from matching_builders import NOW, a_crowd, a_mentee, a_mentor, a_programme
from matching_stores import Service
from shared.chassis.aggregates import Cause
from shared.chassis.service import Chassis
from shared.contracts import MatchPolicy, Objective, Principal, Role, UnpairReason
from shared.testing.clock import ManualClock

pytestmark = pytest.mark.integration

US = Principal.service("matching", tenant="default")


@dataclass
class Store:
    stores: Stores

    async def keep(self, where: Any, state: Any) -> None:
        """Store a state whatever its version, as if it had come about step by step."""
        for version in range(1, state.version + 1):
            step = replace(state, version=version)
            await where.change(state.id, Cause(principal=US), lambda _, step=step: (step, []))


@pytest.fixture(params=["memory", "mongodb"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield Store(Service().stores)
        return
    settings = Settings(
        mongo_uri=request.getfixturevalue("mongo_uri"),
        mongo_database_prefix=request.getfixturevalue("mongo_database"),
    )
    chassis = Chassis(settings, clock=ManualClock(NOW))
    await repository.ensure_indexes(chassis)
    await repository.ensure_indexes(chassis)
    yield Store(repository.stores(chassis))
    chassis.mongo.close()


def a_pairing(name: str = "pair_1", tenant: str = "default") -> Pairing:
    mentor, mentee, programme = a_mentor(), a_mentee(), a_programme(tenant=tenant)
    return propose(
        mentor,
        mentee,
        programme,
        score_pair(mentor, mentee, Charter()),
        id=name,
        run_id="run_1",
        effective_on=NOW.date(),
        until=NOW + timedelta(seconds=30),
    )


def a_run(name: str = "run_1", after: int = 0) -> MatchRun:
    return run_decisions.request(a_programme(), id=name, seed=5, now=NOW + timedelta(seconds=after))


FIGURES = Figures(
    mentors=1,
    mentees=1,
    pairs=1,
    unmatched_mentees=0,
    unmatched_mentors=0,
    score=10,
    worst_score=10,
    mean_score=10,
    random_baseline_score=10,
    greedy_score=10,
    certificate=Certificate(primal=2**52, dual=2**52, pairs_checked=1, violations=0, inputs_digest="d"),
    seconds=0.5,
)


async def test_every_state_comes_back_as_it_was_stored(store: Store) -> None:
    stores = store.stores
    mentors, mentees = a_crowd(3, 3)
    for person in (*mentors, *mentees, a_mentor("m9", withdrawn=True)):
        await stores.candidates.keep_newest(person)
        assert await stores.candidates.get("default", person.id) == person
    policy = MatchPolicy(objective=(Objective.TOTAL,), forbid_same_unit=True)
    programme = a_programme(policy=policy)
    await stores.programmes.keep_newest(programme)
    assert await stores.programmes.get("default", "prog_1") == programme
    active, _ = pairing_decisions.confirm(a_pairing(), NOW)
    ended, _ = pairing_decisions.end(active, UnpairReason.RE_MATCH, NOW)
    await store.keep(stores.pairings, ended)
    assert await stores.pairings.get("default", "pair_1") == ended
    run = run_decisions.conclude(run_decisions.take(a_run(), "a", NOW), "a", 1, FIGURES, NOW)
    await store.keep(stores.runs, run)
    assert await stores.runs.get("default", "run_1") == run
    restriction = Restriction(
        id=restriction_id(RestrictionKind.LOCK, "prog_1", "m1", "e1"),
        tenant="default",
        version=1,
        programme_id="prog_1",
        kind=RestrictionKind.LOCK,
        mentor_volunteer_id="m1",
        mentee_volunteer_id="e1",
    )
    await store.keep(stores.restrictions, restriction)
    assert await stores.restrictions.get("default", restriction.id) == restriction
    pair = StoredPair(
        id="run_1.1.00000",
        tenant="default",
        version=1,
        result="run_1.1",
        mentor_volunteer_id="m1",
        mentee_volunteer_id="e1",
        mentor_ref="p1",
        mentee_ref="p2",
        points=score_pair(a_mentor(), a_mentee(), Charter()),
        locked=True,
    )
    await stores.proposed.keep_newest(pair)
    assert await stores.proposed.get("default", pair.id) == pair
    person_left = LeftOut(
        volunteer_id="e1",
        person_ref="p2",
        role=Role.MENTEE,
        reason=LeftOutReason.RULES,
        detail="why",
        shut_out_by=(RuleCount(rule=HardRule.SHARED_HOUR, partners=3),),
    )
    left = StoredLeftOut(id="run_1.1.00000", tenant="default", version=1, result="run_1.1", person=person_left)
    await stores.left_out.keep_newest(left)
    assert await stores.left_out.get("default", left.id) == left


async def test_runs_that_nobody_works_on_are_told_the_oldest_first(store: Store) -> None:
    stores = store.stores
    held = run_decisions.take(a_run("run_held"), "a", NOW)
    for run in (a_run("run_2", after=2), a_run("run_1", after=1), held):
        await store.keep(stores.runs, run)
    assert list(await stores.backlog.runs_to_take(NOW)) == [("default", "run_1"), ("default", "run_2")]
    later = NOW + run_decisions.LEASE
    assert ("default", "run_held") in await stores.backlog.runs_to_take(later)


async def test_only_begun_approvals_past_their_time_are_resumed(store: Store) -> None:
    stores = store.stores
    proposed = run_decisions.conclude(run_decisions.take(a_run(), "a", NOW), "a", 1, FIGURES, NOW)
    await store.keep(stores.runs, proposed)
    later = NOW + run_decisions.LEASE
    assert list(await stores.backlog.approvals_to_resume(later)) == []
    begun = run_decisions.begin_approval(proposed, NOW.date(), NOW)
    await store.keep(stores.runs, replace(begun, id="run_2"))
    assert list(await stores.backlog.approvals_to_resume(NOW)) == []
    assert list(await stores.backlog.approvals_to_resume(later)) == [("default", "run_2")]
    done = run_decisions.finish_approval(begun, (), (), NOW)
    await store.keep(stores.runs, replace(done, id="run_3"))
    assert list(await stores.backlog.approvals_to_resume(later)) == [("default", "run_2")]


async def test_only_proposals_past_their_time_are_settled(store: Store) -> None:
    stores = store.stores
    await store.keep(stores.pairings, a_pairing())
    await store.keep(stores.pairings, pairing_decisions.confirm(a_pairing("pair_2"), NOW)[0])
    assert list(await stores.backlog.proposals_to_settle(NOW)) == []
    assert list(await stores.backlog.proposals_to_settle(NOW + timedelta(seconds=30))) == [("default", "pair_1")]


async def test_pairings_that_are_over_and_hold_places_are_told(store: Store) -> None:
    stores = store.stores
    aborted, _ = pairing_decisions.abort(a_pairing())
    await store.keep(stores.pairings, aborted)
    await store.keep(stores.pairings, replace(pairing_decisions.give_places_back(aborted)[0], id="pair_2"))
    await store.keep(stores.pairings, pairing_decisions.confirm(a_pairing("pair_3"), NOW)[0])
    assert list(await stores.backlog.places_to_give_back()) == [("default", "pair_1")]


async def test_a_pool_is_summed_per_tenant_and_programme(store: Store) -> None:
    stores = store.stores
    people: list[Candidate] = [
        a_mentor("m1", capacity=3),
        a_mentor("m2", ready=False),
        a_mentor("m3", withdrawn=True),
        a_mentee("e1"),
        a_mentee("e2", ready=False),
        a_mentee("e3", programme_id="prog_2"),
        a_mentee("e4", tenant="other"),
    ]
    for person in people:
        await stores.candidates.keep_newest(person)
    await store.keep(stores.pairings, pairing_decisions.confirm(a_pairing(), NOW)[0])
    await store.keep(stores.pairings, a_pairing("pair_2"))
    assert await stores.backlog.pool("default", "prog_1") == PoolFigures(
        programme_id="prog_1",
        known=5,
        mentors=2,
        mentees=2,
        mentors_ready=1,
        mentees_ready=1,
        places=3,
        paired=1,
    )
    assert (await stores.backlog.pool("default", "prog_9")).known == 0


async def test_pairings_are_found_by_either_person(store: Store) -> None:
    await store.keep(store.stores.pairings, a_pairing())
    for where in ({"people": "person_m1"}, {"people": "person_e1"}, {"volunteers": "e1"}):
        assert await store.stores.pairings.count("default", where) == 1
    assert await store.stores.pairings.count("default", {"people": "m1"}) == 0
