from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from matching.domain import pairing as decide
from matching.domain.pairing import Pairing, PairingStatus, pairing_id, propose
from matching.domain.refusals import PairingNotActive
from matching.domain.rules import Charter
from matching.domain.scoring import score_pair
from matching_builders import NOW, a_mentee, a_mentor, a_programme
from shared.contracts import Event, FeedbackSubmitted, GoalReached, Paired, SessionPlan, Unpaired, UnpairReason


def a_proposal() -> Pairing:
    mentor, mentee, programme = a_mentor(), a_mentee(), a_programme(plan=SessionPlan(sessions=4))
    return propose(
        mentor,
        mentee,
        programme,
        score_pair(mentor, mentee, Charter.of(programme)),
        id=pairing_id("run_1", mentor.id, mentee.id),
        run_id="run_1",
        effective_on=date(2026, 3, 2),
        until=NOW + timedelta(seconds=30),
    )


def an_active_pairing() -> Pairing:
    return decide.confirm(a_proposal(), NOW)[0]


def answers(request: str, count: int) -> FeedbackSubmitted:
    return FeedbackSubmitted(
        version=1,
        occurred_at=NOW,
        request_id=request,
        pairing_id="pair_1",
        programme_id="prog_1",
        session_id="ses_1",
        session_number=1,
        answers=count,
    )


def goal(code: str) -> GoalReached:
    return GoalReached(
        version=1, occurred_at=NOW, goal_id=f"goal_{code}", pairing_id="pair_1", programme_id="prog_1", goal=code
    )


def test_a_confirmed_pairing_is_told_with_everything_its_readers_need() -> None:
    active, (event,) = decide.confirm(a_proposal(), NOW)
    assert active.status is PairingStatus.ACTIVE
    assert isinstance(event, Paired)
    assert (event.pairing_id, event.version, event.run_id) == (active.id, active.version, "run_1")
    assert sum(term.points for term in event.terms) == event.score
    assert event.plan.sessions == 4
    assert event.mentor.availability == a_mentor().availability
    assert event.mentee.time_zone == "Europe/Paris"
    assert event.shared_skills == ("generative_ai",)


def test_a_pairing_has_one_name_per_cause_and_pair() -> None:
    assert pairing_id("run_1", "m1", "e1") == pairing_id("run_1", "m1", "e1")
    assert len({pairing_id("run_1", "m1", "e1"), pairing_id("run_2", "m1", "e1"), pairing_id("run_1", "e1", "m1")}) == 3


def test_confirming_again_changes_nothing() -> None:
    active = an_active_pairing()
    assert decide.confirm(active, NOW) == (active, [])


def test_an_aborted_pairing_is_never_confirmed() -> None:
    aborted, events = decide.abort(a_proposal())
    assert (aborted.status, events) == (PairingStatus.ABORTED, [])
    assert decide.confirm(aborted, NOW) == (aborted, [])


def test_an_active_pairing_is_never_aborted() -> None:
    active = an_active_pairing()
    assert decide.abort(active) == (active, [])


def test_ending_tells_the_reason_and_forgets_the_risk() -> None:
    at_risk, _ = decide.put_at_risk(an_active_pairing())
    ended, (event,) = decide.end(at_risk, UnpairReason.COMPLETED, NOW)
    assert isinstance(event, Unpaired)
    assert (event.reason, event.mentor_ref, event.mentee_ref) == (UnpairReason.COMPLETED, "person_m1", "person_e1")
    assert (ended.status, ended.at_risk, ended.ended_reason) == (PairingStatus.ENDED, False, UnpairReason.COMPLETED)


@pytest.mark.parametrize("state", [a_proposal(), decide.abort(a_proposal())[0]])
def test_only_an_active_pairing_can_be_ended(state: Pairing) -> None:
    with pytest.raises(PairingNotActive):
        decide.end(state, UnpairReason.MANAGER_DECISION, NOW)


def test_a_pairing_ends_once() -> None:
    ended, _ = decide.end(an_active_pairing(), UnpairReason.COMPLETED, NOW)
    with pytest.raises(PairingNotActive):
        decide.end(ended, UnpairReason.WITHDRAWN, NOW)


