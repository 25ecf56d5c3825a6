import csv
import io
from collections import Counter
from zoneinfo import ZoneInfo

from demo.company import SENIORS as SENIOR_GRADES
from demo.generate import COLUMNS, ENCODING, HR_EXPORT, Employee, employees, hr_export

EVERYBODY = list(employees())


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(hr_export().decode(ENCODING)), delimiter=";"))


def test_the_checked_in_export_is_what_the_generator_writes_byte_for_byte() -> None:
    assert HR_EXPORT.read_bytes() == hr_export(), "run: python -m demo.generate"


def test_the_company_has_500_seniors_and_600_juniors_a_generation_apart() -> None:
    seniors = [one for one in EVERYBODY if one.grade in SENIOR_GRADES]
    juniors = [one for one in EVERYBODY if one.grade not in SENIOR_GRADES]
    assert (len(seniors), len(juniors)) == (500, 600)
    assert {one.birth_year for one in seniors} <= set(range(1960, 1986))
    assert {one.birth_year for one in juniors} <= set(range(1990, 2004))


def test_staff_numbers_and_mail_addresses_are_nobody_elses_and_plainly_synthetic() -> None:
    assert len({one.staff_number for one in EVERYBODY}) == 1100
    assert len({one.email for one in EVERYBODY}) == 1100
    assert all(one.email.endswith(("@example.com", "@example.org")) for one in EVERYBODY)


def test_every_line_of_management_ends_at_the_one_chief() -> None:
    by_number = {one.staff_number: one for one in EVERYBODY}
    chief = EVERYBODY[0]

    def above(one: Employee) -> list[Employee]:
        manager = by_number.get(one.manager_staff_number)
        return [] if manager is None else [manager, *above(manager)]

    assert chief.manager_staff_number == ""
    assert all(above(one)[-1] is chief for one in EVERYBODY[1:])
    assert max(len(above(one)) for one in EVERYBODY) <= 12


def test_people_work_in_30_units_at_12_sites_in_at_least_six_real_time_zones() -> None:
    assert len({one.unit for one in EVERYBODY}) == 30
    assert len({one.site.name for one in EVERYBODY}) == 12
    assert len({ZoneInfo(one.site.time_zone).key for one in EVERYBODY}) >= 6


def test_nobody_was_hired_as_a_child_or_after_the_programme_began() -> None:
    assert all(one.hire_date.year - one.birth_year >= 21 for one in EVERYBODY)
    assert max(one.hire_date for one in EVERYBODY).year <= 2025


def test_the_file_has_the_dirt_of_real_exports() -> None:
    text = hr_export().decode(ENCODING)
    hired = [row[COLUMNS["hire_date"]] or "" for row in rows()]
    assert {"é", "ã", "ü", "ñ", "É", "\u00a0"} <= set(text)
    assert sum("/" in value for value in hired) > 300
    assert sum(value.count("-") == 2 for value in hired) > 300
    assert sum(value != value.rstrip() for row in rows() for value in row.values() if value) > 200


def test_some_employees_name_a_manager_who_is_not_in_the_file() -> None:
    known = {one.staff_number for one in EVERYBODY}
    named = [(row[COLUMNS["manager_staff_number"]] or "").strip() for row in rows()]
    assert sum(bool(number) and number not in known for number in named) == 8


def test_26_rows_cannot_be_imported_and_a_repeated_one_comes_after_the_first() -> None:
    numbers = [row[COLUMNS["staff_number"]].strip() for row in rows()]
    good = {one.staff_number for one in EVERYBODY}
    repeated = [number for number, times in Counter(numbers).items() if number in good and times > 1]
    assert len(numbers) - len(good) == 26
    assert len(repeated) == 6
    for number in repeated:
        first, *_ = (row for row in rows() if row[COLUMNS["staff_number"]].strip() == number)
        original = next(one for one in EVERYBODY if one.staff_number == number)
        assert first[COLUMNS["site"]].strip() == original.site.name
