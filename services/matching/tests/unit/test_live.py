from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from matching.domain.rules import Charter, History
from matching.engine.encode import encode
from matching.engine.live import Live, NotProven
from matching.engine.market import UNMATCHED, Market, from_scores
from matching.engine.optimum import Worth, optimum
from matching.engine.side import Side
from matching_builders import a_crowd, a_mentee, a_mentor, with_wishes
from shared.contracts import MatchPolicy

ROWS, COLUMNS = 7, 6
WORTHS = [Worth(), Worth(1, 100_000, None), Worth(8, 1, None), Worth(1, 0, 5)]


def fresh_total(market: Market, live: Live, worth: Worth) -> int:
    """Solve anew for those who are there."""
    there = live.snapshot().active
    columns = market.columns
    allowed = columns.allowed.copy()
    allowed[~there] = 0
    present = replace(market, columns=columns._replace(allowed=allowed), places=live.state.places)
    return optimum(present, worth).total


class Pool(RuleBasedStateMachine):
    """Any sequence of arrivals, departures and changes ends in the optimum of a fresh solution."""

    @initialize(seed=st.integers(0, 2**32), top=st.sampled_from([3, 20, 12_000]), worth=st.sampled_from(WORTHS))
    def somebody_may_come(self, *, seed: int, top: int, worth: Worth) -> None:
        self.chance = np.random.default_rng(seed)
        self.top = top
        self.worth = worth
        self.scores = self.chance.integers(-2, top, (ROWS, COLUMNS))
        self.feasible = self.chance.random((ROWS, COLUMNS)) < 0.8
        self.market = from_scores(self.scores, self.feasible, np.ones(COLUMNS, dtype=np.int64))
        self.live = Live(self.market, worth)

    @rule(row=st.integers(0, ROWS - 1))
    def a_mentee_comes(self, row: int) -> None:
        self.live.arrive(row)

    @rule(row=st.integers(0, ROWS - 1))
    def a_mentee_goes(self, row: int) -> None:
        self.live.depart(row)

    @rule(column=st.integers(0, COLUMNS - 1), places=st.integers(0, 3))
    def a_mentor_offers_places(self, column: int, places: int) -> None:
        self.live.offer(column, places)

    @rule(row=st.integers(0, ROWS - 1))
    def a_mentee_changes(self, row: int) -> None:
        self.live.depart(row)
        self.scores[row] = self.chance.integers(-2, self.top, COLUMNS)
        self._use_what_changed()
        self.live.arrive(row)

    @rule(column=st.integers(0, COLUMNS - 1), places=st.integers(1, 2))
    def a_mentor_changes(self, column: int, places: int) -> None:
        self.live.offer(column, 0)
        self.scores[:, column] = self.chance.integers(-2, self.top, ROWS)
        self._use_what_changed()
        self.live.offer(column, places)

    @rule()
    def the_process_dies_and_starts_again(self) -> None:
        snapshot = self.live.snapshot()
        self.live = Live(self.market, self.worth, snapshot)
        assert self.live.partner.tolist() == snapshot.partner.tolist()

    def _use_what_changed(self) -> None:
        self.market = from_scores(self.scores, self.feasible, np.ones(COLUMNS, dtype=np.int64))
        self.live.use(self.market)

    @invariant()
    def the_choice_is_the_best_and_proven(self) -> None:
        if not hasattr(self, "live"):
            return
        self.live.certify()
        assert self.live.total == fresh_total(self.market, self.live, self.worth)
        partner = self.live.partner
        assert all(self.feasible[row, column] for row, column in enumerate(partner) if column != UNMATCHED)
        assert (np.bincount(partner[partner >= 0], minlength=COLUMNS) <= self.live.state.places).all()


TestPool = Pool.TestCase
TestPool.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@given(seed=st.integers(0, 10_000), strict=st.booleans(), size=st.sampled_from([12, 60]))
@settings(max_examples=20, deadline=None)
def test_people_who_come_one_by_one_end_as_if_all_had_come_at_once(*, seed: int, strict: bool, size: int) -> None:
    juniors, seniors = a_crowd(size, size, seed)
    juniors, seniors = with_wishes(juniors, seniors, seed), with_wishes(seniors, juniors, seed + 1)
    charter = Charter(
        policy=MatchPolicy(forbid_same_unit=strict, require_shared_hour=strict, require_wanted_skill=strict)
    )
    places = np.array([person.capacity for person in juniors], dtype=np.int64)
    market = encode(Side(juniors, charter), Side(seniors, charter), charter, History(), places)
    live = Live(market)
    order = np.random.default_rng(seed).permutation(size)
    for number in order.tolist():
        live.arrive(number)
        live.offer(number, int(places[number]))
    live.certify()
    assert live.total == optimum(market).total
    for number in order[: size // 2].tolist():
        live.depart(number)
        live.offer(number, 0)
    live.certify()
    left = tuple(seniors[number] for number in sorted(order[size // 2 :].tolist()))
    fewer = encode(Side(juniors, charter), Side(left, charter), charter, History(), live.state.places)
    assert live.total == optimum(fewer).total


def test_whoever_changes_their_wishes_is_matched_by_the_new_ones() -> None:
    juniors, seniors = (a_mentor("m1"), a_mentor("m2")), (a_mentee("e1"), a_mentee("e2"))
    charter, places = Charter(), np.ones(2, dtype=np.int64)

    def market(*wished: str) -> Market:
        mentees = (replace(seniors[0], ranked_wishes=wished), seniors[1])
        return encode(Side(juniors, charter), Side(mentees, charter), charter, History(), places)

    live = Live.of(market("m2"), optimum(market("m2")))
    assert live.partner.tolist() == [1, 0]
    live.depart(0)
    live.use(market("m1"))
    assert live.arrive(0) == 0
    assert live.partner.tolist() == [0, 1]
    live.certify()


def test_a_live_pool_begins_from_a_cohort_s_optimum() -> None:
    market = from_scores(np.array([[5, 4], [5, 1]]), np.ones((2, 2), dtype=np.bool_), np.array([1, 1]))
    live = Live.of(market, optimum(market))
    assert live.partner.tolist() == [1, 0]
    live.depart(1)
    assert live.partner.tolist() == [0, UNMATCHED]
    assert live.arrive(1) == 0
    assert live.partner.tolist() == [1, 0]


def test_prices_that_prove_nothing_are_found_out() -> None:
    market = from_scores(np.array([[5, 4], [5, 1]]), np.ones((2, 2), dtype=np.bool_), np.array([1, 1]))
    live = Live.of(market, optimum(market))
    live.certify()
    live.state.v[0] -= 1
    with pytest.raises(NotProven):
        live.certify()
