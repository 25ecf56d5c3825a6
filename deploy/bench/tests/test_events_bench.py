"""The benchmark of events: that it measures what it says, and that its figures mean what its page says."""

import cProfile
import json
from pathlib import Path
from typing import Any

import pytest
from events_bench.cleaning import clean
from events_bench.goals import goals, percentile
from events_bench.jobs import Job, Scenario, Side
from events_bench.meter import by_package
from events_bench.report import page, results, write_json
from events_bench.run import Run
from events_bench.story import decide, paired, place
from shared.contracts import Paired
from shared.contracts.cloud_events import event_type, from_record


def row(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "side": "ours",
        "scenario": "through",
        "rate": 100.0,
        "cpu_ms": 1.0,
        "loop_cpu_ms": 0.5,
    } | more


def test_deliveries_can_be_read_and_four_of_them_belong_to_each_document() -> None:
    for number, expected in ((0, ("pair_00000000", 1)), (3, ("pair_00000000", 4)), (4, ("pair_00000001", 1))):
        assert place(number) == expected
        _, value, headers = paired(number)
        delivery = from_record(value, headers, {event_type(Paired): Paired})
        assert (delivery.event.aggregate_id, delivery.event.version) == expected


def test_the_decision_tells_of_a_session_only_where_events_come_out() -> None:
    plan, told = decide(None, "pair_00000000", tells=True)
    assert [event.version for event in told] == [plan.version] == [1]
    assert decide(plan, "pair_00000000", tells=False)[1] == ()


def test_a_job_survives_the_command_line() -> None:
    job = Job(
        side=Side.FLOOR, scenario=Scenario.READ, events=40, concurrency=4, prefix="b.", kafka="k", mongo="m", rate=2.5
    )
    assert Job.of(json.loads(json.dumps(job.as_dict()))) == job


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert [percentile([1, 2, 3, 4], share) for share in (0.5, 0.75, 0.99, 1)] == [2, 3, 4, 4]
    assert percentile([7], 0.5) == 7


def test_a_share_is_the_median_of_ours_over_the_median_of_the_floor() -> None:
    rows = [row("throughput", rate=rate) for rate in (90, 100, 400)]
    rows += [row("throughput", side="floor", rate=rate) for rate in (250, 150)]
    found = goals(rows)["ratio_through"]
    assert (found["measured"], found["met"]) == (0.5, True)
    assert goals(rows)["ratio_read"]["met"] is None


def test_two_processes_on_a_machine_that_one_keeps_busy_decide_nothing() -> None:
    def grown(busy: float, rate: float) -> bool | None:
        found = goals([row("replicas", replicas=1, machine_busy=busy), row("replicas", replicas=2, rate=rate)])
        met: bool | None = found["replicas"]["met"]
        return met

    assert grown(0.4, 180) is True
    assert grown(0.4, 110) is False
    assert grown(0.99, 110) is None
    assert grown(0.99, 180) is True


def test_memory_that_grows_from_the_second_quarter_to_the_last_is_seen() -> None:
    assert goals([row("memory", resident_bytes=[50, 100, 100, 100])])["memory"]["met"] is True
    found = goals([row("memory", resident_bytes=[100, 100, 105, 110])])["memory"]
    assert (found["measured"], found["met"]) == (0.1, False)


def test_what_is_written_in_c_counts_for_who_calls_it() -> None:
    profile = cProfile.Profile()
    profile.enable()
    json.dumps(list(range(20_000)))
    sorted(range(200_000), key=lambda number: -number)
    profile.disable()
    spent = by_package(profile)
    assert sum(spent.values()) > 0
    assert "uvloop and C" not in spent or spent["uvloop and C"] < sum(spent.values())


@pytest.mark.integration
@pytest.mark.timeout(240)
async def test_a_run_measures_both_sides_and_checks_that_every_event_had_its_effect(
    mongo_uri: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    run = Run(kafka_bootstrap, mongo_uri, events=40)
    try:
        for scenario in (Scenario.WRITE, Scenario.THROUGH):
            for side in Side:
                job = run._job(side, scenario)
                (result,), arrived = await run._measure([job])
                run._note("throughput", job, result)
                assert result.events == 40
                assert side is Side.FLOOR or len(arrived) == 40
                assert 0 < result.loop_cpu <= result.cpu
    finally:
        await clean(kafka_bootstrap, mongo_uri, tuple(run.prefixes))
    assert run.failures == []
    found = results(run, "make bench-events", "a Kafka, a MongoDB")
    assert found["goals"]["ratio_through"]["measured"] > 0
    write_json(found, tmp_path / "events.json")
    assert json.loads((tmp_path / "events.json").read_text())["goals"].keys() == found["goals"].keys()
    text = page(found)
    assert "| through |" in text
    assert "NOT MEASURED" in text
