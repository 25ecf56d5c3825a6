"""Imports as large as they may get, and one whose process is killed."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from enrollment.settings import Settings
from shared.chassis.mongo import Mongo
from shared.testing.waiting import eventually

from .conftest import Service

pytestmark = pytest.mark.integration

HEADER = "staff_number;first_name;last_name;email;manager_staff_number\n"


def many_rows(count: int) -> bytes:
    return (HEADER + "".join(f"{n};Zoé;Martin;;{n // 10 or ''}\n" for n in range(1, count + 1))).encode()


def _resident_megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.timeout(300)
async def test_100_000_rows_are_imported_while_the_service_keeps_answering(service: Service) -> None:
    data = many_rows(100_000)
    before = highest = _resident_megabytes()
    answered, slowest = 0, 0.0
    importing = asyncio.create_task(service.import_people(data))
    while not importing.done():
        asked = time.monotonic()
        await service.get("/skills", limit=1)
        slowest = max(slowest, time.monotonic() - asked)
        answered += 1
        highest = max(highest, _resident_megabytes())
        await asyncio.sleep(0.05)
    report = await importing
    assert (report["rows"], report["created"], report["refused"]) == (100_000, 100_000, 0)
    assert highest - before < 250, f"{highest - before:.0f} MB more than before"
    assert answered > 10
    assert slowest < 5


@asynccontextmanager
async def a_process(settings: Settings) -> AsyncIterator[tuple[subprocess.Popen[bytes], httpx2.AsyncClient]]:
    """The service as operators run it, in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "TELEMACHUS_PORT": str(port),
        "TELEMACHUS_MONGO_URI": settings.mongo_uri.get_secret_value(),
        "TELEMACHUS_MONGO_DATABASE_PREFIX": settings.mongo_database_prefix,
        "TELEMACHUS_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "TELEMACHUS_TOPIC_PREFIX": settings.topic_prefix,
        "TELEMACHUS_LOG_LEVEL": "ERROR",
    }
    process = subprocess.Popen([sys.executable, "-m", "enrollment"], env=environment)  # noqa: ASYNC220 - returns at once
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:

            async def ready() -> bool:
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx2.TransportError:
                    return False

            await eventually(ready, timeout=60)
            yield process, http
    finally:
        process.kill()
        process.wait()


@pytest.mark.timeout(240)
async def test_an_import_whose_process_is_killed_is_finished_by_the_repeated_request(settings: Settings) -> None:
    data, rows = many_rows(10_000), 10_000
    tenant = f"killed-{time.time_ns()}"
    headers = {"Content-Type": "text/csv", "Idempotency-Key": "k", "X-Telemachus-Tenant": tenant}
    mongo = Mongo(
        settings.mongo_uri.get_secret_value(), settings.mongo_database, timeout_ms=10_000, selection_timeout_ms=5000
    )
    people, reports = mongo.collection("people"), mongo.collection("people_imports")

    async def stored() -> int:
        return await people.count({"tenant": tenant})

    async with a_process(settings) as (process, http):
        importing = asyncio.create_task(http.post("/v1/people/imports", content=data, headers=headers))
        await eventually(stored, timeout=60)
        process.send_signal(signal.SIGKILL)
        with pytest.raises(httpx2.TransportError):
            await importing
    half = await stored()
    assert 0 < half < rows
    (report,) = [one async for one in reports.find({"tenant": tenant})]
    assert (report["state"], report["created"]) == ("applying", rows)
    async with a_process(settings) as (_, http):

        async def answered() -> int:
            return (await http.post("/v1/people/imports", content=data, headers=headers)).status_code

        await eventually(answered, equals=201, timeout=90)
    assert await stored() == rows
    (report,) = [one async for one in reports.find({"tenant": tenant})]
    assert report["state"] == "done"
    assert await mongo.collection("people_import_turns").count({"_id": tenant}) == 0
    assert await mongo.collection("people_import_parts").count({"tenant": tenant}) == 0
    mongo.close()
