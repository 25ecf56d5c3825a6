"""Every way to score gives the service's points, and forbids what the service forbids."""

import numpy as np
import pytest
from matching.domain.rules import broken_rules
from matching.domain.scoring import score_pair
from matching.engine.encode import encode
from matching.engine.optimum import optimum
from matching.engine.scan import BLOCK, score_row
from matching.engine.side import Side
from matching_bench import checks
from matching_bench.dense import Columns, Products
from matching_bench.ours import market_of
from matching_bench.people import Pool, people
from matching_bench.volunteers import charter, history_of, mentees_of, mentors_of

SIZE = 80


@pytest.fixture(scope="module", params=[1, 3], ids=["beginners", "some know something"])
def pool(request: pytest.FixtureRequest) -> Pool:
    return people(SIZE, seed=5, levels=request.param)


def test_the_plain_check_agrees_with_the_service_on_every_pair(pool: Pool) -> None:
    mentors, mentees, judged_by, history = mentors_of(pool), mentees_of(pool), charter(), history_of(pool)
    possible = 0
    for row, mentee in enumerate(mentees):
        for column, mentor in enumerate(mentors):
            rules = broken_rules(mentor, mentee, judged_by, history)
            assert len(checks.broken(pool, column, row)) == len(rules), (row, column, rules)
            assert checks.points(pool, column, row) == score_pair(mentor, mentee, judged_by).total
            possible += not rules
    assert possible > SIZE


def test_whole_rows_agree_with_the_plain_check_on_every_pair(pool: Pool) -> None:
    columns = Columns(pool)
    for row in range(SIZE):
        points, allowed = columns.row(row)
        assert points.tolist() == [checks.points(pool, column, row) for column in range(SIZE)]
        assert allowed.tolist() == [not checks.broken(pool, column, row) for column in range(SIZE)]


def test_the_engine_is_asked_the_same_question_in_columns_that_lie_in_order(pool: Pool) -> None:
    market = market_of(pool)
    asked = market.columns
    for array in (asked.addends, asked.lifts, asked.allowed, asked.hours.marks, asked.meeting.marks):
        assert array.flags.c_contiguous
    scores = np.empty(SIZE, dtype=np.int32)
    block, work = np.empty(BLOCK, dtype=np.int16), np.empty((2, BLOCK), dtype=np.uint8)
    for row, worth in enumerate(Columns(pool).worths()):
        score_row(asked, row, 0, scores, block, work)
        assert scores.tolist() == worth.tolist()


def test_the_service_puts_the_same_people_into_columns_with_the_same_optimum(pool: Pool) -> None:
    sides = Side(mentors_of(pool), charter()), Side(mentees_of(pool), charter())
    theirs = encode(*sides, charter(), history_of(pool), pool.places)
    assert optimum(theirs).total == optimum(market_of(pool)).total


def test_matrix_products_are_within_a_point_per_wish() -> None:
    pool = people(SIZE, seed=5)
    products = Products(pool)
    exact = np.stack(list(Columns(pool).worths()))
    rough = products.block(slice(0, SIZE))
    assert ((rough > 0) == (exact > 0)).all()
    assert (np.abs(rough - exact) <= np.diff(pool.wish_start)[:, None]).all()
    mentees, mentors = products.bare()
    assert mentees.shape == (SIZE, products.features)
    assert mentors.shape == (products.features, SIZE)


def test_the_check_tells_of_a_forbidden_pair_and_of_a_mentor_with_too_many() -> None:
    pool = people(SIZE, seed=5)
    worths = np.stack(list(Columns(pool).worths()))
    forbidden = np.argwhere(worths == 0)[0]
    partner = np.full(SIZE, -1)
    partner[forbidden[0]] = forbidden[1]
    told = checks.checked(pool, partner)
    assert (told.pairs, len(told.violations) > 0) == (1, True)

    column = int((worths > 0).sum(axis=0).argmax())
    partner = np.where(worths[:, column] > 0, column, -1)
    told = checks.checked(pool, partner)
    assert told.total == int(worths[:, column].sum())
    assert told.violations == (f"mentor {column} has {told.pairs} mentees and {pool.places[column]} places",)
