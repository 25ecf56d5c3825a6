"""People for a simulation, out of a CSV file: the attributes of a volunteer, and nothing that names anybody.

A row is held to the rules of what enrollment tells of a volunteer. Whoever it tells of is renamed to the number of its
line at once, and so are the references of people and lines: they only say that two things are the same.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from shared.contracts import Readiness, Role, VolunteerState

from ..domain.candidate import Candidate, candidate_from
from ..domain.refusals import UnknownTimeZone, UnusablePeople

MOST_ROWS = 10_000
MOST_BYTES = 10 * 1024 * 1024
FINDINGS_TOLD = 100
LONGEST_NAME = 96
"""Of a unit or a site."""

COLUMNS: Mapping[str, str] = {
    "role": "mentor or mentee",
    "languages": "fr|en-GB",
    "time_zone": "Europe/Paris",
    "capacity": "places, 1 to 5; 1 when empty",
    "skills_offered": "skill:level of 1 to 5, such as generative_ai:4|excel:3",
    "skills_wanted": "skill:present level of 0 to 5:priority of 1 to 3, such as generative_ai:1:3",
    "interests": "codes, such as music|chess",
    "goals": "codes, such as digital_skills|inclusion",
    "availability": "weekday and local hours, such as 1 09:00-12:00|4 14:00-17:30; Monday is 1",
    "unit": "text",
    "site": "text",
    "line": "reference of the own place in the hierarchy",
    "line_above": "references of the places above, the nearest first",
    "age_band": "five years of birth, such as 1985-1989",
    "grade_band": "0 to 20",
    "motivation": "1 to 5; 3 when empty",
    "grid_score": "0 to 100, of a mentor on the competence grid",
    "ready": "yes or no; yes when empty",
    "person": "reference, for somebody in two rows",
}
"""Every column that may be there, with what its cells hold. Lists are separated by ``|``."""
REQUIRED = ("role", "languages", "time_zone")

_FIELDS = {"line_self": "line", "volunteer_id": "role", "person_ref": "person", "readiness": "ready"}
"""Where a field of a volunteer's state goes by another name."""
_WINDOW = re.compile(r"([1-7])\s+([0-9]{2}:[0-9]{2})\s*-\s*([0-9]{2}:[0-9]{2})")
_YES, _NO = frozenset({"", "yes", "true", "1", "oui"}), frozenset({"no", "false", "0", "non"})
_WHEN = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is wrong with a row."""

    line: int
    """In the file, counted from 1."""
    column: str | None
    message: str


class _BadCell(Exception):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


@dataclass
class _Names:
    """Gives each reference a number, the same to the same."""

    numbers: dict[str, int] = field(default_factory=dict)

    def of(self, reference: str) -> int:
        return self.numbers.setdefault(reference, len(self.numbers) + 1)


def read_people(body: bytes, *, tenant: str) -> tuple[Candidate, ...]:
    """Everybody in the file. Raises: UnusablePeople, with every faulty row (the first hundred told in full)."""
    reader = _reader(body)
    people: list[Candidate] = []
    findings: list[Finding] = []
    people_named, lines_named = _Names(), _Names()
    rows = 0
    for line, cells in _rows(reader):
        rows += 1
        if rows > MOST_ROWS:
            raise UnusablePeople(f"a file may have at most {MOST_ROWS} rows")
        if isinstance(cells, Finding):
            findings.append(cells)
            continue
        try:
            people.append(_person(line, cells, tenant, people_named, lines_named))
        except _BadCell as fault:
            findings.append(Finding(line=line, column=fault.column, message=fault.message))
        except UnknownTimeZone as fault:
            findings.append(Finding(line=line, column="time_zone", message=fault.detail))
        except ValidationError as error:
            faults = [_finding(line, dict(fault)) for fault in error.errors()]
            findings += {fault.column: fault for fault in reversed(faults)}.values()  # the first of each column
    if findings:
        raise _refused(findings)
    if not people:
        raise UnusablePeople("the file holds nobody")
    return tuple(people)


def _refused(findings: list[Finding]) -> UnusablePeople:
    first = findings[0]
    where = f"line {first.line}" + (f", column {first.column}" if first.column else "")
    told = tuple({"line": one.line, "column": one.column, "message": one.message} for one in findings[:FINDINGS_TOLD])
    return UnusablePeople(f"{where}: {first.message}", found=len(findings), findings=told)


def _reader(body: bytes) -> "csv.DictReader[str]":
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise UnusablePeople(f"line {line}: the file is not UTF-8") from error
    header = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(";,\t", key=header.count), strict=True)
    try:
        columns = [name.strip().lower() for name in reader.fieldnames or ()]
    except csv.Error as error:
        raise UnusablePeople(f"line 1: {error}") from error
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise UnusablePeople(f"line 1: no column {unknown[0][:50]!r} is read here; known are {', '.join(COLUMNS)}")
    missing = [name for name in REQUIRED if name not in columns]
    if missing or len(set(columns)) < len(columns):
        fault = f"the column {missing[0]} is missing" if missing else "a column is named twice"
        raise UnusablePeople(f"line 1: {fault}")
    reader.fieldnames = columns
    return reader


def _rows(reader: "csv.DictReader[str]") -> Iterator[tuple[int, dict[str, str] | Finding]]:
    """Each row with the line it ends on; blank ones are no rows."""
    while True:
        try:
            row: dict[Any, Any] = next(reader)  # surplus cells stand under None
        except StopIteration:
            return
        except csv.Error as error:
            line = reader.reader.line_num
            yield line, Finding(line=line, column=None, message=str(error))
            continue
        line = reader.line_num
        if None in row or None in row.values():
            yield line, Finding(line=line, column=None, message="the row has more or fewer cells than the header")
        elif any(cell.strip() for cell in row.values()):
            yield line, {str(name): cell.strip() for name, cell in row.items()}


def _person(line: int, cells: dict[str, str], tenant: str, people: _Names, lines: _Names) -> Candidate:
    """Raises: _BadCell, ValidationError, UnknownTimeZone."""
    given = {name: cell for name, cell in cells.items() if cell}
    role, ready = given.get("role", "").lower(), given.get("ready", "").lower()
    if role not in set(Role):
        raise _BadCell("role", "mentor or mentee is expected")
    if ready not in _YES | _NO:
        raise _BadCell("ready", "yes or no is expected")
    values: dict[str, Any] = {
        name: given[name]
        for name in ("capacity", "time_zone", "age_band", "grade_band", "motivation", "grid_score")
        if name in given
    }
    state = VolunteerState(
        version=1,
        occurred_at=_WHEN,
        volunteer_id=f"line-{line}",
        person_ref=f"person-{people.of(given['person'])}" if "person" in given else f"line-{line}",
        programme_id="simulated",
        role=Role(role),
        languages=_parts(given, "languages"),
        skills_offered=tuple(_skill(part, "skills_offered", ("level",)) for part in _parts(given, "skills_offered")),
        skills_wanted=tuple(
            _skill(part, "skills_wanted", ("level", "priority")) for part in _parts(given, "skills_wanted")
        ),
        interests=_parts(given, "interests"),
        goals=_parts(given, "goals"),
        availability=tuple(map(_window, _parts(given, "availability"))),
        line_self=f"place-{lines.of(given['line'])}" if "line" in given else None,
        line_above=tuple(f"place-{lines.of(place)}" for place in _parts(given, "line_above")),
        readiness=Readiness(ready=ready in _YES),
        **values,
    )
    return replace(candidate_from(state, tenant), unit=_text(given, "unit"), site=_text(given, "site"))


def _parts(given: Mapping[str, str], column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in given.get(column, "").split("|") if part.strip())


def _skill(part: str, column: str, numbers: tuple[str, ...]) -> Any:
    """As the model of a volunteer's state reads it: whole numbers out of text."""
    skill, *rest = part.split(":")
    if len(rest) != len(numbers) or not all(number.isdecimal() for number in rest):
        raise _BadCell(column, f"{part[:50]!r} is not {COLUMNS[column].partition(',')[0]}")
    return {"skill": skill, **dict(zip(numbers, rest, strict=True))}


def _window(part: str) -> Any:
    found = _WINDOW.fullmatch(part)
    if found is None:
        raise _BadCell("availability", f"{part[:50]!r} is not a weekday and hours, such as 1 09:00-12:00")
    return {"day": found[1], "start": found[2], "end": found[3]}


def _text(given: Mapping[str, str], column: str) -> str | None:
    value = given.get(column)
    if value is not None and (len(value) > LONGEST_NAME or not value.isprintable()):
        raise _BadCell(column, f"at most {LONGEST_NAME} printable characters are expected")
    return value


def _finding(line: int, fault: Mapping[str, Any]) -> Finding:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    column = _FIELDS.get(name, name)
    return Finding(line=line, column=column if column in COLUMNS else None, message=str(fault["msg"])[:200])
