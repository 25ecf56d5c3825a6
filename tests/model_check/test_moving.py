import pytest

from .moving import DESIGNS, DOUBLE_BOOKED, MUTANTS, check
from .schedule import MUTANT_SCHEDULES, how_to_replay, schedules


@pytest.mark.timeout(0)
def test_a_moving_session_never_meets_another_and_never_loses_its_time() -> None:
    booked = 0
    count = schedules(0.14)
    for seed in range(count):
        broken, model = check(seed, DESIGNS["as_designed"])
        assert not broken, f"{broken}\n{how_to_replay('moving', 'as_designed', seed)}"
        booked += model.booked
    assert booked > count, "the schedules were too harsh: hardly anything was booked"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_leaving_a_rule_of_moving_out_breaks_what_it_stands_for(mutant: str) -> None:
    design, expected = MUTANTS[mutant]
    assert any(expected in check(seed, design)[0] for seed in range(MUTANT_SCHEDULES)), (
        f"no schedule broke {expected!r}: the rule is not needed, or the model cannot see why it is"
    )


def test_a_session_without_its_claim_ends_in_a_double_booking() -> None:
    design, _ = MUTANTS["gives_the_old_time_back_first"]
    assert any(DOUBLE_BOOKED in check(seed, design)[0] for seed in range(MUTANT_SCHEDULES))
