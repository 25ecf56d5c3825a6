"""One run: both sides in turn, each measurement in processes of their own, on back-ends that nobody else uses."""

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from matching_bench.machine import machine
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import TopicNames, create_topics
from shared.contracts import Paired, SessionScheduled

from .jobs import EVENTS_PER_AGGREGATE, PARTITIONS, Job, Result, Scenario, Side
from .ours import SERVICE
from .story import in_order, paired
from .worker import READY, RESULT

WRITERS, READERS = 16, 4
QUIET_SECONDS = 3.0
"""Processes that share a topic do not know how many events are theirs: so much silence is the end."""
LATENCY_RATE = 50.0
LONGEST_SECONDS = 180.0
BATCH_SECONDS = 0.02
LONGEST_LINE = 2**26
OURS = str(Path(__file__).parents[1])
Row = dict[str, Any]


class Failed(Exception):
    """A measuring process ended without a result."""


@dataclass
class Run:
    """Measures on one Kafka and one MongoDB, and remembers."""

    kafka: str
    mongo: str
    events: int
    tell: Callable[[str], None] = lambda _: None
    rows: list[Row] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    machine: Row = field(default_factory=machine)
    """Looked at before anything was measured."""
    prefixes: list[str] = field(default_factory=list)
    """Of the topics and databases that were made."""

    async def throughput(self, rounds: int) -> None:
        """Every scenario on both sides in turn, as fast as possible; each round begins with the other side."""
        for number in range(rounds):
            for scenario in Scenario:
                for side in list(Side) if number % 2 == 0 else list(Side)[::-1]:
                    self.tell(f"{scenario}, {side}, round {number + 1}")
                    job = self._job(side, scenario)
                    (result,), _ = await self._measure([job])
                    self._note("throughput", job, result, round=number)

    async def profiles(self) -> None:
        """Once more with a profiler, which slows things down: only shares count."""
        for scenario in Scenario:
            self.tell(f"{scenario}, profile")
            job = self._job(Side.OURS, scenario, profile=True, events=self.events // 2)
            (result,), _ = await self._measure([job])
            self._note("profile", job, result, profile=result.profile)

    async def latency(self, seconds: float) -> None:
        """Commands at 50 a second, each with an event, and a plain reader that notes when it arrives."""
        self.tell(f"from write to topic at {LATENCY_RATE:g} a second")
        job = self._job(Side.OURS, Scenario.WRITE, events=int(LATENCY_RATE * seconds), rate=LATENCY_RATE)
        (result,), arrived = await self._measure([job])
        waited = {event: (began, written, arrived[event]) for event, (began, written) in result.written.items()}
        self._note(
            "latency",
            job,
            result,
            from_command_ms=sorted((there - began) * 1000 for began, _, there in waited.values()),
            from_write_ms=sorted((there - written) * 1000 for _, written, there in waited.values()),
            write_ms=sorted((written - began) * 1000 for began, written, _ in waited.values()),
        )

    async def replicas(self) -> None:
        """The same work for one process and for two that share the topic."""
        for number in (1, 2):
            self.tell(f"{Scenario.THROUGH}, {number} replica(s)")
            job = self._job(Side.OURS, Scenario.THROUGH, replicas=number, quiet=QUIET_SECONDS)
            busy = _Busy()
            results, _ = await self._measure([job] * number)
            whole = Result(
                events=sum(result.events for result in results),
                began=min(result.began for result in results),
                ended=max(result.ended for result in results),
                cpu=sum(result.cpu for result in results),
            )
            self._note("replicas", job, whole, machine_busy=busy.share(), each=[result.events for result in results])

    async def memory(self, minutes: float) -> None:
        """At half of what one process can do, for so long; resident memory once a second."""
        rate = 0.5 * max(
            row["rate"]
            for row in self.rows
            if (row["kind"], row["side"], row["scenario"]) == ("throughput", Side.OURS, Scenario.THROUGH)
        )
        self.tell(f"memory at {rate:,.0f} events a second for {minutes:g} min")
        job = self._job(Side.OURS, Scenario.THROUGH, events=int(rate * minutes * 60), memory=True)
        (result,), _ = await self._measure([job], rate=rate, seconds=LONGEST_SECONDS + minutes * 60)
        self._note("memory", job, result, resident_bytes=result.memory)

    def _job(self, side: Side, scenario: Scenario, *, events: int = 0, **more: Any) -> Job:
        aggregates = max(2, (events or self.events) // EVENTS_PER_AGGREGATE)
        return Job(
            side=side,
            scenario=scenario,
            events=aggregates * EVENTS_PER_AGGREGATE,
            concurrency=min(READERS if scenario.reads else WRITERS, aggregates // 2),
            prefix=f"bench-{uuid4().hex[:8]}.",
            kafka=self.kafka,
            mongo=self.mongo,
            **more,
        )

    async def _measure(
        self, jobs: Sequence[Job], *, rate: float = 0.0, seconds: float = LONGEST_SECONDS
    ) -> tuple[list[Result], dict[str, float]]:
        """The result of every process, and when each event that came out of them was seen on its topic."""
        job = jobs[0]
        names = TopicNames(job.prefix, {})
        self.prefixes.append(job.prefix)
        await self._create(names)
        async with asyncio.timeout(seconds), _listening(self.kafka, names.event(SessionScheduled)) as arrived:
            async with _processes(jobs) as processes:
                await asyncio.gather(*(process.ready() for process in processes))
                for process in processes:
                    process.go()
                if job.scenario.reads:
                    await self._produce(job, names.event(Paired), rate)
                results = list(await asyncio.gather(*(process.result() for process in processes)))
            await self._check(job, results, arrived)
            return results, arrived

    async def _create(self, names: TopicNames) -> None:
        wanted = [names.event(Paired), names.event(SessionScheduled), names.dead_letter(SERVICE), names.retry(SERVICE)]
        settings = ServiceSettings(service_name="bench", kafka_bootstrap=self.kafka)
        await create_topics(settings, wanted, partitions=PARTITIONS, replication=1)

    async def _produce(self, job: Job, topic: str, rate: float) -> None:
        """All at once, or ``rate`` a second, in batches."""
        loop = asyncio.get_running_loop()
        async with AIOKafkaProducer(bootstrap_servers=self.kafka, acks="all", linger_ms=5) as producer:
            start = loop.time()
            for step, number in enumerate(in_order(job.events)):
                key, value, headers = paired(number)
                await producer.send(topic, value=value, key=key.encode(), headers=headers)
                if rate and (ahead := start + step / rate - loop.time()) > BATCH_SECONDS:
                    await asyncio.sleep(ahead)
            await producer.flush()

    async def _check(self, job: Job, results: Sequence[Result], arrived: dict[str, float]) -> None:
        """Every event had its effect, and came out once or more."""
        handled = sum(result.events for result in results)
        if handled != job.events:
            self.failures.append(f"{job.scenario}, {job.side}: {handled:,} of {job.events:,} events handled")
        if job.scenario.sends and job.side is Side.OURS:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(10):
                    while len(arrived) < job.events:  # noqa: ASYNC110 the reader is a task of its own
                        await asyncio.sleep(0.05)
            if len(arrived) != job.events:
                self.failures.append(f"{job.scenario}: {len(arrived):,} of {job.events:,} events on the topic")

    def _note(self, kind: str, job: Job, result: Result, **more: Any) -> None:
        each = 1000 / max(result.events, 1)
        row: Row = {
            "kind": kind,
            "side": job.side,
            "scenario": job.scenario,
            "events": result.events,
            "seconds": round(result.seconds, 3),
            "rate": round(result.events / result.seconds, 1) if result.seconds > 0 else 0.0,
            "cpu_ms": round(result.cpu * each, 3),
            "loop_cpu_ms": round(result.loop_cpu * each, 3),
            "concurrency": job.concurrency,
            "replicas": job.replicas,
        }
        self.rows.append(row | more)


class _Process:
    """A measuring process, from its start to its result."""

    def __init__(self, inner: asyncio.subprocess.Process) -> None:
        self._inner = inner

    async def ready(self) -> None:
        await self._line(READY)

    def go(self) -> None:
        assert self._inner.stdin is not None
        self._inner.stdin.write(b"go\n")

    async def result(self) -> Result:
        return Result(**json.loads((await self._line(RESULT)).removeprefix(RESULT)))

    async def _line(self, beginning: str) -> str:
        """What else it says is a complaint, worth telling if nothing better comes."""
        assert self._inner.stdout is not None
        said: list[str] = []
        while line := (await self._inner.stdout.readline()).decode(errors="replace"):
            if line.startswith(beginning):
                return line
            said = [*said, line.rstrip()][-5:]
        raise Failed("\n".join(said) or f"it ended with {await self._inner.wait()}")


@asynccontextmanager
async def _processes(jobs: Sequence[Job]) -> AsyncIterator[list[_Process]]:
    started: list[asyncio.subprocess.Process] = []
    try:
        for job in jobs:
            command = [sys.executable, "-m", f"{__package__}.worker", json.dumps(job.as_dict())]
            pipe = asyncio.subprocess.PIPE
            process = await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, limit=LONGEST_LINE, env=os.environ | {"PYTHONPATH": OURS}
            )
            started.append(process)
        yield [_Process(inner) for inner in started]
        await asyncio.gather(*(inner.wait() for inner in started))
    finally:
        for inner in started:
            if inner.returncode is None:
                inner.kill()
                await inner.wait()


@asynccontextmanager
async def _listening(kafka: str, topic: str) -> AsyncIterator[dict[str, float]]:
    """When each event, by its id, was first seen on the topic."""
    arrived: dict[str, float] = {}

    async def listen(consumer: AIOKafkaConsumer) -> None:
        async for record in consumer:
            arrived.setdefault(dict(record.headers)["ce_id"].decode(), time.time())

    async with AIOKafkaConsumer(topic, bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        listening = asyncio.create_task(listen(consumer))
        try:
            yield arrived
        finally:
            listening.cancel()


class _Busy:
    """How much of the machine's processors was used, back-ends and all, since this was made."""

    def __init__(self) -> None:
        psutil.cpu_percent()

    def share(self) -> float:
        return round(psutil.cpu_percent() / 100, 2)
