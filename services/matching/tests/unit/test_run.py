from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from matching.domain import run as decide
from matching.domain.proposal import Certificate, Figures
from matching.domain.refusals import RunNotHeld, RunNotProposed
from matching.domain.run import LEASE, MOST_ATTEMPTS, Conflict, MatchRun, RunStatus
from matching_builders import NOW, a_programme

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
    certificate=Certificate(primal=10, dual=10, pairs_checked=1, violations=0),
)


def a_run() -> MatchRun:
    return decide.request(a_programme(), id="run_1", seed=0, now=NOW)


def a_proposed_run() -> MatchRun:
    return decide.conclude(decide.take(a_run(), "a", NOW), "a", 1, FIGURES, NOW)


def test_a_run_keeps_the_policy_of_the_day_it_was_asked_for() -> None:
    run = a_run()
    assert (run.status, run.policy_version, run.week) == (RunStatus.QUEUED, 1, date(2026, 3, 2))


def test_only_one_replica_holds_a_run() -> None:
    held = decide.take(a_run(), "a", NOW)
    with pytest.raises(RunNotHeld):
        decide.take(held, "b", NOW)


def test_a_run_is_taken_over_when_its_lease_ends_and_the_first_holder_is_shut_out() -> None:
    held = decide.take(a_run(), "a", NOW)
    taken_over = decide.take(held, "b", NOW + LEASE)
    assert (taken_over.owner, taken_over.attempt) == ("b", 2)
    for late in (
        lambda: decide.renew(taken_over, "a", 1, 50, NOW),
        lambda: decide.conclude(taken_over, "a", 1, FIGURES, NOW),
        lambda: decide.fail(taken_over, "a", 1, "late", NOW),
    ):
        with pytest.raises(RunNotHeld):
            late()


def test_renewing_keeps_the_lease_and_progress_never_goes_back() -> None:
    held = decide.renew(decide.take(a_run(), "a", NOW), "a", 1, 40, NOW + timedelta(seconds=5))
    held = decide.renew(held, "a", 1, 30, NOW + timedelta(seconds=9))
    assert (held.progress, held.lease_until) == (40, NOW + timedelta(seconds=9) + LEASE)


def test_a_run_that_breaks_every_holder_is_given_up() -> None:
    run, now = a_run(), NOW
    for _ in range(MOST_ATTEMPTS):
        run, now = decide.take(run, "a", now), now + LEASE
    assert decide.take(run, "a", now).status is RunStatus.FAILED


def test_approving_begins_once_and_keeps_its_first_day() -> None:
    begun = decide.begin_approval(a_proposed_run(), date(2026, 4, 1), NOW)
    again = decide.begin_approval(begun, date(2026, 5, 1), NOW)
    assert again.effective_on == date(2026, 4, 1)
    conflict = Conflict(mentor_volunteer_id="m1", mentee_volunteer_id="e1", reason="left")
    done = decide.finish_approval(again, ("pair_1",), (conflict,), NOW)
    assert (done.status, done.pairings, done.conflicts) == (RunStatus.APPROVED, ("pair_1",), (conflict,))
    assert decide.finish_approval(done, (), (), NOW) is done
    assert decide.begin_approval(done, date(2026, 5, 1), NOW) is done


def test_an_approval_is_carried_on_by_others_only_when_nobody_holds_it() -> None:
    begun = decide.begin_approval(a_proposed_run(), date(2026, 4, 1), NOW)
    held = decide.hold_approval(begun, NOW + timedelta(seconds=5))
    with pytest.raises(RunNotHeld):
        decide.take_over_approval(held, NOW + LEASE)
    taken_over = decide.take_over_approval(held, NOW + timedelta(seconds=5) + LEASE)
    assert taken_over.effective_on == date(2026, 4, 1)
    for not_begun in (a_run(), a_proposed_run()):
        assert decide.hold_approval(not_begun, NOW) is not_begun
        with pytest.raises(RunNotHeld):
            decide.take_over_approval(not_begun, NOW + LEASE)


