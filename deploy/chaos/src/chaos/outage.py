"""One back-end away for a while, under a steady rate of commands: what clients notice, and how long the rest takes."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from itertools import count
from pathlib import Path

import httpx2
from local_stack import Stack

from . import people
from .checker.reading import gather
from .checker.verdict import Verdict, judge
from .customer import ANSWER_SECONDS, Customer, NoAnswer, Refused
from .driver import each
from .ledger import Ledger, Owed
from .lines import Line
from .run import TENANT, Watch, place_of, silence, standing_stack
from .schedule import LINES

CALM_SECONDS = 5.0
"""Under the same rate before and after the outage."""
RESTART_SECONDS = 30.0
"""For about so long a back-end may take to start."""
CHANGES_EACH = 200
"""So many changes at most of one volunteer: an aggregate refuses more than 500 events that wait for Kafka."""
AT_ONCE = 200


class Phase(StrEnum):
    """When a request was over."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class Outage:
    """What is wished for."""

    component: str
    """``kafka`` or ``mongodb``."""
    seconds: float
    rate: float
    """Commands in a second."""
    data: Path

    @property
    def commands(self) -> int:
        """So many in all, about; they go on until the back-end has been back for a while."""
        return math.ceil(self.rate * (self.seconds + 2 * CALM_SECONDS + RESTART_SECONDS))

    @property
    def volunteers(self) -> int:
        """Enough for nobody to be changed too often."""
        return max(people.WAVE // 4, math.ceil(self.commands / CHANGES_EACH))


@dataclass
class Answers:
    """What came back to single requests, by phase."""

    phase: Phase = Phase.BEFORE
    seconds: dict[Phase, list[float]] = field(default_factory=lambda: {phase: [] for phase in Phase})
    statuses: dict[Phase, Counter[int]] = field(default_factory=lambda: {phase: Counter() for phase in Phase})

    def note(self, status: int, seconds: float) -> None:
        """One request is over. Status 0: nobody answered."""
        self.statuses[self.phase][status] += 1
        self.seconds[self.phase].append(seconds)

    def errors(self, phase: Phase) -> int:
        """Requests without an answer, or with one of 500 and above."""
        return sum(
            times
            for status, times in self.statuses[phase].items()
            if status == 0 or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        )

    def percentile(self, phase: Phase, share: float) -> float:
        """Milliseconds within which this share of the requests was over; 0 when there were none."""
        times = sorted(self.seconds[phase])
        return round(1000 * times[min(len(times) - 1, int(share * len(times)))], 1) if times else 0.0


@dataclass(frozen=True, kw_only=True)
class Survived:
    """What came of it."""

    outage: Outage
    verdict: Verdict
    answers: Answers
    backlog: int
    """Documents with something to send when the back-end came back; 0 where nobody could be asked."""
    seconds_to_quiet: float
    """From the back-end's return and the last command until nothing was on its way."""

    def figures(self) -> dict[str, object]:
        """Everything that is counted."""
        latencies = {
            phase.value: {
                "requests": len(self.answers.seconds[phase]),
                "errors": self.answers.errors(phase),
                "p50_ms": self.answers.percentile(phase, 0.5),
                "p99_ms": self.answers.percentile(phase, 0.99),
            }
            for phase in Phase
        }
        return {
            "holds": self.verdict.holds,
            "away": self.outage.component,
            "seconds": self.outage.seconds,
            "rate": self.outage.rate,
            "backlog_documents": self.backlog,
            "seconds_to_quiet": self.seconds_to_quiet,
            **latencies,
            **self.verdict.figures,
            "faults": {kind: list(found[:50]) for kind, found in self.verdict.faults.items() if found},
        }


async def survive(outage: Outage, watch: Watch) -> Survived:
    """Play it. Raises: StackError; Refused, NoAnswer while people join."""
    lines = {name: Line(name, seed=0) for name in LINES}
    answers = Answers()
    async with standing_stack(outage.data, lines, watch) as (stack, _):
        place = place_of(stack, outage.data / "commands.jsonl")
        urls = stack.urls
        limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, limits=limits, trust_env=False) as http:
            with Ledger(place.ledger) as ledger:

                def client(attempted: Callable[[int, float], object]) -> Customer:
                    patience = outage.seconds + 120
                    return Customer(
                        http,
                        lambda service: [urls[service]],
                        ledger,
                        tenant=TENANT,
                        at_once=AT_ONCE,
                        patience=patience,
                        attempted=attempted,
                    )

                watch.say(f"{outage.volunteers} people join")
                programme, members = await _joined(client(lambda _status, _seconds: None), outage)
                await silence(place)
                pressure = Pressure(
                    outage=outage,
                    customer=client(answers.note),
                    members=members,
                    stack=stack,
                    answers=answers,
                    watch=watch,
                )
                backlog = await pressure.apply()
        watch.say("waiting until nothing is on its way")
        quiet = await silence(place)
        verdict = judge(await gather(place, [programme]))
    return Survived(outage=outage, verdict=verdict, answers=answers, backlog=backlog, seconds_to_quiet=round(quiet, 1))


