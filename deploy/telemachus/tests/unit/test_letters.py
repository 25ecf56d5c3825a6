"""What a dead letter says of itself, without a bus."""

from dataclasses import dataclass, field

import pytest
from shared.chassis.dead_letter import MAX_REDRIVES
from telemachus.advice import REASONS, hint
from telemachus.letters import Address, Letter, State, gathered, picked, to_send_again, waiting
from telemachus.trouble import Trouble


@dataclass
class Record:
    offset: int
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    value: bytes | None = b"{}"
    key: bytes | None = b"k"
    partition: int = 0
    timestamp: int = 1_700_000_000_000


def a_letter(offset: int = 0, **headers: str) -> Record:
    named = {"dlq-reason": "schema"} | {name.replace("__", "-"): text for name, text in headers.items()}
    return Record(offset, [(name, text.encode()) for name, text in named.items()])


def a_settlement(offset: int, of: str, outcome: str = "discarded") -> Record:
    return Record(offset, [("dlq-settles", of.encode()), ("dlq-outcome", outcome.encode())], value=None)


def letters(*records: Record) -> tuple[Letter, ...]:
    return gathered("matching", records)


def test_a_settlement_is_no_letter_and_settles_the_one_it_names() -> None:
    first, second = letters(a_letter(0), a_letter(1), a_settlement(2, "0/0"))
    assert (first.state, second.state) == (State.DISCARDED, State.WAITING)
    assert waiting([first, second]) == (second,)


def test_a_redrive_outweighs_a_discard_whichever_came_first() -> None:
    (letter,) = letters(a_letter(0), a_settlement(1, "0/0", "redriven"), a_settlement(2, "0/0", "discarded"))
    assert letter.state is State.REDRIVEN


def test_a_dead_letter_whose_sender_put_a_settlements_headers_on_it_settles_nothing() -> None:
    first, forged = letters(a_letter(0), a_letter(1, dlq__settles="0/0", dlq__outcome="discarded"))
    assert (first.state, forged.state) == (State.WAITING, State.WAITING)


@pytest.mark.parametrize("outcome", ["waiting for godot", "", "\udcff"])
def test_a_record_that_nobody_understands_is_shown_as_foreign(outcome: str) -> None:
    record = Record(0, [("dlq-settles", b"0/0"), ("dlq-outcome", outcome.encode(errors="surrogateescape"))])
    assert [letter.reason for letter in letters(record)] == ["foreign"]


def test_a_settlement_of_a_letter_that_has_expired_is_passed_over() -> None:
    assert letters(a_settlement(9, "0/3")) == ()


def test_a_settlement_with_a_broken_address_is_shown_and_not_believed() -> None:
    assert [letter.reason for letter in letters(a_settlement(9, "not/an/address"))] == ["foreign"]


def test_what_is_sent_again_has_its_own_headers_counted_up_and_says_where_it_comes_from() -> None:
    (letter,) = letters(
        a_letter(
            7,
            ce_id="a.1",
            dlq__redrives="1",
            dlq__original__topic="t",
            dlq__original__partition="2",
            dlq__original__offset="3",
        )
    )
    assert dict(to_send_again(letter, {}, value=b"{}")) == {
        "ce_id": b"a.1",
        "dlq-redrives": b"2",
        "dlq-redrive-of": b"matching/0/7",
        "dlq-origin": b"t/2/3",
    }


def test_a_repaired_header_takes_the_place_of_the_broken_one() -> None:
    (letter,) = letters(a_letter(0, ce_id="", ce_source="/x"))
    sent = to_send_again(letter, {"ce_id": "a.1"}, value=b"{}")
    assert [value for name, value in sent if name == "ce_id"] == [b"a.1"]


def test_the_last_redrive_that_its_service_takes_is_the_last_one_sent() -> None:
    allowed, refused = letters(
        a_letter(0, dlq__redrives=str(MAX_REDRIVES - 2)), a_letter(1, dlq__redrives=str(MAX_REDRIVES - 1))
    )
    assert dict(to_send_again(allowed, {}, value=b""))["dlq-redrives"] == str(MAX_REDRIVES - 1).encode()
    with pytest.raises(Trouble, match="sent again 4 times"):
        to_send_again(refused, {}, value=b"")


def test_a_letter_without_its_value_is_not_sent_again() -> None:
    (letter,) = letters(Record(0, [("dlq-reason", b"oversized"), ("dlq-value-omitted", b"1048000")], value=None))
    with pytest.raises(Trouble, match="too large"):
        to_send_again(letter, {}, value=None)


def test_letters_are_taken_in_their_order_whatever_order_they_are_asked_for_and_once() -> None:
    found = letters(a_letter(10), a_letter(9))
    asked = [Address("matching", 0, 10), Address("matching", 0, 9), Address("matching", 0, 10)]
    assert [letter.address.offset for letter in picked(found, asked)] == [9, 10]


@pytest.mark.parametrize(
    "text", ["", "matching", "matching/1", "matching/1/2/3", "matching/a/1", "matching/-1/1", "m/¹/2"]
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Trouble) as refused:
        Address.parse(text)
    assert "matching/2/17" in refused.value.next_step


def test_a_structured_event_is_named_from_its_value() -> None:
    record = Record(
        0,
        [("dlq-reason", b"schema"), ("content-type", b"application/cloudevents+json")],
        value=b'{"id": "a.1", "type": "t.v1"}',
    )
    broken = Record(1, record.headers, value=b"[")
    assert [(letter.event_id, letter.type) for letter in letters(record, broken)] == [("a.1", "t.v1"), ("", "")]


def test_every_reason_has_a_next_step_of_its_own() -> None:
    assert len({hint(reason) for reason in REASONS}) == len(REASONS)
    assert "upgrade it" in hint("of tomorrow")
