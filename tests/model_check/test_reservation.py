import pytest

from .reservation import DESIGNS, FITS, MUTANTS, check
from .schedule import MUTANT_SCHEDULES, how_to_replay, schedules


@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", FITS)
def test_nobody_is_booked_beyond_what_they_can_take_and_nothing_is_left_lying(kind: str) -> None:
    confirmed = 0
    count = schedules(0.36 / len(FITS))
    for seed in range(count):
        broken, model = check(seed, kind, DESIGNS["as_designed"])
        assert not broken, f"{broken}\n{how_to_replay(kind, 'as_designed', seed)}"
        confirmed += model.confirmed
    assert confirmed > count, "the schedules were too harsh: hardly anything was confirmed"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", FITS)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_leaving_a_rule_of_the_reservation_out_breaks_what_it_stands_for(mutant: str, kind: str) -> None:
    design, expected = MUTANTS[mutant]
    assert any(expected in check(seed, kind, design)[0] for seed in range(MUTANT_SCHEDULES)), (
        f"no schedule broke {expected!r}: the rule is not needed, or the model cannot see why it is"
    )