def test_when_somebody_leaves_an_active_pairing_ends_and_a_proposed_one_is_aborted() -> None:
    ended, (event,) = decide.leave(an_active_pairing(), NOW)
    assert isinstance(event, Unpaired)
    assert event.reason is UnpairReason.WITHDRAWN
    assert decide.leave(a_proposal(), NOW)[0].status is PairingStatus.ABORTED
    assert decide.leave(ended, NOW) == (ended, [])


def test_answers_are_counted_once_per_side_whatever_their_order() -> None:
    pairing = an_active_pairing()
    for event in (answers("r1", 2), answers("r1", 1), answers("r1", 2), answers("r2", 1)):
        pairing, events = decide.count_answers(pairing, event)
        assert not events
    assert [(count.request_id, count.answers) for count in pairing.answers] == [("r1", 2), ("r2", 1)]


def test_a_goal_is_reached_once() -> None:
    pairing, _ = decide.reach_goal(an_active_pairing(), goal("inclusion"))
    assert decide.reach_goal(pairing, goal("inclusion")) == (pairing, [])
    assert pairing.goals_reached == ("inclusion",)


class PairingLife(RuleBasedStateMachine):
    """Whatever comes, in whatever order and however often."""

    @initialize()
    def begin(self) -> None:
        self.pairing = a_proposal()
        self.told: list[Event] = []
        self.path = [self.pairing.status]

    def follow(self, decision: decide.Decision) -> None:
        new, events = decision
        if new is self.pairing:
            assert not events
            return
        assert new.version == self.pairing.version + 1
        assert all(event.version == new.version for event in events)
        self.pairing = new
        self.told += events
        if new.status is not self.path[-1]:
            self.path.append(new.status)

    @rule()
    def confirm(self) -> None:
        self.follow(decide.confirm(self.pairing, NOW))

    @rule()
    def abort(self) -> None:
        self.follow(decide.abort(self.pairing))

    @rule(reason=st.sampled_from(UnpairReason))
    def end(self, reason: UnpairReason) -> None:
        if self.pairing.status is PairingStatus.ACTIVE:
            self.follow(decide.end(self.pairing, reason, NOW))
        else:
            with pytest.raises(PairingNotActive):
                decide.end(self.pairing, reason, NOW)

    @rule()
    def somebody_leaves(self) -> None:
        self.follow(decide.leave(self.pairing, NOW))

    @rule()
    def risk(self) -> None:
        self.follow(decide.put_at_risk(self.pairing))

    @rule(request=st.sampled_from(["r1", "r2"]), count=st.integers(1, 2))
    def answer(self, request: str, count: int) -> None:
        self.follow(decide.count_answers(self.pairing, answers(request, count)))

    @rule(code=st.sampled_from(["inclusion", "ai"]))
    def goal(self, code: str) -> None:
        self.follow(decide.reach_goal(self.pairing, goal(code)))

    @rule()
    def give_back(self) -> None:
        self.follow(decide.give_places_back(self.pairing))

    @invariant()
    def goes_forward_only(self) -> None:
        if not hasattr(self, "path"):
            return
        proposed, active, ended, aborted = PairingStatus
        assert self.path in (
            [proposed],
            [proposed, active],
            [proposed, active, ended],
            [proposed, aborted],
        )

    @invariant()
    def is_told_once_and_in_order(self) -> None:
        if not hasattr(self, "told"):
            return
        names = [event.name for event in self.told]
        assert names == ["paired", "unpaired"][: len(names)]
        assert (self.pairing.status is PairingStatus.ENDED) == ("unpaired" in names)
        assert self.pairing.told == ("paired" in names)

    @invariant()
    def keeps_its_places_while_it_lives(self) -> None:
        if hasattr(self, "pairing") and self.pairing.status in {PairingStatus.PROPOSED, PairingStatus.ACTIVE}:
            assert self.pairing.claims_held

    @invariant()
    def is_at_risk_only_while_active(self) -> None:
        if hasattr(self, "pairing"):
            assert not self.pairing.at_risk or self.pairing.status is PairingStatus.ACTIVE


TestPairingLife = PairingLife.TestCase
TestPairingLife.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_the_same_state_is_returned_when_nothing_changes() -> None:
    ended = replace(an_active_pairing(), status=PairingStatus.ENDED)
    assert decide.put_at_risk(ended)[0] is ended
