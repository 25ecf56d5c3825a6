import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.letting_in import Change, what_ifs
from matching.domain.proposal import Problem, Proposal
from matching.domain.refusals import RunNotProposed, UnknownProgramme, UnknownRun, UnknownVolunteer, WrongRole
from matching.domain.restriction import RestrictionKind
from matching.domain.rules import Charter, HardRule, History
from matching.domain.why_not import Verdict, with_pair
from matching.engine.compute import compute
from matching.use_cases import Matching
from matching.use_cases.explanations import MOST_SOLVES, NoAnswerInTime
from matching_brute_force import LOOSE, TIGHT, TOTAL_FIRST, BruteForce
from matching_builders import TUESDAY_MORNING, a_crowd, a_mentee, a_mentor, a_programme, with_wishes
from matching_stores import MANAGER, Service, somebody
from shared.contracts import Forbidden, MatchPolicy, Role, WantedSkill, WeeklyWindow

POLICIES = st.sampled_from([LOOSE, TIGHT, TOTAL_FIRST])
WEAK = (WantedSkill(skill="generative_ai", level=3, priority=3),)
STRONG = (WantedSkill(skill="generative_ai", level=0, priority=3),)


async def a_service(*people: Any, policy: MatchPolicy | None = None) -> Service:
    service = Service()
    await service.know(*people, programme=a_programme(policy=policy or MatchPolicy()))
    return service


async def a_company(seed: int, policy: MatchPolicy, mentors: int = 3, mentees: int = 4) -> Service:
    juniors, seniors = a_crowd(mentors, mentees, seed)
    juniors, seniors = with_wishes(juniors, seniors, seed), with_wishes(seniors, juniors, seed + 1)
    juniors = tuple(replace(person, capacity=min(person.capacity, 2)) for person in juniors)
    return await a_service(*juniors, *seniors, policy=policy)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), policy=POLICIES, locks=st.booleans())
def test_the_price_of_any_missing_pair_is_the_one_that_trying_everything_finds(
    seed: int, policy: MatchPolicy, locks: bool
) -> None:
    asyncio.run(_check_all_prices(seed, policy, locks=locks))


async def _check_all_prices(seed: int, policy: MatchPolicy, *, locks: bool) -> None:
    service = await a_company(seed, policy)
    people = service.candidates.states.values()
    mentors = [person for person in people if person.role is Role.MENTOR]
    mentees = [person for person in people if person.role is Role.MENTEE]
    seen = BruteForce(_problem(service))
    if locks and seen.scores:
        one, other = sorted(seen.scores)[seed % len(seen.scores)]
        await service.matching.restrictions.add(MANAGER, RestrictionKind.LOCK, "prog_1", mentor_id=one, mentee_id=other)
        seen = BruteForce(replace(seen.problem, locked=frozenset({(one, other)})))
    best = {seen.rank(choice) for choice in seen.best()}
    for mentor in mentors:
        for mentee in mentees:
            found = await service.matching.explanations.why_not(
                MANAGER, "prog_1", mentor_id=mentor.id, mentee_id=mentee.id
            )
            pair = mentor.id, mentee.id
            if pair not in seen.scores:
                assert found.verdict is Verdict.FORBIDDEN
                assert found.why.broken
                continue
            if not any(choice.get(mentee.id) == mentor.id for choice in seen.choices()):
                assert (found.verdict, found.locks) == (Verdict.HELD_BY_LOCKS, tuple(seen.problem.locked))
                continue
            if found.verdict is Verdict.CHOSEN:
                assert any(choice.get(mentee.id) == mentor.id for choice in seen.best())
                continue
            assert found.price is not None
            held = BruteForce(with_pair(seen.problem, mentor, mentee))
            with_it = {(aims.pairs, aims.worst_score, aims.score) for aims in map(held.aims, held.best())}
            told = found.price.with_pair
            assert (told.pairs, told.worst_score, told.score) in with_it
            told = found.price.best
            assert {seen.rank(choice) for choice in seen.best() if seen.aims(choice) == told} == best
            costs_nothing = found.price.change.nothing
            assert (found.verdict is Verdict.EQUALLY_GOOD) == costs_nothing
            if policy is not TOTAL_FIRST:  # nobody gets more pairs by holding two together
                assert found.price.change.pairs <= 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), policy=POLICIES)
