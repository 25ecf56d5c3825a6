import pytest

from . import outbox
from .outbox import DESIGNS, DISORDER, MUTANTS, check, check_calm
from .schedule import MUTANT_SCHEDULES, how_to_replay, schedules

PARTS = 4
"""The schedules are played in parts, so that they can be shared out over cores."""


@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
def test_no_event_is_lost_stranded_disordered_invented_or_applied_twice(part: int) -> None:
    events = duplicates = 0
    for seed in range(part, schedules(0.5), PARTS):
        broken, model = check(seed, DESIGNS["as_designed"])
        assert not broken, f"{broken}\n{how_to_replay('outbox', 'as_designed', seed)}"
        events += len(model.log)
        duplicates += model.duplicates
    assert duplicates, "the schedules were too gentle: not one lease expired in mid-send"


@pytest.mark.timeout(0)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_leaving_a_rule_of_the_outbox_out_breaks_the_invariant_it_stands_for(mutant: str) -> None:
    design, expected = MUTANTS[mutant]
    assert any(expected in check(seed, design)[0] for seed in range(MUTANT_SCHEDULES)), (
        f"no schedule broke {expected!r}: the rule is not needed, or the model cannot see why it is"
    )


def test_going_on_after_a_failed_send_also_breaks_the_order() -> None:
    design, _ = MUTANTS["goes_on_after_a_failed_send"]
    assert any(DISORDER in check(seed, design)[0] for seed in range(MUTANT_SCHEDULES))


def test_a_writer_that_resets_the_lease_is_safe_but_sends_more_duplicates() -> None:
    designed = sum(check(seed, DESIGNS["as_designed"])[1].duplicates for seed in range(1_000))
    played = [check(seed, DESIGNS["writer_resets_the_lease"]) for seed in range(1_000)]
    assert not any(broken for broken, _ in played)
    assert sum(model.duplicates for _, model in played) > 1.3 * designed


def test_nothing_is_sent_twice_while_leases_hold_and_nobody_dies() -> None:
    for seed in range(1_000):
        broken, model = check_calm(seed)
        assert not broken
        assert model.duplicates == 0


def test_a_seed_plays_the_same_schedule_every_time() -> None:
    first: list[str] = []
    second: list[str] = []
    outbox.check(7, DESIGNS["as_designed"], trace=first.append)
    outbox.check(7, DESIGNS["as_designed"], trace=second.append)
    assert first == second
    assert len(first) > 50
