import io
import tracemalloc
from collections.abc import Mapping

import pytest
from enrollment.domain import hr_file
from enrollment.domain.hr_file import (
    Finding,
    HrFile,
    PersonRow,
    RefusedRow,
    UnknownField,
    UnusableFile,
    excerpt,
)

from ..builders import HEADER, TODAY, a_file, a_row


def read(data: bytes, mapping: Mapping[str, str] | None = None) -> tuple[list[PersonRow], list[Finding]]:
    people: list[PersonRow] = []
    findings: list[Finding] = []
    for row in HrFile(io.BytesIO(data), mapping or {}, today=TODAY).rows():
        if isinstance(row, RefusedRow):
            findings += row.findings
        else:
            people.append(row)
    return people, findings


def fault_of(data: bytes, mapping: Mapping[str, str] | None = None) -> tuple[Finding, ...]:
    with pytest.raises(UnusableFile) as refused:
        read(data, mapping)
    return refused.value.findings


def test_every_cell_of_an_ordinary_row_becomes_a_fact() -> None:
    people, findings = read(a_file(a_row(7, manager_staff_number="00001")))
    assert findings == []
    assert people == [
        PersonRow(
            line=2,
            staff_number="00007",
            facts={
                "first_name": "Zoé",
                "last_name": "Martin 7",
                "email": "zoe.martin7@example.com",
                "hire_date": "2020-03-01",
                "birth_year": 1990,
                "grade": "J1",
                "unit": "Réseaux",
                "site": "Paris",
                "time_zone": "Europe/Paris",
                "languages": ("fr", "en"),
            },
            manager_staff_number="00001",
        )
    ]


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
def test_delimiter_encoding_and_line_ends_are_recognised(delimiter: str, encoding: str, ends: str) -> None:
    with_remark = {**a_row(2), "remark": f"a{delimiter}b"}
    header = (*HEADER, "remark")
    data = a_file(a_row(1), with_remark, header=header, delimiter=delimiter, encoding=encoding, ends=ends)
    file = HrFile(io.BytesIO(data), {}, today=TODAY)
    rows = list(file.rows())
    assert file.delimiter == delimiter
    assert file.encoding == ("windows-1252" if encoding == "cp1252" else "utf-8")
    assert [row.facts["first_name"] for row in rows if isinstance(row, PersonRow)] == ["Zoé", "Zoé"]
    assert [row.line for row in rows if isinstance(row, PersonRow)] == [2, 3]


def test_headers_are_known_in_french_and_whatever_their_accents_case_and_spacing() -> None:
    header = (
        " MATRICULE ",
        "Prénom",
        "nom",
        "Courriel",
        "Date d'embauche",
        "Année de naissance",
        "Grade",
        "Unité",
        "Matricule du manager",
        "Site",
        "Fuseau horaire",
        "LANGUES",
    )
    people, findings = read(a_file(list(a_row().values()), header=header))
    assert findings == []
    assert people[0].facts["birth_year"] == 1990
    assert people[0].facts["time_zone"] == "Europe/Paris"


def test_a_separator_hint_of_a_spreadsheet_is_followed() -> None:
    people, _ = read(b"sep=;\r\n" + a_file(a_row()))
    assert [person.line for person in people] == [3]


def test_a_mapping_names_the_column_of_a_field() -> None:
    header = ("Pers.-Nr.", *HEADER[1:])
    people, _ = read(a_file(list(a_row(3).values()), header=header), {"staff_number": "pers nr"})
    assert people[0].staff_number == "00003"


def test_a_mapped_column_is_not_also_taken_for_another_field() -> None:
    header = ("matricule", "first_name", "last_name", "email", "service")
    people, _ = read(a_file(["1", "Zoé", "Martin", "", "Paris"], header=header), {"site": "service"})
    assert people[0].facts["site"] == "Paris"
    assert "unit" not in people[0].facts


def test_a_mapping_of_a_field_that_people_do_not_have_is_refused() -> None:
    with pytest.raises(UnknownField) as refused:
        read(a_file(a_row()), {"salary": "grade"})
    assert refused.value.field == "mapping.salary"


def test_a_mapped_column_that_is_not_there_is_named() -> None:
    (finding,) = fault_of(a_file(a_row()), {"unit": "Abteilung"})
    assert (finding.code, finding.column) == ("missing_column", "Abteilung")


def test_every_missing_column_is_named_at_once() -> None:
    findings = fault_of(a_file(["1", "x"], header=("staff_number", "grade")))
    assert [(finding.code, finding.column) for finding in findings] == [
        ("missing_column", "first_name"),
        ("missing_column", "last_name"),
        ("missing_column", "email"),
    ]


