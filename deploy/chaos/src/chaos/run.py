"""One run: a stack of its own, a driver, a nemesis, silence, a verdict."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from local_stack import Stack, start_stack
from rich.console import Console

from .checker.evidence import Rest
from .checker.reading import Place, gather, rest
from .checker.verdict import Verdict, judge
from .customer import ANSWER_SECONDS, Customer
from .driver import Driver, Notes, steps_of
from .ledger import Ledger
from .lines import Line
from .nemesis import Blow, Nemesis
from .schedule import LINES, SERVICES, Kind, Orders, draw

TOPICS = "chaos."
DATABASES = "chaos_"
TENANT = "chaos"
AT_ONCE = 16
"""Requests under way at the same time."""
QUIET_WITHIN = 180.0
"""Seconds after which a platform that still has something on its way is judged as it is."""
LOOK_AGAIN = 1.0


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the person at the keyboard asked for."""

    volunteers: int
    orders: Orders
    data: Path
    """The folder of this run's own stack; emptied before."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a run."""

    wishes: Wishes
    verdict: Verdict
    blows: list[Blow]
    counts: Counter[Kind]
    notes: Notes
    kinds: Counter[str]
    """Acknowledged commands by what they asked for."""
    refusals: Counter[str]
    seconds_driven: float
    seconds_to_quiet: float
    """From the last answer and the last repair until nothing was on its way."""
    broker: str
    database: str


@dataclass
class Watch:
    """Whoever looks on; a quiet one by default."""

    console: Console = field(default_factory=lambda: Console(quiet=True))
    steps: Callable[[int], object] = lambda _: None
    say: Callable[[str], object] = lambda _: None


async def run(wishes: Wishes, watch: Watch) -> Outcome:
    """Play one run from an empty stack to the verdict. Raises: StackError; Refused, NoAnswer at the very beginning."""
    lines = {name: Line(name, seed=wishes.orders.seed) for name in LINES}
    async with standing_stack(wishes.data, lines, watch) as (stack, environment):
        ledger_path = wishes.data / "commands.jsonl"
        nemesis = Nemesis(
            stack,
            lines,
            draw(wishes.orders),
            steps=steps_of(wishes.volunteers),
            replicas=wishes.orders.replicas,
            environment=environment,
            tell=watch.say,
            advanced=watch.steps,
        )
        began = time.monotonic()
        with Ledger(ledger_path) as ledger:
            notes = await _under_fire(wishes, nemesis, ledger)
        driven = time.monotonic()
        watch.say("waiting until nothing is on its way")
        place = place_of(stack, ledger_path)
        quiet_after = await silence(place)
        watch.say("comparing what was acknowledged with what there is")
        verdict = judge(await gather(place, notes.programmes))
        return Outcome(
            wishes=wishes,
            verdict=verdict,
            blows=nemesis.blows,
            counts=nemesis.counts,
            notes=notes,
            kinds=ledger.kinds,
            refusals=ledger.refusals,
            seconds_driven=round(driven - began, 1),
            seconds_to_quiet=round(quiet_after, 1),
            broker=stack.broker,
            database=stack.database,
        )


@asynccontextmanager
async def standing_stack(
    data: Path, lines: dict[str, Line], watch: Watch
) -> AsyncIterator[tuple[Stack, dict[str, str]]]:
    """Back-ends, lines to them, and services that know the lines only."""
    for line in lines.values():
        await line.open()
    stack: Stack | None = None
    try:
        stack = await asyncio.to_thread(
            start_stack,
            data=data,
            services=(),
            fresh=True,
            topic_prefix=TOPICS,
            kafka_line=lines["kafka"].address,
            console=watch.console,
        )
        lines["kafka"].target = stack.kafka_line
        lines["mongodb"].target = stack.component("mongodb").address
        environment = {
            "TELEMACHUS_KAFKA_BOOTSTRAP": lines["kafka"].address,
            "TELEMACHUS_MONGO_URI": f"mongodb://{lines['mongodb'].address}/?directConnection=true",
            "TELEMACHUS_MONGO_DATABASE_PREFIX": DATABASES,
            "TELEMACHUS_ENGINE_WORKERS": "1",
        }
        watch.say("starting the services")
        await asyncio.to_thread(stack.add_services, SERVICES, environment)
        yield stack, environment
    finally:
        if stack is not None:  # in a thread: what stops still needs the lines, and this loop carries them
            await asyncio.to_thread(stack.stop)
        for line in lines.values():
            await line.close()


async def _under_fire(wishes: Wishes, nemesis: Nemesis, ledger: Ledger) -> Notes:
    """Driver and nemesis together, until the driver is done and everything is repaired."""
    limits = httpx2.Limits(max_connections=4 * AT_ONCE, max_keepalive_connections=AT_ONCE)
    async with httpx2.AsyncClient(timeout=ANSWER_SECONDS, limits=limits, trust_env=False) as http:
        customer = Customer(http, nemesis.replicas.urls, ledger, tenant=TENANT, at_once=AT_ONCE)
        driver = Driver(customer, nemesis, volunteers=wishes.volunteers, seed=wishes.orders.seed)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(nemesis.rage())
                both.create_task(driver.play())
        except ExceptionGroup as failures:
            raise _first(failures) from failures
        return driver.notes


def _first(failures: ExceptionGroup[Exception]) -> Exception:
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


def place_of(stack: Stack, ledger: Path) -> Place:
    """Where the checker finds everything, past the lines."""
    return Place(
        bootstrap=stack.kafka_bootstrap,
        mongo_uri=stack.mongo_uri,
        topics=TOPICS,
        databases=DATABASES,
        matching=stack.urls["matching"],
        tenant=TENANT,
        ledger=ledger,
    )


async def silence(place: Place) -> float:
    """Wait until nothing is on its way, twice in a row; return the seconds until then."""
    began = time.monotonic()
    before: Rest | None = None
    quiet_since = began
    while time.monotonic() - began < QUIET_WITHIN:
        now = await rest(place)
        if now.is_quiet and before is not None and before.is_quiet and before.records == now.records:
            return quiet_since - began
        if before is None or before.records != now.records or not now.is_quiet:
            quiet_since = time.monotonic()
        before = now
        await asyncio.sleep(LOOK_AGAIN)
    return time.monotonic() - began