def test_what_would_let_somebody_in_is_what_trying_everything_finds(seed: int, policy: MatchPolicy) -> None:
    asyncio.run(_check_all_changes(seed, policy))


async def _check_all_changes(seed: int, policy: MatchPolicy) -> None:
    service = await a_company(seed, policy, mentors=3, mentees=4)
    problem = _problem(service)
    best = compute(problem)
    for left in best.left_out:
        found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", left.volunteer_id)
        assert (found.partner, found.left_out) == (None, left)
        person = service.candidates.states[left.volunteer_id]
        questions = dict(what_ifs(person, problem, best))
        assert len(found.tried) + len(found.not_tried) == len(questions)
        assert len(found.tried) < MOST_SOLVES
        for tried in found.tried:
            seen = BruteForce(questions[tried.what_if])
            choices = seen.best()
            is_in = [choice for choice in choices if left.volunteer_id in {*choice, *choice.values()}]
            assert is_in if tried.lets_in else len(is_in) < len(choices)
            aims = {(a.pairs, a.worst_score, a.score) for a in map(seen.aims, choices)}
            figures, gained = best.figures, tried.gained
            reached = (
                figures.pairs + gained.pairs,
                figures.worst_score + gained.worst_score,
                figures.score + gained.score,
            )
            assert reached in aims


def _problem(service: Service) -> Problem:
    people = service.candidates.states.values()
    programme = service.stores.programmes.states["prog_1"]  # type: ignore[attr-defined]
    return Problem(
        charter=Charter.of(programme),
        history=History(),
        mentors=tuple(person for person in people if person.role is Role.MENTOR),
        mentees=tuple(person for person in people if person.role is Role.MENTEE),
        places={person.id: person.capacity for person in people},
    )


async def test_any_two_people_are_explained_whether_they_may_be_a_pair_or_not() -> None:
    service = await a_service(a_mentor("m1"), a_mentor("m2", languages=("de",)), a_mentee("e1"))
    explain = service.matching.explanations.why
    possible = await explain(MANAGER, "prog_1", mentor_id="m1", mentee_id="e1")
    forbidden = await explain(MANAGER, "prog_1", mentor_id="m2", mentee_id="e1")
    assert (possible.broken, possible.paired_now) == ((), False)
    assert [broken.rule for broken in forbidden.broken] == [HardRule.SHARED_LANGUAGE]
    for why in (possible, forbidden):
        assert sum(term.points for term in why.points.terms) == why.points.total > 0


async def test_a_better_pair_for_one_is_priced_by_what_it_costs_all() -> None:
    # m1 teaches well and m2 poorly; e1 has further to go with m1 than e2 has
    people = (
        a_mentor("m1"),
        a_mentor("m2", skills_offered=a_mentor().skills_offered[:1], motivation=1),
        a_mentee("e1", skills_wanted=STRONG, motivation=5),
        a_mentee("e2", skills_wanted=WEAK),
    )
    service = await a_service(*people, policy=MatchPolicy(require_wanted_skill=False))
    best = compute(_problem(service))
    taken = {pair.mentee.id: pair.mentor.id for pair in best.pairs}
    other = {"m1": "m2", "m2": "m1"}[taken["e1"]]
    found = await service.matching.explanations.why_not(MANAGER, "prog_1", mentor_id=other, mentee_id="e1")
    assert found.price is not None
    assert found.price.change.pairs == 0
    assert found.price.moved == 2
    assert [(move.mentee_volunteer_id, move.before, move.after) for move in found.price.moves] == [
        ("e1", taken["e1"], other),
        ("e2", other, taken["e1"]),
    ]
    scores = [(move.score_before, move.score_after) for move in found.price.moves]
    assert sum((after or 0) - (before or 0) for before, after in scores) == found.price.change.score
    chosen = await service.matching.explanations.why_not(MANAGER, "prog_1", mentor_id=taken["e1"], mentee_id="e1")
    assert (chosen.verdict, chosen.price) == (Verdict.CHOSEN, None)


