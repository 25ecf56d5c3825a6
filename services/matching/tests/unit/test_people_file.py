import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matching.domain.candidate import Candidate
from matching.domain.refusals import UnusablePeople
from matching.use_cases.people_file import COLUMNS, FINDINGS_TOLD, MOST_ROWS, read_people
from matching_builders import a_crowd, with_wishes
from shared.contracts import OfferedSkill, Role, WantedSkill, WeeklyWindow

HEADER = "role;languages;time_zone;capacity;skills_offered;skills_wanted;availability;unit;line;line_above;ready;person"
MENTOR = "mentor;fr|en-GB;Europe/Paris;2;generative_ai:4|excel:3;;1 09:00-12:00|4 14:00-17:30;R&D Lyon;boss7;top;;7"
MENTEE = "Mentee; fr ;Europe/Paris;;;generative_ai:1:3;1 09:00-12:00;Siège;top;;no;7"


def of(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join([header, *rows]).encode()


def as_csv(people: tuple[Candidate, ...]) -> bytes:
    """The file that a spreadsheet would hold of these people."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for person in people:
        writer.writerow(
            {
                "role": person.role,
                "languages": "|".join(person.languages),
                "time_zone": person.time_zone,
                "capacity": person.capacity,
                "skills_offered": "|".join(f"{one.skill}:{one.level}" for one in person.skills_offered),
                "skills_wanted": "|".join(f"{one.skill}:{one.level}:{one.priority}" for one in person.skills_wanted),
                "interests": "|".join(person.interests),
                "goals": "|".join(person.goals),
                "availability": "|".join(f"{one.day} {one.start}-{one.end}" for one in person.availability),
                "unit": person.unit or "",
                "site": person.site or "",
                "line": person.line_self or "",
                "line_above": "|".join(person.line_above),
                "age_band": person.age_band or "",
                "grade_band": "" if person.grade_band is None else person.grade_band,
                "motivation": person.motivation,
                "grid_score": "" if person.grid_score is None else person.grid_score,
                "ready": "yes" if person.ready else "no",
                "person": person.person_ref,
            }
        )
    return text.getvalue().encode()


def test_a_row_becomes_a_person_whom_nothing_names() -> None:
    mentor, mentee = read_people(of(MENTOR, "", MENTEE), tenant="acme")
    assert (mentor.role, mentor.capacity, mentor.ready, mentor.tenant) == (Role.MENTOR, 2, True, "acme")
    assert mentor.skills_offered == (
        OfferedSkill(skill="excel", level=3),
        OfferedSkill(skill="generative_ai", level=4),
    )
    assert mentor.availability == (
        WeeklyWindow(day=1, start="09:00", end="12:00"),
        WeeklyWindow(day=4, start="14:00", end="17:30"),
    )
    assert (mentor.unit, mentor.languages) == ("R&D Lyon", ("en-GB", "fr"))
    assert mentee.skills_wanted == (WantedSkill(skill="generative_ai", level=1, priority=3),)
    assert (mentee.ready, mentee.unit, mentee.motivation) == (False, "Siège", 3)
    assert mentor.person_ref == mentee.person_ref
    assert mentor.line_above == (mentee.line_self,)
    assert "7" not in mentor.person_ref.partition("-")[2]
    assert "boss7" not in repr(mentor)
    assert "top" not in repr(mentor)


@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_the_header_shows_what_separates_the_cells(delimiter: str) -> None:
    body = of(MENTOR, MENTEE).replace(b";", delimiter.encode())
    assert len(read_people(b"\xef\xbb\xbf" + body, tenant="acme")) == 2


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_people_survive_the_way_through_a_file(seed: int) -> None:
    mentors, mentees = a_crowd(6, 6, seed)
    people = (*with_wishes(mentors, mentees, seed), *mentees)
    names = {"id": "", "tenant": "", "version": 1, "programme_id": "", "person_ref": "", "ranked_wishes": ()}
    lines = {"line_self": None, "line_above": ()}
    for before, after in zip(people, read_people(as_csv(people), tenant="default"), strict=True):
        assert replace(after, **names, **lines) == replace(before, **names, **lines)
        assert len(after.line_above) == len(before.line_above)


BAD_CELLS = [
    ("role", "boss", "role"),
    ("role", "", "role"),
    ("languages", "", "languages"),
    ("languages", "french", "languages"),
    ("time_zone", "Mars/Base", "time_zone"),
    ("time_zone", "", "time_zone"),
    ("capacity", "6", "capacity"),
    ("capacity", "two", "capacity"),
    ("skills_offered", "generative_ai", "skills_offered"),
    ("skills_offered", "generative_ai:6", "skills_offered"),
    ("skills_offered", "generative_ai:-1", "skills_offered"),
    ("skills_offered", "KI!:3", "skills_offered"),
    ("skills_wanted", "generative_ai:1", "skills_wanted"),
    ("skills_wanted", "generative_ai:1:4", "skills_wanted"),
    ("availability", "Monday 09:00-12:00", "availability"),
    ("availability", "1 12:00-09:00", "availability"),
    ("availability", "1 25:00-26:00", "availability"),
    ("unit", "x" * 97, "unit"),
    ("unit", "a\x07b", "unit"),
    ("ready", "perhaps", "ready"),
]


@pytest.mark.parametrize(("column", "cell", "named"), BAD_CELLS)
def test_a_bad_cell_is_told_by_its_row_and_column(column: str, cell: str, named: str) -> None:
    cells = dict(zip(HEADER.split(";"), MENTOR.split(";"), strict=True)) | {column: cell}
    with pytest.raises(UnusablePeople) as refused:
        read_people(of(MENTEE, ";".join(cells.values())), tenant="acme")
    findings = refused.value.extra["findings"]
    assert isinstance(findings, list)
    assert [(one["line"], one["column"]) for one in findings] == [(3, named)]
    assert refused.value.detail.startswith(f"line 3, column {named}: ")


def test_every_bad_row_is_counted_and_the_first_are_told() -> None:
    with pytest.raises(UnusablePeople) as refused:
        read_people(of(*["boss" + ";" * 11] * (FINDINGS_TOLD + 5)), tenant="acme")
    assert refused.value.extra["found"] == FINDINGS_TOLD + 5
    assert len(refused.value.extra["findings"]) == FINDINGS_TOLD  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "the column role is missing"),
        (of(), "holds nobody"),
        (of("", "", header="role;languages;time_zone"), "holds nobody"),
        (of(MENTOR, header="role;languages"), "time_zone is missing"),
        (of(MENTOR, header=HEADER + ";email"), "no column 'email'"),
        (of(MENTOR, header=HEADER + ";role"), "named twice"),
        (of(MENTOR + ";more"), "line 2: the row has more or fewer cells"),
        (of("mentor;fr"), "line 2: the row has more or fewer cells"),
        (of('mentor;"fr;Europe/Paris'), "line 2: "),
        (of(MENTOR) + b"\r\n\xff\xfe", "line 3: the file is not UTF-8"),
        (b'"role', "line 1: "),
    ],
)
def test_a_file_that_cannot_be_read_says_why(body: bytes, says: str) -> None:
    with pytest.raises(UnusablePeople) as refused:
        read_people(body, tenant="acme")
    assert says in refused.value.detail


def test_a_file_of_too_many_rows_is_refused() -> None:
    row = "mentee;fr;Europe/Paris"
    header = "role;languages;time_zone"
    assert len(read_people(of(*[row] * MOST_ROWS, header=header), tenant="acme")) == MOST_ROWS
    with pytest.raises(UnusablePeople, match="at most 10000 rows"):
        read_people(of(*[row] * (MOST_ROWS + 1), header=header), tenant="acme")
