"""Whatever happens to a volunteer, in whatever order: what readers were told is what is so."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from enrollment.domain.grids import GridResult
from enrollment.domain.programmes import Requirements
from enrollment.domain.ranked_wishes import rank_wishes
from enrollment.domain.volunteers import (
    Decision,
    PairingSeen,
    Status,
    Training,
    Volunteer,
    change_offer,
    follow_directory,
    judge_by,
    note_pairing,
    record_grid_result,
    record_training,
    sign_charter,
    volunteer,
    withdraw,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from shared.contracts import (
    Event,
    Refusal,
    Role,
    Volunteered,
    VolunteerState,
    VolunteerUpdated,
    VolunteerWithdrawn,
    WithdrawalReason,
)

from ..builders import NOW, a_profile, a_volunteer, an_application, an_offer

OFFERS = st.builds(an_offer, capacity=st.integers(1, 5), motivation=st.integers(1, 5))
PROFILES = st.builds(a_profile, unit=st.sampled_from(["unit_a", "unit_b"]), languages=st.sampled_from([("fr",), ()]))
REQUIREMENTS = st.builds(
    Requirements, version=st.integers(1, 20), charter=st.booleans(), training=st.booleans(), grid=st.booleans()
)
OTHERS = {id_: a_volunteer(id=id_, person_ref=f"per_of_{id_}", role=Role.MENTEE) for id_ in ("vol_8", "vol_9")}
SEEN = st.builds(
    PairingSeen, pairing_id=st.sampled_from(["a", "b", "c"]), version=st.integers(1, 4), active=st.booleans()
)


class VolunteerMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.volunteer: Volunteer | None = None
        self.now = NOW
        self.told: list[Event] = []
        self.newest_word: dict[str, PairingSeen] = {}

    @property
    def present(self) -> Volunteer:
        assert self.volunteer is not None
        return self.volunteer

    def take(self, decision: Decision) -> None:
        new, events = decision
        if self.volunteer is not None and new is self.volunteer:
            assert not events
            return
        assert new.version == (self.volunteer.version if self.volunteer else 0) + 1
        assert all(event.version == new.version and event.occurred_at == self.now for event in events)
        self.volunteer = new
        self.told += events

    def attempt(self, decide: Any, *arguments: Any, **named: Any) -> None:
        """Do it, and do it again at once: the second time must change nothing."""
        self.now += timedelta(minutes=1)
        try:
            self.take(decide(self.volunteer, *arguments, **named, at=self.now))
        except Refusal:
            return
        before = self.volunteer
        self.take(decide(self.volunteer, *arguments, **named, at=self.now + timedelta(seconds=1)))
        assert self.volunteer == before

    @initialize(offer=OFFERS, nominated=st.booleans(), requirements=REQUIREMENTS)
    def arrive(self, offer: Any, nominated: bool, requirements: Requirements) -> None:
        by = "per_boss" if nominated else None
        self.attempt(volunteer, an_application(offer=offer, nominated_by=by, requirements=requirements))

    @rule(offer=OFFERS, requirements=REQUIREMENTS)
    def volunteer_again(self, offer: Any, requirements: Requirements) -> None:
        self.attempt(volunteer, an_application(offer=offer, requirements=requirements))

    @rule(offer=OFFERS)
    def change_the_offer(self, offer: Any) -> None:
        self.attempt(change_offer, offer)

    @rule(by=st.sampled_from(["per_1", "hr"]))
    def sign(self, by: str) -> None:
        self.attempt(sign_charter, by=by)

    @rule(module=st.sampled_from(["core", "listening"]))
    def train(self, module: str) -> None:
        self.attempt(record_training, Training(module=module, completed_on=NOW.date()))

    @rule(wished=st.lists(st.sampled_from(["vol_8", "vol_9", "vol_none"]), max_size=3))
    def rank_wishes(self, wished: list[str]) -> None:
        self.attempt(rank_wishes, wished, OTHERS)

    @rule(score=st.integers(0, 100), threshold=st.integers(0, 100), days_ago=st.integers(0, 3))
    def be_evaluated(self, score: int, threshold: int, days_ago: int) -> None:
        on = NOW.date() - timedelta(days=days_ago)
        result = GridResult(score=score, threshold=threshold, evaluated_by="per_boss", evaluated_on=on)
        self.attempt(record_grid_result, result)

    @rule(requirements=REQUIREMENTS)
    def be_judged(self, requirements: Requirements) -> None:
        self.attempt(judge_by, requirements)

    @rule(profile=PROFILES)
    def be_imported_again(self, profile: Any) -> None:
        self.attempt(follow_directory, profile)

    @rule(reason=st.sampled_from([WithdrawalReason.NO_TIME, WithdrawalReason.NOT_STATED]))
    def leave(self, reason: WithdrawalReason) -> None:
        self.attempt(withdraw, reason)
        assert self.present.status is Status.WITHDRAWN

    @rule(seen=SEEN)
    def hear_of_a_pairing(self, seen: PairingSeen) -> None:
        known = self.newest_word.get(seen.pairing_id)
        if known is None or known.version < seen.version:
            self.newest_word[seen.pairing_id] = seen
        self.take(note_pairing(self.present, seen))

    @precondition(lambda self: self.volunteer is not None)
    @invariant()
    def status_follows_from_the_facts(self) -> None:
        present = self.present
        active = {name for name, seen in self.newest_word.items() if seen.active}
        assert set(present.active_pairings) == active
        expected = (
            Status.WITHDRAWN
            if present.withdrawn_at is not None
            else Status.PAIRED
            if active
            else Status.READY
            if present.readiness.ready
            else Status.WAITING
        )
        assert present.status is expected
        assert present.live == (expected is not Status.WITHDRAWN)
        assert present.on_waiting_list == (expected in {Status.READY, Status.WAITING})
        assert present.readiness.ready == (present.missing == ())

    @precondition(lambda self: bool(self.told))
    @invariant()
    def readers_know_what_is_so(self) -> None:
        versions = [event.version for event in self.told]
        assert versions == sorted(set(versions))
        last, present = self.told[-1], self.present
        assert isinstance(last, VolunteerWithdrawn) == (not present.live)
        assert isinstance(self.told[0], Volunteered)
        if isinstance(last, VolunteerState):
            assert isinstance(last, Volunteered | VolunteerUpdated)
            assert last.readiness == present.readiness
            assert last.languages == present.languages
            assert last.time_zone == present.time_zone
            for field in ("capacity", "motivation", "skills_offered", "skills_wanted", "availability"):
                assert getattr(last, field) == getattr(present.offer, field)
            newest = present.grid_result
            assert (last.ranked_wishes, last.grid_score) == (present.ranked_wishes, newest and newest.score)
            for field in ("unit", "site", "line_self", "line_above", "age_band", "grade_band", "tenure_years"):
                assert getattr(last, field) == getattr(present.profile, field)


TestVolunteerMachine = VolunteerMachine.TestCase
TestVolunteerMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)


def test_a_state_is_never_changed_in_place() -> None:
    present = a_volunteer()
    copy = replace(present)
    sign_charter(present, by="per_1", at=NOW)
    assert present == copy
