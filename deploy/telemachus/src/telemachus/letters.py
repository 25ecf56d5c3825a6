"""What a dead letter is, what has been done about it, and what is sent when it gets another chance.

A Kafka record cannot be removed. What was done about a letter is a record of its own on the same partition of the same
topic, a *settlement*: it names the letter's offset, has no value, and outlives the letter (docs/decisions/0039).
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from shared.chassis.dead_letter import MAX_REDRIVES, REDRIVES_HEADER

from .trouble import Trouble

Headers = tuple[tuple[str, bytes | None], ...]

SETTLES = "dlq-settles"
OMITTED = "dlq-value-omitted"
PAGE = "docs/operations/dead-letters.md"

_PLACE = re.compile(r"(\d{1,18})/(\d{1,18})", re.ASCII)


class State(StrEnum):
    """Where a letter stands."""

    WAITING = "waiting"
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


@dataclass(frozen=True, order=True)
class Address:
    """Where a letter lies: ``<service>/<partition>/<offset>`` of the service's dead-letter topic."""

    service: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.service}/{self.partition}/{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Raises: Trouble, for what is no address."""
        service, _, place = text.partition("/")
        numbers = _PLACE.fullmatch(place)
        if numbers is None:
            raise Trouble(
                f"{text!r} is no address.",
                "addresses look like matching/2/17; `telemachus dlq list` shows them.",
            )
        return cls(service, int(numbers[1]), int(numbers[2]))


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """What somebody did about a letter."""

    of: Address
    outcome: State
    by: str
    why: str
    at: datetime

    def headers(self) -> list[tuple[str, bytes | None]]:
        """The headers of the record that remembers it."""
        return [
            (SETTLES, f"{self.of.partition}/{self.of.offset}".encode()),
            ("dlq-outcome", self.outcome.value.encode()),
            ("dlq-by", self.by.encode()),
            ("dlq-why", self.why.encode()),
        ]


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A record that a service could not apply, as it lies on its dead-letter topic."""

    address: Address
    at: datetime
    """When it was put there."""
    key: bytes | None
    value: bytes | None
    headers: Headers
    settlements: tuple[Settlement, ...] = ()

    def header(self, name: str) -> str:
        """A header as text; empty where there is none."""
        return next(((value or b"").decode(errors="replace") for key, value in self.headers if key == name), "")

    @property
    def reason(self) -> str:
        """Stable: dashboards key on it."""
        return self.header("dlq-reason") or "foreign"

    @property
    def type(self) -> str:
        """The CloudEvents type, empty where it cannot be read."""
        return self._attribute("type")

    @property
    def event_id(self) -> str:
        """The event's id, empty where it cannot be read."""
        return self._attribute("id")

    @property
    def redrives(self) -> int:
        """How often it was sent again before it failed this time."""
        count = self.header(REDRIVES_HEADER)
        return int(count[:9]) if count.isascii() and count.isdigit() else 0

    @property
    def origin(self) -> str:
        """``topic/partition/offset`` where it was read first, before any re-drive."""
        place = [self.header(f"dlq-original-{what}") for what in ("topic", "partition", "offset")]
        return self.header("dlq-origin") or "/".join(place)

    @property
    def state(self) -> State:
        """Re-driven, if anybody did so, even where another discarded it meanwhile."""
        outcomes = {settlement.outcome for settlement in self.settlements}
        return next((state for state in (State.REDRIVEN, State.DISCARDED) if state in outcomes), State.WAITING)

    def _attribute(self, name: str) -> str:
        if found := self.header(f"ce_{name}"):
            return found
        if not self.header("content-type").startswith("application/cloudevents"):
            return ""
        try:
            whole = json.loads(self.value or b"")
        except (ValueError, RecursionError):
            return ""
        return str(whole.get(name, "")) if isinstance(whole, dict) else ""


def gathered(service: str, records: Iterable[Any]) -> tuple[Letter, ...]:
    """The letters among the records of a dead-letter topic, each with its settlements, in the topic's order."""
    letters: list[Letter] = []
    settlements: dict[Address, list[Settlement]] = defaultdict(list)
    for record in records:
        letter = Letter(
            address=Address(service, record.partition, record.offset),
            at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            key=record.key,
            value=record.value,
            headers=tuple(record.headers),
        )
        if settlement := _settlement(letter):
            settlements[settlement.of].append(settlement)
        else:
            letters.append(letter)
    return tuple(
        replace(letter, settlements=tuple(settlements[letter.address]))
        for letter in sorted(letters, key=lambda letter: letter.address)
    )


def _settlement(record: Letter) -> Settlement | None:
    """A record with a reason is a letter, whatever headers its sender gave it."""
    settles, outcome = _PLACE.fullmatch(record.header(SETTLES)), record.header("dlq-outcome")
    if record.header("dlq-reason") or settles is None or outcome not in set(State):
        return None
    return Settlement(
        of=Address(record.address.service, int(settles[1]), int(settles[2])),
        outcome=State(outcome),
        by=record.header("dlq-by"),
        why=record.header("dlq-why"),
        at=record.at,
    )


def to_send_again(letter: Letter, changed: Mapping[str, str], *, value: bytes | None) -> list[tuple[str, bytes | None]]:
    """The headers under which a letter goes to the re-drive topic: its own, counted up, and where it comes from.

    Args:
        letter: What is sent again.
        changed: Headers of the original that are repaired or added, by name.
        value: What is sent as its value.

    Raises:
        Trouble: It was sent again too often, or its value was too large to be kept.
    """
    if letter.redrives + 1 >= MAX_REDRIVES:
        raise Trouble(
            f"{letter.address} was sent again {letter.redrives} times already.",
            f"find out why it fails ({PAGE}), then discard it, and have its sender publish the fact anew.",
        )
    if value is None and letter.header(OMITTED):
        raise Trouble(
            f"{letter.address} was too large to be kept with its value.",
            f"its origin is {letter.origin}: have its sender publish less, and discard this letter.",
        )
    own = [(name, raw) for name, raw in letter.headers if not name.startswith("dlq-") and name not in changed]
    return [
        *own,
        *((name, text.encode()) for name, text in changed.items()),
        (REDRIVES_HEADER, str(letter.redrives + 1).encode()),
        ("dlq-redrive-of", str(letter.address).encode()),
        ("dlq-origin", letter.origin.encode()),
    ]


def picked(letters: Sequence[Letter], addresses: Sequence[Address]) -> tuple[Letter, ...]:
    """The letters at these addresses, in the order in which they were put there. Raises: Trouble."""
    by_address = {letter.address: letter for letter in letters}
    if unknown := [str(address) for address in addresses if address not in by_address]:
        raise Trouble(
            f"There is no dead letter at {', '.join(unknown)}.",
            "`telemachus dlq list --settled` shows all that are left; older ones have expired.",
        )
    return tuple(by_address[address] for address in sorted(set(addresses)))


def waiting(letters: Iterable[Letter], *, reason: str | None = None, type: str | None = None) -> tuple[Letter, ...]:
    """The letters that nobody has settled, narrowed by reason and by a part of the event's type."""
    return tuple(
        letter
        for letter in letters
        if letter.state is State.WAITING
        and (reason is None or letter.reason == reason)
        and (type is None or type in letter.type)
    )
