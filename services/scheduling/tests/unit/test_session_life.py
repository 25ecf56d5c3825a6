"""Any sequence of commands on one session, legal or not: what always holds."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from scheduling.domain import booking, conduct
from scheduling.domain.conduct import Outcome
from scheduling.domain.refusals import ProposalGone
from scheduling.domain.sessions import SessionChange, SessionStatus
from scheduling_builders import MONDAY, a_place, a_time
from shared.contracts import (
    CancelReason,
    Event,
    Refusal,
    SessionCancelled,
    SessionCompleted,
    SessionEvent,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)

STARTS = MONDAY + timedelta(days=7)


class SessionLife(RuleBasedStateMachine):
    """Any sequence of commands, legal or not, by anybody, in any state, with time going on."""

    @initialize()
    def begin(self) -> None:
        self.now = MONDAY
        self.session, _ = booking.place(None, a_place(), a_time(STARTS), now=self.now)
        self.events: list[Event] = []
        self.sequences: list[int] = []
        self.valid: set[str] = set()
        self.gone: set[str] = set()

    def apply(self, change: Callable[[], SessionChange]) -> None:
        before = self.session
        try:
            after, events = change()
        except Refusal as refusal:
            assert type(refusal) is not Refusal  # noqa: PT017 - a refusal always has a name
            return
        if after is before:
            assert events == []
            return
        assert after.version == before.version + 1
        assert all(event.version == after.version for event in events)
        self.session = after
        self.events += events
        if any(isinstance(event, SessionScheduled | SessionRescheduled | SessionCancelled) for event in events):
            self.sequences.append(after.sequence)

    @rule(days=st.integers(0, 60))
    def let_time_pass(self, days: int) -> None:
        self.now += timedelta(days=days, minutes=1)

    @rule(days=st.integers(-3, 40), layout=st.integers(1, 3))
    def place(self, days: int, layout: int) -> None:
        at = a_place(layout=layout)
        self.apply(lambda: booking.place(self.session, at, a_time(STARTS + timedelta(days=days)), now=self.now))

    @rule(days=st.integers(-3, 40), who=st.sampled_from(["mentor_1", "mentee_1", None]))
    def move(self, days: int, who: str | None) -> None:
        self.apply(
            lambda: booking.move(
                self.session,
                a_time(STARTS + timedelta(days=days)),
                asked_by=who,
                sides=(self.session.mentor, self.session.mentee),
                layout=self.session.layout,
                now=self.now,
            )
        )

    @precondition(lambda self: self.session.proposal is not None)
    @rule()
    def confirm(self) -> None:
        holder = self.session.proposal.holder if self.session.proposal else ""
        self.apply(lambda: booking.confirm(self.session, holder, now=self.now))

    @precondition(lambda self: bool(self.gone))
    @rule(data=st.data())
    def confirm_too_late(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(sorted(self.gone)))
        with pytest.raises(ProposalGone):
            booking.confirm(self.session, holder, now=self.now)

    @precondition(lambda self: self.session.proposal is not None)
    @rule()
    def give_up(self) -> None:
        holder = self.session.proposal.holder if self.session.proposal else ""
        self.apply(lambda: booking.give_up(self.session, holder, now=self.now))

    @rule()
    def release(self) -> None:
        self.apply(lambda: booking.released(self.session, self.session.stale))

    @rule(layout=st.integers(1, 4))
    def keep_time(self, layout: int) -> None:
        if self.session.booking is not None:
            at, time = a_place(layout=layout), self.session.time
            self.apply(lambda: booking.keep_time(self.session, at, time, now=self.now))

    @rule(who=st.sampled_from(["mentor_1", "mentee_1", "somebody"]))
    def accept(self, who: str) -> None:
        self.apply(lambda: conduct.accept(self.session, who, now=self.now))

    @rule(reason=st.sampled_from([CancelReason.OTHER, CancelReason.MENTOR_UNAVAILABLE]))
    def cancel(self, reason: CancelReason) -> None:
        self.apply(lambda: conduct.cancel(self.session, reason, now=self.now))

    @rule(reason=st.sampled_from([CancelReason.UNPAIRED, CancelReason.PLAN_CHANGED]))
    def withdraw(self, reason: CancelReason) -> None:
        self.apply(lambda: conduct.withdraw(self.session, reason, now=self.now))

    @rule()
    def miss(self) -> None:
        self.apply(lambda: conduct.miss(self.session, now=self.now))

    @rule(hours=st.integers(-48, 48), minutes=st.integers(1, 600))
    def complete(self, hours: int, minutes: int) -> None:
        outcome = Outcome(started_at=self.now + timedelta(hours=hours), actual_minutes=minutes, objective_reached=False)
        self.apply(lambda: conduct.complete(self.session, outcome, now=self.now))

    @rule(answers=st.integers(1, 2))
    def count_answers(self, answers: int) -> None:
        self.apply(lambda: conduct.count_answers(self.session, answers))

    @invariant()
    def a_name_that_was_dropped_never_becomes_valid_again(self) -> None:
        if not hasattr(self, "session"):
            return
        held = {part.holder for part in (self.session.booking, self.session.proposal) if part and part.holder}
        self.gone |= self.valid - held
        self.valid = held
        assert not held & self.gone
        assert not held & set(self.session.stale)

    @invariant()
    def the_calendar_revision_only_grows(self) -> None:
        if hasattr(self, "sequences"):
            assert self.sequences == sorted(set(self.sequences))

    @invariant()
    def what_is_unfinished_is_noted(self) -> None:
        if hasattr(self, "session"):
            unfinished = self.session.proposal is not None or bool(self.session.stale)
            assert (self.session.attention_at is not None) == unfinished

    @invariant()
    def versions_of_events_grow_and_each_tells_the_full_state(self) -> None:
        if not hasattr(self, "events"):
            return
        versions = [event.version for event in self.events]
        assert versions == sorted(set(versions))
        for event in self.events:
            assert isinstance(event, SessionEvent)
            assert (event.session_id, event.number) == (self.session.id, 1)
        assert self.session.announced == bool(self.events)

    @invariant()
    def the_status_agrees_with_the_last_event(self) -> None:
        if getattr(self, "events", None):
            expected = {
                SessionScheduled: {SessionStatus.PLANNED, SessionStatus.ACCEPTED},
                SessionRescheduled: {SessionStatus.PLANNED, SessionStatus.ACCEPTED},
                SessionCancelled: {SessionStatus.CANCELLED},
                SessionMissed: {SessionStatus.MISSED},
                SessionCompleted: {SessionStatus.COMPLETED},
            }
            assert self.session.status in expected[type(self.events[-1])]


TestSessionLife = SessionLife.TestCase
TestSessionLife.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
