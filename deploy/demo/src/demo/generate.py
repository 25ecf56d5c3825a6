"""Writes the HR export that the demo imports: ``python -m demo.generate``.

1,100 employees of an invented company in the shape in which such files really arrive: semicolons,
Windows-1252, French headers, two date formats, stray spaces, managers nobody knows, and rows that must be
refused. The same file every time.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from .chance import Chance
from .company import (
    DEPUTY_GRADE,
    FIRST_NAMES,
    HEAD_GRADE,
    JUNIOR_GRADES,
    MANAGER_GRADES,
    SITES,
    SURNAMES,
    TOP_GRADE,
    UNITS,
    Site,
)

HR_EXPORT = Path(__file__).parents[2] / "data" / "hr_export.csv"
ENCODING = "cp1252"
TOP = 10
"""The chief and the nine who report to the chief."""
SENIORS = 500
JUNIORS = 600
UNKNOWN_MANAGERS = 8
"""So many employees name a manager who is not in the file."""

COLUMNS = {
    "staff_number": "Matricule",
    "last_name": "Nom",
    "first_name": "Prénom",
    "email": "Courriel",
    "hire_date": "Date d'embauche",
    "birth_year": "Année de naissance",
    "grade": "Grade",
    "unit": "Unité",
    "manager_staff_number": "Matricule du manager",
    "site": "Site",
    "time_zone": "Fuseau horaire",
    "languages": "Langues",
}
"""The header that this company's HR system writes for each of our fields, in its order."""


@dataclass(frozen=True, kw_only=True)
class Employee:
    """One line of the export, as clean as it can be."""

    staff_number: str
    last_name: str
    first_name: str
    email: str
    hire_date: date
    birth_year: int
    grade: str
    unit: str
    manager_staff_number: str
    site: Site
    languages: tuple[str, ...]


def hr_export() -> bytes:
    """The file, byte for byte the same on every machine and Python version."""
    text = io.StringIO()
    lines = csv.writer(text, delimiter=";", lineterminator="\r\n")
    lines.writerow(COLUMNS.values())
    lines.writerows(_shuffled(_rows(list(employees()))))
    return text.getvalue().encode(ENCODING)


def employees() -> Iterator[Employee]:
    """Everybody, managers before the people who report to them."""
    taken: set[str] = set()
    units: dict[str, list[Employee]] = {unit: [] for unit in UNITS}
    top: list[Employee] = []
    for number in range(SENIORS + JUNIORS):
        someone = _employee(number, top, units, taken)
        (top if someone.grade == TOP_GRADE else units[someone.unit]).append(someone)
        yield someone


def _employee(number: int, top: Sequence[Employee], units: dict[str, list[Employee]], taken: set[str]) -> Employee:
    """The ``number``-th: the chief, nine at the top, unit heads, two deputies each, managers, juniors."""
    chance = Chance("employee", number)
    unit = UNITS[0] if number < TOP else UNITS[(number - TOP) % len(UNITS)]
    grade, manager = _grade_and_manager(number, chance, top, units[unit])
    senior = number < SENIORS
    site = chance.weighted("site", {site: site.weight for site in SITES})
    first, last = _name(chance, site)
    born = _birth_year(chance, grade, senior=senior)
    return Employee(
        staff_number=f"{20_000 + number * 7:08d}",
        last_name=last,
        first_name=first,
        email=_mail(chance, first, last, taken),
        hire_date=_hired(chance, born, senior=senior),
        birth_year=born,
        grade=grade,
        unit=unit,
        manager_staff_number=manager,
        site=site,
        languages=_languages(chance, site),
    )


def _grade_and_manager(
    number: int, chance: Chance, top: Sequence[Employee], unit: Sequence[Employee]
) -> tuple[str, str]:
    def one_of(grades: Sequence[str]) -> str:
        return chance.pick("manager", [one.staff_number for one in unit if one.grade in grades])

    if number < TOP:
        return TOP_GRADE, top[0].staff_number if top else ""
    if number < TOP + len(UNITS):
        return HEAD_GRADE, chance.pick("manager", top[1:]).staff_number
    if number < TOP + 3 * len(UNITS):
        return DEPUTY_GRADE, one_of([HEAD_GRADE])
    if number < SENIORS:
        return chance.weighted("grade", MANAGER_GRADES), one_of([DEPUTY_GRADE])
    return chance.weighted("grade", JUNIOR_GRADES), one_of([*MANAGER_GRADES])


def _name(chance: Chance, site: Site) -> tuple[str, str]:
    # People move: one in eight carries a name from another part of the company.
    origin = chance.pick("origin", sorted(SURNAMES)) if chance.happens("moved", 1 / 8) else site.names
    return chance.pick("first name", FIRST_NAMES[origin].split()), chance.pick("surname", SURNAMES[origin].split())


