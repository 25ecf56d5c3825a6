"""The driver: programmes live their whole life through the HTTP APIs, whatever happens to the platform meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from . import people
from .customer import Customer, Json, NoAnswer, Refused, until
from .ledger import Owed
from .meetings import Meetings
from .people import Person

T = TypeVar("T")

SIDE_BY_SIDE = 4
"""Programmes that live at the same time."""
AT_ONCE = 8
"""People of one programme who act at the same time."""
PAIRS_WITHIN = 90.0
"""Seconds for which a programme waits for the pairs that it could have, before it goes on with those it has."""
EFFECTIVE_ON = "2026-01-12"


class Progress(Protocol):
    """How far the driver is; whoever disturbs it reads this, and may hold it back until it has done so."""

    async def may_go_on(self) -> None:
        """Return once nothing that should have gone wrong by now is still to come."""
        ...

    def advance(self, steps: int) -> None:
        """So many more steps are done."""
        ...


@dataclass
class Notes:
    """What the driver saw that is worth telling."""

    programmes: list[str] = field(default_factory=list)
    pairs: int = 0
    waits_given_up: Counter[str] = field(default_factory=Counter)
    """What was waited for in vain."""


def steps_of(volunteers: int) -> int:
    """How many steps a run has: one for each person, one for each mentee's sessions."""
    return sum(len(wave) + sum(not one.mentor for one in wave) for wave in people.waves(volunteers))


class Driver:
    """Plays every programme of a run."""

    def __init__(self, customer: Customer, progress: Progress, *, volunteers: int, seed: int) -> None:
        self._customer = customer
        self._progress = progress
        self._waves = people.waves(volunteers)
        self._seed = seed
        self.notes = Notes()

    async def play(self) -> Notes:
        """From the HR export to the last answer. Raises: NoAnswer, Refused, where the platform cannot even begin."""
        refs = await self._hire()
        numbered = [
            (number, [replace(one, ref=refs[one.staff_number]) for one in wave])
            for number, wave in enumerate(self._waves)
        ]
        await each(numbered, lambda wave: self._programme(*wave), at_once=SIDE_BY_SIDE)
        return self.notes

    async def _hire(self) -> dict[str, str]:
        everybody = [one for wave in self._waves for one in wave]
        await self._customer.do(
            "import", "enrollment", "/people/imports", people.hr_export(everybody), key="import", on_error="skip"
        )
        return {one["staff_number"]: one["id"] for one in await self._customer.every("enrollment", "/people")}

    async def _programme(self, number: int, wave: list[Person]) -> None:
        continuous = number % 2 == 0
        programme = await self._publish(number, continuous=continuous)
        members = _Members(self._customer, programme, seed=self._seed)
        mixed = sorted(wave, key=lambda one: people.chance(self._seed, "order", one.number).random())
        await each(mixed, self._step(members.join), at_once=AT_ONCE)
        await self._pool(programme, members)
        if not continuous:
            await self._match(programme)
        pairings = await self._pairings(programme, members)
        self.notes.pairs += len(pairings)
        meetings = Meetings(self._customer, self.notes.waits_given_up, seed=self._seed, past=not continuous)
        await each(pairings, self._step(meetings.live), at_once=AT_ONCE)
        self._progress.advance(sum(not one.mentor for one in wave) - len(pairings))

    def _step(self, do: Callable[[T], Awaitable[None]]) -> Callable[[T], Awaitable[None]]:
        """One step of the run; a refusal or a silence ends this step and no other, and stands in the ledger."""

        async def step(item: T) -> None:
            await self._progress.may_go_on()
            try:
                await do(item)
            except (Refused, NoAnswer):
                pass
            finally:
                self._progress.advance(1)

        return step

    async def _publish(self, number: int, *, continuous: bool) -> str:
        body = people.charter(number, continuous=continuous)
        made = await self._customer.do("programme", "enrollment", "/programmes", body, key=f"programme-{number}")
        programme = str(made["id"])
        self.notes.programmes.append(programme)
        await self._customer.do(
            "publish",
            "enrollment",
            f"/programmes/{programme}/publish",
            key=f"publish-{number}",
            owes=[Owed("programme_published", programme)],
        )
        return programme

    async def _pool(self, programme: str, members: "_Members") -> None:
        """Until matching knows of everybody who joined and of everybody who left."""

        async def complete() -> bool | None:
            try:
                pool = await self._customer.get("matching", f"/programmes/{programme}/pool")
            except Refused:  # its charter has not arrived
                return None
            return (pool["mentors_ready"] + pool["mentees_ready"]) == members.staying or None

        if await until(complete) is None:
            self.notes.waits_given_up["everybody in the pool"] += 1

    async def _match(self, programme: str) -> None:
        """The best pairs of everybody, proposed and approved. The platform renews a proposal when its pool changes."""
        path = f"/programmes/{programme}/runs"

        async def approved() -> Json | None:
            run = await self._open_proposal(programme)
            if run is None:
                return None
            try:
                return await self._customer.do(
                    "approve",
                    "matching",
                    f"/runs/{run['id']}/approve",
                    {"effective_on": EFFECTIVE_ON},
                    key=f"approve-{run['id']}",
                )
            except Refused as refused:
                if refused.name not in {"proposal-renewed", "run-not-proposed"}:
                    raise
                return None

        try:
            await self._customer.do("run", "matching", path, {"seed": 1}, key=f"run-{programme}")
            if await until(approved) is None:
                self.notes.waits_given_up["a proposal"] += 1
        except (Refused, NoAnswer):
            self.notes.waits_given_up["a match run"] += 1

    async def _open_proposal(self, programme: str) -> Json | None:
        try:
            found = await self._customer.get("matching", f"/programmes/{programme}/proposal")
        except Refused:
            return None
        return found if found["status"] == "proposed" else None

    async def _pairings(self, programme: str, members: "_Members") -> list[Json]:
        """Those that are active, once there are as many as there can be, or nothing more comes of waiting."""
        found: list[Json] = []

        async def all_there() -> bool | None:
            nonlocal found
            pairings = await self._customer.every("matching", "/pairings", programme_id=programme)
            found = [one for one in pairings if one["status"] == "active"]
            return len(found) >= members.pairs_possible or None

        if await until(all_there, within=PAIRS_WITHIN) is None:
            self.notes.waits_given_up["pairs"] += members.pairs_possible - len(found)
        return found


