"""What enrollment tells the others over Kafka, and what it learns from them."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, Self

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from enrollment.settings import Settings
from shared.chassis.topics import TopicNames
from shared.contracts import (
    Envelope,
    Event,
    Paired,
    ProgrammePublished,
    Side,
    Unpaired,
    UnpairReason,
    Volunteered,
    VolunteerUpdated,
    VolunteerWithdrawn,
)
from shared.contracts.cloud_events import SOURCE_PREFIX, data_schema, event_type, to_headers
from shared.testing.waiting import eventually

from ..builders import a_file, a_row
from .conftest import Json, Service
from .test_http_participation import a_wish

pytestmark = pytest.mark.integration


class Told:
    """Reads what enrollment publishes about one tenant."""

    def __init__(self, settings: Settings, tenant: str) -> None:
        names = TopicNames.of(settings)
        self._topics = [
            names.event(event) for event in (ProgrammePublished, Volunteered, VolunteerUpdated, VolunteerWithdrawn)
        ]
        self._tenant = tenant
        self._consumer = AIOKafkaConsumer(
            *self._topics, bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest", group_id=None
        )
        self.records: list[ConsumerRecord[Any, Any]] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def wait_for(self, count: int) -> list[tuple[str, int]]:
        """Name and version of each event, in the order of versions: topics have no order among each other."""

        async def all_there() -> bool:
            for batch in (await self._consumer.getmany(timeout_ms=200)).values():
                self.records += [one for one in batch if _header(one, "ce_tenant") == self._tenant]
            return len(self.records) >= count

        await eventually(all_there, timeout=30)
        told = [(_header(one, "ce_type").split(".")[-2], json.loads(one.value)["version"]) for one in self.records]
        return sorted(told, key=lambda one: one[::-1])

    def bodies(self, name: str) -> list[Json]:
        return [json.loads(one.value) for one in self.records if f".{name}." in _header(one, "ce_type")]


def _header(record: ConsumerRecord[Any, Any], name: str) -> str:
    return str(dict(record.headers)[name].decode())


@pytest.fixture
async def told(service: Service) -> AsyncIterator[Told]:
    async with Told(service.settings, service.tenant) as told:
        yield told


@pytest.fixture
async def matching(service: Service) -> AsyncIterator["Matching"]:
    producer = AIOKafkaProducer(bootstrap_servers=service.settings.kafka_bootstrap, acks="all")
    await producer.start()
    yield Matching(producer, service)
    await producer.stop()


class Matching:
    """Stands in for the matching service: tells of pairings, in any order and any number of times."""

    def __init__(self, producer: AIOKafkaProducer, service: Service) -> None:
        self._producer = producer
        self._service = service
        self._number = 0

    async def tell(self, event: Event, *, times: int = 1) -> None:
        self._number += 1
        envelope = Envelope(
            event_id=f"{event.aggregate_id}.{event.version}",
            source=f"{SOURCE_PREFIX}matching",
            type=event_type(event),
            time=event.occurred_at,
            subject=event.aggregate_id,
            dataschema=data_schema(event),
            partition_key=event.key,
            tenant=self._service.tenant,
        )
        topic = TopicNames.of(self._service.settings).event(event)
        for _ in range(times):
            await self._producer.send_and_wait(
                topic, event.model_dump_json().encode(), key=event.key.encode(), headers=list(to_headers(envelope))
            )


def a_pairing(mentor: Json, mentee: Json) -> Paired:
    return Paired(
        version=1,
        occurred_at=datetime.now(UTC),
        pairing_id=f"pair_{mentor['id'][4:20]}",
        programme_id=mentor["programme_id"],
        mentor=Side(volunteer_id=mentor["id"], person_ref=mentor["person_ref"], time_zone="UTC"),
        mentee=Side(volunteer_id=mentee["id"], person_ref=mentee["person_ref"], time_zone="UTC"),
        effective_on=datetime.now(UTC).date(),
        score=1,
    )


def the_end_of(pairing: Paired) -> Unpaired:
    return Unpaired(
        version=2,
        occurred_at=datetime.now(UTC),
        pairing_id=pairing.pairing_id,
        programme_id=pairing.programme_id,
        mentor_volunteer_id=pairing.mentor.volunteer_id,
        mentee_volunteer_id=pairing.mentee.volunteer_id,
        mentor_ref=pairing.mentor.person_ref,
        mentee_ref=pairing.mentee.person_ref,
        reason=UnpairReason.RE_MATCH,
    )


async def test_every_step_is_told_once_with_a_rising_version_and_without_a_name(service: Service, told: Told) -> None:
    await service.import_people(a_file(a_row(1, manager_staff_number="00002"), a_row(2)))
    (person,) = (await service.get("/people", staff_number="00001"))["items"]
    programme = await service.a_programme()
    volunteer = await service.post("/volunteers", a_wish(programme, person["id"]))
    path = f"/volunteers/{volunteer['id']}"
    for _ in range(2):
        await service.post(f"{path}/charter", expect=200)
        await service.post(f"{path}/training", expect=200)
    await service.import_people(a_file(a_row(1, unit="Ventes", manager_staff_number="00002"), a_row(2)))
    await service.post(f"{path}/withdraw", expect=200)
    assert await told.wait_for(6) == [
        ("volunteered", 1),
        ("programme_published", 2),
        ("volunteer_updated", 2),
        ("volunteer_updated", 3),
        ("volunteer_updated", 4),
        ("volunteer_withdrawn", 5),
    ]
    (first,) = told.bodies("volunteered")
    last = told.bodies("volunteer_updated")[-1]
    assert first["volunteer_id"] == last["volunteer_id"] == volunteer["id"]
    assert first["unit"] != last["unit"]
    assert last["readiness"]["ready"]
    assert len(first["line_above"]) == 1
    assert first["age_band"] == "1990-1994"
    everything = b"".join(record.value for record in told.records).decode()
    for secret in ("Zoé", "Martin", "example.com", "00001", "Réseaux", "Ventes"):
        assert secret not in everything
    assert {record.key.decode() for record in told.records} == {programme, volunteer["id"]}


async def test_pairings_come_and_go_in_any_order_and_number(service: Service, matching: Matching) -> None:
    one, two, three, four = await service.people(4)
    programme = await service.a_programme()
    mentor, mentee = [
        await service.post("/volunteers", a_wish(programme, ref, role=role))
        for ref, role in ((one, "mentor"), (two, "mentee"))
    ]
    late_mentor, late_mentee = [
        await service.post("/volunteers", a_wish(programme, ref, role=role))
        for ref, role in ((three, "mentor"), (four, "mentee"))
    ]

    async def waiting() -> set[str]:
        items = (await service.get(f"/programmes/{programme}/waiting-list"))["items"]
        return {volunteer["person_ref"] for volunteer in items}

    pairing, late = a_pairing(mentor, mentee), a_pairing(late_mentor, late_mentee)
    await matching.tell(the_end_of(late), times=2)
    await matching.tell(pairing, times=3)
    await eventually(waiting, equals={three, four}, timeout=30)
    paired = await service.get(f"/volunteers/{mentor['id']}")
    assert (paired["status"], paired["active_pairings"], paired["version"]) == ("paired", [pairing.pairing_id], 2)
    await matching.tell(late)
    await matching.tell(the_end_of(pairing), times=2)
    await eventually(waiting, equals={one, two, three, four}, timeout=30)

    async def version() -> int:
        return int((await service.get(f"/volunteers/{late_mentor['id']}"))["version"])

    await eventually(version, equals=2)
    assert (await service.get(f"/volunteers/{mentor['id']}"))["version"] == 3


async def test_a_newly_published_charter_reaches_those_who_volunteered_before(service: Service, told: Told) -> None:
    (person,) = await service.people(1)
    programme = await service.a_programme()
    volunteer = await service.post("/volunteers", a_wish(programme, person, charter_signed=True))
    await service.patch(f"/programmes/{programme}", {"policy": {"require_training": False}})
    await service.post(f"/programmes/{programme}/publish", expect=200)

    async def status() -> str:
        return str((await service.get(f"/volunteers/{volunteer['id']}"))["status"])

    await eventually(status, equals="ready", timeout=30)
    assert await told.wait_for(4) == [
        ("volunteered", 1),
        ("programme_published", 2),
        ("volunteer_updated", 2),
        ("programme_published", 4),
    ]
    assert told.bodies("programme_published")[-1]["policy"]["require_training"] is False