def _mail(chance: Chance, first: str, last: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{last}".lower().replace("ß", "ss"))
    local = "".join(letter for letter in plain if letter.isascii())
    domain = chance.weighted("domain", {"example.com": 4, "example.org": 1})
    mail, again = f"{local}@{domain}", 2
    while mail in taken:
        mail, again = f"{local}{again}@{domain}", again + 1
    taken.add(mail)
    return mail


def _birth_year(chance: Chance, grade: str, *, senior: bool) -> int:
    if not senior:
        return chance.whole("born", 1990, 2003)
    return chance.whole("born", 1960, 1972) if grade.startswith("E") else chance.whole("born", 1963, 1985)


def _hired(chance: Chance, born: int, *, senior: bool) -> date:
    first = date(born + 23, 1, 15) if senior else max(date(born + 21, 9, 1), date(2016, 9, 1))
    last = date(2019, 12, 31) if senior else date(2025, 9, 30)
    return first + timedelta(days=chance.whole("hired", 0, (last - first).days))


def _languages(chance: Chance, site: Site) -> tuple[str, ...]:
    first, *others = site.languages
    return (first, *(other for other in others if chance.happens(f"speaks {other}", 0.8)))


def _rows(everybody: Sequence[Employee]) -> list[list[str]]:
    """The lines to be written: all who can be imported, and among them those who cannot."""
    ordinary = [one for one in everybody if one.grade in JUNIOR_GRADES]
    orphans = {one.staff_number for one in Chance("orphans").some("who", ordinary, UNKNOWN_MANAGERS)}
    rows = [
        _written(replace(one, manager_staff_number="00000999") if one.staff_number in orphans else one)
        for one in everybody
    ]
    return [*rows, *_refusable(everybody)]


def _written(one: Employee) -> list[str]:
    """An employee as the HR system writes one: two date formats, two ways to list languages, stray spaces."""
    chance = Chance("written", one.staff_number)
    row = [
        one.staff_number,
        one.last_name.upper() if chance.happens("capitals", 0.1) else one.last_name,
        one.first_name,
        one.email,
        one.hire_date.strftime("%d/%m/%Y") if chance.happens("french date", 0.4) else one.hire_date.isoformat(),
        str(one.birth_year),
        one.grade,
        one.unit,
        one.manager_staff_number,
        one.site.name,
        one.site.time_zone,
        (", " if chance.happens("commas", 0.3) else "|").join(one.languages),
    ]
    return [
        value + chance.pick(f"space {place}", (" ", "  ", "\u00a0"))
        if chance.happens(f"untidy {place}", 0.03)
        else value
        for place, value in enumerate(row)
    ]


def _refusable(everybody: Sequence[Employee]) -> Iterator[list[str]]:
    """Rows that no import may let through, each broken in one place."""
    column = {field: place for place, field in enumerate(COLUMNS)}

    def broken(number: int, field: str, value: str) -> list[str]:
        one = everybody[700 + number * 11]
        row = _written(replace(one, staff_number=f"{90_000 + number:08d}", email=f"ligne{number}@example.org"))
        row[column[field]] = value
        return row

    for number in range(6):
        twice = everybody[300 + number * 97]
        yield _written(replace(twice, site=SITES[(SITES.index(twice.site) + 1) % len(SITES)]))
    faults = (
        ("hire_date", "31/02/2020"),
        ("hire_date", "29/02/2019"),
        ("hire_date", "2019-13-04"),
        ("hire_date", "00/00/0000"),
        ("hire_date", "bientôt"),
        ("staff_number", ""),
        ("staff_number", "   "),
        ("staff_number", ""),
        ("time_zone", "Europe/Pariss"),
        ("time_zone", "GMT+25"),
        ("time_zone", "Heure de Paris"),
        ("last_name", "=cmd|' /C calc'!A0"),
        ("first_name", '=HYPERLINK("http://example.com";"ici")'),
        ("unit", "@SUM(A1:A9)"),
        ("birth_year", "19S7"),
        ("birth_year", "2971"),
        ("email", "pas d'adresse"),
        ("email", "jean.dupont(at)example.com"),
        ("last_name", ""),
    )
    for number, (field, value) in enumerate(faults):
        yield broken(number, field, value)
    yield broken(len(faults), "grade", "")[:5]


def _shuffled(rows: Sequence[list[str]]) -> list[list[str]]:
    """In no order that means anything, but a repeated staff number comes after its first appearance."""
    first: dict[str, int] = {}
    order: list[tuple[float, int]] = []
    for place, row in enumerate(rows):
        share = Chance("order").share(";".join(row))
        earlier = first.setdefault(row[0].strip(), place)
        order.append((max(share, order[earlier][0]) if earlier < place and row[0].strip() else share, place))
    return [rows[place] for _, place in sorted(order)]


if __name__ == "__main__":
    HR_EXPORT.write_bytes(hr_export())
    print(f"{HR_EXPORT}: {SENIORS + JUNIORS} employees, and rows that an import must refuse")  # noqa: T201
