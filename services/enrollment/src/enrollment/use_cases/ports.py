"""What the use cases need from outside beside the chassis' own ports."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from shared.chassis.aggregates import Page
from shared.chassis.documents import Scalar

from ..domain.hr_file import Finding
from ..domain.people import Person


class People(Protocol):
    """The identity map: the one place where a reference and a name stand together."""

    async def find(self, tenant: str, id: str) -> Person | None:
        """The person, or None where the tenant has none of this reference."""
        ...

    async def page(
        self,
        tenant: str,
        where: Mapping[str, Scalar] | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Person]:
        """People whose fields equal these values, in the order of references."""
        ...

    async def by_refs(self, tenant: str, refs: Collection[str]) -> dict[str, Person]:
        """Those of these people who are known, by reference."""
        ...

    async def by_staff_numbers(self, tenant: str, numbers: Collection[str]) -> dict[str, Person]:
        """Those of these people who are known, by staff number."""
        ...

    async def refs_of(self, tenant: str, numbers: Collection[str]) -> dict[str, str]:
        """References only, by staff number, of those who are known."""
        ...

    async def save_all(self, people: Sequence[Person]) -> None:
        """Store people; a newer version that is already there stays. May be repeated."""
        ...


class ImportStore(Protocol):
    """What an import keeps aside until it is finished, and whose turn it is to change a directory."""

    async def take_turn(self, tenant: str, import_id: str, *, until: datetime) -> str | None:
        """Claim the tenant's directory until then. Returns None on success, else the import that holds it.

        A claim that ran out still holds: what its import began must be finished first.
        """
        ...

    async def prolong(self, tenant: str, import_id: str, *, until: datetime) -> bool:
        """Hold the directory for longer; False when it is held no more."""
        ...

    async def end_turn(self, tenant: str, import_id: str) -> None:
        """Give the directory free; harmless when somebody else holds it."""
        ...

    async def abandoned(self, now: datetime) -> Sequence[tuple[str, str]]:
        """Tenant and import of every claim that ran out: their process died."""
        ...

    async def stage(self, tenant: str, import_id: str, people: Sequence[Person]) -> None:
        """Keep people aside, to be stored once the whole import is decided."""
        ...

    def staged(self, tenant: str, import_id: str) -> AsyncIterator[Sequence[Person]]:
        """What was kept aside, batch by batch."""
        ...

    async def keep_refusals(self, tenant: str, import_id: str, findings: Sequence[Finding]) -> None:
        """Keep refusals for the CSV, in order."""
        ...

    def refusals(self, tenant: str, import_id: str) -> AsyncIterator[Sequence[Finding]]:
        """Every refusal of an import, batch by batch."""
        ...

    async def discard_staged(self, tenant: str, import_id: str) -> None:
        """Drop what was kept aside."""
        ...

    async def discard_refusals(self, tenant: str, import_id: str) -> None:
        """Drop the refusals of an earlier try."""
        ...


class UncheckedProgrammes(Protocol):
    """Finds publications by which the volunteers were not judged yet, over all tenants."""

    async def unchecked(self) -> Sequence[tuple[str, str]]:
        """Tenant and programme of each."""
        ...
