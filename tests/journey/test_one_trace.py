"""One trace leads from a request to one service to what another three make of it."""

import secrets
from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import httpx2
import pytest
from demo.platform import Platform, connected
from local_stack import Stack, start_stack
from shared.testing.waiting import eventually

from .collector import Collector, Seen, collecting
from .world import CHARTER, HR_EXPORT, an_offer

SESSIONS = 2
"""In the plan of the charter."""

pytestmark = [pytest.mark.journey, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Stack]:
    environment = {
        "TELEMACHUS_MONGO_DATABASE_PREFIX": f"traces_{uuid4().hex[:8]}_",
        "TELEMACHUS_TRACES": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "NO_PROXY": "127.0.0.1",
    }
    data = tmp_path_factory.mktemp("traced")
    with start_stack(data=data, topic_prefix=f"traces-{uuid4().hex[:8]}.", environment=environment) as running:
        yield running


@pytest.fixture(scope="module")
async def platform(traced: Stack) -> AsyncIterator[Platform]:
    async with connected(traced.urls) as asked:
        yield asked


async def test_a_newcomers_request_is_one_trace_through_all_four_services(
    platform: Platform, traced: Stack, collector: Collector
) -> None:
    people = await two_people(platform)
    programme = await a_continuous_programme(platform)
    await ready(platform, programme, people["J1"], "J1")
    mentee = await volunteered(platform, programme, people["E1"], "E1")

    trace = secrets.token_hex(16)
    async with httpx2.AsyncClient(trust_env=False) as client:
        answer = await client.post(
            f"{traced.urls['enrollment']}/v1/volunteers/{mentee}/training",
            json={"module": "core"},
            headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"},
        )
    assert answer.is_success, answer.text

    def last_effects() -> int:
        return sum(span.name == "process session_scheduled" for span in collector.trace(trace))

    await eventually(last_effects, equals=SESSIONS, timeout=60)
    await eventually(lambda: bool(chains(collector.trace(trace))), timeout=10)
    spans = collector.trace(trace)
    assert {span.service for span in spans} == {"enrollment", "matching", "scheduling", "feedback"}
    (root,) = (span for span in spans if span.parent == "b7ad6b7169203331")
    assert (root.service, root.name) == ("enrollment", "POST /v1/volunteers/{volunteer_id}/training")
    for chain in chains(spans):
        assert [span.service for span in chain if span.name.startswith("process")] == [
            "matching",
            "scheduling",
            "feedback",
        ]
        assert chain[0] == root


def chains(spans: list[Seen]) -> list[list[Seen]]:
    """From the root to each reading of a scheduled session; none while a link has not come yet."""
    by_id = {span.id: span for span in spans}
    found = []
    for last in (span for span in spans if span.name == "process session_scheduled"):
        chain = [last]
        while chain[0].parent in by_id:
            chain.insert(0, by_id[chain[0].parent])
        found.append(chain)
    return found if all(chain[0].name.startswith("POST") for chain in found) else []


async def two_people(platform: Platform) -> dict[str, str]:
    await platform.post("enrollment", "/people/imports", HR_EXPORT.encode(), key="import", on_error="skip")
    return {one["staff_number"]: one["id"] for one in await platform.every("enrollment", "/people")}


async def a_continuous_programme(platform: Platform) -> str:
    charter = CHARTER | {"policy": {"mode": "continuous"}}
    made = await platform.post("enrollment", "/programmes", charter, key="programme")
    await platform.post("enrollment", f"/programmes/{made['id']}/publish", key="publish")
    return str(made["id"])


async def volunteered(platform: Platform, programme: str, person_ref: str, name: str) -> str:
    body = an_offer(name) | {"programme_id": programme, "person_ref": person_ref}
    made = await platform.acting_as(person_ref).post("enrollment", "/volunteers", body, key=f"volunteer-{name}")
    return str(made["id"])


async def ready(platform: Platform, programme: str, person_ref: str, name: str) -> None:
    """Volunteered and trained, and known to matching, which will look no further for a partner."""
    volunteer = await volunteered(platform, programme, person_ref, name)
    await platform.post("enrollment", f"/volunteers/{volunteer}/training", {"module": "core"}, key=f"training-{name}")

    async def known() -> bool:
        found = await platform.every("matching", f"/programmes/{programme}/candidates")
        return [one["id"] for one in found if one["ready"]] == [volunteer]

    await eventually(known, timeout=60)
