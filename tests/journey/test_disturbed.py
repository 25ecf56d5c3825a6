"""The same journey while its parts are killed and restarted, or every event comes twice: it ends the same."""

import asyncio
import time
from http import HTTPStatus

import httpx2
import pytest
from demo.platform import Platform
from local_stack import Stack

from .conftest import NewJourney
from .echo import echoing
from .world import Ending, soon

pytestmark = pytest.mark.journey

IN_THE_MIDDLE = {
    "enrollment": ("volunteered", 6),
    "matching": ("asked for a run", 1),
    "scheduling": ("approved", 1),
    "feedback": ("answered", 4),
}
"""When each service has the most to do."""


@pytest.mark.parametrize("service", IN_THE_MIDDLE)
async def test_a_service_killed_in_the_middle_and_restarted_changes_nothing(
    service: str, stack: Stack, new_journey: NewJourney, undisturbed: Ending
) -> None:
    repairs: list[asyncio.Task[None]] = []

    def kill_and_restart() -> None:
        stack.kill(service)
        stack.start(service)

    async def disturb(deed: str, times: int) -> None:
        if (deed, times) == IN_THE_MIDDLE[service]:
            repairs.append(asyncio.create_task(soon(kill_and_restart)))

    ending = await new_journey(disturb).play()
    await asyncio.gather(*repairs)
    assert len(repairs) == 1
    assert ending == undisturbed


async def test_services_told_to_stop_at_work_finish_what_they_have_begun_and_nothing_changes(
    stack: Stack, new_journey: NewJourney, undisturbed: Ending
) -> None:
    repairs: list[asyncio.Task[None]] = []
    seconds: dict[str, float] = {}

    def stop_and_start(service: str) -> None:
        began = time.monotonic()
        stack.end(service)
        seconds[service] = time.monotonic() - began
        stack.start(service)

    async def disturb(deed: str, times: int) -> None:
        for service, moment in IN_THE_MIDDLE.items():
            if (deed, times) == moment:
                repairs.append(asyncio.create_task(soon(lambda service=service: stop_and_start(service))))

    ending = await new_journey(disturb).play()
    await asyncio.gather(*repairs)
    assert ending == undisturbed
    assert seconds.keys() == IN_THE_MIDDLE.keys()
    assert max(seconds.values()) < 30


async def test_without_kafka_the_apis_answer_and_the_events_leave_when_it_is_back(
    stack: Stack, new_journey: NewJourney, platform: Platform, undisturbed: Ending
) -> None:
    require_own(stack, "kafka")
    waiting: list[int] = []

    async def disturb(deed: str, times: int) -> None:
        if (deed, times) == ("volunteered", 3):
            await soon(lambda: stack.kill("kafka"))
        if (deed, times) == ("volunteered", 12):  # nine more people have volunteered without it
            waiting.append(await platform.outbox_pending())
            await soon(lambda: stack.start("kafka"))

    ending = await new_journey(disturb).play()
    assert waiting[0] >= 9
    assert ending == undisturbed


async def test_without_mongodb_clients_are_told_to_come_back_and_nothing_is_lost(
    stack: Stack, new_journey: NewJourney, undisturbed: Ending
) -> None:
    require_own(stack, "mongodb")
    answers: list[httpx2.Response] = []

    async def disturb(deed: str, times: int) -> None:
        if (deed, times) == ("approved", 1):  # hundreds of writes are under way in all services
            await soon(lambda: stack.kill("mongodb"))
            async with httpx2.AsyncClient(timeout=30) as http:
                answers.append(await http.post(f"{stack.urls['enrollment']}/v1/programmes", json=A_PROGRAMME))
            await soon(lambda: stack.start("mongodb"))

    ending = await new_journey(disturb).play()
    (answer,) = answers
    assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) > 0
    assert ending == undisturbed


async def test_every_event_delivered_twice_has_no_second_effect(
    stack: Stack, new_journey: NewJourney, undisturbed: Ending
) -> None:
    journey = new_journey()
    async with echoing(stack.kafka_bootstrap, journey.tenant) as echoed:
        ending = await journey.play()
    assert ending == undisturbed
    assert len(echoed) == sum(undisturbed.events.values())


A_PROGRAMME = {"title": "Not now", "starts_on": "2026-01-12"}


def require_own(stack: Stack, component: str) -> None:
    """A back-end at an address from outside is not ours to kill, and one in memory only forgets everything."""
    if component not in stack.record.components:
        pytest.skip(f"{component} runs elsewhere, at an address from the environment: it cannot be killed from here")
    if "in memory" in (stack.broker if component == "kafka" else stack.database):
        pytest.skip(f"{stack.broker} forgets everything when it stops")
