"""One import of people: what was asked, what came of it, and what each row makes of the directory."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from shared.contracts import Invalid, NotFound, Refusal

from .hr_file import Finding, PersonRow, excerpt
from .people import Person

SHOWN_FINDINGS = 1000
"""A report shows so many refusals; the CSV of refusals holds all of them."""


class OnError(StrEnum):
    """What a refused row means for the others."""

    REFUSE = "refuse"
    SKIP = "skip"


class ImportState(StrEnum):
    """How far an import is. From ``applying`` on it will be finished, whatever crashes."""

    APPLYING = "applying"
    DONE = "done"
    CHECKED = "checked"
    """A dry run: this is what an import would do."""
    REFUSED = "refused"


class UnknownImport(NotFound):
    """There is no such import, or its report was deleted after its time."""


class ImportInProgress(Refusal):
    """Another import is being applied to this directory; try again when it is done."""


class ImportKeyReused(Invalid):
    """The Idempotency-Key named an import of another file."""


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did, or would have done."""

    id: str
    tenant: str
    version: int
    created_at: datetime
    state: ImportState
    digest: str
    """SHA-256 of the file: tells a repeated request from another file under the same key."""
    dry_run: bool
    on_error: OnError
    encoding: str | None = None
    delimiter: str | None = None
    rows: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0
    """Rows, not faults: a row may have several."""
    refusals: tuple[Finding, ...] = ()
    refusals_truncated: bool = False
    warned: int = 0
    warnings: tuple[Finding, ...] = ()
    warnings_truncated: bool = False

    def told(self) -> dict[str, Any]:
        """The report as JSON, for whoever asked for the import."""
        told = asdict(self)
        for kept_inside in ("tenant", "digest"):
            del told[kept_inside]
        return told | {"created_at": self.created_at.isoformat()}


class ImportRefused(Invalid):
    """Nothing was imported. The report says why, line by line."""

    def __init__(self, report: ImportReport) -> None:
        faults = report.refusals[0].message if not report.rows else f"{report.refused} of {report.rows} rows"
        super().__init__(f"nothing was imported: {faults}", field="body")
        self.report = report
        self.extra = {"report": report.told()}


def person_from(
    row: PersonRow, present: Person | None, *, tenant: str, ref: str, manager: Mapping[str, str | None]
) -> Person:
    """What a row makes of a person; the very same object when it says nothing new.

    Columns that the file lacks leave the person as they are. ``manager`` is empty when the file has no such column.
    """
    facts: dict[str, Any] = dict(row.facts)
    if hired := facts.get("hire_date"):
        facts["hire_date"] = date.fromisoformat(hired)
    if "languages" in facts:
        facts["languages"] = tuple(facts["languages"] or ())
    facts |= manager
    if present is None:
        return Person(id=ref, tenant=tenant, version=1, staff_number=row.staff_number, **facts)
    return present.updated(facts)


def manager_warning(row: PersonRow, column: str, *, is_self: bool) -> Finding:
    """The person is imported without a manager: losing a person for a manager's absence helps nobody."""
    code, message = (
        ("own_manager", "the person is their own manager here; imported without one")
        if is_self
        else ("unknown_manager", "nobody has this staff number; imported without a manager")
    )
    shown = excerpt(row.manager_staff_number or "")
    return Finding(line=row.line, column=column, value_excerpt=shown, code=code, message=message)
