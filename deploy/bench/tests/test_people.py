"""The made-up people are what the page says of them."""

import time
from dataclasses import fields

import numpy as np
import pytest
from matching_bench import terms
from matching_bench.dense import Columns
from matching_bench.people import UNITS, Mode, Pool, people

SIZE = 2_000


@pytest.fixture(scope="module")
def pool() -> Pool:
    return people(SIZE, seed=1)


def test_the_same_seed_gives_the_same_people_and_another_gives_others(pool: Pool) -> None:
    again, other = people(SIZE, seed=1), people(SIZE, seed=2)
    for field in fields(Pool):
        assert np.array_equal(getattr(pool, field.name), getattr(again, field.name)), field.name
    assert not np.array_equal(pool.wish_skill, other.wish_skill)


def test_people_differ_by_mode_in_their_places_only(pool: Pool) -> None:
    single = people(SIZE, seed=1, mode=Mode.ONE_TO_ONE)
    assert (single.places == 1).all()
    for field in fields(Pool):
        if field.name != "places":
            assert np.array_equal(getattr(pool, field.name), getattr(single, field.name)), field.name


def test_about_a_fifth_of_all_pairs_is_possible() -> None:
    for seed in (1, 2):
        possible = np.mean([(row > 0).mean() for row in Columns(people(SIZE, seed)).worths()])
        assert 0.16 < possible < 0.24


def test_capacities_are_one_two_and_three_in_their_shares(pool: Pool) -> None:
    shares = np.bincount(pool.places, minlength=4)[1:] / SIZE
    assert np.allclose(shares, (0.5, 0.3, 0.2), atol=0.04)


def test_skills_are_offered_and_wanted_in_their_numbers_levels_and_priorities(pool: Pool) -> None:
    offers, wishes = np.diff(pool.offer_start), np.diff(pool.wish_start)
    assert (offers.min(), offers.max()) == (4, 10)
    assert (wishes.min(), wishes.max()) == (3, 6)
    assert set(pool.offer_level.tolist()) == {1, 2, 3, 4, 5}
    assert set(pool.wish_priority.tolist()) == {1, 2, 3}
    assert set(pool.wish_level.tolist()) == {0}
    for start, skills in ((pool.offer_start, pool.offer_skill), (pool.wish_start, pool.wish_skill)):
        for at in range(SIZE):
            own = skills[start[at] : start[at + 1]]
            assert (np.diff(own) > 0).all()


def test_mentees_may_know_something_already() -> None:
    assert set(people(200, seed=1, levels=3).wish_level.tolist()) == {0, 1, 2}


def test_few_skills_are_popular_and_departments_have_tastes_of_their_own(pool: Pool) -> None:
    counts = np.sort(np.bincount(pool.wish_skill, minlength=terms.SKILLS))[::-1]
    assert (counts > 0).sum() > 150
    assert counts[:20].sum() > 0.35 * counts.sum()
    owner = np.repeat(pool.mentee_unit, np.diff(pool.wish_start))
    favourites = {int(np.bincount(pool.wish_skill[owner == unit]).argmax()) for unit in range(UNITS)}
    assert len(favourites) > 5


def test_people_are_free_four_to_eight_times_a_week_in_working_hours(pool: Pool) -> None:
    free = [int(bits).bit_count() for bits in pool.mentor_hours]
    assert (min(free), max(free)) == (4, 8)
    for bits, site in zip(pool.mentee_hours.tolist(), pool.mentee_site.tolist(), strict=True):
        for slot in range(terms.SLOTS):
            if bits >> slot & 1:
                day, minute = terms.local_start(slot, int(terms.OFFSETS[site]))
                assert 0 <= day < 5
                assert 8 * 60 <= minute <= 17 * 60


def test_everybody_speaks_something_and_every_language_is_spoken(pool: Pool) -> None:
    assert pool.mentee_languages.min() > 0
    assert int(np.bitwise_or.reduce(pool.mentor_languages)) == 2**terms.LANGUAGES - 1


def test_ages_are_those_of_juniors_and_seniors(pool: Pool) -> None:
    assert (pool.mentor_band.min(), pool.mentor_band.max()) == (1985, 2005)
    assert (pool.mentee_band.min(), pool.mentee_band.max()) == (1960, 1985)


def test_reporting_lines_hold_about_forty_people_of_one_department(pool: Pool) -> None:
    sizes = np.bincount(np.concatenate((pool.mentor_line, pool.mentee_line)))
    assert 30 < sizes.mean() < 50
    for line in range(len(sizes)):
        units = {*pool.mentor_unit[pool.mentor_line == line], *pool.mentee_unit[pool.mentee_line == line]}
        assert len(units) <= 1


def test_previous_pairings_are_up_to_three_ascending_and_distinct(pool: Pool) -> None:
    counts = np.diff(pool.previous_start)
    assert (counts.min(), counts.max()) == (0, 3)
    for at in range(SIZE):
        own = pool.previous_mentor[pool.previous_start[at] : pool.previous_start[at + 1]]
        assert (np.diff(own) > 0).all()


def test_a_hundred_thousand_a_side_are_made_in_seconds() -> None:
    began = time.process_time()
    assert people(100_000, seed=1).mentees == 100_000
    assert time.process_time() - began < 10
