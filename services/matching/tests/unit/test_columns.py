from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.rules import Charter, History, broken_rules
from matching.domain.scoring import score_pair
from matching.engine.columns import RULES, score_all
from matching_builders import a_crowd
from shared.contracts import MatchPolicy, MatchWeights

POLICIES: list[dict[str, Any]] = [
    {},
    {"forbid_same_unit": True, "age_gap_target": 0},
    {"forbid_same_line": False, "require_shared_language": False, "require_shared_hour": False},
    {"require_wanted_skill": False, "weights": MatchWeights(skills=19_999, age_gap=7, reciprocity=1)},
]


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
    juniors, seniors = a_crowd(mentors, mentees, seed)
    ready = ([p for p in juniors if p.ready], [p for p in seniors if p.ready])
    charter = Charter(policy=MatchPolicy(**policy), week=week, session_minutes=minutes)
    history = History(
        previous=frozenset({("person_m0", "person_e0"), ("person_m1", "person_e2")}),
        excluded=frozenset({("m1", "e1"), ("m2", "e0")}),
    )
    scored = score_all(*ready, charter, history)
    for row, mentee in enumerate(ready[1]):
        for column, mentor in enumerate(ready[0]):
            assert scored.scores[row, column] == score_pair(mentor, mentee, charter).total
            assert scored.feasible[row, column] == (not broken_rules(mentor, mentee, charter, history))
    for row, mentee in enumerate(ready[1]):
        broken = [rule for mentor in ready[0] for rule in broken_rules(mentor, mentee, charter, history)]
        assert scored.forbidden_to_mentees[row].tolist() == [broken.count(rule) for rule in RULES]
    for column, mentor in enumerate(ready[0]):
        broken = [rule for mentee in ready[1] for rule in broken_rules(mentor, mentee, charter, history)]
        assert scored.forbidden_to_mentors[column].tolist() == [broken.count(rule) for rule in RULES]


def test_the_same_person_on_both_sides_is_no_pair() -> None:
    juniors, seniors = a_crowd(3, 3)
    same = [p.__class__(**{**p.__dict__, "person_ref": "person_x"}) for p in (juniors[0], seniors[0])]
    scored = score_all([same[0]], [same[1]], Charter(), History())
    assert not scored.feasible[0, 0]


@pytest.mark.parametrize(("mentors", "mentees"), [(0, 3), (3, 0), (0, 0)])
def test_an_empty_side_gives_an_empty_table(mentors: int, mentees: int) -> None:
    scored = score_all(*a_crowd(mentors, mentees), Charter(), History())
    assert scored.scores.shape == (mentees, mentors)
    assert scored.feasible.sum() == 0
    assert scored.scores.dtype == np.int32
