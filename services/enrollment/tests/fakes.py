"""The service's own ports in memory; ``integration/test_ports.py`` holds them to what MongoDB does."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime

from enrollment.domain.hr_file import Finding
from enrollment.domain.people import Person
from enrollment.domain.programmes import Programme
from shared.chassis.aggregates import Page
from shared.chassis.documents import Scalar
from shared.testing.memory import InMemoryAggregates


class InMemoryPeople:
    def __init__(self, *people: Person) -> None:
        self.people = {person.id: person for person in people}

    async def find(self, tenant: str, id: str) -> Person | None:
        person = self.people.get(id)
        return person if person is not None and person.tenant == tenant else None

    async def page(
        self,
        tenant: str,
        where: Mapping[str, Scalar] | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Person]:
        found = [
            person
            for ref, person in sorted(self.people.items())
            if person.tenant == tenant
            and (cursor is None or ref > cursor)
            and all(getattr(person, name) == value for name, value in (where or {}).items())
        ]
        items = tuple(found[:limit])
        return Page(items, items[-1].id if len(found) > limit else None)

    async def by_refs(self, tenant: str, refs: Collection[str]) -> dict[str, Person]:
        return {ref: one for ref, one in self.people.items() if one.tenant == tenant and ref in refs}

    async def by_staff_numbers(self, tenant: str, numbers: Collection[str]) -> dict[str, Person]:
        return {
            one.staff_number: one
            for one in self.people.values()
            if one.tenant == tenant and one.staff_number in numbers
        }

    async def refs_of(self, tenant: str, numbers: Collection[str]) -> dict[str, str]:
        return {number: one.id for number, one in (await self.by_staff_numbers(tenant, numbers)).items()}

    async def save_all(self, people: Sequence[Person]) -> None:
        for person in people:
            stored = self.people.get(person.id)
            if stored is None or stored.version < person.version:
                self.people[person.id] = person


class InMemoryImportStore:
    def __init__(self) -> None:
        self.turns: dict[str, tuple[str, datetime]] = {}
        self.people: dict[tuple[str, str], list[Sequence[Person]]] = {}
        self.findings: dict[tuple[str, str], list[Sequence[Finding]]] = {}

    async def take_turn(self, tenant: str, import_id: str, *, until: datetime) -> str | None:
        holder, _ = self.turns.setdefault(tenant, (import_id, until))
        if holder == import_id:
            self.turns[tenant] = (import_id, until)
            return None
        return holder

    async def prolong(self, tenant: str, import_id: str, *, until: datetime) -> bool:
        if self.turns.get(tenant, ("", until))[0] != import_id:
            return False
        self.turns[tenant] = (import_id, until)
        return True

    async def end_turn(self, tenant: str, import_id: str) -> None:
        if self.turns.get(tenant, ("", None))[0] == import_id:
            del self.turns[tenant]

    async def abandoned(self, now: datetime) -> Sequence[tuple[str, str]]:
        return [(tenant, holder) for tenant, (holder, until) in self.turns.items() if until < now]

    async def stage(self, tenant: str, import_id: str, people: Sequence[Person]) -> None:
        self.people.setdefault((tenant, import_id), []).append(list(people))

    async def staged(self, tenant: str, import_id: str) -> AsyncIterator[Sequence[Person]]:
        for batch in list(self.people.get((tenant, import_id), [])):
            yield batch

    async def keep_refusals(self, tenant: str, import_id: str, findings: Sequence[Finding]) -> None:
        self.findings.setdefault((tenant, import_id), []).append(list(findings))

    async def refusals(self, tenant: str, import_id: str) -> AsyncIterator[Sequence[Finding]]:
        for batch in list(self.findings.get((tenant, import_id), [])):
            yield batch

    async def discard_staged(self, tenant: str, import_id: str) -> None:
        self.people.pop((tenant, import_id), None)

    async def discard_refusals(self, tenant: str, import_id: str) -> None:
        self.findings.pop((tenant, import_id), None)


class InMemoryUncheckedProgrammes:
    def __init__(self, programmes: InMemoryAggregates[Programme]) -> None:
        self._programmes = programmes

    async def unchecked(self) -> Sequence[tuple[str, str]]:
        return [(one.tenant, one.id) for one in self._programmes.states.values() if not one.volunteers_checked]
