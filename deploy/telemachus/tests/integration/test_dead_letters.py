"""Dead letters through the command line, with a service that makes and reads them."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaError
from commands import Commands
from harness import Harness
from harness import read as read_topic
from samples import counted, reached
from shared.chassis.aggregates import Cause
from shared.chassis.kafka_sender import KafkaSender
from shared.chassis.settings import ServiceSettings
from shared.contracts import Delivery, GoalReached
from shared.testing.waiting import eventually
from telemachus.dead_letters import Settling, read
from telemachus.letters import State
from telemachus.settings import OperatorSettings
from telemachus.trouble import Exit, Trouble

pytestmark = pytest.mark.integration

MANY = 1_000

Send = Callable[..., Awaitable[None]]


async def waiting_letters(telemachus: Commands, count: int) -> list[dict[str, Any]]:
    """What `dlq list` tells, once it tells of so many."""
    letters: list[dict[str, Any]] = []

    async def listed() -> int:
        letters[:] = await telemachus.json("dlq", "list")
        return len(letters)

    await eventually(listed, equals=count, timeout=60)
    return letters


def broken_at_first(harness: Harness) -> Callable[[], None]:
    """A bug in the handler, and how to repair it."""

    async def broken(_delivery: Delivery[GoalReached]) -> None:
        raise KeyError("bug")

    harness.handler = broken

    def repair() -> None:
        harness.handler = harness.count

    return repair


async def test_a_poison_record_is_listed_shown_repaired_and_handled_once(
    harness: Harness, send: Send, telemachus: Commands, tmp_path: Path
) -> None:
    await send("a", value=b'{"version": "x"}')
    (letter,) = await waiting_letters(telemachus, 1)
    assert letter["address"] == "feedback/0/0"
    assert letter["reason"] == "schema"
    assert letter["event_id"] == "a.1"
    assert letter["type"] == "io.telemachus.mentoring.goal_reached.v1"
    assert letter["origin"] == f"{harness.source_topic}/0/0"
    assert "--value FILE" in letter["hint"]
    shown = await telemachus.json("dlq", "show", "feedback/0/0")
    assert shown["value"] == '{"version": "x"}'
    assert ["ce_id", "a.1"] in shown["headers"]
    table = (await telemachus.run("dlq", "show", "feedback/0/0")).stdout
    assert "version: Input should be a valid integer" in table

    repaired = tmp_path / "repaired.json"
    repaired.write_bytes(reached("a", 1).model_dump_json().encode())
    assert await telemachus.json("dlq", "redrive", "feedback/0/0", "--value", repaired) == {
        "redriven": ["feedback/0/0"]
    }
    await eventually(harness.counted, equals=1)
    assert harness.handled == ["a.1"]
    assert await telemachus.json("dlq", "list") == []
    (settled,) = await telemachus.json("dlq", "list", "--settled")
    assert (settled["state"], settled["settlements"][0]["by"]) == ("redriven", "penelope")
    assert settled["settlements"][0]["why"] == "repaired"


async def test_a_repair_that_would_be_refused_again_is_not_sent(
    harness: Harness, send: Send, telemachus: Commands, tmp_path: Path
) -> None:
    await send("a", value=b"{")
    await waiting_letters(telemachus, 1)
    worse = tmp_path / "worse.json"
    worse.write_text("{}")
    trouble = await telemachus.refused("dlq", "redrive", "feedback/0/0", "--value", worse)
    assert trouble.code is Exit.USAGE
    assert "schema" in trouble.what
    assert len(await telemachus.json("dlq", "list")) == 1


async def test_a_thousand_letters_are_applied_in_order_after_a_repair_and_a_second_redrive_changes_nothing(
    harness: Harness, send: Send, telemachus: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.chassis.dead_letter.FIRST_DELAY", 0.001)
    broken_at_first(harness)
    names = [f"goal-{number}" for number in range(MANY)]
    for name in names:
        await send(name)
    letters = await waiting_letters(telemachus, MANY)
    handled: list[str] = []

    async def repaired(delivery: Delivery[GoalReached]) -> None:
        handled.append(delivery.event.goal_id)
        await harness.samples.change(
            delivery.event.goal_id,
            Cause.of(delivery, "test"),
            lambda old: (counted(old, id=delivery.event.goal_id)[0], []),
        )

    async def effects() -> list[int]:
        return [each["count"] async for each in harness.chassis.collection("samples").find({}, fields=["count"])]

    harness.handler = repaired
    sent = await telemachus.json("dlq", "redrive", "--all", "--reason", "exception")
    assert sent["redriven"] == [letter["address"] for letter in letters]
    await eventually(effects, equals=[1] * MANY, timeout=60)
    assert handled == names

    await telemachus.json("dlq", "redrive", *sent["redriven"], "--again")
    await eventually(lambda: handled, equals=names + names, timeout=60)
    assert await effects() == [1] * MANY
    assert await telemachus.json("dlq", "list") == []
    on_the_source = await read_topic(harness.settings.kafka_bootstrap, harness.source_topic, MANY + 1, seconds=2)
    assert len(on_the_source) == MANY


async def test_a_crash_between_sending_and_remembering_sends_twice_and_is_applied_once(
    harness: Harness,
    send: Send,
    telemachus: Commands,
    settings: ServiceSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shared.chassis.dead_letter.FIRST_DELAY", 0.001)
    repair = broken_at_first(harness)
    await send("a")
    await waiting_letters(telemachus, 1)
    repair()
    operator = OperatorSettings(**settings.model_dump())
    (letter,) = await read(operator, ["feedback"])
    sender = KafkaSender(operator)
    await sender.start()
    desk = Settling(operator, sender)

    async def crash(*_: object) -> None:
        raise KafkaError("as if killed")

    monkeypatch.setattr(desk, "_remember", crash)
    with pytest.raises(Trouble, match="did not confirm"):
        await desk.redrive(letter, headers={})
    await sender.stop()
    assert len(await telemachus.json("dlq", "list")) == 1
    await telemachus.json("dlq", "redrive", "--all")
    await eventually(lambda: harness.handled, equals=["a.1", "a.1"])
    assert await harness.counted() == 1


async def test_two_operators_at_once_settle_the_same_letter_without_harm(
    harness: Harness, send: Send, telemachus: Commands, settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.chassis.dead_letter.FIRST_DELAY", 0.001)
    repair = broken_at_first(harness)
    await send("a")
    await waiting_letters(telemachus, 1)
    repair()
    operator = OperatorSettings(**settings.model_dump())
    (letter,) = await read(operator, ["feedback"])
    sender = KafkaSender(operator)
    await sender.start()
    desk = Settling(operator, sender)
    await asyncio.gather(desk.redrive(letter, headers={}), desk.discard(letter, "no"), desk.redrive(letter, headers={}))
    await sender.stop()
    (settled,) = await read(operator, ["feedback"])
    assert settled.state is State.REDRIVEN
    assert len(settled.settlements) == 3
    await eventually(lambda: len(harness.handled), equals=2)
    assert await harness.counted() == 1


async def test_what_fails_again_is_counted_up_and_refused_before_the_service_would_refuse_it(
    harness: Harness, send: Send, telemachus: Commands
) -> None:
    await send("a", value=b"{")
    for redrives in range(4):
        (letter,) = await waiting_letters(telemachus, 1)
        assert letter["address"].startswith("feedback/0/")
        assert letter["redrives"] == redrives
        assert letter["origin"] == f"{harness.source_topic}/0/0"
        await telemachus.json("dlq", "redrive", letter["address"])
    (letter,) = await waiting_letters(telemachus, 1)
    assert letter["redrives"] == 4
    trouble = await telemachus.refused("dlq", "redrive", "--all")
    assert "sent again 4 times already" in trouble.what
    assert "discard" in trouble.next_step


async def test_a_discarded_letter_waits_no_longer_and_says_why(
    harness: Harness, send: Send, telemachus: Commands
) -> None:
    await send("a", value=b"\xff\x00")
    await waiting_letters(telemachus, 1)
    assert (await telemachus.json("dlq", "show", "feedback/0/0"))["value"] == "ff 00"
    assert await telemachus.json("dlq", "discard", "feedback/0/0", "--why", "a test by hand") == {
        "discarded": ["feedback/0/0"]
    }
    assert await telemachus.json("dlq", "list") == []
    (settled,) = await telemachus.json("dlq", "list", "--settled")
    assert (settled["state"], settled["settlements"][0]["why"]) == ("discarded", "a test by hand")
    trouble = await telemachus.refused("dlq", "redrive", "feedback/0/0")
    assert "discarded by penelope" in trouble.what


async def test_an_unknown_address_says_where_to_look(telemachus: Commands) -> None:
    trouble = await telemachus.refused("dlq", "show", "feedback/0/7")
    assert (trouble.code, "dlq list --settled" in trouble.next_step) == (Exit.USAGE, True)
    assert "matching/2/17" in (await telemachus.refused("dlq", "show", "x")).next_step
    assert "use one of enrollment" in (await telemachus.refused("dlq", "show", "x/0/0")).next_step


async def test_as_a_process_it_prints_json_and_exits_as_documented(
    harness: Harness, send: Send, telemachus: Commands
) -> None:
    await send("a", value=b"{")
    await waiting_letters(telemachus, 1)
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("telemachus")),
        *("dlq", "list", "--json"),
        env=telemachus.env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert json.loads(out)[0]["address"] == "feedback/0/0"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telemachus", "dlq", "show", "nonsense"),
        env=telemachus.env,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"Next: addresses look like" in err
