from collections import Counter
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.candidate import Candidate
from matching.domain.rules import Charter, History, broken_rules
from matching.domain.scoring import score_pair
from matching.engine.column import teach
from matching.engine.encode import encode
from matching.engine.live import Live
from matching.engine.market import Market
from matching.engine.scan import BLOCK, score_row
from matching.engine.shut_out import ShutOut
from matching.engine.side import Side
from matching.engine.sight import NOTHING, hope, worth_of
from matching.engine.sight import score_pair as score_pair_in_sight
from matching_builders import a_crowd, with_wishes
from shared.contracts import MatchPolicy, MatchWeights

FORBIDDEN = -(2**30)
NEVER = -(2**31)
"""What a column says of a forbidden pair."""
POLICIES: list[dict[str, Any]] = [
    {},
    {"forbid_same_unit": True, "age_gap_target": 0},
    {"forbid_same_line": False, "require_shared_language": False, "require_shared_hour": False},
    {"require_wanted_skill": False, "weights": MatchWeights(skills=19_999, age_gap=7, reciprocity=1)},
    {"require_shared_hour": False, "weights": MatchWeights(ranked_wishes=1_999, grid=777)},
    {"require_shared_hour": False, "weights": MatchWeights(ranked_wishes=20_000, grid=20_000)},
]


def a_market(mentors: list[Candidate], mentees: list[Candidate], charter: Charter, history: History) -> Market:
    sides = Side(mentors, charter), Side(mentees, charter)
    return encode(*sides, charter, history, np.ones(len(mentors), dtype=np.int64))


def a_wishing_crowd(mentors: int, mentees: int, seed: int) -> tuple[tuple[Candidate, ...], tuple[Candidate, ...]]:
    juniors, seniors = a_crowd(mentors, mentees, seed)
    return with_wishes(juniors, seniors, seed), with_wishes(seniors, juniors, seed + 1)


def table(market: Market) -> list[list[int]]:
    """The scores of all pairs; ``FORBIDDEN`` where a rule forbids."""
    width = len(market.places)
    block = np.empty(BLOCK, dtype=np.int32 if market.wide else np.int16)
    scores = np.empty((market.rows, width), dtype=np.int32)
    for row in range(market.rows):
        score_row(market.columns, row, FORBIDDEN, scores[row], block, np.empty((2, BLOCK), dtype=np.uint8))
    return scores.tolist()


@given(
    seed=st.integers(0, 10_000),
    mentors=st.integers(0, 9),
    mentees=st.integers(0, 9),
    policy=st.sampled_from(POLICIES),
    minutes=st.sampled_from([30, 60, 90, 180]),
    week=st.sampled_from([date(2026, 1, 5), date(2026, 3, 23), date(2026, 7, 6)]),
)
@settings(max_examples=80, deadline=None)
def test_the_engine_scores_every_pair_as_the_plain_scorer_does(
    *, seed: int, mentors: int, mentees: int, policy: dict[str, Any], minutes: int, week: date
) -> None:
    juniors, seniors = a_wishing_crowd(mentors, mentees, seed)
    ready = ([p for p in juniors if p.ready], [p for p in seniors if p.ready])
    charter = Charter(policy=MatchPolicy(**policy), week=week, session_minutes=minutes)
    history = History(
        previous=frozenset({("person_m0", "person_e0"), ("person_m1", "person_e2")}),
        excluded=frozenset({("m1", "e1"), ("m2", "e0")}),
    )
    scores = table(a_market(*ready, charter, history))
    for row, mentee in enumerate(ready[1]):
        for column, mentor in enumerate(ready[0]):
            broken = broken_rules(mentor, mentee, charter, history)
            assert scores[row][column] == (FORBIDDEN if broken else score_pair(mentor, mentee, charter).total)


@given(seed=st.integers(0, 10_000), policy=st.sampled_from(POLICIES))
@settings(max_examples=40, deadline=None)
def test_one_mentor_s_scores_with_all_mentees_are_those_of_the_rows(seed: int, policy: dict[str, Any]) -> None:
    juniors, seniors = a_wishing_crowd(8, 9, seed)
    market = a_market([*juniors], [*seniors], Charter(policy=MatchPolicy(**policy)), History())
    live = Live(market)
    for row in range(market.rows):
        live.arrive(row)
    sight = live._sight
    for column in range(len(juniors)):
        teach(sight.columns, sight.wishers, column)
        hope(sight, np.zeros(market.rows, dtype=np.int64))
        from_rows = [NEVER if row[column] == FORBIDDEN else row[column] for row in table(market)]
        worth = [NOTHING if score == NEVER else score for score in from_rows]
        assert all(hoped >= least for hoped, least in zip(sight.hopes.tolist(), worth, strict=True))
        able = [row for row, hoped in enumerate(sight.hopes.tolist()) if hoped > NOTHING]
        assert [worth_of(sight, row, column, NOTHING) for row in able] == [worth[row] for row in able]
        assert [worth_of(sight, row, column, worth[row]) for row in able] == [NOTHING] * len(able)
        assert [score_pair_in_sight(sight, row, column) for row in range(market.rows)] == from_rows


@given(seed=st.integers(0, 10_000), policy=st.sampled_from(POLICIES), left=st.sets(st.integers(0, 7)))
@settings(max_examples=40, deadline=None)
def test_a_market_of_some_mentors_has_their_columns(seed: int, policy: dict[str, Any], left: set[int]) -> None:
    juniors, seniors = a_wishing_crowd(8, 6, seed)
    history = History(excluded=frozenset({("m1", "e1"), ("m2", "e0")}))
    market = a_market([*juniors], [*seniors], Charter(policy=MatchPolicy(**policy)), history)
    some = np.array(sorted(left), dtype=np.int64)
    assert table(market.only(some)) == [[row[column] for column in some.tolist()] for row in table(market)]


