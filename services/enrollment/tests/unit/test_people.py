from datetime import date

import pytest
from enrollment.domain.people import age_band, managers_above, tenure_years
from enrollment.domain.references import References, command_id, new_person_ref, volunteer_id

from ..builders import DISCLOSURE, TENANT, TODAY, a_person


def test_a_profile_tells_bands_and_opaque_references_only() -> None:
    person = a_person("per_1", hire_date=date(2020, 3, 1), site="Lyon", email="zoe@example.com")
    profile = DISCLOSURE.profile(person, ["per_2", "per_3"], today=TODAY)
    told = str(profile)
    for secret in ("Zoé", "Martin", "zoe@example.com", "staff", "Réseaux", "Lyon", "per_1", "per_2", "2020"):
        assert secret not in told
    assert profile.age_band == "1990-1994"
    assert profile.grade_band == 1
    assert profile.tenure_years == 5
    assert profile.unit is not None
    assert profile.unit.startswith("unit_")
    assert profile.site is not None
    assert profile.site.startswith("site_")
    assert len(profile.line_above) == 2


def test_two_people_are_in_one_line_when_one_is_above_the_other() -> None:
    below = DISCLOSURE.profile(a_person("per_1"), ["per_2"], today=TODAY)
    above = DISCLOSURE.profile(a_person("per_2"), [], today=TODAY)
    assert below.line_above == (above.line_self,)


def test_an_unknown_grade_tells_nothing() -> None:
    assert DISCLOSURE.profile(a_person(grade="Z9"), [], today=TODAY).grade_band is None
    assert DISCLOSURE.profile(a_person(grade=None), [], today=TODAY).grade_band is None


def test_references_depend_on_the_key_the_tenant_and_the_kind() -> None:
    one, other = References(b"one key"), References(b"another key")
    assert one.unit(TENANT, "Ventes") != other.unit(TENANT, "Ventes")
    assert one.unit(TENANT, "Ventes") != one.unit("elsewhere", "Ventes")
    assert str(one.unit(TENANT, "Paris")).removeprefix("unit_") != str(one.site(TENANT, "Paris")).removeprefix("site_")
    assert one.unit(TENANT, None) is None


def test_a_unit_spelt_with_other_spaces_or_capitals_is_the_same_unit() -> None:
    assert DISCLOSURE.references.unit(TENANT, "Ventes  France") == DISCLOSURE.references.unit(TENANT, "VENTES France")


def test_the_key_of_the_references_is_not_shown() -> None:
    assert "secret" not in repr(References(b"secret"))


def test_person_references_are_random() -> None:
    assert len({new_person_ref() for _ in range(100)}) == 100


def test_a_volunteer_has_one_id_per_tenant_programme_person_and_role() -> None:
    ids = {
        volunteer_id(tenant, programme, person, role)
        for tenant in ("a", "b")
        for programme in ("p", "q")
        for person in ("x", "y")
        for role in ("mentor", "mentee")
    }
    assert len(ids) == 16
    assert volunteer_id("a", "p", "x", "mentor") in ids


def test_a_repeated_key_names_the_same_thing_and_no_key_a_new_one() -> None:
    assert command_id("prg", TENANT, "key") == command_id("prg", TENANT, "key")
    assert command_id("prg", TENANT, "key") != command_id("prg", "elsewhere", "key")
    assert command_id("prg", TENANT, None) != command_id("prg", TENANT, None)


@pytest.mark.parametrize(
    ("manager_of", "line"),
    [
        ({}, ()),
        ({"a": None}, ()),
        ({"a": "b", "b": "c", "c": None}, ("b", "c")),
        ({"a": "b"}, ("b",)),
        ({"a": "b", "b": "c", "c": "d", "d": "e", "e": "f"}, ("b", "c", "d", "e")),
        ({"a": "a"}, ()),
        ({"a": "b", "b": "a"}, ("b",)),
        ({"a": "b", "b": "c", "c": "b"}, ("b", "c")),
    ],
)
def test_the_line_ends_at_the_top_after_four_levels_or_at_a_circle(
    manager_of: dict[str, str | None], line: tuple[str, ...]
) -> None:
    assert managers_above("a", manager_of) == line


@pytest.mark.parametrize(
    ("year", "band"),
    [(1987, "1985-1989"), (1985, "1985-1989"), (1989, "1985-1989"), (1899, None), (2100, None), (None, None)],
)
def test_a_year_of_birth_is_told_as_five_years(year: int | None, band: str | None) -> None:
    assert age_band(year) == band


@pytest.mark.parametrize(
    ("hired", "years"),
    [
        (date(2020, 1, 12), 6),
        (date(2020, 1, 13), 5),
        (date(2026, 1, 13), 0),
        (date(2027, 1, 1), 0),
        (date(1950, 1, 1), 60),
        (None, None),
    ],
)
def test_tenure_is_told_in_full_years(hired: date | None, years: int | None) -> None:
    assert tenure_years(hired, TODAY) == years


def test_a_person_who_is_told_nothing_new_is_the_very_same() -> None:
    person = a_person()
    assert person.updated({"grade": "J1", "languages": ("fr", "en")}) is person
    assert person.updated({"grade": "J2"}).version == 2
