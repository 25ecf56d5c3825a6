from pathlib import Path

import pytest
from aiokafka.partitioner import DefaultPartitioner
from sizing.__main__ import main
from sizing.load import READERS, WRITER, Company
from sizing.spread import busiest_share, partition_of, seconds_to_drain
from typer import BadParameter

COMPANY = Company(people=500_000, taking_part=0.1, weeks=12, sessions=6, busiest_hour=0.1)


def test_every_event_of_the_programme_is_written_once_and_read_by_those_who_subscribe() -> None:
    events = COMPANY.events()
    assert set(events) == set(WRITER) == set(READERS)
    assert sum(work.written for work in COMPANY.work().values()) == sum(events.values())
    assert sum(work.read for work in COMPANY.work().values()) == sum(
        count * len(READERS[kind]) for kind, count in events.items()
    )


def test_the_busiest_hour_is_four_times_the_mean_of_a_week_of_forty() -> None:
    assert COMPANY.busiest_second(12 * 40 * 3600) == pytest.approx(4)


@pytest.mark.parametrize("partitions", [1, 6, 12, 48])
def test_a_key_falls_on_the_partition_that_the_client_would_choose(partitions: int) -> None:
    numbers = list(range(partitions))
    for key in (b"", b"pair_1", b"vol_01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        assert partition_of(key, partitions) == DefaultPartitioner()(key, numbers, numbers)


def test_more_partitions_than_replicas_spread_the_work_and_fewer_leave_replicas_idle() -> None:
    assert busiest_share(1_000, 6, 1) == 1
    assert 1 / busiest_share(5_000, 24, 4) == pytest.approx(4, rel=0.1)
    assert 1 / busiest_share(5_000, 2, 4) < 2.1


def test_a_burst_lasts_as_long_as_the_busiest_replica_needs() -> None:
    assert seconds_to_drain(10_000, rate=500, share=0.5) == 10


def test_without_measured_rates_it_says_how_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="make bench-events"):
        main(rates=tmp_path / "none.json")