def test_two_columns_for_one_field_are_not_guessed() -> None:
    (finding,) = fault_of(a_file(a_row(), header=(*HEADER, "service")))
    assert finding.code == "ambiguous_column"
    assert "unit" in finding.message


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b"\r\n\r\n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"sep=|\r\na|b", "unsupported_delimiter"),
        (a_file(), "no_rows"),
        (b"PK\x03\x04 a workbook", "binary_file"),
        (bytes(range(256)) * 100, "binary_file"),
        ("staff_number;first_name".encode("utf-16"), "unsupported_encoding"),
        (a_file(a_row(), header=[f"c{n}" for n in range(300)]), "too_many_columns"),
        (b'"' + b"x" * 200_000, "line_too_long"),
        (b'"staff_number;first_name', "bad_quoting"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(data: bytes, code: str) -> None:
    assert fault_of(data)[0].code == code


def test_a_nul_byte_is_reported_with_its_line() -> None:
    (finding,) = fault_of(a_file(a_row(1), a_row(2, unit="a\x00b")))
    assert (finding.code, finding.line) == ("binary_file", 3)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("staff_number", "", "missing_value"),
        ("staff_number", "  \u00a0", "missing_value"),
        ("staff_number", "$gt", "bad_staff_number"),
        ("staff_number", "1" * 65, "too_long"),
        ("first_name", "", "missing_value"),
        ("last_name", "=cmd|' /C calc'!A0", "formula"),
        ("first_name", '=HYPERLINK("http://example.com";"ici")', "formula"),
        ("unit", "@SUM(A1:A9)", "formula"),
        ("unit", "+SUM(A1)", "formula"),
        ("unit", "-2+3", "formula"),
        ("unit", "+A1", "formula"),
        ("unit", "-1+cmd|' /C calc'!A0", "formula"),
        ("last_name", "a\x07b", "control_character"),
        ("last_name", "a\nb", "control_character"),
        ("last_name", "a\u202eb", "control_character"),
        ("last_name", "x" * 101, "too_long"),
        ("email", "nobody", "bad_email"),
        ("email", "jean(at)example.com", "bad_email"),
        ("email", "a..b@example.com", "bad_email"),
        ("hire_date", "31/02/2020", "bad_date"),
        ("hire_date", "2020-13-01", "bad_date"),
        ("hire_date", "00/00/0000", "bad_date"),
        ("hire_date", "0000-01-01", "bad_date"),
        ("hire_date", "9999-12-31", "bad_date"),
        ("hire_date", "1850-01-01", "bad_date"),
        ("hire_date", "\u0662\u0660\u0662\u0660-\u0660\u0661-\u0660\u0661", "bad_date"),
        ("hire_date", "soon", "bad_date"),
        ("birth_year", "19S7", "bad_year"),
        ("birth_year", "2971", "bad_year"),
        ("birth_year", "0", "bad_year"),
        ("birth_year", "90", "bad_year"),
        ("birth_year", "12345678901234567890", "too_long"),
        ("time_zone", "Europe/Pariss", "unknown_time_zone"),
        ("time_zone", "../etc/passwd", "unknown_time_zone"),
        ("languages", "français", "bad_language"),
        ("languages", "aa|bb|cc|dd|ee|ff|gg|hh|ii|jj|kk", "too_many_languages"),
        ("manager_staff_number", "?", "bad_staff_number"),
    ],
)
def test_a_bad_cell_is_refused_with_its_line_column_and_code(field: str, value: str, code: str) -> None:
    people, (finding,) = read(a_file(a_row(1), a_row(2) | {field: value}, a_row(3)))
    assert (finding.line, finding.column, finding.code) == (3, field, code)
    assert finding.message
    assert [person.staff_number for person in people] == ["00001", "00003"]


@pytest.mark.parametrize("value", ["-", "+33", "-12", "- Nord", "=", "O'Brien", "N/A", "a=b"])
def test_text_that_only_looks_a_little_like_a_formula_is_text(value: str) -> None:
    people, findings = read(a_file(a_row(unit=value)))
    assert findings == []
    assert people[0].facts["unit"] == value


@pytest.mark.parametrize(
    ("field", "value", "fact"),
    [
        ("hire_date", "01/03/2020", "2020-03-01"),
        ("hire_date", "1/3/2020", "2020-03-01"),
        ("hire_date", " 2020-02-29 ", "2020-02-29"),
        ("hire_date", "", None),
        ("email", "", None),
        ("languages", "FR, en_us", ("fr", "en-US")),
        ("languages", "fr|fr/de", ("fr", "de")),
        ("languages", "", None),
        ("first_name", "Zoe\u0301", "Zoé"),
        ("unit", "  Ventes \u00a0", "Ventes"),
        ("grade", "Z9", "Z9"),
    ],
)
def test_cells_are_tidied(field: str, value: str, fact: object) -> None:
    people, findings = read(a_file(a_row() | {field: value}))
    assert findings == []
    assert people[0].facts[field] == fact


