"""The adversarial scheduler: who moves next, who is killed, who sleeps past the lease, whose clock is off."""

import os
from collections.abc import Callable, Generator
from random import Random
from typing import Protocol

from .store import Store

Steps = Generator[str, None, None]
"""A process. It yields what it has just done, wherever another one may run or this one may die."""

SETTLING_ROUNDS = 1_500
"""Far more than a healthy system needs once the faults have stopped; what is not done by then never is."""

MUTANT_SCHEDULES = 10_000
"""How many schedules a mutant may survive; the rarest is caught within half of that."""

ENDLESS = 2
"""Relays or sweepers: the processes of a model that go round for ever."""


class Actor:
    """A process and how to start it again after a kill."""

    __slots__ = ("at", "awake_at", "make", "name", "run")

    def __init__(self, name: str, make: Callable[[], Steps]) -> None:
        self.name = name
        self.make = make
        self.run = make()
        self.at: str | None = None
        self.awake_at = 0


class World:
    """What every model shares: the store, the clock, and the faults of this schedule."""

    __slots__ = (
        "failing_sends",
        "failovers",
        "kills",
        "lost_replies",
        "now",
        "random",
        "rng",
        "skew",
        "stalls",
        "store",
        "trace",
    )

    def __init__(self, seed: int, *, calm: bool = False, trace: Callable[[str], None] | None = None) -> None:
        self.rng = Random(seed)
        self.random = self.rng.random
        self.now = 0
        self.trace = trace
        if calm:
            self.store = Store(replicated=False)
            self.kills = self.stalls = self.failing_sends = self.lost_replies = 0.0
            self.failovers = 0.0
            self.skew = 0
        else:
            self.store = Store(replicated=self.random() < 0.5)
            self.kills = self.random() * 0.10
            self.stalls = self.random() * 0.06
            self.failing_sends = 0.30
            self.lost_replies = self.random() * 0.05
            self.failovers = self.random() * 0.04 if self.store.replicated else 0.0
            self.skew = int(self.random() * 40)

    def clock(self) -> int:
        """How far a new process's clock is off."""
        return int((self.random() - 0.5) * 2 * self.skew)

    def acknowledged(self, ticket: tuple[int, int]) -> bool:
        """Wait for the majority; the reply itself may be lost on the way."""
        known = self.store.acknowledged(ticket)
        return known and (not self.lost_replies or self.random() >= self.lost_replies)

    def tell(self, who: str, what: str) -> None:
        """Leave a line for whoever replays this seed."""
        if self.trace:
            self.trace(f"{self.now:5} {who}: {what}")

    def stop_faults(self) -> None:
        """From here on nothing dies, sleeps or gets lost."""
        self.kills = self.stalls = self.failing_sends = self.lost_replies = 0.0


class Model(Protocol):
    """A world with processes in it, and what must be true of it."""

    @property
    def world(self) -> World:
        """What it plays in."""

    @property
    def actors(self) -> list[Actor]:
        """Its processes; :data:`ENDLESS` of them never finish."""

    def quiet(self) -> bool:
        """Whether nothing is left to do."""

    def violations(self) -> set[str]:
        """The invariants that this schedule broke."""


def play(model: Model, steps: int, *, longest_sleep: int) -> set[str]:
    """Play one schedule, let it settle without faults, and judge it."""
    world = model.world
    actors = list(model.actors)
    random, faults = world.random, world.kills + world.stalls
    catches_up = 0.95 - world.failovers
    for _ in range(steps):
        world.now += 1
        if _at_rest(model, actors):
            break
        actor = actors[int(random() * len(actors))]
        if actor.awake_at > world.now:
            continue
        dice = random()
        if dice < faults:
            _strike(world, actor, longest_sleep, kill=dice < world.kills)
            continue
        if dice > catches_up:
            _replicate(world, fail_over=dice > 1.0 - world.failovers)
        _step(world, actors, actor)
    _settle(model, actors)
    return model.violations()


def _at_rest(model: Model, actors: list[Actor]) -> bool:
    return len(actors) == ENDLESS and all(actor.at == "idle" for actor in actors) and model.quiet()


def _strike(world: World, actor: Actor, longest_sleep: int, *, kill: bool) -> None:
    if kill:
        actor.run = actor.make()
        actor.awake_at = world.now + int(world.random() * 10)
        world.tell(actor.name, "KILLED")
    else:
        actor.awake_at = world.now + int(world.random() * longest_sleep)
        world.tell(actor.name, f"sleeps until {actor.awake_at}")


def _replicate(world: World, *, fail_over: bool) -> None:
    if fail_over:
        world.store.fail_over(world.random)
        world.tell("store", "FAILOVER")
    else:
        world.store.replicate()


def _step(world: World, actors: list[Actor], actor: Actor) -> None:
    actor.at = done = next(actor.run, None)
    if world.trace and done != "idle":
        world.tell(actor.name, done or "done")
    if done is None:
        actors.remove(actor)


def _settle(model: Model, actors: list[Actor]) -> None:
    world = model.world
    world.stop_faults()
    world.tell("scheduler", "the faults stop")
    for _ in range(SETTLING_ROUNDS):
        if _at_rest(model, actors):
            world.store.replicate()
            return
        world.now += 1
        world.store.replicate()
        for actor in tuple(actors):
            _step(world, actors, actor)


def schedules(share: float) -> int:
    """This check's share of the schedules asked for (``MODEL_CHECK_SCHEDULES``, 50,000 by default)."""
    return int(int(os.environ.get("MODEL_CHECK_SCHEDULES", "50000")) * share)


def how_to_replay(model: str, design: str, seed: int) -> str:
    """The command that plays a seed again, step by step."""
    return f"PYTHONPATH=tests .venv/bin/python -m model_check {model} {design} {seed}"
