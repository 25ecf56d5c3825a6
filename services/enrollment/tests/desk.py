"""The service's use cases on ports in memory."""

import hashlib
import io
from dataclasses import dataclass, field
from typing import Any

from enrollment.domain.imports import ImportReport
from enrollment.domain.people import Person
from enrollment.domain.programmes import Programme
from enrollment.domain.volunteers import Volunteer
from enrollment.use_cases import Directory, ImportRequest, PeopleImports, Profiles, Programmes, Volunteers, Wish
from shared.chassis.aggregates import Cause
from shared.contracts import Principal, Role
from shared.testing.clock import ManualClock
from shared.testing.memory import InMemoryAggregates, InMemoryProjections

from .builders import CATALOGUE, DISCLOSURE, MANAGER, NOW, a_charter, an_offer
from .fakes import InMemoryImportStore, InMemoryPeople, InMemoryUncheckedProgrammes


@dataclass
class Desk:
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))
    people: InMemoryPeople = field(default_factory=InMemoryPeople)
    store: InMemoryImportStore = field(default_factory=InMemoryImportStore)

    def __post_init__(self) -> None:
        self.reports = InMemoryProjections(ImportReport)
        self.stored_volunteers = InMemoryAggregates(Volunteer)
        self.stored_programmes = InMemoryAggregates(Programme)
        self.directory = Directory(self.people)
        self.programmes = Programmes(programmes=self.stored_programmes, catalogue=CATALOGUE, clock=self.clock)
        self.volunteers = Volunteers(
            volunteers=self.stored_volunteers,
            programmes=self.stored_programmes,
            unchecked=InMemoryUncheckedProgrammes(self.stored_programmes),
            people=self.people,
            profiles=Profiles(self.people, DISCLOSURE, self.clock),
            catalogue=CATALOGUE,
            clock=self.clock,
        )
        self.imports = PeopleImports(
            reports=self.reports,
            store=self.store,
            people=self.people,
            followers=self.volunteers,
            clock=self.clock,
        )

    async def import_file(self, data: bytes, *, by: Principal = MANAGER, **asked: Any) -> ImportReport:
        request = ImportRequest(**({"mapping": {}} | asked))
        return await self.imports.run(by, io.BytesIO(data), hashlib.sha256(data).hexdigest(), request)

    async def a_published_programme(self, **fields: Any) -> Programme:
        programme = await self.programmes.draft(a_charter(**fields), Cause.command(MANAGER, None), None)
        return await self.programmes.publish(programme.id, Cause.command(MANAGER, None))

    async def a_volunteer(self, programme: Programme, ref: str, role: Role = Role.MENTOR, **wish: Any) -> Volunteer:
        offer = wish.pop("offer", an_offer())
        asked = Wish(programme_id=programme.id, person_ref=ref, role=role, offer=offer, **wish)
        return (await self.volunteers.volunteer(asked, Cause.command(MANAGER, None)))[0]

    def person(self, staff_number: str) -> Person:
        return next(one for one in self.people.people.values() if one.staff_number == staff_number)

    @property
    def told(self) -> list[tuple[str, int]]:
        """Name and version of every event about volunteers."""
        return [(event.name, event.version) for event in self.stored_volunteers.events]


def command(principal: Principal = MANAGER, key: str | None = None) -> Cause:
    return Cause.command(principal, key)