async def _joined(customer: Customer, outage: Outage) -> tuple[str, list[str]]:
    """A programme, and its volunteers."""
    everybody = [people.Person(number, mentor=number % 2 == 0) for number in range(outage.volunteers)]
    await customer.do("import", "enrollment", "/people/imports", people.hr_export(everybody), key="import")
    refs = {one["staff_number"]: one["id"] for one in await customer.every("enrollment", "/people")}
    body = people.charter(0, continuous=False)
    programme = str((await customer.do("programme", "enrollment", "/programmes", body, key="programme"))["id"])
    owes = [Owed("programme_published", programme)]
    await customer.do("publish", "enrollment", f"/programmes/{programme}/publish", key="publish", owes=owes)
    members: list[str] = []

    async def join(one: people.Person) -> None:
        about = {"programme_id": programme, "person_ref": refs[one.staff_number]}
        made = await customer.do(
            "volunteer",
            "enrollment",
            "/volunteers",
            people.offer(one, 0) | about,
            key=f"volunteer-{one.number}",
            person=refs[one.staff_number],
            owes=lambda made: [Owed("volunteered", made["id"])],
        )
        members.append(str(made["id"]))

    await each(everybody, join, at_once=8)
    return programme, members


@dataclass(kw_only=True)
class Pressure:
    """A steady rate of commands, whatever comes back, with the back-end away in the middle."""

    outage: Outage
    customer: Customer
    members: list[str]
    stack: Stack
    answers: Answers
    watch: Watch
    backlog: int = 0
    """How many documents had something to send when the back-end returned."""

    async def apply(self) -> int:
        """Until every command is over. Return how many documents had something to send when the back-end returned."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            taken_away = group.create_task(self._take_away())
            for number in count():
                await asyncio.sleep(max(0, began + number / self.outage.rate - time.monotonic()))
                if taken_away.done():
                    break
                group.create_task(self._change(number))
        return self.backlog

    async def _take_away(self) -> None:
        component = self.outage.component
        await asyncio.sleep(CALM_SECONDS)
        self.watch.say(f"{component} is gone")
        self.answers.phase = Phase.DURING
        await asyncio.to_thread(self.stack.kill, component)
        await asyncio.sleep(self.outage.seconds)
        if component == "kafka":
            async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as http:
                status = await http.get(f"{self.stack.urls['enrollment']}/status")
            self.backlog = int(status.json()["outbox_pending"])
        self.watch.say(f"{component} comes back")
        await asyncio.to_thread(self.stack.start, component)
        self.answers.phase = Phase.AFTER
        await asyncio.sleep(CALM_SECONDS)

    async def _change(self, number: int) -> None:
        volunteer = self.members[number % len(self.members)]
        body = {"interests": [f"interest_{number}"]}  # always another one: each change has its event
        with suppress(Refused, NoAnswer):  # the ledger has it
            await self.customer.do(
                "change",
                "enrollment",
                f"/volunteers/{volunteer}",
                body,
                key=f"change-{number}",
                method="PATCH",
                owes=[Owed("volunteer_updated", volunteer)],
            )