class _Members:
    """Those who take part in one programme."""

    def __init__(self, customer: Customer, programme: str, *, seed: int) -> None:
        self._customer = customer
        self._programme = programme
        self._seed = seed
        self._places = {True: 0, False: 0}
        """Of mentors (True) and mentees who have not withdrawn."""
        self.staying = 0
        """How many have not withdrawn."""

    @property
    def pairs_possible(self) -> int:
        """As many pairs as there are places on the rarer side."""
        return min(self._places.values())

    async def join(self, one: Person) -> None:
        """Volunteer, be trained; some change their offer, a few leave."""
        dice = people.chance(self._seed, "joins", one.number)
        body = people.offer(one, self._seed) | {"programme_id": self._programme, "person_ref": one.ref}
        made = await self._customer.do(
            "volunteer",
            "enrollment",
            "/volunteers",
            body,
            key=f"volunteer-{one.number}",
            person=one.ref,
            owes=lambda made: [Owed("volunteered", made["id"])],
        )
        volunteer = str(made["id"])
        path, changed = f"/volunteers/{volunteer}", [Owed("volunteer_updated", volunteer)]
        training = {"module": "core"}
        await self._customer.do(
            "train", "enrollment", f"{path}/training", training, key=f"training-{one.number}", owes=changed
        )
        if dice.random() < 0.3:  # noqa: PLR2004 - three in ten
            other = {"motivation": body["motivation"] % 5 + 1}
            await self._customer.do(
                "change",
                "enrollment",
                path,
                other,
                key=f"change-{one.number}",
                person=one.ref,
                method="PATCH",
                owes=changed,
            )
        if dice.random() < 0.04:  # noqa: PLR2004 - one in twenty-five
            gone = [Owed("volunteer_withdrawn", volunteer)]
            await self._customer.do(
                "withdraw", "enrollment", f"{path}/withdraw", {}, key=f"withdraw-{one.number}", owes=gone
            )
        else:
            self._places[one.mentor] += int(body["capacity"])
            self.staying += 1


async def each(items: Iterable[T], do: Callable[[T], Awaitable[None]], *, at_once: int) -> None:
    """Do the same for all, some of them at once. The first failure ends it."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await do(item)

    async with asyncio.TaskGroup() as workers:
        for _ in range(at_once):
            workers.create_task(work())