def test_wishes_of_a_mentor_in_a_later_block_are_found() -> None:
    juniors, seniors = a_crowd(BLOCK + 40, 2)
    last, before, after = juniors[-1].id, f"m{BLOCK - 1}", f"m{BLOCK}"
    wishing = [replace(seniors[0], ranked_wishes=(last, "m0", before, after)), seniors[1]]
    charter = Charter(policy=MatchPolicy(require_wanted_skill=False, require_shared_hour=False))
    plain, wished = (table(a_market([*juniors], [*people], charter, History())) for people in (seniors, wishing))
    gained = {
        juniors[column].id: now - then for column, (then, now) in enumerate(zip(plain[0], wished[0], strict=True))
    }
    shut_out = {juniors[column].id for column, score in enumerate(plain[0]) if score == FORBIDDEN}
    assert {id_: points for id_, points in gained.items() if points} == {
        id_: points for id_, points in {last: 300, "m0": 270, before: 240, after: 210}.items() if id_ not in shut_out
    }
    assert plain[1] == wished[1]


def test_nobody_s_wishes_leave_the_measure_of_worth_as_it_is() -> None:
    juniors, seniors = a_crowd(4, 4)
    market = a_market([*juniors], [*seniors], Charter(), History())
    assert market.highest == sum(MatchWeights(ranked_wishes=0).model_dump().values())
    wishing = [replace(seniors[0], ranked_wishes=("m0",)), *seniors[1:]]
    assert a_market([*juniors], wishing, Charter(), History()).highest == market.highest + 600


def test_the_first_wish_does_not_change_the_width_of_scores() -> None:
    juniors, seniors = a_crowd(4, 4)
    charter = Charter(policy=MatchPolicy(weights=MatchWeights(skills=8000, age_gap=3000)))
    wishing = [replace(seniors[0], ranked_wishes=("m0",)), *seniors[1:]]
    assert a_market([*juniors], [*seniors], charter, History()).wide
    assert a_market([*juniors], wishing, charter, History()).wide


@given(seed=st.integers(0, 10_000), policy=st.sampled_from(POLICIES))
@settings(max_examples=40, deadline=None)
def test_who_is_shut_out_is_told_as_the_plain_rules_tell_it(seed: int, policy: dict[str, Any]) -> None:
    juniors, seniors = a_crowd(7, 6, seed)
    ready = ([p for p in juniors if p.ready], [p for p in seniors if p.ready])
    charter = Charter(policy=MatchPolicy(**policy))
    history = History(
        previous=frozenset({("person_m0", "person_e0"), ("person_m1", "person_e2")}),
        excluded=frozenset({("m1", "e1"), ("m2", "e0")}),
    )
    sides = Side(ready[0], charter), Side(ready[1], charter)
    for people, others, side in ((ready[1], ready[0], sides[0]), (ready[0], ready[1], sides[1])):
        for person in people:
            pairs = [(person, other) if person.role == "mentor" else (other, person) for other in others]
            broken = [broken_rules(mentor, mentee, charter, history) for mentor, mentee in pairs]
            told = ShutOut(side, charter, history).tell(person)
            assert told.possible_partners == sum(not rules for rules in broken)
            assert {count.rule: count.partners for count in told.shut_out_by} == Counter(
                rule for rules in broken for rule in rules
            )


def test_the_same_person_on_both_sides_is_no_pair() -> None:
    juniors, seniors = a_crowd(3, 3)
    same = [p.__class__(**{**p.__dict__, "person_ref": "person_x"}) for p in (juniors[0], seniors[0])]
    assert table(a_market([same[0]], [same[1]], Charter(), History())) == [[FORBIDDEN]]


@pytest.mark.parametrize(("mentors", "mentees"), [(0, 3), (3, 0), (0, 0)])
def test_an_empty_side_gives_an_empty_table(mentors: int, mentees: int) -> None:
    assert table(a_market(*a_crowd(mentors, mentees), Charter(), History())) == [[] for _ in range(mentees)]


@pytest.mark.parametrize("name", ["addends", "hours.marks", "row_wishes.start", "places"])
def test_columns_that_do_not_lie_in_c_order_are_refused_by_name(name: str) -> None:
    market = a_market(*a_crowd(6, 5), Charter(), History())
    with pytest.raises(ValueError, match=rf"{name} must be C-contiguous"):
        turned(market, name)


def turned(market: Market, name: str) -> Market:
    """The same market with the same numbers, one array of which lies in memory in another order."""
    if name == "places":
        return replace(market, places=np.repeat(market.places, 2)[::2])
    outer, _, inner = name.partition(".")
    part = getattr(market.columns, outer)
    array = getattr(part, inner) if inner else part
    other = np.asfortranarray(array) if array.ndim > 1 else np.repeat(array, 2)[::2]
    changed = part._replace(**{inner: other}) if inner else other
    return replace(market, columns=market.columns._replace(**{outer: changed}))


def test_weights_beyond_sixteen_bits_are_added_up_exactly() -> None:
    weights = MatchWeights(**dict.fromkeys(MatchWeights.model_fields, 20_000))
    charter = Charter(policy=MatchPolicy(weights=weights, require_wanted_skill=False))
    juniors, seniors = a_wishing_crowd(9, 9, seed=3)
    market = a_market([*juniors], [*seniors], charter, History())
    assert market.wide
    possible = [
        (row, column, score)
        for row, line in enumerate(table(market))
        for column, score in enumerate(line)
        if score != FORBIDDEN
    ]
    assert max(score for _, _, score in possible) > 2**15
    assert all(score == score_pair(juniors[column], seniors[row], charter).total for row, column, score in possible)