def test_all_faults_of_a_row_are_reported() -> None:
    _, findings = read(a_file(a_row(birth_year="x", hire_date="x")))
    assert {finding.column for finding in findings} == {"birth_year", "hire_date"}


def test_the_second_row_of_a_staff_number_is_refused_and_names_the_first() -> None:
    people, (finding,) = read(a_file(a_row(1), a_row(2), a_row(1, unit="Ventes")))
    assert (finding.line, finding.column, finding.code) == (4, "staff_number", "duplicate")
    assert "line 2" in finding.message
    assert [person.line for person in people] == [2, 3]


def test_a_row_whose_first_appearance_was_refused_is_no_duplicate() -> None:
    people, findings = read(a_file(a_row(1, birth_year="x"), a_row(1)))
    assert [finding.code for finding in findings] == ["bad_year"]
    assert [person.line for person in people] == [3]


@pytest.mark.parametrize("cells", [["1"], ["1", "2", "3", "4", "5"], [*a_row().values(), "one more"]])
def test_a_row_with_another_number_of_cells_is_refused(cells: list[str]) -> None:
    _, (finding,) = read(a_file(a_row(1), cells))
    assert (finding.line, finding.code) == (3, "wrong_number_of_cells")


def test_empty_cells_beyond_the_header_and_blank_lines_do_no_harm() -> None:
    people, findings = read(a_file([*a_row(1).values(), "", " "], [], ["", ""], a_row(2)))
    assert findings == []
    assert [person.line for person in people] == [2, 5]


def test_lines_are_counted_as_an_editor_counts_them_when_quotes_span_lines() -> None:
    header = (*HEADER, "address")
    first = {**a_row(1), "address": "1 rue A\r\n75001 Paris\r\nFrance"}
    people, findings = read(a_file(first, a_row(2, birth_year="x"), a_row(3), header=header))
    assert [person.line for person in people] == [2, 6]
    assert [finding.line for finding in findings] == [5]


@pytest.mark.parametrize("later", ['"Paul"', "Paul"])
def test_a_stray_quote_costs_its_own_line_only(later: str) -> None:
    lines = a_file(*(a_row(number) for number in range(1, 41))).decode().split("\r\n")
    lines[5] = lines[5].replace("Zoé", '"Zoé', 1)
    lines[9] = lines[9].replace("Zoé", later, 1)
    people, findings = read("\r\n".join(lines).encode())
    assert [finding.line for finding in findings] == [6]
    assert len(people) == 39


def test_a_quote_left_open_at_the_end_is_reported() -> None:
    data = a_file(a_row(1)) + b'00002;"Zo'
    people, (finding,) = read(data)
    assert (finding.line, finding.code) == (3, "bad_quoting")
    assert len(people) == 1


def test_broken_bytes_in_utf8_are_reported_with_line_and_column() -> None:
    data = a_file(*(a_row(number) for number in range(1, 6))).replace(b"Martin 3", b"Mart\xff\xe9n")
    people, (finding,) = read(data)
    assert (finding.line, finding.column, finding.code) == (4, "last_name", "broken_encoding")
    assert finding.value_excerpt == r"Mart\xff\xe9n"
    assert len(people) == 4


def test_bytes_that_windows_1252_lacks_are_reported_with_line_and_column() -> None:
    data = a_file(*(a_row(number) for number in range(1, 6)), encoding="cp1252").replace(b"Martin 3", b"Mart\x81n")
    _, (finding,) = read(data)
    assert (finding.line, finding.column, finding.code) == (4, "last_name", "broken_encoding")


def test_excerpts_are_short_and_printable() -> None:
    assert excerpt("a\x00\x1b[31m\n\u202e") == r"a\x00\x1b[31m\x0a\u202e"
    assert len(excerpt("é" * 500)) == 60
    excerpt("\udcff" * 500).encode()


def test_a_line_without_end_costs_no_memory_and_only_itself() -> None:
    data = a_file(a_row(1)) + b"x" * 5_000_000 + b"\r\n" + b";".join(c.encode() for c in a_row(2).values())
    people, (finding,) = read(data)
    assert (finding.line, finding.code) == (3, "line_too_long")
    assert [person.line for person in people] == [2, 4]


def test_more_rows_than_a_file_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hr_file, "MAX_ROWS", 100)
    assert len(read(a_file(*(a_row(number) for number in range(100))))[0]) == 100
    (finding,) = fault_of(a_file(*(a_row(number) for number in range(101))))
    assert (finding.code, finding.line) == ("too_many_rows", 102)


def test_memory_grows_only_by_the_staff_numbers() -> None:
    rows = "".join(";".join(a_row(number).values()) + "\n" for number in range(20_000))
    source = io.BytesIO((";".join(HEADER) + "\n" + rows).encode())
    del rows
    tracemalloc.start()
    count = sum(1 for row in HrFile(source, {}, today=TODAY).rows() if isinstance(row, PersonRow))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 12 * 2**20
