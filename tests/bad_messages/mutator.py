"""Good messages made bad, and odd ones that must still be taken: seeded, so that a run can be repeated."""

import json
import random
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

EXAMPLES = Path("shared/src/shared/contracts/examples")
REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time")
OPTIONAL = ("content-type", "ce_subject", "ce_dataschema", "ce_partitionkey", "ce_sequence", "ce_tenant", "traceparent")
ODD_TEXTS = ("\u0000", "\u202e\u05d0\u0628", "\ud800", "é" * 5000, "\U0001f984", "\ufeff", "'; drop--", "{$ne: 1}")
ODD_NUMBERS = (2**63, -(2**63) - 1, 2**53, 0, -1, int("9" * 400), 1.5, True)
MOMENTS = ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-02-30T10:00:00Z", "1970-01-01T00:00:00+14:00")

Json = dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What goes on the topic of an event."""

    event: str
    """Name and major version, which also name the topic."""
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    kind: str = "as it is"

    @property
    def data(self) -> Json:
        """The value of an example, to be changed."""
        data: Json = json.loads(self.value or b"{}")
        return data

    def saying(self, data: Any) -> "Message":
        """The same with another value, surrogates and all."""
        return replace(self, value=json.dumps(data).encode())

    def with_header(self, name: str, value: bytes | None) -> "Message":
        """The same with one header replaced, or added."""
        kept = tuple(one for one in self.headers if one[0] != name)
        return replace(self, headers=(*kept, (name, value)))

    def without_header(self, name: str) -> "Message":
        """The same without one header."""
        return replace(self, headers=tuple(one for one in self.headers if one[0] != name))


def examples(events: tuple[str, ...]) -> list[Message]:
    """The published examples of these events."""
    return [
        Message(
            event,
            json.dumps(example["value"]).encode(),
            tuple((name, text.encode()) for name, text in example["headers"].items()),
        )
        for event in events
        for example in json.loads((EXAMPLES / f"{event}.json").read_text())
    ]


def mutated(good: list[Message], count: int, *, seed: int, reply_to: str) -> Iterator[Message]:
    """So many messages; each is an event of its own."""
    chance = random.Random(seed)
    kinds = [*KINDS]
    for number in range(count):
        message = chance.choice(good)
        message = message.with_header("ce_id", f"made_up_{seed}.{number}".encode())
        kind = chance.choice(kinds)
        changed = KINDS[kind](message, chance)
        if chance.random() < 0.1:
            changed = changed.with_header("reply_to", reply_to.encode())
        yield replace(changed, kind=kind)


def _flip(message: Message, chance: random.Random) -> Message:
    raw = bytearray(message.value or b"")
    for _ in range(chance.randint(1, 3)):
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
    return replace(message, value=bytes(raw))


def _truncate(message: Message, chance: random.Random) -> Message:
    whole = message.value or b""
    return replace(message, value=whole[: chance.randrange(1, len(whole))])


def _without_field(message: Message, chance: random.Random) -> Message:
    data = message.data
    del data[chance.choice(list(data))]
    return message.saying(data)


def _retyped(message: Message, chance: random.Random) -> Message:
    data = message.data
    field = chance.choice(list(data))
    data[field] = chance.choice(
        [None, [], {}, "x", 7, 1.5, True, [data[field]], {"$ne": data[field]}, str(data[field])]
    )
    return message.saying(data)


def _odd_number(message: Message, chance: random.Random) -> Message:
    data = message.data
    numbers = [name for name, one in data.items() if isinstance(one, int) and not isinstance(one, bool)]
    data[chance.choice(numbers)] = chance.choice(ODD_NUMBERS)
    return message.saying(data)


def _odd_text(message: Message, chance: random.Random) -> Message:
    data = message.data
    texts = [name for name, one in data.items() if isinstance(one, str)]
    data[chance.choice([*texts, "a_field_of_tomorrow"])] = chance.choice(ODD_TEXTS)
    return message.saying(data)


def _odd_moment(message: Message, chance: random.Random) -> Message:
    data = message.data
    moments = [name for name, one in data.items() if isinstance(one, str) and "T" in one and one.endswith("Z")]
    data[chance.choice(moments)] = chance.choice(MOMENTS)
    return message.saying(data)


def _no_number(message: Message, chance: random.Random) -> Message:
    data = message.data
    data["version"] = chance.choice([float("nan"), float("inf"), float("-inf")])
    return message.saying(data)


def _deep(message: Message, chance: random.Random) -> Message:
    depth = chance.choice([20, 3000])
    nested = ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth)[chance.randrange(2)]
    whole = json.dumps(message.data)[:-1] + f', "a_field_of_tomorrow": {nested}}}'
    return replace(message, value=whole.encode())


def _large(message: Message, chance: random.Random) -> Message:
    if chance.random() < 0.9:
        return message.saying(message.data | {"a_field_of_tomorrow": "x" * 20_000})
    return message.saying(message.data | {"a_field_of_tomorrow": "x" * chance.choice([400_000, 600_000])})


def _other_value(message: Message, chance: random.Random) -> Message:
    return message.saying(chance.choice([[], {}, "text", 7, None, True, [message.data], {"data": message.data}]))


def _unknown_code(message: Message, _chance: random.Random) -> Message:
    """Where there is none the message stays as it is."""
    data = message.data
    for name in ("modality", "reason"):
        if name in data:
            data[name] = "by_telepathy"
    if "plan" in data:
        data["plan"]["cadence"] = "by_the_moon"
    return message.saying(data)


def _header(names: tuple[str, ...], values: tuple[bytes | None, ...]) -> Callable[[Message, random.Random], Message]:
    def change(message: Message, chance: random.Random) -> Message:
        return message.with_header(chance.choice(names), chance.choice(values))

    return change


def _without_header(names: tuple[str, ...]) -> Callable[[Message, random.Random], Message]:
    return lambda message, chance: message.without_header(chance.choice(names))


def _doubled(message: Message, chance: random.Random) -> Message:
    name, value = chance.choice([one for one in message.headers if one[0] != "ce_tenant"])
    doubled = chance.choice([value, b"", b"something else"])
    return replace(message, headers=(*message.headers, (name, doubled)))


def _structured(message: Message, chance: random.Random) -> Message:
    attributes = {name.removeprefix("ce_"): (value or b"").decode() for name, value in message.headers}
    del attributes["content-type"]
    whole: Json = {**attributes, "data": message.data}
    if chance.random() < 0.5:
        del whole[chance.choice(["id", "source", "type", "specversion", "time", "data", "subject"])]
    kind = b"application/cloudevents+json; charset=utf-8"
    return replace(message, headers=(("content-type", kind),)).saying(whole)


def _torn_structured(message: Message, chance: random.Random) -> Message:
    kind = b"application/cloudevents+json"
    return _truncate(_structured(message, chance), chance).with_header("content-type", kind)


def _registry(message: Message, chance: random.Random) -> Message:
    prefix = chance.choice([b"\x00\x00\x00\x00\x07", b"\x00\x00", b"\x01\x00\x00\x00\x07"])
    return replace(message, value=prefix + (message.value or b""))


def _retitled(message: Message, chance: random.Random) -> Message:
    known = f"io.telemachus.mentoring.{message.event}"
    major = chance.choice([known[:-1] + "2", known[:-1] + "0", known[:-1], known.upper(), "org.example.paired.v1", ""])
    return message.with_header("ce_type", major.encode())


def _random_bytes(message: Message, chance: random.Random) -> Message:
    return replace(message, value=chance.randbytes(chance.randint(1, 400)))


KINDS: Mapping[str, Callable[[Message, random.Random], Message]] = {
    "as it is": lambda message, _: message,
    "bits flipped": _flip,
    "truncated": _truncate,
    "random bytes": _random_bytes,
    "tombstone": lambda message, chance: replace(message, value=chance.choice([None, b""])),
    "a field missing": _without_field,
    "a field more": lambda message, chance: message.saying(message.data | {chance.choice(string.ascii_letters): 1}),
    "a field of another type": _retyped,
    "another value": _other_value,
    "odd number": _odd_number,
    "no number": _no_number,
    "odd text": _odd_text,
    "odd moment": _odd_moment,
    "deep": _deep,
    "large": _large,
    "unknown code": _unknown_code,
    "required header missing": _without_header(REQUIRED),
    "required header spoilt": _header(REQUIRED, (None, b"", b"\xff\xfe")),
    "optional header missing": _without_header(OPTIONAL),
    "optional header spoilt": _header(
        ("ce_subject", "ce_dataschema", "ce_partitionkey", "traceparent", "ce_sequence"),
        (None, b"", b"\xff\xfe", b"x" * 20_000, "\u202e\u0000".encode()),
    ),
    "foreign header": _header(
        ("x-odd", "correlation_id", "message_id", "content-length"), (None, b"\xff\xfe", b"x" * 20_000)
    ),
    "odd content type": _header(
        ("content-type",), (b"text/plain", b"application/octet-stream", b"\xff", None, b"avro")
    ),
    "header doubled": _doubled,
    "structured": _structured,
    "structured and torn": _torn_structured,
    "schema registry": _registry,
    "another type": _retitled,
}
