"""What is sent where when a letter is settled, and in which order."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from telemachus.dead_letters import Settling
from telemachus.letters import Address, Letter
from telemachus.settings import OperatorSettings
from telemachus.trouble import Exit, Trouble

LETTER = Letter(
    address=Address("matching", 4, 17),
    at=datetime(2026, 3, 2, 12, 0, tzinfo=UTC),
    key=b"pair",
    value=b"{}",
    headers=(("ce_id", b"a.1"), ("dlq-reason", b"exception")),
)


class Sent:
    """A sender that remembers, and fails where told to."""

    def __init__(self, *, failing: str = "") -> None:
        self.records: list[dict[str, Any]] = []
        self._failing = failing

    async def send(self, topic: str, **record: Any) -> None:
        if topic == self._failing:
            raise KafkaTimeoutError
        self.records.append({"topic": topic} | record)


def desk(sent: Any) -> Settling:
    return Settling(OperatorSettings(operator="penelope", topic_prefix="m."), sender=sent)


async def test_a_redrive_is_sent_first_and_remembered_second_on_the_letters_own_partition() -> None:
    sent = Sent()
    await desk(sent).redrive(LETTER, headers={})
    again, settlement = sent.records
    assert (again["topic"], again["key"], again["value"]) == ("m.matching.retry", b"pair", b"{}")
    assert (settlement["topic"], settlement["partition"], settlement["value"]) == ("m.matching.dlq", 4, None)
    assert dict(settlement["headers"]) == {
        "dlq-settles": b"4/17",
        "dlq-outcome": b"redriven",
        "dlq-by": b"penelope",
        "dlq-why": b"",
    }


async def test_a_letter_that_could_not_be_sent_is_not_remembered_as_sent() -> None:
    sent = Sent(failing="m.matching.retry")
    with pytest.raises(Trouble) as trouble:
        await desk(sent).redrive(LETTER, headers={})
    assert sent.records == []
    assert trouble.value.code is Exit.UNREACHABLE
    assert "run the same command again" in trouble.value.next_step


async def test_a_discard_reaches_no_service() -> None:
    sent = Sent()
    await desk(sent).discard(replace(LETTER, key=None), "nobody needs it")
    (settlement,) = sent.records
    assert (settlement["topic"], dict(settlement["headers"])["dlq-outcome"]) == ("m.matching.dlq", b"discarded")
