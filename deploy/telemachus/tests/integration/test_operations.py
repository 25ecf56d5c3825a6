"""Topics, outboxes and the doctor on the real Kafka and MongoDB."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from commands import Commands
from harness import Harness
from samples import counted
from shared.chassis.aggregates import Cause
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import TopicNames, create_topics
from shared.contracts import Principal
from shared.testing.waiting import eventually
from telemachus.trouble import Exit

pytestmark = pytest.mark.integration

NOWHERE = "127.0.0.1:1"


async def findings(telemachus: Commands, **env: str) -> dict[str, dict[str, Any]]:
    return {one["subject"]: one for one in await Commands(telemachus.env | env).json("doctor")}


async def test_topics_are_found_missing_created_and_found_right(telemachus: Commands, topic_prefix: str) -> None:
    mine = Commands(telemachus.env | {"TELEMACHUS_TOPIC_PREFIX": topic_prefix})
    result = await mine.run("topics", "check")
    assert result.exit_code == Exit.WRONG
    assert "`telemachus topics create`" in result.stdout
    created = (await mine.json("topics", "create"))["created"]
    assert f"{topic_prefix}matching.dlq" in created

    async def right() -> bool:
        return (await mine.run("topics", "check")).exit_code == Exit.FINE

    await eventually(right)
    assert await mine.json("topics", "create") == {"created": []}


async def test_a_topic_with_too_short_a_memory_is_named_with_the_configuration_to_set(
    telemachus: Commands, settings: ServiceSettings, topic_prefix: str
) -> None:
    other = settings.model_copy(update={"topic_prefix": topic_prefix})
    name = TopicNames.of(other).dead_letter("matching")
    await create_topics(other, [name], partitions=1, replication=1, configs={name: {"retention.ms": "60000"}})
    mine = Commands(telemachus.env | {"TELEMACHUS_TOPIC_PREFIX": topic_prefix})

    async def said() -> list[tuple[str, str]]:
        faults = (await mine.json("topics", "check"))["faults"]
        return [(fault["what"], fault["next_step"]) for fault in faults if fault["topic"] == name]

    await eventually(said, equals=[("keeps records 0.0 days of 30", "set retention.ms=2592000000")])


async def test_events_of_a_stopped_relay_are_seen_and_gone_once_it_runs(
    settings: ServiceSettings, telemachus: Commands
) -> None:
    stopped = Harness(settings)
    for _ in range(3):
        await stopped.samples.change("a", Cause(principal=Principal.service("test", tenant="default")), counted)
    stopped.chassis.mongo.close()
    (waiting,) = await telemachus.json("outbox", "status")
    assert {name: waiting[name] for name in ("service", "collection", "documents", "events", "leased")} == {
        "service": "feedback",
        "collection": "samples",
        "documents": 1,
        "events": 3,
        "leased": 1,
    }
    assert waiting["oldest"]
    assert "samples" in (await telemachus.run("outbox", "status", "--service", "feedback")).stdout
    again = Harness(settings)
    async with again.running():
        await eventually(again.chassis.relay.total_pending, equals=0, timeout=30)
        assert await telemachus.json("outbox", "status") == []
        assert "Every event is on the bus." in (await telemachus.run("outbox", "status")).stdout
        await again.chassis.mongo.drop()


async def test_the_doctor_with_a_stopped_broker_says_what_to_do(telemachus: Commands) -> None:
    found = await findings(telemachus, TELEMACHUS_KAFKA_BOOTSTRAP=NOWHERE)
    assert found["kafka"]["level"] == "wrong"
    assert NOWHERE in found["kafka"]["what"]
    assert "TELEMACHUS_KAFKA_BOOTSTRAP" in found["kafka"]["next_step"]
    assert found["dead letters"]["level"] == "not asked"
    assert found["mongodb"]["level"] in {"fine", "notice"}
    result = await telemachus.run("doctor", TELEMACHUS_KAFKA_BOOTSTRAP=NOWHERE)
    assert result.exit_code == Exit.WRONG


async def test_the_doctor_without_a_database_still_looks_at_the_bus(telemachus: Commands) -> None:
    found = await findings(
        telemachus, TELEMACHUS_MONGO_URI=f"mongodb://{NOWHERE}", TELEMACHUS_MONGO_SELECTION_TIMEOUT_MS="200"
    )
    assert "TELEMACHUS_MONGO_URI" in found["mongodb"]["next_step"]
    assert found["outboxes"]["level"] == "not asked"
    assert found["topics"]["level"] == "fine"


async def test_commands_that_need_a_broker_name_it_when_it_is_away(telemachus: Commands) -> None:
    away = Commands(telemachus.env | {"TELEMACHUS_KAFKA_BOOTSTRAP": NOWHERE})
    for arguments in (("dlq", "list"), ("topics", "check"), ("topics", "create")):
        trouble = await away.refused(*arguments)
        assert (trouble.code, NOWHERE in trouble.what) == (Exit.UNREACHABLE, True)


async def test_the_doctor_tells_running_services_from_stopped_ones_and_sees_dead_letters(
    harness: Harness, send: Callable[..., Awaitable[None]], telemachus: Commands
) -> None:
    await send("a", value=b"{")
    await send("b")
    await eventually(harness.counted, equals=1)

    async def of_groups() -> list[str]:
        return [one["what"] for name, one in (await findings(telemachus)).items() if name in {"groups", mine}]

    mine = "feedback groups"
    await eventually(of_groups, equals=["2 groups live, nothing unread"])
    found = await findings(telemachus, TELEMACHUS_SERVICE_URLS='{"feedback": "http://127.0.0.1:1"}')
    assert "start enrollment" in found["enrollment groups"]["next_step"]
    assert found["feedback dead letters"]["what"] == "1 wait: 1 invalid_json"
    assert "dlq list --service feedback" in found["feedback dead letters"]["next_step"]
    assert found["matching dead letters"]["level"] == "fine"
    assert found["feedback outbox"]["level"] == "fine"
    assert found["feedback"]["what"] == "does not answer at http://127.0.0.1:1: ConnectError"
    assert found["matching"]["level"] == "not asked"
