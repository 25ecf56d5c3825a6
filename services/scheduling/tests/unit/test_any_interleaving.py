"""No schedule of concurrent handlers, commands, deaths and repetitions books a person twice or leaves a plan undone."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from scheduling.domain.booking import stands
from scheduling.domain.copies import ProgrammeCopy, VolunteerCopy
from scheduling.domain.plans import Plan, PlanStatus
from scheduling.domain.sessions import Session
from scheduling.use_cases import Wish
from scheduling_builders import TENANT, World, because_of, manager, on_behalf_of, other_pace, paired, unpaired, windows
from shared.chassis.aggregates import Cause
from shared.chassis.reservations import Claim, Fits
from shared.contracts import Cadence, CancelReason, Refusal
from shared.testing.memory import InMemoryAggregates, InMemoryProjections, InMemoryReservations

SCHEDULES = 150


class Died(Exception):
    """The process was killed here."""


@dataclass
class Fate:
    """When the others get a turn, and when somebody dies."""

    random: random.Random
    deadly: bool = True

    async def turn(self) -> None:
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 5))):
            await asyncio.sleep(0)
        if self.deadly and self.random.random() < 0.02:
            raise Died


class FatefulAggregates(InMemoryAggregates[Any]):
    fate: Fate

    async def find(self, tenant: str, id: str) -> Any:
        await self.fate.turn()
        return await super().find(tenant, id)

    async def change(self, id: str, cause: Cause, decide: Any) -> Any:
        await self.fate.turn()
        changed = await super().change(id, cause, decide)
        await self.fate.turn()
        return changed


class FatefulCalendars(InMemoryReservations):
    fate: Fate

    async def acquire(self, tenant: str, claims: Sequence[Claim], fits: Fits) -> Claim | None:
        for claim in claims:
            await self.fate.turn()
            if await super().acquire(tenant, [claim], fits) is not None:
                return claim
        await self.fate.turn()
        return None

    async def release(self, tenant: str, holder: str, on: Sequence[str]) -> None:
        for person in on:
            await self.fate.turn()
            await super().release(tenant, holder, [person])

    async def claims(self, tenant: str, on: str) -> tuple[Claim, ...]:
        await self.fate.turn()
        return await super().claims(tenant, on)


def a_fateful_world(fate: Fate) -> World:
    plans, sessions, calendars = FatefulAggregates(Plan), FatefulAggregates(Session), FatefulCalendars()
    plans.fate = sessions.fate = calendars.fate = fate
    return World(
        plans=plans,
        sessions=sessions,
        calendars=calendars,
        volunteers=InMemoryProjections(VolunteerCopy),
        programmes=InMemoryProjections(ProgrammeCopy),
    )


async def delivered(handle: Callable[[], Awaitable[None]]) -> None:
    """At least once: whoever dies is replaced, and gets the same event again."""
    while True:
        try:
            await handle()
        except Died:
            continue
        return


async def asked(command: Callable[[], Awaitable[object]]) -> None:
    """A person asks once; the process may die on it, or refuse."""
    with contextlib.suppress(Died, Refusal):
        await command()


def happenings(world: World, chance: random.Random) -> list[Awaitable[None]]:
    narrow = windows(2, 4, start="09:00", end="10:30")
    weekly = other_pace(sessions=4, cadence=Cadence.WEEKLY)
    pairs = [
        paired(1, mentor="anna", mentee="boris", hours=(narrow, narrow), plan=weekly),
        paired(2, mentor="anna", mentee="chloe", hours=(narrow, narrow), plan=weekly),
        paired(3, mentor="david", mentee="boris", hours=(narrow, narrow), plan=weekly),
    ]
    found: list[Awaitable[None]] = []
    for event in pairs:
        copies = chance.choice((1, 2))  # two replicas during a rebalance
        found += [delivered(partial(world.planning.begin, event, because_of(event))) for _ in range(copies)]
    ended = unpaired(chance.choice((1, 2, 3)))
    if chance.random() < 0.5:
        found.append(delivered(lambda: world.planning.end(ended, because_of(ended))))
    found += [asked(lambda: meddle(world, chance)) for _ in range(6)]
    found.append(asked(world.planning.sweep))
    chance.shuffle(found)
    return found


async def meddle(world: World, chance: random.Random) -> None:
    for _ in range(chance.randrange(40)):
        await asyncio.sleep(0)
    if not world.sessions.states:
        return
    session = chance.choice(list(world.sessions.states.values()))
    match chance.choice(("move", "move", "cancel", "amend")):
        case "move":
            other = chance.choice(list(world.sessions.states.values()))
            time = (other.booking or other.proposal or session).time
            await world.conducting.move(session.id, on_behalf_of(manager()), Wish(starts_at=time.starts_at))
        case "cancel":
            await world.conducting.cancel(session.id, on_behalf_of(manager()), CancelReason.OTHER)
        case _:
            wanted = chance.choice(({"sessions": 3}, {"cadence": Cadence.FORTNIGHTLY}, {"minutes": 90}))
            await world.planning.amend(session.pairing_id, on_behalf_of(manager()), wanted)


def check(world: World) -> None:
    opened = world.open_sessions()
    for one in opened:
        for other in opened:
            if one.id < other.id and set(one.people) & set(other.people):
                assert not one.time.occupied.overlaps(other.time.occupied), (one.id, other.id)
        assert one.booking is not None
        for person in one.people:
            claims = world.calendars.held[(TENANT, person)]
            assert one.booking.holder in {claim.holder for claim in claims}, (one.id, person)
    for plan in world.plans.states.values():
        sessions = [session for session in opened if session.pairing_id == plan.id]
        if plan.status is PlanStatus.ENDED:
            assert sessions == []
        else:
            known = {session.number for session in world.sessions.states.values() if session.pairing_id == plan.id}
            gaps = {gap.number for gap in plan.unplaced}
            assert known | gaps >= set(range(1, plan.format.sessions + 1))
    unfinished = [state.id for state in world.sessions.states.values() if state.attention_at or state.proposal]
    assert unfinished == []
    assert [plan.id for plan in world.plans.states.values() if plan.attention_at] == []


def strays(world: World) -> int:
    """Claims that stand for nothing: allowed, since whoever meets one removes it, but rare."""
    states = world.sessions.states
    return sum(
        not stands(states.get(claim.holder.rpartition(".")[0]), claim.holder)
        for claims in world.calendars.held.values()
        for claim in claims
    )


@pytest.mark.parametrize("block", range(5))
async def test_nobody_is_booked_twice_and_every_plan_is_finished(block: int) -> None:
    left = 0
    for seed in range(block * SCHEDULES // 5, (block + 1) * SCHEDULES // 5):
        fate = Fate(random.Random(seed))
        world = a_fateful_world(fate)
        await asyncio.gather(*happenings(world, random.Random(-seed - 1)))
        fate.deadly = False
        for _ in range(4):
            world.clock.advance(timedelta(minutes=1))
            await world.planning.sweep()
        try:
            check(world)
        except AssertionError as violation:
            raise AssertionError(f"seed {seed}: {violation}") from violation
        left += strays(world)
    assert left <= SCHEDULES // 5
