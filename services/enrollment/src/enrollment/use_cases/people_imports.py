"""Importing people from an HR export: everything that was asked for, or nothing.

1. The file is read and judged to its end before anything is written.
2. What changes is kept aside; then the report says ``applying``. This one write decides the import.
3. People are stored, volunteers follow, the report says ``done``.

A process that dies before 2 leaves no trace in the directory; after 2 any process finishes the work.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import Any, BinaryIO, Protocol

from shared.chassis.clock import Clock
from shared.chassis.projections import Projections
from shared.contracts import AccessRole, Principal

from ..domain.hr_file import Finding, HrFile, PersonRow, RefusedRow, UnusableFile, check_mapping
from ..domain.imports import (
    SHOWN_FINDINGS,
    ImportInProgress,
    ImportKeyReused,
    ImportRefused,
    ImportReport,
    ImportState,
    OnError,
    UnknownImport,
    manager_warning,
    person_from,
)
from ..domain.people import Person
from ..domain.references import command_id, new_person_ref
from .pile import BATCH, Pile
from .ports import ImportStore, People

TURN = timedelta(seconds=30)
"""An import that does not prolong its turn for so long is taken for dead."""


class Followers(Protocol):
    """Those whose records must follow the directory."""

    async def follow_directory(self, tenant: str) -> int:
        """Bring every record up to date; how many changed. May be repeated."""
        ...


@dataclass(frozen=True, kw_only=True)
class ImportRequest:
    """What is asked with a file."""

    mapping: Mapping[str, str]
    on_error: OnError = OnError.REFUSE
    dry_run: bool = False
    key: str | None = None
    """Idempotency-Key: the same key and file are the same import."""

    def import_id(self, principal: Principal) -> str:
        """Asking for something else under the same key is another import."""
        asked = f"{self.on_error}/{self.dry_run}/{sorted(self.mapping.items())}"
        key = None if self.key is None else f"{principal.subject}:{self.key}:{asked}"
        return command_id("imp", principal.tenant, key)


class PeopleImports:
    """Imports people, and shows what came of it."""

    def __init__(
        self,
        *,
        reports: Projections[ImportReport],
        store: ImportStore,
        people: People,
        followers: Followers,
        clock: Clock,
    ) -> None:
        self._reports = reports
        self._store = store
        self._people = people
        self._followers = followers
        self._clock = clock

    async def run(self, principal: Principal, upload: BinaryIO, digest: str, request: ImportRequest) -> ImportReport:
        """Import the people of a file, or say what that would do.

        Raises: Forbidden, UnknownField, ImportRefused (with the report), ImportInProgress, ImportKeyReused.
        """
        principal.require(AccessRole.PROGRAMME_MANAGER)
        check_mapping(request.mapping)
        report = ImportReport(
            id=request.import_id(principal),
            tenant=principal.tenant,
            version=1,
            created_at=self._clock.now(),
            state=ImportState.CHECKED if request.dry_run else ImportState.APPLYING,
            digest=digest,
            dry_run=request.dry_run,
            on_error=request.on_error,
        )
        earlier = await self._reports.find(report.tenant, report.id)
        if earlier is not None and earlier.state is not ImportState.REFUSED:
            if earlier.digest != digest:
                raise ImportKeyReused("this Idempotency-Key was used with another file", field="Idempotency-Key")
            return await self._finish(earlier) if earlier.state is ImportState.APPLYING else earlier
        if earlier is not None:
            report = replace(report, version=earlier.version + 1)
        return await self._import(report, upload, request.mapping)

    async def report(self, principal: Principal, import_id: str) -> ImportReport:
        """What an import did. Raises: Forbidden, UnknownImport."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        report = await self._reports.find(principal.tenant, import_id)
        if report is None:
            raise UnknownImport("there is no such import")
        return report

    def refusals(self, report: ImportReport) -> AsyncIterator[Sequence[Finding]]:
        """Every refusal of an import, in the order of lines."""
        return self._store.refusals(report.tenant, report.id)

    async def finish_abandoned(self) -> None:
        """Finish, or clear away, what dead processes left behind."""
        for tenant, import_id in await self._store.abandoned(self._clock.now()):
            await self._prolong(tenant, import_id)
            report = await self._reports.find(tenant, import_id)
            if report is not None and report.state is ImportState.APPLYING:
                await self._finish(report)
            else:
                await self._clear(tenant, import_id)

    async def _import(self, report: ImportReport, upload: BinaryIO, mapping: Mapping[str, str]) -> ImportReport:
        with Pile() as rows, Pile() as refusals:
            today = self._clock.now().date()
            read = await asyncio.to_thread(_read, upload, mapping, today, rows, refusals)
            shown = next(refusals.batches(SHOWN_FINDINGS), [])
            report = replace(
                report,
                encoding=read.encoding,
                delimiter=read.delimiter,
                rows=len(rows) + read.refused,
                refused=read.refused,
                refusals=tuple(Finding(**finding) for finding in shown),
                refusals_truncated=len(refusals) > SHOWN_FINDINGS,
            )
            await self._keep_refusals(report, refusals)
            if read.unusable or (read.refused and report.on_error is OnError.REFUSE):
                report = replace(report, state=ImportState.REFUSED)
                await self._reports.keep_newest(report)
                raise ImportRefused(report)
            if report.dry_run:
                report = await self._compare(report, rows, read)
                await self._reports.keep_newest(report)
                return report
            async with self._turn(report):
                report = await self._compare(report, rows, read)
                if not await self._prolong(report.tenant, report.id):
                    raise ImportInProgress("the import took too long and lost its turn; try again")
                await self._reports.keep_newest(report)
        return await self._finish(report)

    async def _compare(self, report: ImportReport, rows: Pile, read: "_Read") -> ImportReport:
        """Compare the file with the directory, and keep aside what changes unless this is a dry run."""
        tenant, has_manager_column = report.tenant, "manager_staff_number" in read.names
        refs = await self._refs(tenant, read.staff_numbers)
        created = updated = warned = 0
        warnings: list[Finding] = []
        for batch in rows.batches():
            people = [PersonRow(**row) for row in batch]
            numbers = {row.staff_number for row in people}
            managers = {row.manager_staff_number for row in people if row.manager_staff_number}
            known = await self._people.by_staff_numbers(tenant, numbers | {one for one in managers if one not in refs})
            changed: list[Person] = []
            for row in people:
                manager: dict[str, str | None] = {}
                if has_manager_column:
                    above = row.manager_staff_number
                    ref = _ref(above, refs, known)
                    if above is not None and (ref is None or above == row.staff_number):
                        ref = None
                        warned += 1
                        if len(warnings) < SHOWN_FINDINGS:
                            column = read.names["manager_staff_number"]
                            warnings.append(manager_warning(row, column, is_self=above == row.staff_number))
                    manager = {"manager_ref": ref}
                present = known.get(row.staff_number)
                person = person_from(row, present, tenant=tenant, ref=refs[row.staff_number], manager=manager)
                if person is not present:
                    changed.append(person)
                    created += present is None
                    updated += present is not None
            if changed and not report.dry_run:
                await self._store.stage(tenant, report.id, changed)
                await self._prolong(tenant, report.id)
        return replace(
            report,
            created=created,
            updated=updated,
            unchanged=len(rows) - created - updated,
            warned=warned,
            warnings=tuple(warnings),
            warnings_truncated=warned > len(warnings),
        )

    async def _refs(self, tenant: str, staff_numbers: Sequence[str]) -> dict[str, str]:
        """The reference of everybody in the file: the known ones keep theirs, the others get a random one."""
        refs: dict[str, str] = {}
        for start in range(0, len(staff_numbers), BATCH):
            numbers = staff_numbers[start : start + BATCH]
            known = await self._people.refs_of(tenant, numbers)
            refs |= {number: known.get(number) or new_person_ref() for number in numbers}
        return refs

    async def _finish(self, report: ImportReport) -> ImportReport:
        """Store what was kept aside. Every step may be repeated, also by two processes at once."""
        async for people in self._store.staged(report.tenant, report.id):
            await self._people.save_all(people)
            await self._prolong(report.tenant, report.id)
        if report.created or report.updated:
            await self._followers.follow_directory(report.tenant)
        done = replace(report, version=report.version + 1, state=ImportState.DONE)
        await self._reports.keep_newest(done)
        await self._clear(report.tenant, report.id)
        return done

    @asynccontextmanager
    async def _turn(self, report: ImportReport) -> AsyncIterator[None]:
        """Hold the directory; when the import fails before it is decided, nothing of it stays."""
        await self.finish_abandoned()
        until = self._clock.now() + TURN
        holder = await self._store.take_turn(report.tenant, report.id, until=until)
        if holder is not None:
            raise ImportInProgress(f"the import {holder} is being applied; try again when it is done")
        try:
            yield
        except Exception:
            await self._clear(report.tenant, report.id)
            raise

    async def _prolong(self, tenant: str, import_id: str) -> bool:
        return await self._store.prolong(tenant, import_id, until=self._clock.now() + TURN)

    async def _clear(self, tenant: str, import_id: str) -> None:
        await self._store.discard_staged(tenant, import_id)
        await self._store.end_turn(tenant, import_id)

    async def _keep_refusals(self, report: ImportReport, refusals: Pile) -> None:
        await self._store.discard_refusals(report.tenant, report.id)
        for batch in refusals.batches():
            findings = [Finding(**finding) for finding in batch]
            await self._store.keep_refusals(report.tenant, report.id, findings)


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What a file was, once it was read to its end."""

    encoding: str | None = None
    delimiter: str | None = None
    refused: int = 0
    names: Mapping[str, str]
    staff_numbers: Sequence[str] = ()
    """Of the rows that were taken."""
    unusable: bool = False


def _read(upload: BinaryIO, mapping: Mapping[str, str], today: date, rows: Pile, refusals: Pile) -> _Read:
    """Read a file to its end. Runs in a thread: 100,000 rows take seconds."""
    refused = 0
    file: HrFile | None = None
    unusable = False
    try:
        file = HrFile(upload, mapping, today=today)
        for row in file.rows():
            if isinstance(row, RefusedRow):
                refused += 1
                for finding in row.findings:
                    refusals.add(asdict(finding))
            else:
                rows.add(_record(row))
    except UnusableFile as fault:
        unusable = True
        for finding in fault.findings:
            refusals.add(asdict(finding))
    return _Read(
        encoding=file.encoding if file else None,
        delimiter=file.delimiter if file else None,
        refused=refused,
        names=file.names if file else {},
        staff_numbers=file.staff_numbers if file else (),
        unusable=unusable,
    )


def _record(row: PersonRow) -> dict[str, Any]:
    return {
        "line": row.line,
        "staff_number": row.staff_number,
        "facts": row.facts,
        "manager_staff_number": row.manager_staff_number,
    }


def _ref(number: str | None, refs: Mapping[str, str], known: Mapping[str, Person]) -> str | None:
    if number is None:
        return None
    return refs.get(number) or (known[number].id if number in known else None)
