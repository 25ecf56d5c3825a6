import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from chaos.checker.evidence import Command
from chaos.checker.reading import read_ledger
from chaos.customer import Customer, NoAnswer, Refused
from chaos.ledger import Ledger, Owed

Answers = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "commands.jsonl") as ledger:
        yield ledger


def a_customer(answers: Answers, ledger: Ledger, *, patience: float = 5.0) -> Customer:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answers))
    replicas = ["http://one", "http://two"]
    return Customer(http, lambda _: replicas, ledger, tenant="t", at_once=4, patience=patience)


def a_problem(status: int, name: str) -> httpx2.Response:
    return httpx2.Response(status, json={"type": f"urn:telemachus:problem:{name}", "detail": "why"})


async def volunteer(customer: Customer) -> dict[str, Any]:
    owes = [Owed("volunteered", "vol_1")]
    return await customer.do("volunteer", "enrollment", "/volunteers", {}, key="volunteer-1", owes=owes)


async def test_what_was_not_answered_is_asked_again_of_others_with_the_same_key(ledger: Ledger) -> None:
    asked: list[tuple[str, str]] = []

    def answers(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.url.host, request.headers["Idempotency-Key"]))
        if len(asked) == 1:
            raise httpx2.ReadError("gone")
        return a_problem(503, "database-unavailable") if len(asked) == 2 else httpx2.Response(201, json={"id": "vol_1"})

    assert await volunteer(a_customer(answers, ledger)) == {"id": "vol_1"}
    assert asked == [("one", "volunteer-1"), ("two", "volunteer-1"), ("one", "volunteer-1")]
    owes = (("volunteered", "vol_1", True),)
    assert read_ledger(ledger.path) == [Command(outcome="acknowledged", kind="volunteer", key="volunteer-1", owes=owes)]


async def test_a_request_that_is_being_worked_on_is_asked_for_again(ledger: Ledger) -> None:
    answers = iter([a_problem(409, "request-in-progress"), httpx2.Response(201, json={})])
    await volunteer(a_customer(lambda _: next(answers), ledger))
    assert ledger.outcomes == {"acknowledged": 1}


async def test_a_refusal_ends_it_and_owes_nothing(ledger: Ledger) -> None:
    with pytest.raises(Refused, match="already-volunteered"):
        await volunteer(a_customer(lambda _: a_problem(409, "already-volunteered"), ledger))
    assert read_ledger(ledger.path)[0].owes == ()
    assert ledger.refusals == {"already-volunteered": 1}


async def test_a_refusal_after_silence_may_hide_an_effect(ledger: Ledger) -> None:
    answers = iter([a_problem(503, "database-unavailable"), a_problem(409, "already-volunteered")])
    with pytest.raises(Refused):
        await volunteer(a_customer(lambda _: next(answers), ledger))
    assert read_ledger(ledger.path)[0].owes == (("volunteered", "vol_1", True),)


async def test_a_command_that_nobody_answers_is_unknown(ledger: Ledger) -> None:
    with pytest.raises(NoAnswer):
        await volunteer(a_customer(lambda _: a_problem(503, "database-unavailable"), ledger, patience=0.1))
    line = json.loads(ledger.path.read_text())
    assert (line["outcome"], line["owes"]) == ("unknown", [["volunteered", "vol_1", True]])
