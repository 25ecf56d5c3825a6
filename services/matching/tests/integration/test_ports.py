"""One behaviour suite for the service's own port: what the in-memory one does is what MongoDB does."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from matching import repository
from matching.domain import pairing as pairing_decisions
from matching.domain import renewal as renewal_decisions
from matching.domain import run as run_decisions
from matching.domain import study as study_decisions
from matching.domain.candidate import Candidate
from matching.domain.outcome import Coverage, Group, Outcome, ReasonCount, ShutOutCount, Swing
from matching.domain.pairing import Pairing, propose
from matching.domain.proposal import Certificate, Figures, LeftOut, LeftOutReason, RuleCount, StoredLeftOut, StoredPair
from matching.domain.restriction import Restriction, RestrictionKind, restriction_id
from matching.domain.rules import Charter, HardRule
from matching.domain.run import MatchRun
from matching.domain.scoring import score_pair
from matching.domain.study import PolicyAsked, Study
from matching.settings import Settings
from matching.use_cases import PoolFigures, Stores
from matching.use_cases.ports import Upload
from matching_builders import NOW, a_crowd, a_mentee, a_mentor, a_programme, with_wishes
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
    wishing = with_wishes(mentors, mentees), with_wishes(mentees, mentors)
    for person in (*wishing[0], *wishing[1], a_mentor("m9", withdrawn=True)):
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


async def test_a_renewal_comes_back_as_it_was_stored_and_is_told_when_due_or_claimed(store: Store) -> None:
    stores, wait = store.stores, timedelta(seconds=5)
    marked = renewal_decisions.mark(None, "default", "prog_1", wait=wait, now=NOW)
    await store.keep(stores.renewals, marked)
    await store.keep(
        stores.renewals, replace(marked, id="renewal_quiet", stale_since=None, due=None, behind="run_1", version=2)
    )
    assert list(await stores.backlog.renewals_to_take(NOW)) == []
    assert list(await stores.backlog.renewals_to_take(NOW + wait)) == [("default", marked.id)]
    claimed = renewal_decisions.claim(replace(marked, certified_on=NOW.date()), NOW + wait)
    await stores.renewals.change(claimed.id, Cause(principal=US), lambda _: (claimed, []))
    assert await stores.renewals.get("default", claimed.id) == claimed
    assert list(await stores.backlog.renewals_to_take(NOW)) == [("default", claimed.id)]


async def test_every_published_programme_is_told(store: Store) -> None:
    await store.stores.programmes.keep_newest(a_programme())
    await store.stores.programmes.keep_newest(a_programme(id="prog_2", tenant="other"))
    assert set(await store.stores.backlog.programmes()) == {("default", "prog_1"), ("other", "prog_2")}


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


async def test_runs_are_told_once_their_leftovers_have_lain_about_for_long_enough(store: Store) -> None:
    run = a_run()
    for id_, since in (("run_1", None), ("run_2", NOW + timedelta(seconds=1)), ("run_3", NOW)):
        await store.keep(store.stores.runs, replace(run, id=id_, leftovers_since=since))
    assert list(await store.stores.backlog.runs_with_leftovers(NOW)) == [("default", "run_3")]
    later = NOW + timedelta(days=1)
    assert [id_ for _, id_ in await store.stores.backlog.runs_with_leftovers(later)] == ["run_3", "run_2"]


async def test_a_result_is_removed_in_parts_and_no_other_is(store: Store) -> None:
    stores = store.stores
    points = score_pair(a_mentor(), a_mentee(), Charter())
    person = LeftOut(volunteer_id="e1", person_ref="p2", role=Role.MENTEE, reason=LeftOutReason.RULES, detail="why")
    for result, tenant in (("run_1.1", "default"), ("run_1.2", "default"), ("run_1.1", "other")):
        for number in range(2):
            names = {"id": f"{tenant}.{result}.{number}", "tenant": tenant, "version": 1, "result": result}
            people = dict.fromkeys(("mentor_volunteer_id", "mentee_volunteer_id", "mentor_ref", "mentee_ref"), "x")
            await stores.proposed.keep_newest(StoredPair(**names, **people, points=points, locked=False))  # type: ignore[arg-type]
            await stores.left_out.keep_newest(StoredLeftOut(**names, person=person))  # type: ignore[arg-type]
    assert [await stores.results.remove("default", "run_1.1", most=3) for _ in range(3)] == [3, 1, 0]
    for kept in (stores.proposed, stores.left_out):
        assert await kept.count("default") == await kept.count("default", {"result": "run_1.2"}) == 2
        assert await kept.count("other") == 2


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


async def test_places_are_taken_by_pairings_that_are_proposed_or_active(store: Store) -> None:
    proposed = a_pairing()
    others = {"pair_2": pairing_decisions.confirm(proposed, NOW)[0], "pair_3": pairing_decisions.abort(proposed)[0]}
    for id_, pairing in {"pair_1": proposed, **others}.items():
        await store.keep(store.stores.pairings, replace(pairing, id=id_))
    await store.keep(store.stores.pairings, replace(a_pairing("pair_4"), programme_id="prog_3"))
    assert await store.stores.backlog.places_taken("default", "prog_1") == {"m1": 2, "e1": 2}
    assert await store.stores.backlog.places_taken("default", "prog_2") == {}


async def test_who_is_ready_is_told_by_role_as_they_are_now(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("VERSIONS_AT_ONCE", 3), ("PEOPLE_AT_ONCE", 2), ("PEOPLE_KNOWN", 4)):
        monkeypatch.setattr(repository, name, few)
    mentors = [a_mentor(f"m{number}") for number in range(8)]
    elsewhere = (a_mentor("n3", programme_id="prog_2"), a_mentor("n4", tenant="other"), a_mentee("e1"))
    absent = (a_mentor("n1", ready=False), a_mentor("n2", withdrawn=True))
    for person in (*reversed(mentors), *elsewhere, *absent):
        await store.stores.candidates.keep_newest(person)
    ready = store.stores.ready
    for _ in range(2):
        assert list(await ready.of_role("default", "prog_1", Role.MENTOR)) == mentors
    mentors[2] = replace(mentors[2], version=2, capacity=3)
    gone = (replace(mentors[0], version=2, withdrawn=True), replace(mentors[7], version=2, ready=False))
    for person in (mentors[2], *gone):
        await store.stores.candidates.keep_newest(person)
    assert list(await ready.of_role("default", "prog_1", Role.MENTOR)) == mentors[1:7]
    assert [person.id for person in await ready.of_role("default", "prog_1", Role.MENTEE)] == ["e1"]
    assert list(await ready.of_role("default", "prog_9", Role.MENTOR)) == []


async def test_pairings_are_found_by_either_person(store: Store) -> None:
    await store.keep(store.stores.pairings, a_pairing())
    for where in ({"people": "person_m1"}, {"people": "person_e1"}, {"volunteers": "e1"}):
        assert await store.stores.pairings.count("default", where) == 1
    assert await store.stores.pairings.count("default", {"people": "m1"}) == 0


def a_study(name: str = "simulation_1", after: int = 0) -> Study:
    programme = a_programme()
    cases = study_decisions.cases(programme.policy, [PolicyAsked(name="a", changes={"weights": {"skills": 1}})])
    return study_decisions.simulate(
        programme,
        cases,
        id=name,
        seed=3,
        now=NOW + timedelta(seconds=after),
        upload="upload_1",
        assume_ready=True,
    )


OUTCOME = Outcome(
    name="a",
    mentors=2,
    mentees=1,
    pairs=1,
    same_pairs=1,
    score=10,
    published_score=9,
    worst_score=10,
    mean_score=10,
    deciles=(10,) * 11,
    random_baseline_score=8,
    greedy_score=10,
    pairs_with_units=1,
    cross_unit_pairs=0,
    unmatched=(ReasonCount(role=Role.MENTOR, reason=LeftOutReason.RULES, people=1),),
    shut_out=(ShutOutCount(role=Role.MENTOR, rule=HardRule.SHARED_HOUR, people=1),),
    coverage=(
        Coverage(
            role=Role.MENTOR,
            people=2,
            paired=1,
            by_unit=(Group(value="a.$b", people=1, paired=1), Group(value=None, people=1, paired=0)),
            by_site=(),
            by_age_band=(Group(value=None, people=2, paired=1, merged=2),),
        ),
    ),
    proven=True,
    seconds=0.25,
)
SWING = Swing(
    weight="skills", percent=-20, points=4800, pairs=3, pairs_changed=1, score_change=-5, worst_score_change=0
)


async def test_a_study_comes_back_as_it_was_stored(store: Store) -> None:
    stores = store.stores
    held = study_decisions.take(a_study(), "one", NOW)
    done = study_decisions.conclude(held, "one", 1, outcomes=(OUTCOME,), swings=(SWING,))
    await store.keep(stores.studies, done)
    assert await stores.studies.get("default", "simulation_1") == done
    assert await stores.studies.count("default", {"programme_id": "prog_1", "kind": "simulation"}) == 1


async def test_studies_that_nobody_works_on_are_told_the_oldest_first(store: Store) -> None:
    stores = store.stores
    held = study_decisions.take(a_study("held"), "a", NOW)
    cancelled = study_decisions.cancel(a_study("cancelled"))
    for study in (cancelled, held, a_study("second", after=2), a_study("first", after=1)):
        await store.keep(stores.studies, study)
    assert list(await stores.backlog.studies_to_take(NOW)) == [("default", "first"), ("default", "second")]
    later = NOW + run_decisions.LEASE
    assert ("default", "held") in await stores.backlog.studies_to_take(later)


async def test_uploaded_people_are_kept_whole_until_they_are_deleted_or_their_time_is_over(store: Store) -> None:
    uploads, until = store.stores.uploads, NOW + timedelta(days=36_500)  # the database's own clock deletes as well
    mentors, mentees = a_crowd(620, 400)
    people = (*mentors, *mentees)
    one, other = (
        Upload(id=name, tenant="default", mentors=620, mentees=400, until=until) for name in ("upload_1", "upload_2")
    )
    await uploads.keep(one, people)
    await uploads.keep(other, mentors[:1])
    found = await uploads.find("default", "upload_1", NOW)
    assert found == one
    assert await uploads.people(one) == people
    assert await uploads.find("other", "upload_1", NOW) is None
    assert await uploads.find("default", "upload_1", until) is None
    assert await uploads.find("default", "upload_1.0000", NOW) is None
    await uploads.delete("other", "upload_1")
    assert await uploads.find("default", "upload_1", NOW) == one
    for _ in range(2):
        await uploads.delete("default", "upload_1")
    assert await uploads.find("default", "upload_1", NOW) is None
    assert await uploads.people(other) == mentors[:1]
