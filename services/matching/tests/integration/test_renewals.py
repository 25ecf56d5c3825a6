"""Proposals renewed by themselves, on real Kafka and MongoDB, by processes that are killed between mark and renewal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx2
import pytest
from matching.domain.candidate import Candidate
from matching.settings import Settings
from matching_builders import a_crowd, a_programme_published
from matching_running import Eventually, Running, a_process_of_its_own, a_proposed_run, knows, volunteered
from pymongo import AsyncMongoClient

pytestmark = pytest.mark.integration

Document = dict[str, Any]
PROPOSAL = "/programmes/prog_1/proposal"
WAIT_SECONDS = 4


@asynccontextmanager
async def a_replica(
    settings: Settings, eventually: Eventually
) -> AsyncIterator[tuple[Running, asyncio.subprocess.Process]]:
    """A process that serves matching and is ready."""
    replica = a_process_of_its_own(
        settings, ENGINE_WORKERS="1", RENEW_AFTER_SECONDS=str(WAIT_SECONDS), RECERTIFY_HOUR="-1"
    )
    async with replica as (running, process):

        async def is_ready() -> bool:
            try:
                return (await running.client.get("/readyz")).status_code == 200
            except httpx2.TransportError:
                return False

        await eventually(is_ready, timeout=60)
        yield running, process


async def killed(process: asyncio.subprocess.Process) -> None:
    process.kill()
    await process.wait()


@asynccontextmanager
async def stored(settings: Settings) -> AsyncIterator[Callable[[str], Awaitable[list[Document]]]]:
    async with AsyncMongoClient[Document](settings.mongo_uri.get_secret_value()) as mongo:
        database = mongo[f"{settings.mongo_database_prefix}matching"]

        async def documents(collection: str) -> list[Document]:
            return await database[collection].find().to_list()

        yield documents


def split(people: tuple[Candidate, ...]) -> tuple[tuple[Candidate, ...], Candidate]:
    """All but somebody who is ready to be paired; and that one."""
    late = next(person for person in reversed(people) if person.ready)
    return tuple(person for person in people if person is not late), late


@pytest.mark.timeout(240)  # three replicas start, one after the other
async def test_a_proposal_is_renewed_once_although_replicas_are_killed_between_mark_and_renewal(
    settings: Settings, eventually: Eventually
) -> None:
    mentors, mentees = a_crowd(30, 40)
    mentors, first_late = split(mentors)
    mentors, second_late = split(mentors)
    async with stored(settings) as documents, AsyncExitStack() as alive:
        one, first_process = await alive.enter_async_context(a_replica(settings, eventually))
        other, second_process = await alive.enter_async_context(a_replica(settings, eventually))
        await one.happens(a_programme_published(), *map(volunteered, (*mentors, *mentees)))
        await knows(one, eventually, 68)

        async def no_mark_waits() -> bool:
            return all(renewal["due"] is None and renewal["asked"] is None for renewal in await documents("renewals"))

        async def is_marked() -> bool:
            return any(renewal["due"] is not None for renewal in await documents("renewals"))

        async def renewing() -> dict[str, Document]:
            """A killed reader's last records come again and may mark the pool anew: such a run changes nothing."""
            return {run["_id"]: run for run in await documents("match_runs") if run["status"] != "unchanged"}

        await eventually(no_mark_waits, timeout=30)
        first = await a_proposed_run(one, eventually)
        found = await one.get(PROPOSAL)
        assert (found["id"], found["current"]) == (first, True)

        await other.happens(volunteered(first_late))
        await eventually(is_marked, timeout=30)
        await killed(first_process)  # the other is left
        second = await renewed(other, eventually, instead_of=first)

        await other.happens(volunteered(second_late))
        await eventually(is_marked, timeout=30)
        await killed(second_process)  # nobody is left
        assert len(await renewing()) == 2
        last, _ = await alive.enter_async_context(a_replica(settings, eventually))
        third = await renewed(last, eventually, instead_of=second)

        runs = await renewing()
        assert {id_: (run["status"], run["renews"], run["renewed_by"]) for id_, run in runs.items()} == {
            first: ("superseded", None, second),
            second: ("superseded", first, third),
            third: ("proposed", second, None),
        }
        assert [runs[id_]["figures"]["mentors"] for id_ in (first, second, third)] == sorted(
            {runs[id_]["figures"]["mentors"] for id_ in runs}
        )
        refused = await last.client.post(f"/v1/runs/{second}/approve")
        assert (refused.status_code, refused.json()["run_id"]) == (409, third)
        approved = await last.post(f"/runs/{third}/approve")
        assert len(approved["pairings"]) == runs[third]["figures"]["pairs"]
        assert approved["conflicts"] == []


async def renewed(service: Running, eventually: Eventually, *, instead_of: str) -> str:
    """The id of the current proposal that stands in place of this one."""
    found: Document = {}

    async def is_renewed() -> bool:
        found.update(await service.get(PROPOSAL))
        return found["id"] != instead_of and found["current"] is True

    await eventually(is_renewed, timeout=60)
    assert found["renews"] == instead_of
    return str(found["id"])
