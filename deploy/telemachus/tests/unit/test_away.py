"""What is told when a back-end cannot be used, and what is not."""

from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaTimeoutError
from commands import Commands
from telemachus.bus import Reader
from telemachus.trouble import Exit

PARTITION = TopicPartition("m.matching.dlq", 0)


class WithoutLeader:
    """A partition with records that nobody can send."""

    def assign(self, partitions: list[TopicPartition]) -> None: ...

    def seek(self, partition: TopicPartition, offset: int) -> None: ...

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 5)

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int) -> dict[TopicPartition, list[Any]]:
        return {}

    async def position(self, partition: TopicPartition) -> int:
        return 0


class OneTopic:
    async def partitions(self, names: list[str]) -> list[TopicPartition]:
        return [PARTITION]


async def test_a_partition_that_gives_nothing_ends_the_reading_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telemachus.bus.PATIENCE_MS", 50)
    bus: Any = OneTopic()
    with pytest.raises(KafkaTimeoutError, match="has it a leader"):
        await Reader(bus, WithoutLeader()).records(PARTITION.topic)


@pytest.mark.parametrize(
    "setting",
    [
        {"TELEMACHUS_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"},
        {"TELEMACHUS_KAFKA_SECURITY_PROTOCOL": "SSL", "TELEMACHUS_KAFKA_SSL_CA_FILE": "/nowhere/ca.pem"},
        {"TELEMACHUS_KAFKA_BOOTSTRAP": "kafka:port"},
    ],
)
async def test_settings_of_the_bus_that_do_not_fit_are_told_without_a_stack_trace(setting: dict[str, str]) -> None:
    trouble = await Commands(setting).refused("topics", "check")
    assert trouble.code is Exit.UNREACHABLE
    assert "TELEMACHUS_KAFKA_BOOTSTRAP" in trouble.next_step


@pytest.mark.parametrize("uri", ["mongodb://me:s3cret@", "mongo://me:s3cret@db", "mongodb://me:s3cret@127.0.0.1:1"])
async def test_a_database_that_cannot_be_used_is_told_without_its_password(uri: str) -> None:
    commands = Commands({"TELEMACHUS_MONGO_URI": uri, "TELEMACHUS_MONGO_SELECTION_TIMEOUT_MS": "100"})
    trouble = await commands.refused("outbox", "status")
    assert trouble.code is Exit.UNREACHABLE
    assert "s3cret" not in trouble.what
    assert "TELEMACHUS_MONGO_URI" in trouble.next_step
