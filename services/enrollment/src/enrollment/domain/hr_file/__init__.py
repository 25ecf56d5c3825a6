"""Reads the export of an HR system: every row becomes a person's facts, or is reported with its line and reason.

The file is read once, row by row, in memory that does not grow with its size but for one entry per staff number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import BinaryIO

from .cells import CellRefused, Fact, fact, time_zones
from .columns import ALIASES, Column, UnknownField, check_mapping, plan
from .findings import Finding, UnusableFile, excerpt
from .text import Delimiter, Encoding, Lines, UnreadableRow, delimiter_of, recognise, rows

__all__ = [
    "ALIASES",
    "MAX_ROWS",
    "Finding",
    "HrFile",
    "PersonRow",
    "RefusedRow",
    "UnknownField",
    "UnusableFile",
    "check_mapping",
    "excerpt",
    "time_zones",
]

MAX_ROWS = 200_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonRow:
    """What one row says about one person. Columns that the file lacks are absent from the facts."""

    line: int
    staff_number: str
    facts: dict[str, Fact]
    manager_staff_number: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefusedRow:
    """A row that was not taken, with everything that is wrong with it."""

    findings: tuple[Finding, ...]


class HrFile:
    """An HR export that was recognised. Raises: UnusableFile, UnknownField when it cannot be read at all."""

    def __init__(self, source: BinaryIO, mapping: Mapping[str, str], *, today: date) -> None:
        check_mapping(mapping)
        self._today = today
        self._first_lines: dict[str, int] = {}
        self.encoding: Encoding = recognise(source)
        self._lines = Lines(source, self.encoding)
        try:
            self.delimiter: Delimiter = delimiter_of(self._lines)
            self._rows = rows(self._lines, self.delimiter)
            self._header_line, header = next(self._rows, (1, []))
            if isinstance(header, UnreadableRow):
                raise UnusableFile(_at(self._header_line, None, "", header.code, header.message))
            self._width = len(header)
            self.columns: tuple[Column, ...] = plan(header, mapping, line=self._header_line)
        except BaseException:
            self._lines.detach()
            raise
        self.names = {column.field: column.header for column in self.columns}
        """What the file calls each field it has."""

    @property
    def staff_numbers(self) -> list[str]:
        """Of the rows that were taken so far."""
        return list(self._first_lines)

    def rows(self) -> Iterator[PersonRow | RefusedRow]:
        """Every row of the file, once. Raises: UnusableFile when there is none, or more than 200,000."""
        count = 0
        try:
            for line, cells in self._rows:
                count += 1
                if count > MAX_ROWS:
                    message = f"a file has at most {MAX_ROWS} rows: send it in parts"
                    raise UnusableFile(_at(line, None, "", "too_many_rows", message))
                yield self._row(line, cells)
        finally:
            self._lines.detach()
        if count == 0:
            raise UnusableFile(_at(self._header_line, None, "", "no_rows", "there is a header and no row"))

    def _row(self, line: int, cells: list[str] | UnreadableRow) -> PersonRow | RefusedRow:
        if isinstance(cells, UnreadableRow):
            return RefusedRow(findings=(_at(line, None, "", cells.code, cells.message),))
        if len(cells) < self._width or any(cell.strip() for cell in cells[self._width :]):
            message = f"the line has {len(cells)} cells, the header {self._width}"
            return RefusedRow(findings=(_at(line, None, cells[0], "wrong_number_of_cells", message),))
        facts: dict[str, Fact] = {}
        findings: list[Finding] = []
        for column in self.columns:
            try:
                facts[column.field] = fact(column.field, cells[column.index], self._today)
            except CellRefused as fault:
                findings.append(_at(line, column.header, cells[column.index], fault.code, fault.message))
        staff_number = facts.pop("staff_number", None)
        manager = facts.pop("manager_staff_number", None)
        if isinstance(staff_number, str) and staff_number in self._first_lines:
            message = f"this staff number stands on line {self._first_lines[staff_number]} already"
            findings.append(_at(line, self.names["staff_number"], staff_number, "duplicate", message))
        if findings:
            return RefusedRow(findings=tuple(findings))
        self._first_lines[str(staff_number)] = line
        return PersonRow(
            line=line,
            staff_number=str(staff_number),
            facts=facts,
            manager_staff_number=manager if isinstance(manager, str) else None,
        )


def _at(line: int, column: str | None, value: str, code: str, message: str) -> Finding:
    shown = None if column is None else excerpt(column)
    return Finding(line=line, column=shown, value_excerpt=excerpt(value), code=code, message=message)
