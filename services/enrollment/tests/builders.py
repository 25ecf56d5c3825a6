"""Ordinary things to test with: each test says only what is special about its own."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files
from typing import Any

from enrollment.domain.catalogue import Catalogue
from enrollment.domain.offers import Offer
from enrollment.domain.people import Disclosure, Person, Profile
from enrollment.domain.programmes import Charter, Requirements
from enrollment.domain.references import References
from enrollment.domain.volunteers import Application, Volunteer, volunteer
from shared.contracts import AccessRole, OfferedSkill, Principal, Role, WantedSkill, WeeklyWindow

NOW = datetime(2026, 1, 12, 8, 0, tzinfo=UTC)
TODAY = NOW.date()
TENANT = "default"
MANAGER = Principal(tenant=TENANT, subject="hr", roles=frozenset({AccessRole.PROGRAMME_MANAGER}))
CATALOGUE = Catalogue.parse(files("enrollment").joinpath("catalogue.toml").read_text("utf-8"))
DISCLOSURE = Disclosure(references=References(b"a key for tests"), grade_bands={"J1": 1, "E3": 12})

HEADER = (
    "staff_number",
    "first_name",
    "last_name",
    "email",
    "hire_date",
    "birth_year",
    "grade",
    "unit",
    "manager_staff_number",
    "site",
    "time_zone",
    "languages",
)


def a_row(number: int = 1, **cells: str) -> dict[str, str]:
    return {
        "staff_number": f"{number:05d}",
        "first_name": "Zoé",
        "last_name": f"Martin {number}",
        "email": f"zoe.martin{number}@example.com",
        "hire_date": "2020-03-01",
        "birth_year": "1990",
        "grade": "J1",
        "unit": "Réseaux",
        "manager_staff_number": "",
        "site": "Paris",
        "time_zone": "Europe/Paris",
        "languages": "fr|en",
        **cells,
    }


def a_file(
    *rows: Mapping[str, str] | Sequence[str],
    header: Sequence[str] = HEADER,
    delimiter: str = ";",
    encoding: str = "utf-8",
    ends: str = "\r\n",
) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ends)
    writer.writerow(header)
    for row in rows:
        writer.writerow([row.get(name, "") for name in header] if isinstance(row, Mapping) else row)
    return text.getvalue().encode(encoding)


def a_participant(ref: str = "per_1") -> Principal:
    return Principal(tenant=TENANT, subject=ref, roles=frozenset({AccessRole.PARTICIPANT}))


def a_person(ref: str = "per_1", **facts: Any) -> Person:
    known: dict[str, Any] = {
        "staff_number": f"staff {ref}",
        "first_name": "Zoé",
        "last_name": "Martin",
        "birth_year": 1990,
        "grade": "J1",
        "unit": "Réseaux",
        "time_zone": "Europe/Paris",
        "languages": ("fr", "en"),
    }
    return Person(id=ref, tenant=TENANT, version=1, **(known | facts))


def a_profile(**facts: Any) -> Profile:
    return replace(
        Profile(unit="unit_a", line_self="line_a", age_band="1990-1994", languages=("fr",), time_zone="Europe/Paris"),
        **facts,
    )


def an_offer(**fields: Any) -> Offer:
    return replace(
        Offer(
            skills_offered=(OfferedSkill(skill="generative_ai", level=4),),
            skills_wanted=(WantedSkill(skill="inclusion", level=1, priority=2),),
            availability=(WeeklyWindow(day=1, start="09:00", end="12:00"),),
        ),
        **fields,
    )


def an_application(**fields: Any) -> Application:
    return replace(
        Application(
            id="vol_1",
            tenant=TENANT,
            programme_id="prg_1",
            person_ref="per_1",
            role=Role.MENTOR,
            offer=an_offer(),
            profile=a_profile(),
            requirements=Requirements(version=2, charter=True, training=True),
        ),
        **fields,
    )


def a_volunteer(**fields: Any) -> Volunteer:
    return volunteer(None, an_application(**fields), at=NOW)[0]


def a_charter(**fields: Any) -> Charter:
    return replace(Charter(title="Digital for leaders", starts_on=date(2026, 2, 2)), **fields)
