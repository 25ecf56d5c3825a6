"""A short run of the chaos, on real parts: what ``make chaos`` proves at length, CI proves at every change."""

from pathlib import Path

import pytest
from chaos.run import Watch, Wishes, run
from chaos.schedule import Kind, Orders
from local_stack import kafka

pytestmark = [pytest.mark.journey, pytest.mark.timeout(400)]


async def test_three_kills_and_a_restart_of_kafka_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if missing := kafka.why_not():
        pytest.skip(f"the run needs a Kafka of its own, and {missing}")
    for address in ("TELEMACHUS_KAFKA_BOOTSTRAP", "TELEMACHUS_MONGO_URI"):
        monkeypatch.delenv(address, raising=False)
    orders = Orders(seed=7, kills=3, broker_restarts=1)

    outcome = await run(Wishes(volunteers=60, orders=orders, data=tmp_path), Watch())

    assert outcome.verdict.holds, outcome.verdict.faults
    assert outcome.counts == {Kind.KILL: 3, Kind.BROKER_RESTART: 1}
    assert outcome.verdict.commands_acknowledged > 300
    assert outcome.verdict.effects > 600
    assert outcome.notes.pairs >= 24
    assert not outcome.notes.waits_given_up