@pytest.mark.parametrize("status", [s for s in RunStatus if s not in {RunStatus.PROPOSED, RunStatus.APPROVED}])
def test_only_a_proposal_can_be_approved(status: RunStatus) -> None:
    with pytest.raises(RunNotProposed):
        decide.begin_approval(replace(a_run(), status=status), date(2026, 4, 1), NOW)


def test_a_newer_proposal_replaces_an_open_one_but_never_one_that_is_being_approved() -> None:
    proposed = a_proposed_run()
    assert decide.supersede(proposed, NOW).status is RunStatus.SUPERSEDED
    begun = decide.begin_approval(proposed, date(2026, 4, 1), NOW)
    assert decide.supersede(begun, NOW) is begun


def test_an_automatic_run_asks_for_its_own_approval() -> None:
    run = decide.request(a_programme(), id="run_1", seed=0, now=NOW, automatic=True)
    concluded = decide.conclude(decide.take(run, "a", NOW), "a", 1, FIGURES, NOW)
    assert (concluded.approval_due, concluded.effective_on) == (NOW, NOW.date())


class RunLife(RuleBasedStateMachine):
    """Two replicas, a clock, and a manager, in any order."""

    @initialize()
    def begin(self) -> None:
        self.run, self.now = a_run(), NOW
        self.path = [RunStatus.QUEUED]

    def follow(self, run: MatchRun) -> None:
        assert run is self.run or run.version == self.run.version + 1
        self.run = run
        if run.status is not self.path[-1]:
            self.path.append(run.status)

    @rule(seconds=st.integers(1, 15))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(owner=st.sampled_from("ab"))
    def take(self, owner: str) -> None:
        if decide.may_be_taken(self.run, self.now):
            self.follow(decide.take(self.run, owner, self.now))
        else:
            with pytest.raises(RunNotHeld):
                decide.take(self.run, owner, self.now)

    @rule(owner=st.sampled_from("ab"), attempt=st.integers(1, 3), how=st.sampled_from(["renew", "conclude", "fail"]))
    def work(self, owner: str, attempt: int, how: str) -> None:
        def step() -> MatchRun:
            if how == "renew":
                return decide.renew(self.run, owner, attempt, 50, self.now)
            if how == "conclude":
                return decide.conclude(self.run, owner, attempt, FIGURES, self.now)
            return decide.fail(self.run, owner, attempt, "too many people", self.now)

        if self.run.status is RunStatus.RUNNING and (self.run.owner, self.run.attempt) == (owner, attempt):
            self.follow(step())
        else:
            with pytest.raises(RunNotHeld):
                step()

    @rule()
    def supersede(self) -> None:
        self.follow(decide.supersede(self.run, self.now))

    @rule(finish=st.booleans())
    def approve(self, finish: bool) -> None:
        if self.run.status in {RunStatus.PROPOSED, RunStatus.APPROVED}:
            self.follow(decide.begin_approval(self.run, date(2026, 4, 1), self.now))
            if finish:
                self.follow(decide.finish_approval(self.run, (), (), self.now))

    @invariant()
    def goes_forward_only(self) -> None:
        if not hasattr(self, "path"):
            return
        order = [RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.PROPOSED]
        ends = {RunStatus.APPROVED, RunStatus.FAILED, RunStatus.SUPERSEDED}
        steps = [status for status in self.path if status not in ends]
        assert steps == order[: len(steps)]
        assert all(status not in ends for status in self.path[:-1])

    @invariant()
    def a_proposal_has_figures(self) -> None:
        if hasattr(self, "run") and self.run.status in {RunStatus.PROPOSED, RunStatus.APPROVED}:
            assert self.run.figures is FIGURES
            assert self.run.progress == 100


TestRunLife = RunLife.TestCase
TestRunLife.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
