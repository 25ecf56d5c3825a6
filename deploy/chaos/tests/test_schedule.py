from collections import Counter
from dataclasses import replace

import pytest
from chaos.lines import Weather
from chaos.people import waves
from chaos.schedule import BEGIN, END, SERVICES, Kind, Orders, draw

MANY = Orders(seed=7, kills=30, freezes=5, broker_restarts=5, database_restarts=3, storms=10, replicas=4, rounds=2)


def test_the_same_seed_hurts_in_the_same_places() -> None:
    assert draw(MANY) == draw(MANY)


def test_another_seed_hurts_elsewhere() -> None:
    assert draw(MANY) != draw(replace(MANY, seed=8))


def test_as_much_goes_wrong_as_was_asked_for() -> None:
    assert Counter(fault.kind for fault in draw(MANY)) == {
        Kind.KILL: 30,
        Kind.FREEZE: 5,
        Kind.BROKER_RESTART: 5,
        Kind.DATABASE_RESTART: 3,
        Kind.WEATHER: 10,
        Kind.SCALE_UP: 2,
        Kind.SCALE_DOWN: 2,
    }


def test_everything_goes_wrong_while_there_is_work_and_in_order() -> None:
    times = [fault.at for fault in draw(MANY)]
    assert times == sorted(times)
    assert times[0] >= BEGIN
    assert times[-1] <= END


def test_four_kills_reach_all_four_services() -> None:
    assert {fault.target for fault in draw(Orders(seed=3, kills=4))} == set(SERVICES)


def test_ten_storms_bring_every_kind_of_bad_weather_to_both_lines() -> None:
    storms = {(fault.target, fault.weather) for fault in draw(MANY) if fault.kind is Kind.WEATHER}
    assert storms == {(line, weather) for line in ("mongodb", "kafka") for weather in Weather if weather != "fair"}


def test_freezes_last_longer_than_a_lease_and_fall_where_others_can_take_over() -> None:
    faults = draw(MANY)
    for place, fault in enumerate(faults):
        if fault.kind is Kind.FREEZE:
            scaled = [one.kind for one in faults[:place] if one.kind in {Kind.SCALE_UP, Kind.SCALE_DOWN}]
            assert fault.seconds > 30
            assert scaled[-1:] == [Kind.SCALE_UP]


@pytest.mark.parametrize("volunteers", [20, 60, 1_000, 1_001])
def test_everybody_takes_part_once_in_a_programme_of_bounded_size(volunteers: int) -> None:
    parts = waves(volunteers)
    assert sorted(one.number for part in parts for one in part) == list(range(volunteers))
    assert len(parts) >= 2
    assert max(len(part) for part in parts) <= 200
