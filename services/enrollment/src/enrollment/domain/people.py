"""Who works here: what an HR system says about a person, and the coarse part of it that others may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from shared.contracts import NotFound

from .references import References

MAX_LINE_LEVELS = 4
"""How many levels of managers are told: enough to keep a pair out of one reporting line."""
_OLDEST_BAND = 1900
_NEWEST_BAND = 2095
_MOST_TENURE = 60


class UnknownPerson(NotFound):
    """There is no such person, or the record is somebody else's."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """A person as the directory knows them. ``id`` is the random reference used everywhere else."""

    id: str
    tenant: str
    version: int
    staff_number: str
    first_name: str
    last_name: str
    email: str | None = None
    hire_date: date | None = None
    birth_year: int | None = None
    grade: str | None = None
    unit: str | None = None
    site: str | None = None
    manager_ref: str | None = None
    time_zone: str | None = None
    languages: tuple[str, ...] = ()

    def updated(self, facts: Mapping[str, Any]) -> "Person":
        """The person with these facts; the very same object when they change nothing."""
        changed = replace(self, **facts)
        return self if changed == self else replace(changed, version=self.version + 1)


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What may be told of a person outside this service: coarse bands and opaque references (B-08)."""

    unit: str | None = None
    site: str | None = None
    line_self: str | None = None
    line_above: tuple[str, ...] = ()
    age_band: str | None = None
    grade_band: int | None = None
    tenure_years: int | None = None
    languages: tuple[str, ...] = ()
    time_zone: str | None = None


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """How a person becomes a profile: the key of the references and the organisation's grades."""

    references: References
    grade_bands: Mapping[str, int] = field(default_factory=dict)

    def profile(self, person: Person, managers: Sequence[str], *, today: date) -> Profile:
        """The profile of a person whose managers are these, the nearest first."""
        tenant = person.tenant
        return Profile(
            unit=self.references.unit(tenant, person.unit),
            site=self.references.site(tenant, person.site),
            line_self=self.references.line(tenant, person.id),
            line_above=tuple(self.references.line(tenant, manager) for manager in managers),
            age_band=age_band(person.birth_year),
            grade_band=self.grade_bands.get(person.grade.upper()) if person.grade else None,
            tenure_years=tenure_years(person.hire_date, today),
            languages=person.languages,
            time_zone=person.time_zone,
        )


def managers_above(person_ref: str, manager_of: Mapping[str, str | None]) -> tuple[str, ...]:
    """The managers above a person, the nearest first, at most four; a circle in the data ends the line."""
    line: list[str] = []
    above = manager_of.get(person_ref)
    while above is not None and above != person_ref and above not in line and len(line) < MAX_LINE_LEVELS:
        line.append(above)
        above = manager_of.get(above)
    return tuple(line)


def age_band(birth_year: int | None) -> str | None:
    """Five years of birth: ``1987`` is told as ``1985-1989``. Out of range or not given: nothing is told."""
    if birth_year is None:
        return None
    first = birth_year - birth_year % 5
    return f"{first}-{first + 4}" if _OLDEST_BAND <= first <= _NEWEST_BAND else None


def tenure_years(hire_date: date | None, today: date) -> int | None:
    """Full years in the company, 0 to 60."""
    if hire_date is None:
        return None
    before_anniversary = (today.month, today.day) < (hire_date.month, hire_date.day)
    return min(max(today.year - hire_date.year - before_anniversary, 0), _MOST_TENURE)