async def test_twins_are_equally_good() -> None:
    service = await a_service(a_mentor("m1"), a_mentor("m2"), a_mentee("e1"))
    verdicts = [
        (await service.matching.explanations.why_not(MANAGER, "prog_1", mentor_id=name, mentee_id="e1")).verdict
        for name in ("m1", "m2")
    ]
    assert sorted(verdicts) == [Verdict.CHOSEN, Verdict.EQUALLY_GOOD]


async def test_only_the_first_moves_are_told_with_their_number() -> None:
    # a ring in which everybody's second choice is the next one's first: forcing one pair turns the whole ring
    hours = [WeeklyWindow(day=1 + n // 12, start=f"{7 + n % 12:02}:00", end=f"{8 + n % 12:02}:00") for n in range(26)]
    mentors = [a_mentor(f"m{n:02}", availability=(hours[n],)) for n in range(25)]
    mentees = [a_mentee(f"e{n:02}", availability=(hours[n], hours[(n + 1) % 25])) for n in range(25)]
    service = await a_service(*mentors, *mentees)
    best = compute(_problem(service))
    taken = {pair.mentee.id: pair.mentor.id for pair in best.pairs}
    other = next(name for name in ("m00", "m01") if name != taken["e00"])
    found = await service.matching.explanations.why_not(MANAGER, "prog_1", mentor_id=other, mentee_id="e00")
    assert found.price is not None
    assert (found.price.moved, len(found.price.moves)) == (25, 20)
    assert found.price.moves[0].mentee_volunteer_id == "e00"
    assert found.verdict is Verdict.EQUALLY_GOOD


async def test_a_pair_that_is_shut_out_says_by_what() -> None:
    service = await a_service(a_mentor("m1", languages=("de",)), a_mentor("m2"), a_mentee("e1"))
    found = await service.matching.explanations.why_not(MANAGER, "prog_1", mentor_id="m1", mentee_id="e1")
    assert found.verdict is Verdict.FORBIDDEN
    assert [(one.rule, one.setting) for one in found.why.broken] == [
        (HardRule.SHARED_LANGUAGE, "require_shared_language")
    ]
    assert service.engine.asked == []


async def test_a_lock_that_holds_the_place_is_named() -> None:
    service = await a_service(a_mentor("m1"), a_mentor("m2"), a_mentee("e1"), a_mentee("e2"))
    await service.matching.restrictions.add(MANAGER, RestrictionKind.LOCK, "prog_1", mentor_id="m1", mentee_id="e1")
    ask = service.matching.explanations.why_not
    for mentor, mentee in (("m1", "e2"), ("m2", "e1")):
        found = await ask(MANAGER, "prog_1", mentor_id=mentor, mentee_id=mentee)
        assert (found.verdict, found.locks) == (Verdict.HELD_BY_LOCKS, (("m1", "e1"),))
    locked = await ask(MANAGER, "prog_1", mentor_id="m1", mentee_id="e1")
    assert locked.verdict is Verdict.CHOSEN


async def test_a_lock_that_no_run_can_keep_any_more_holds_nothing() -> None:
    service = await a_service(a_mentor("m1"), a_mentor("m2"), a_mentee("e1"))
    await service.matching.restrictions.add(MANAGER, RestrictionKind.LOCK, "prog_1", mentor_id="m1", mentee_id="e1")
    await service.know(a_mentor("m1", version=2, languages=("de",)))
    found = await service.matching.explanations.why_not(MANAGER, "prog_1", mentor_id="m2", mentee_id="e1")
    assert found.verdict is Verdict.CHOSEN
    await service.know(a_mentor("m3"))
    found = await service.matching.explanations.why_not(MANAGER, "prog_1", mentor_id="m3", mentee_id="e1")
    assert found.verdict in {Verdict.CHOSEN, Verdict.EQUALLY_GOOD}


async def test_a_run_can_be_questioned_before_its_approval_and_after() -> None:
    service = await a_company(11, LOOSE, mentors=4, mentees=4)
    run = await service.run()
    pairs = {(pair.mentor_volunteer_id, pair.mentee_volunteer_id) for pair in service.stores.proposed.states.values()}  # type: ignore[attr-defined]
    (mentor, mentee) = min(pairs)
    (other, _) = max(pairs)
    ask = service.matching.explanations.why_not

    async def answers(run_id: str | None) -> list[Any]:
        found = [
            await ask(MANAGER, "prog_1", mentor_id=one, mentee_id=mentee, run_id=run_id) for one in (mentor, other)
        ]
        return [(one.verdict, one.price) for one in found]

    before = await answers(run.id)
    assert before == await answers(None)
    assert before[0] == (Verdict.CHOSEN, None)
    await service.matching.approval.approve(MANAGER, run.id, None)
    assert await answers(run.id) == before
    now = await answers(None)
    assert now[0][0] is Verdict.PAIRED
    full = await ask(MANAGER, "prog_1", mentor_id=other, mentee_id=mentee)
    assert full.verdict is Verdict.NO_PLACE
    assert mentee in full.full


async def test_a_person_shut_out_by_a_setting_learns_which() -> None:
    service = await a_service(a_mentor("m1", languages=("de",)), a_mentee("e1"))
    for name in ("m1", "e1"):
        found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", name)
        (tried,) = found.tried
        assert (tried.what_if.change, tried.what_if.setting) == (Change.RULE_OFF, "require_shared_language")
        assert (tried.lets_in, tried.gained.pairs, tried.put_out) == (True, 1, 0)
        assert tried.partner == {"m1": "e1", "e1": "m1"}[name]
        assert tried.gained.score == tried.score
        assert found.not_tried == ()


async def test_one_more_hour_is_given_in_the_persons_own_time() -> None:
    far = a_mentee("e1", time_zone="Asia/Kathmandu", availability=())
    service = await a_service(a_mentor("m1", availability=(TUESDAY_MORNING,)), far)
    found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", "e1")
    by_change = {tried.what_if.change: tried for tried in found.tried}
    hour = by_change[Change.ONE_MORE_HOUR]
    assert hour.what_if.window == WeeklyWindow(day=2, start="13:45", end="14:45")  # 9:00 in Paris
    assert hour.lets_in
    assert by_change[Change.RULE_OFF].lets_in


async def test_who_is_left_out_for_want_of_places_learns_whose_place_would_do() -> None:
    service = await a_service(a_mentor("m1"), a_mentee("e1"), a_mentee("e2"), a_mentor("m9", languages=("de",)))
    left = next(person for person in compute(_problem(service)).left_out if person.role is Role.MENTEE)
    found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", left.volunteer_id)
    tried = {(tried.what_if.change, tried.what_if.mentor_volunteer_id): tried for tried in found.tried}
    assert set(tried) == {
        (Change.RULE_OFF, None),
        (Change.ONE_MORE_PLACE_EACH, None),
        (Change.ONE_MORE_PLACE, "m1"),
    }
    assert all((one.lets_in, one.gained.pairs, one.put_out) == (True, 1, 0) for one in tried.values())


async def test_a_change_that_puts_somebody_else_out_says_so() -> None:
    service = await a_service(a_mentor("m1", motivation=5), a_mentor("m2", ready=False), a_mentee("e1", motivation=5))
    found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", "m2")
    (tried,) = found.tried
    assert (tried.what_if.change, tried.lets_in, tried.gained.pairs, tried.put_out) == (Change.READY, False, 0, 0)
    await service.know(replace(a_mentor("m2", ready=False, motivation=5), version=2), a_mentor("m1", motivation=1))
    await service.know(replace(a_mentor("m1", motivation=1), version=2))
    found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", "m2")
    (tried,) = found.tried
    assert (tried.lets_in, tried.gained.pairs, tried.put_out) == (True, 0, 1)


async def test_nothing_is_tried_for_somebody_who_has_a_partner() -> None:
    service = await a_service(a_mentor("m1"), a_mentee("e1"))
    found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", "e1")
    assert (found.partner, found.tried, found.left_out) == ("m1", (), None)
    await service.matching.approval.approve(MANAGER, (await service.run()).id, None)
    found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", "m1")
    assert (found.partner, found.tried) == ("e1", ())


async def test_one_question_asks_the_engine_eight_times_at_most() -> None:
    mentors = [a_mentor(f"m{n:02}") for n in range(12)]
    mentees = [a_mentee(f"e{n:02}", motivation=5) for n in range(12)]
    service = await a_service(*mentors, *mentees, a_mentee("e99", motivation=1))
    found = await service.matching.explanations.what_would_let_in(MANAGER, "prog_1", "e99")
    assert len(service.engine.asked) == MOST_SOLVES
    assert (len(found.tried), len(found.not_tried)) == (7, 6)
    assert {one.change for one in found.not_tried} == {Change.ONE_MORE_PLACE}


async def test_an_explanation_changes_nothing() -> None:
    service = await a_company(5, TIGHT)
    run = await service.run()
    before = (dict(service.pairings.states), dict(service.runs.states), list(service.told()))
    explanations = service.matching.explanations
    for person in list(service.candidates.states.values()):
        await explanations.what_would_let_in(MANAGER, "prog_1", person.id, run_id=run.id)
        if person.role is Role.MENTEE:
            await explanations.why_not(MANAGER, "prog_1", mentor_id="m0", mentee_id=person.id)
    await explanations.blocking(MANAGER, "prog_1", run_id=run.id)
    assert before == (dict(service.pairings.states), dict(service.runs.states), list(service.told()))


class SlowEngine:
    """Answers at once as often as it is told to, and never again."""

    def __init__(self, answers: int) -> None:
        self.answers = answers

    async def propose(self, problem: Problem, on_progress: Callable[[int], None] | None = None) -> Proposal:
        if self.answers == 0:
            await asyncio.sleep(3600)
        self.answers -= 1
        return compute(problem)


async def test_an_answer_that_takes_too_long_is_refused_and_what_was_tried_is_told() -> None:
    service = await a_service(a_mentor("m1"), a_mentee("e1"), a_mentee("e2"))
    impatient = Matching.of(service.stores, SlowEngine(0), replica="r", patience=0.05).explanations
    with pytest.raises(NoAnswerInTime):
        await impatient.why_not(MANAGER, "prog_1", mentor_id="m1", mentee_id="e1")
    left = next(person for person in compute(_problem(service)).left_out)
    impatient = Matching.of(service.stores, SlowEngine(2), replica="r", patience=0.3).explanations
    found = await impatient.what_would_let_in(MANAGER, "prog_1", left.volunteer_id)
    assert (len(found.tried), len(found.not_tried)) == (1, 1)


async def test_explanations_are_for_managers_and_name_what_they_do_not_find() -> None:
    service = await a_service(a_mentor("m1"), a_mentee("e1"))
    explanations = service.matching.explanations
    with pytest.raises(Forbidden):
        await explanations.why(somebody("person_m1"), "prog_1", mentor_id="m1", mentee_id="e1")
    with pytest.raises(Forbidden):
        await explanations.blocking(somebody("person_m1"), "prog_1")
    with pytest.raises(UnknownProgramme):
        await explanations.why_not(MANAGER, "prog_9", mentor_id="m1", mentee_id="e1")
    with pytest.raises(UnknownVolunteer):
        await explanations.why_not(MANAGER, "prog_1", mentor_id="m9", mentee_id="e1")
    with pytest.raises(WrongRole):
        await explanations.why(MANAGER, "prog_1", mentor_id="e1", mentee_id="m1")
    with pytest.raises(UnknownRun):
        await explanations.blocking(MANAGER, "prog_1", run_id="run_x")
    queued = await service.matching.runs.request(MANAGER, "prog_1", seed=0)
    with pytest.raises(RunNotProposed):
        await explanations.what_would_let_in(MANAGER, "prog_1", "e1", run_id=queued.id)
