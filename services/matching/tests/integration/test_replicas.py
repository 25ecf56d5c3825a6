"""Two replicas as processes of their own, on real Kafka and MongoDB: they share the runs, and one of them is killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from matching.domain.candidate import Candidate
from matching.settings import Settings
from matching_builders import a_crowd, a_programme_published
from matching_running import Eventually, Running, volunteered
from pymongo import AsyncMongoClient
from shared.contracts import Paired

pytestmark = pytest.mark.integration

Document = dict[str, Any]
Documents = Callable[[], Awaitable[list[Document]]]
PROGRAMMES = [f"prog_{number}" for number in range(10)]
MENTORS, MENTEES = 60, 50
LONGER_THAN_A_WRITE = 0.3


@contextmanager
def a_replica(settings: Settings) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A process that serves matching, and its address. It computes what it is asked for, and nothing by itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "TELEMACHUS_MONGO_URI": settings.mongo_uri.get_secret_value(),
        "TELEMACHUS_MONGO_DATABASE_PREFIX": settings.mongo_database_prefix,
        "TELEMACHUS_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "TELEMACHUS_TOPIC_PREFIX": settings.topic_prefix,
        "TELEMACHUS_ENGINE_WORKERS": "1",
        "TELEMACHUS_RENEW_AFTER_SECONDS": "0",
        "TELEMACHUS_LOG_LEVEL": "ERROR",
        "TELEMACHUS_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "matching"], env=environment)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def asked_at(address: str, settings: Settings) -> AsyncIterator[Running]:
    producer = AIOKafkaProducer(bootstrap_servers=settings.kafka_bootstrap, acks="all")
    await producer.start()
    try:
        async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
            yield Running(client, settings, producer)
    finally:
        await producer.stop()


@asynccontextmanager
async def stored(settings: Settings) -> AsyncIterator[tuple[Documents, Documents]]:
    """What lies in MongoDB: the runs, and the proposed pairs of all attempts."""
    async with AsyncMongoClient[Document](settings.mongo_uri.get_secret_value()) as mongo:
        database = mongo[f"{settings.mongo_database_prefix}matching"]

        async def runs() -> list[Document]:
            return await database["match_runs"].find().to_list()

        async def pairs() -> list[Document]:
            return await database["proposed_pairs"].find().to_list()

        yield runs, pairs


def people_of(programme: str, seed: int) -> list[Candidate]:
    sides = a_crowd(MENTORS, MENTEES, seed)
    return [
        replace(person, id=f"{programme}_{person.id}", programme_id=programme, person_ref=f"{programme}_{person.id}")
        for side in sides
        for person in side
    ]


async def killed_in_the_middle(process: subprocess.Popen[bytes], runs: Documents) -> None:
    """Kill the process while it holds a run, once one run has come to its end and both replicas hold another."""
    holder: dict[str, str] = {}
    while True:
        found = await runs()
        assert any(run["status"] != "proposed" for run in found), "all runs ended before both held one"
        held = {run["_id"]: run["owner"] for run in found if run["status"] == "running"}
        holder |= held
        ended_by = {holder.get(run["_id"]) for run in found if run["status"] == "proposed"} - {None}
        if ended_by and len(set(held.values())) == 2:
            process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(LONGER_THAN_A_WRITE)
            if len({run["owner"] for run in await runs() if run["status"] == "running"}) == 2:
                process.kill()
                process.wait()
                return
            process.send_signal(signal.SIGCONT)
        await asyncio.sleep(0.01)


@pytest.mark.timeout(240)  # two replicas start, and a lease runs out
async def test_two_replicas_share_ten_runs_and_one_is_killed_and_each_run_is_published_exactly_once(
    settings: Settings, eventually: Eventually
) -> None:
    with a_replica(settings) as (doomed, _), a_replica(settings) as (_, address):
        async with asked_at(address, settings) as survivor, stored(settings) as (runs, pairs):

            async def is_ready() -> bool:
                try:
                    return (await survivor.client.get("/readyz")).status_code == 200
                except httpx2.TransportError:
                    return False

            await eventually(is_ready, timeout=60)
            await survivor.happens(*(a_programme_published(programme_id=programme) for programme in PROGRAMMES))
            for seed, programme in enumerate(PROGRAMMES):
                await survivor.happens(*map(volunteered, people_of(programme, seed)))

            async def known() -> set[int]:
                pools = [await survivor.client.get(f"/v1/programmes/{programme}/pool") for programme in PROGRAMMES]
                return {pool.json()["known"] if pool.status_code == 200 else 0 for pool in pools}

            await eventually(known, equals={MENTORS + MENTEES}, timeout=60)
            asked = [await survivor.post(f"/programmes/{programme}/runs") for programme in PROGRAMMES]
            await killed_in_the_middle(doomed, runs)
            ended_before = {run["_id"]: run for run in await runs() if run["status"] == "proposed"}
            assert 0 < len(ended_before) < len(asked)

            async def statuses() -> Counter[str]:
                return Counter(run["status"] for run in await runs())

            await eventually(statuses, equals=Counter(proposed=len(asked)), timeout=60)
            ended = {run["_id"]: run for run in await runs()}
            assert set(ended) == {run["id"] for run in asked}
            assert {id_: ended[id_] for id_ in ended_before} == ended_before  # nobody computed them again
            attempts = Counter(run["attempt"] for run in ended.values())
            assert attempts == Counter({1: len(asked) - 1, 2: 1})  # only what the dead replica held

            by_result: dict[str, list[Document]] = defaultdict(list)
            for pair in await pairs():
                by_result[pair["result"]].append(pair)
            proposed = {run["id"]: await survivor.every(f"/runs/{run['id']}/pairs") for run in asked}
            for id_, run in ended.items():
                assert run["figures"]["pairs"] == len(by_result[f"{id_}.{run['attempt']}"]) > 10

            approved = await asyncio.gather(*(survivor.post(f"/runs/{run['id']}/approve") for run in asked))
            again = await asyncio.gather(*(survivor.post(f"/runs/{run['id']}/approve") for run in asked))
            assert again == approved
            for run, answer in zip(asked, approved, strict=True):
                assert answer["conflicts"] == []
                assert len(answer["pairings"]) == len(proposed[run["id"]])

            async def outbox() -> int:
                return int((await survivor.client.get("/status")).json()["outbox_pending"])

            await eventually(outbox, equals=0, timeout=30)
            told = Counter(event.pairing_id for event in await survivor.told(Paired))
            assert told == Counter(pairing for answer in approved for pairing in answer["pairings"])
            assert set(told.values()) == {1}
