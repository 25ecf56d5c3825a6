"""What goes wrong, and when: drawn from a seed before anything starts, so that the same seed hurts in the same places.

Times are shares of the driver's work and not seconds: a slow machine is hurt at the same deeds as a fast one.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle, islice

from .lines import Weather

SERVICES = ("enrollment", "matching", "scheduling", "feedback")
BEGIN, END = 0.03, 0.92
"""Between these shares of the work everything goes wrong."""
BAD_WEATHER = (Weather.SLOW, Weather.RESETS, Weather.TRICKLE, Weather.HALF_OPEN, Weather.CUT)
LINES = ("mongodb", "kafka")
DOWN_SECONDS = (0.5, 4.0)
WEATHER_SECONDS = (4.0, 10.0)


class Kind(StrEnum):
    """What is done to the platform."""

    KILL = "kill"
    FREEZE = "freeze"
    BROKER_RESTART = "broker_restart"
    DATABASE_RESTART = "database_restart"
    WEATHER = "weather"
    SCALE_UP = "scale_up"
    SCALE_DOWN = "scale_down"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    at: float
    """Share of the driver's work after which it happens, 0 to 1."""
    kind: Kind
    target: str = ""
    """A service, or a line."""
    which: float = 0.0
    """Picks one of the replicas that run then, 0 to 1."""
    seconds: float = 0.0
    """How long it is down, frozen, or under bad weather."""
    weather: Weather = Weather.FAIR

    def __str__(self) -> str:
        about = f" {self.target}" if self.target else ""
        how = f" ({self.weather.value})" if self.weather is not Weather.FAIR else ""
        length = f" for {self.seconds:.1f} s" if self.seconds else ""
        return f"{self.kind.value}{about}{how}{length}"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """How much of everything."""

    seed: int
    kills: int = 0
    freezes: int = 0
    freeze_seconds: float = 35.0
    """More than the 30 s for which a relay may hold a document: a frozen one wakes as a zombie."""
    broker_restarts: int = 0
    database_restarts: int = 0
    storms: int = 0
    """Spells of bad weather on a line."""
    replicas: int = 1
    """So many processes of each service run in the middle of a round; one at its ends."""
    rounds: int = 1
    """Times that the services grow and shrink again."""


def draw(orders: Orders) -> tuple[Fault, ...]:
    """Every fault of a run, in its order."""
    chance = random.Random(orders.seed)  # noqa: S311 - it has to be repeatable
    faults = [*_kills(chance, orders), *_restarts(chance, orders), *_storms(chance, orders)]
    chance.shuffle(faults)
    step = (END - BEGIN) / max(1, len(faults))
    placed = [_at(fault, BEGIN + step * (place + chance.uniform(0.1, 0.9))) for place, fault in enumerate(faults)]
    placed += _scaling(orders)
    placed += _freezes(chance, orders)
    return tuple(sorted(placed, key=lambda fault: fault.at))


def _at(fault: Fault, at: float) -> Fault:
    return Fault(
        at=round(at, 4),
        kind=fault.kind,
        target=fault.target,
        which=fault.which,
        seconds=fault.seconds,
        weather=fault.weather,
    )


def _kills(chance: random.Random, orders: Orders) -> Iterator[Fault]:
    """All services in turn, so that few kills reach all of them."""
    order = list(SERVICES)
    chance.shuffle(order)
    for service in islice(cycle(order), orders.kills):
        down = round(chance.uniform(0, DOWN_SECONDS[0]), 2)
        yield Fault(at=0, kind=Kind.KILL, target=service, which=chance.random(), seconds=down)


def _restarts(chance: random.Random, orders: Orders) -> Iterator[Fault]:
    for kind, times in (
        (Kind.BROKER_RESTART, orders.broker_restarts),
        (Kind.DATABASE_RESTART, orders.database_restarts),
    ):
        for _ in range(times):
            yield Fault(at=0, kind=kind, seconds=round(chance.uniform(*DOWN_SECONDS), 2))


def _storms(chance: random.Random, orders: Orders) -> Iterator[Fault]:
    kinds = list(BAD_WEATHER)
    chance.shuffle(kinds)
    first = chance.randrange(len(LINES))
    for number, weather in enumerate(islice(cycle(kinds), orders.storms)):
        seconds = round(chance.uniform(*WEATHER_SECONDS), 1)
        line = LINES[(first + number) % len(LINES)]
        yield Fault(at=0, kind=Kind.WEATHER, target=line, seconds=seconds, weather=weather)


def _freezes(chance: random.Random, orders: Orders) -> Iterator[Fault]:
    """In the first half of a round, while others are there to take over what the frozen one held."""
    for number in range(orders.freezes):
        length = 1 / orders.rounds
        begin = (number % orders.rounds) * length
        seconds = round(orders.freeze_seconds * chance.uniform(1, 1.2), 1)
        at = BEGIN + (END - BEGIN) * (begin + length * chance.uniform(0.3, 0.6))
        target = chance.choice(SERVICES)
        yield Fault(at=round(at, 4), kind=Kind.FREEZE, target=target, which=chance.random(), seconds=seconds)


def _scaling(orders: Orders) -> Iterator[Fault]:
    if orders.replicas <= 1:
        return
    length = (END - BEGIN) / orders.rounds
    for number in range(orders.rounds):
        begin = BEGIN + number * length
        yield Fault(at=round(begin + 0.15 * length, 4), kind=Kind.SCALE_UP)
        yield Fault(at=round(begin + 0.85 * length, 4), kind=Kind.SCALE_DOWN)
