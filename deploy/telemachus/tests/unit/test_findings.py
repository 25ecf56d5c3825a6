"""What is wrong, and what not: judged without a bus."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from aiokafka import TopicPartition
from shared.chassis.publications import Incomplete
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import DAY_MS, TopicNames, TopicNeed, needs
from telemachus.bus import Group, Topic
from telemachus.findings import Level, of_groups, of_outboxes, of_service
from telemachus.outboxes import Outbox
from telemachus.topics import faults

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NEED = TopicNeed("t", partitions=6, replication=3, retention_ms=7 * DAY_MS)
RIGHT = Topic(name="t", partitions=6, replication=3, in_sync=3, leaderless=0, configs=NEED.configs)
NAMES = TopicNames("m.", {})
TOPICS = {"paired": "m.paired.v1", "retry": "m.matching.retry"}
ENDS = {
    TopicPartition("m.paired.v1", 0): 10,
    TopicPartition("m.paired.v1", 1): 5,
    TopicPartition("m.matching.retry", 0): 0,
}


def said(topic: Topic) -> list[str]:
    return [fault.what for fault in faults([NEED], {"t": topic})]


def groups(*, members: int = 1, committed: dict[TopicPartition, int] | None = None) -> dict[str, Group]:
    return {
        name: Group(name=name, state="Stable", members=members, committed=committed or {})
        for name in ("m.matching.paired", "m.matching.retry")
    }


def test_a_topic_as_needed_or_better_is_right() -> None:
    better = replace(RIGHT, partitions=12, replication=5, in_sync=5, configs=NEED.configs | {"retention.ms": "-1"})
    assert said(RIGHT) == said(better) == []


def test_each_shortfall_of_a_topic_is_named() -> None:
    assert said(replace(RIGHT, partitions=3)) == ["has 3 partitions of 6"]
    assert said(replace(RIGHT, replication=2)) == ["has 2 replicas of 3"]
    assert said(replace(RIGHT, configs=NEED.configs | {"min.insync.replicas": "1"})) == [
        "min.insync.replicas is 1, not 2"
    ]
    assert said(replace(RIGHT, configs=NEED.configs | {"retention.ms": str(DAY_MS)})) == ["keeps records 1.0 days of 7"]
    assert said(replace(RIGHT, configs=NEED.configs | {"cleanup.policy": "compact"})) == ["cleanup.policy is compact"]
    assert said(replace(RIGHT, leaderless=2, in_sync=0)) == ["2 partitions have no leader"]
    assert said(replace(RIGHT, in_sync=1)) == ["only 1 replicas are in sync"]
    assert [fault.what for fault in faults([NEED], {})] == ["is missing"]


def test_dead_letters_are_kept_longer_than_events() -> None:
    kept = {need.name: need.retention_ms for need in needs(ServiceSettings(service_name="x", topic_prefix="m."))}
    assert kept["m.matching.dlq"] == 30 * DAY_MS
    assert kept["m.paired.v1"] == kept["m.matching.retry"] == 7 * DAY_MS


def test_groups_with_members_and_nothing_unread_are_fine() -> None:
    (finding,) = of_groups(NAMES, "matching", groups(committed=ENDS), ENDS, TOPICS)
    assert finding.level is Level.FINE


def test_what_a_group_never_committed_on_counts_as_unread() -> None:
    committed = {TopicPartition("m.paired.v1", 0): 8}
    (finding,) = of_groups(NAMES, "matching", groups(committed=committed), ENDS, TOPICS)
    assert (finding.level, finding.what) == (Level.NOTICE, "unread: paired 7")


def test_groups_without_members_are_wrong_and_a_service_that_never_came_too() -> None:
    (finding,) = of_groups(NAMES, "matching", groups(members=0), ENDS, TOPICS)
    assert (finding.level, finding.what) == (Level.WRONG, "nobody reads paired, retry; unread: paired 15")
    (finding,) = of_groups(NAMES, "feedback", groups(), ENDS, TOPICS)
    assert (finding.level, "never read" in finding.what) == (Level.WRONG, True)


def test_events_on_their_way_are_fine_and_events_that_wait_too_long_are_not() -> None:
    def waiting(seconds: int) -> Outbox:
        oldest = NOW - timedelta(seconds=seconds)
        return Outbox(
            service="matching",
            collection="pairings",
            waiting=Incomplete(documents=2, events=3, oldest=oldest, leased=0, tries=4),
        )

    assert of_outboxes("matching", [], NOW)[0].what == "empty"
    assert of_outboxes("matching", [waiting(5)], NOW)[0].level is Level.FINE
    (late,) = of_outboxes("matching", [waiting(90)], NOW)
    assert (late.level, late.what) == (Level.WRONG, "events wait for 90 s: pairings 2")
    assert of_outboxes("feedback", [waiting(90)], NOW)[0].level is Level.FINE


def test_a_service_is_fine_only_when_it_is_alive_ready_and_on_the_bus() -> None:
    on_the_bus = {"kafka_producer": "ok", "kafka_consumers": "ok"}
    assert of_service("matching", alive=True, ready=True, status=on_the_bus)[0].level is Level.FINE
    assert len(of_service("matching", alive=False, ready=False, status={})) == 4
    missing = on_the_bus | {"kafka_consumers": "unavailable: TopicsMissing: m.x"}
    assert "TopicsMissing" in of_service("matching", alive=True, ready=True, status=missing)[0].what
