"""A programme that pairs at once, in the four real services: how long a newcomer waits to be paired.

A thousand people: all mentors and enough mentees volunteer beforehand. Then, one after the other at a steady pace, a
mentee's training is recorded over HTTP in enrollment, which makes them ready. The time ends when a plain reader sees
``paired`` with them on its topic. Scheduling plans their sessions and feedback prepares for the answers meanwhile.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from demo.platform import Platform, connected, each, until
from shared.chassis.topics import TopicNames
from shared.contracts import EVENTS, Paired

SKILLS = ("digcomp.1.1", "digcomp.2.1", "digcomp.3.1", "digcomp.4.1", "digcomp.5.1", "generative_ai", "inclusion")
CHARTER = {
    "title": "Paired at once",
    "starts_on": "2026-01-12",
    "plan": {"sessions": 6},
    "goals": [{"code": "digital_skills", "metric": "skill_gain", "target": 0.5}],
    "policy": {"mode": "continuous"},
}
HEADER = "staff_number,first_name,last_name,email,hire_date,birth_year,grade,unit,site,time_zone,languages"
WITHIN = 120.0


@dataclass
class Newcomers:
    """What was seen."""

    people: int
    measured: int
    per_second: float
    """Newcomers."""
    events_per_second: float = 0.0
    """On all topics of the platform, while they came."""
    waited_ms: list[float] = field(default_factory=list)
    answered_ms: list[float] = field(default_factory=list)
    """How long the commands' own answers took."""
    never: int = 0
    """Not paired within two minutes."""


async def newcomers(
    urls: Mapping[str, str], kafka: str, prefix: str, *, people: int, measured: int, per_second: float
) -> Newcomers:
    """Play it, and measure."""
    found = Newcomers(people, measured, per_second)
    async with connected(urls) as platform, _watching(kafka, prefix) as watched:
        mentees = await _prepared(platform, people, measured)
        before, began = await watched.ends(), time.monotonic()
        sent = await _come(platform, mentees, per_second, found)
        waiting = asyncio.get_running_loop().time() + WITHIN
        while not set(sent) <= set(watched.paired) and asyncio.get_running_loop().time() < waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # who watches is a task of its own
        found.events_per_second = round((await watched.ends() - before) / (time.monotonic() - began), 1)
        found.never = len(set(sent) - set(watched.paired))
        found.waited_ms = sorted((watched.paired[one] - at) * 1000 for one, at in sent.items() if one in watched.paired)
    return found


async def _come(platform: Platform, mentees: list[str], per_second: float, found: Newcomers) -> dict[str, float]:
    """When each newcomer's command was sent, by volunteer."""
    sent: dict[str, float] = {}
    loop = asyncio.get_running_loop()
    start = loop.time()

    async def train(volunteer: str) -> None:
        sent[volunteer] = time.time()
        path = f"/volunteers/{volunteer}/training"
        await platform.post("enrollment", path, {"module": "core"}, key=f"ready-{volunteer}")
        found.answered_ms.append((time.time() - sent[volunteer]) * 1000)

    async with asyncio.TaskGroup() as commands:
        for step, volunteer in enumerate(mentees):
            await asyncio.sleep(max(0.0, start + step / per_second - loop.time()))
            commands.create_task(train(volunteer))
    found.answered_ms.sort()
    return sent


async def _prepared(platform: Platform, people: int, measured: int) -> list[str]:
    """The volunteers who only lack their training; everybody else is ready, and known to matching."""
    rows = [_row(number, mentor=number >= measured) for number in range(people)]
    await platform.post("enrollment", "/people/imports", "\n".join([HEADER, *rows]).encode(), key="people")
    references = {one["staff_number"]: one["id"] for one in await platform.every("enrollment", "/people")}
    programme = (await platform.post("enrollment", "/programmes", CHARTER, key="programme"))["id"]
    await platform.post("enrollment", f"/programmes/{programme}/publish", key="publish")
    mentees: list[str] = []

    async def volunteer(number: int) -> None:
        mentor = number >= measured
        body = _offer(number, mentor=mentor) | {
            "programme_id": programme,
            "person_ref": references[_staff(number, mentor=mentor)],
        }
        made = await platform.post("enrollment", "/volunteers", body, key=f"volunteer-{number}")
        if mentor:
            path = f"/volunteers/{made['id']}/training"
            await platform.post("enrollment", path, {"module": "core"}, key=f"training-{number}")
        else:
            mentees.append(made["id"])

    await each(range(people), volunteer)

    async def known() -> bool | None:
        found = await platform.every("matching", f"/programmes/{programme}/candidates")
        return sum(one["ready"] for one in found) == people - measured or None

    await until("everybody in the pool", known, within=WITHIN, pause=1.0)
    return mentees


def _staff(number: int, *, mentor: bool) -> str:
    return f"{'J' if mentor else 'E'}{number}"


def _row(number: int, *, mentor: bool) -> str:
    staff = _staff(number, mentor=mentor)
    born, hired, grade = (1990 + number % 10, 2022, "J1") if mentor else (1960 + number % 8, 2001, "E1")
    who = f"{staff},Ada,{staff},{staff}@example.com,{hired}-02-03,{born},{grade}"
    return f"{who},unit {number % 40},Paris,Europe/Paris,fr|en"


def _offer(number: int, *, mentor: bool) -> dict[str, Any]:
    skills = [SKILLS[(number + step) % len(SKILLS)] for step in range(3)]
    return {
        "role": "mentor" if mentor else "mentee",
        "skills_offered": [{"skill": skill, "level": 5 - step} for step, skill in enumerate(skills)] if mentor else [],
        "skills_wanted": []
        if mentor
        else [{"skill": skill, "level": 1, "priority": 3 - step} for step, skill in enumerate(skills)],
        "availability": [{"day": day, "start": "09:00", "end": f"{11 + number % 3}:00"} for day in (1, 2, 3)],
        "motivation": 1 + number % 5,
        "charter_signed": True,
    }


class _Watched:
    """Who was paired, and when that was first seen; and how far the platform's topics go."""

    def __init__(self, consumer: AIOKafkaConsumer, everything: list[TopicPartition]) -> None:
        self._consumer = consumer
        self._everything = everything
        self.paired: dict[str, float] = {}

    async def watch(self) -> None:
        async for record in self._consumer:
            self.paired.setdefault(json.loads(record.value)["mentee"]["volunteer_id"], time.time())

    async def ends(self) -> int:
        """Records on all topics of events."""
        return sum((await self._consumer.end_offsets(self._everything)).values())


async def _partitions(kafka: str, topics: list[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in await admin.describe_topics(topics)
            for partition in topic["partitions"]
        ]
    finally:
        await admin.close()


@asynccontextmanager
async def _watching(kafka: str, prefix: str) -> AsyncIterator[_Watched]:
    names = TopicNames(prefix, {})
    everything = await _partitions(kafka, [names.event(event) for event in EVENTS])
    async with AIOKafkaConsumer(names.event(Paired), bootstrap_servers=kafka, auto_offset_reset="earliest") as consumer:
        watched = _Watched(consumer, everything)
        watching = asyncio.create_task(watched.watch())
        try:
            yield watched
        finally:
            watching.cancel()
