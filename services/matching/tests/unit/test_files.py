"""Instances come in whole or are refused field by field; both commands are used from the outside."""

import json
import random
import subprocess
import sys
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import matching_check
import pytest
from jsonschema import Draft202012Validator
from matching.domain.candidate import Candidate
from matching.files import schemas
from matching.files.instance import Instance, Person, Policy, Weights
from matching.files.reading import Unusable, parse_instance
from matching_check.instance import INSTANCE, PERSON, POLICY, WEIGHTS
from matching_files import Json, an_instance, example, solve
from shared.contracts import MatchPolicy, MatchWeights


def run(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )


def written(folder: Path, instance: Json) -> Path:
    path = folder / "instance.json"
    path.write_text(json.dumps(instance))
    return path


# -- reading ------------------------------------------------------------------------------------------------------


def faults(instance: Json | str | bytes) -> list[str]:
    content = (
        instance
        if isinstance(instance, bytes)
        else (instance if isinstance(instance, str) else json.dumps(instance)).encode()
    )
    with pytest.raises(Unusable) as refused:
        parse_instance(content)
    return str(refused.value).splitlines()


def with_mentee(**changes: Any) -> Json:
    instance = an_instance()
    instance["mentees"][0] |= changes
    return instance


WRONG: list[tuple[str, Json, str]] = [
    ("no format", {"mentors": [], "mentees": []}, "format: this field is required"),
    ("another format", an_instance(format="telemachus-matching-instance/2"), "format: Input should be 'telemachus"),
    ("no mentors at all", an_instance(mentors=[]), "mentors: nobody is there to be paired"),
    ("no mentees at all", an_instance(mentees=[]), "mentees: nobody is there to be paired"),
    ("no id", an_instance(mentees=[{}]), "mentees[0].id: this field is required"),
    ("an empty id", with_mentee(id=""), "mentees[0].id: String should match pattern"),
    ("an unknown field", with_mentee(langages=["en"]), "mentees[0].langages: there is no such field"),
    ("text for a number", with_mentee(motivation="5"), "mentees[0].motivation: Input should be a valid integer"),
    ("a fraction", with_mentee(motivation=2.5), "mentees[0].motivation: Input should be a valid integer"),
    ("out of bounds", with_mentee(motivation=6), "mentees[0].motivation: Input should be less than or equal to 5"),
    (
        "no clock time",
        with_mentee(availability=[{"day": 1, "start": "9:00", "end": "12:00"}]),
        "mentees[0].availability[0].start: String should match pattern",
    ),
    (
        "a window that ends before it starts",
        with_mentee(availability=[{"day": 1, "start": "12:00", "end": "09:00"}]),
        "mentees[0].availability[0]: a window must end after it starts",
    ),
    ("no such zone", with_mentee(time_zone="Europe/Pariss"), "mentees[0].time_zone: there is no time zone named"),
    (
        "a skill wanted twice",
        with_mentee(skills_wanted=[{"skill": "ai"}] * 2),
        "mentees[0].skills_wanted: 'ai' stands there",
    ),
    ("a language twice", with_mentee(languages=["fr", "fr"]), "mentees[0].languages: 'fr' stands there more than once"),
    ("more places than capacity", with_mentee(places=2), "mentees[0].places: 2 are more than the capacity of 1"),
    ("an id on both sides", with_mentee(id="m1"), "mentees[0].id: 'm1' is the id of mentors[0] already"),
    ("an id twice", an_instance(mentors=[{"id": "m1"}] * 2), "mentors[1].id: 'm1' is the id of mentors[0] already"),
    (
        "a lock on nobody",
        an_instance(locked=[{"mentor": "m9", "mentee": "e1"}]),
        "locked[0].mentor: no mentor has the id 'm9'",
    ),
    (
        "an exclusion the wrong way round",
        an_instance(excluded=[{"mentor": "e1", "mentee": "m1"}]),
        "excluded[0].mentee: no mentee has the id 'm1'",
    ),
    (
        "a wish for somebody on one's own side",
        with_mentee(ranked_wishes=["m1", "e1"]),
        "mentees[0].ranked_wishes[1]: no mentor has the id 'e1'",
    ),
    ("a wish twice", with_mentee(ranked_wishes=["m1", "m1"]), "mentees[0].ranked_wishes: 'm1' stands there more than"),
    (
        "eleven wishes",
        with_mentee(ranked_wishes=[f"m{number}" for number in range(11)]),
        "mentees[0].ranked_wishes: Tuple should have at most 10 items",
    ),
    (
        "a grid score above 100",
        with_mentee(grid_score=101),
        "mentees[0].grid_score: Input should be less than or equal",
    ),
    ("no Monday", an_instance(week="2026-01-06"), "week: 2026-01-06 is not a Monday"),
    ("no date", an_instance(week="next week"), "week: Input should be a valid date"),
    (
        "a negative weight",
        an_instance(policy={"weights": {"skills": -1}}),
        "policy.weights.skills: Input should be greater",
    ),
    (
        "an unknown weight",
        an_instance(policy={"weights": {"charm": 1}}),
        "policy.weights.charm: there is no such field",
    ),
    (
        "an unknown aim",
        an_instance(policy={"objective": ["fame"]}),
        "policy.objective[0]: Input should be 'participation'",
    ),
    (
        "an aim twice",
        an_instance(policy={"objective": ["total"] * 2}),
        "policy.objective: 'total' stands there more than once",
    ),
    ("a list for an object", an_instance(policy=[]), "policy: Input should be an object"),
]


@pytest.mark.parametrize(("instance", "fault"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_instance_is_refused_with_the_path_of_the_field(instance: Json, fault: str) -> None:
    assert any(said.startswith(fault) for said in faults(instance)), faults(instance)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"format": 1,\n  "mentors" []}', "not JSON: expected `:` at line 2 column 13"),
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("[" * 5000, "not JSON: recursion limit exceeded at line 1 column"),
        (b'{"format": "\xff"}', "not JSON: "),
        ("[]", "Input should be an object"),
        (
            json.dumps(an_instance()).replace('"id": "m1"', '"id": "m1", "id": "m2"'),
            "an object has two fields named 'id'",
        ),
    ],
    ids=["a colon is missing", "an empty file", "nesting without end", "no UTF-8", "a list", "a name twice"],
)
def test_what_is_no_json_object_is_refused_with_its_place(text: str | bytes, fault: str) -> None:
    assert faults(text)[0].startswith(fault), faults(text)


def test_all_faults_are_named_at_once_and_many_are_counted() -> None:
    told = faults(an_instance(mentees=[{"id": f"e{number}", "motivation": 9} for number in range(30)]))
    assert len(told) == 21
    assert told[0].startswith("mentees[0].motivation")
    assert told[-1] == "... and 10 more"


def test_only_an_id_is_required_and_the_rest_is_as_if_nothing_was_said() -> None:
    problem = parse_instance(json.dumps(an_instance(mentors=[{"id": "Zoë, 3rd floor"}])).encode()).problem()
    (mentor,) = problem.mentors
    assert mentor.person_ref == mentor.id == "Zoë, 3rd floor"
    assert mentor.ready
    assert problem.places[mentor.id] == mentor.capacity == 1
    assert problem.paired == frozenset()


def test_whoever_has_fewer_places_than_their_capacity_is_paired_already() -> None:
    instance = an_instance(mentors=[{"id": "m1", "capacity": 2, "places": 1}])
    problem = parse_instance(json.dumps(instance).encode()).problem()
    assert problem.places["m1"] == 1
    assert problem.paired == {"m1"}


def test_a_byte_order_mark_is_no_fault() -> None:
    assert parse_instance(b"\xef\xbb\xbf" + json.dumps(an_instance()).encode())


# -- the formats --------------------------------------------------------------------------------------------------


def test_the_schemas_and_the_example_are_those_of_the_code() -> None:
    assert schemas.drift() == [], "run: make schemas"


def test_the_schemas_accept_the_example_and_refuse_what_the_command_refuses() -> None:
    instance_schema, result_schema = (
        json.loads((schemas.FOLDER / f"matching-{name}.v1.json").read_text()) for name in ("instance", "result")
    )
    for schema in (instance_schema, result_schema):
        Draft202012Validator.check_schema(schema)
    instance, result = example()
    Draft202012Validator(instance_schema).validate(instance)
    Draft202012Validator(result_schema).validate(result)
    assert not Draft202012Validator(instance_schema).is_valid(with_mentee(motivation=6))
    assert not Draft202012Validator(instance_schema).is_valid(with_mentee(langages=["en"]))
    assert not Draft202012Validator(result_schema).is_valid({**result, "more": 1})


def test_the_example_shows_two_languages_a_lock_an_exclusion_and_somebody_impossible() -> None:
    instance, result = example()
    assert (len(instance["mentors"]), len(instance["mentees"])) == (12, 10)
    assert {"en", "fr"} <= {language for person in instance["mentees"] for language in person["languages"]}
    assert instance["excluded"]
    assert [pair for pair in result["pairs"] if pair["locked"]]
    assert [person for person in result["left_out"] if person["reason"] == "rules"]


def test_the_format_has_every_field_that_matching_judges_by() -> None:
    """A field that the model gains must come into the format, and into the checker, in the same change."""
    not_said_in_files = {"tenant", "version", "programme_id", "role", "withdrawn", "person_ref"}
    attributes = {field.name for field in fields(Candidate)} - not_said_in_files
    assert Person.model_fields.keys() == attributes | {"person", "places"} == PERSON.keys()
    decided_before_matching = {"mode", "require_training", "require_charter", "require_grid"}
    assert Policy.model_fields.keys() == MatchPolicy.model_fields.keys() - decided_before_matching == POLICY.keys()
    assert Weights.model_fields.keys() == MatchWeights.model_fields.keys()
    assert Instance.model_fields.keys() == INSTANCE.keys()
    policy = MatchPolicy().model_dump(mode="json")
    assert {name: policy[name] for name in POLICY if name != "weights"} | {"weights": {}} == POLICY
    assert policy["weights"] == WEIGHTS
    assert Policy().model_dump(mode="json").items() <= policy.items()


def test_the_answer_does_not_depend_on_the_order_in_which_people_are_listed() -> None:
    instance, _ = example()
    result = solve(instance)
    for side in ("mentors", "mentees"):
        random.Random(3).shuffle(instance[side])
        for person in instance[side]:
            random.Random(4).shuffle(person["availability"])
    shuffled = solve(instance)
    for answer in (result, shuffled):
        del answer["certificate"]["instance_sha256"]
    assert shuffled == result


# -- the commands, from the outside -------------------------------------------------------------------------------


def test_a_solved_file_is_proven_and_a_second_solution_is_the_same_to_the_byte(tmp_path: Path) -> None:
    results = [tmp_path / "one.json", tmp_path / "two.json"]
    solved = [run("matching.files", schemas.EXAMPLE_INSTANCE, "-o", path, "--progress") for path in results]
    assert [outcome.returncode for outcome in solved] == [0, 0], solved[0].stderr
    assert results[0].read_bytes() == results[1].read_bytes()
    told = solved[0].stderr
    for words in ("90 %", "9 pairs", "points in all", "against random pairs", "lowest score", "Proven the best"):
        assert words in told
    assert solved[0].stdout == ""

    checked = run("matching_check", schemas.EXAMPLE_INSTANCE, results[0])
    assert checked.returncode == 0, checked.stdout
    assert checked.stdout.splitlines()[-1] == "Proven."
    assert checked.stderr == ""


def test_a_tampered_file_is_refused_with_the_names(tmp_path: Path) -> None:
    _, result = example()
    result["pairs"][0]["score"] += 1
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result))
    checked = run("matching_check", schemas.EXAMPLE_INSTANCE, path)
    assert checked.returncode == 1
    (line,) = checked.stdout.splitlines()
    pair = result["pairs"][0]
    assert line == f"refused: {pair['mentor']} and {pair['mentee']}: score is {pair['score'] - 1}, not {pair['score']}"


def test_a_name_cannot_write_lines_of_its_own(tmp_path: Path) -> None:
    _, result = example()
    result["pairs"][0]["mentor"] = "nobody\nProven."
    path = tmp_path / "result.json"
    path.write_text(json.dumps(result))
    assert run("matching_check", schemas.EXAMPLE_INSTANCE, path).stdout.count("\n") == 1


def test_a_result_of_the_same_people_in_another_file_is_refused(tmp_path: Path) -> None:
    instance, _ = example()
    checked = run("matching_check", written(tmp_path, instance), schemas.EXAMPLE_RESULT)
    assert checked.returncode == 1
    assert sha256((tmp_path / "instance.json").read_bytes()).hexdigest() in checked.stdout


def test_no_possible_pair_is_a_result(tmp_path: Path) -> None:
    path = written(tmp_path, an_instance(excluded=[{"mentor": "m1", "mentee": "e1"}]))
    solved = run("matching.files", path, "-o", tmp_path / "result.json")
    assert solved.returncode == 0
    assert "No pair is possible" in solved.stderr
    assert json.loads((tmp_path / "result.json").read_text())["pairs"] == []
    assert run("matching_check", path, tmp_path / "result.json").returncode == 0


def test_a_dropped_lock_is_told_and_proven(tmp_path: Path) -> None:
    pair = {"mentor": "m1", "mentee": "e1"}
    path = written(tmp_path, an_instance(excluded=[pair], locked=[pair]))
    solved = run("matching.files", path, "-o", tmp_path / "result.json")
    assert "The lock of m1 and e1 is dropped: forbidden by excluded." in solved.stderr
    assert run("matching_check", path, tmp_path / "result.json").returncode == 0


def test_a_wrong_file_leaves_no_result_and_no_traceback(tmp_path: Path) -> None:
    path = written(tmp_path, with_mentee(motivation=6))
    solved = run("matching.files", path, "-o", tmp_path / "result.json")
    assert solved.returncode == 2
    assert solved.stderr == f"{path}: mentees[0].motivation: Input should be less than or equal to 5\n"
    assert not (tmp_path / "result.json").exists()
    missing = run("matching.files", tmp_path / "nowhere.json", "-o", tmp_path / "result.json")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "No such file" in missing.stderr


def test_a_result_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    solved = run("matching.files", schemas.EXAMPLE_INSTANCE, "-o", tmp_path / "no" / "result.json")
    assert solved.returncode == 2
    assert solved.stderr == f"{tmp_path}/no/result.json: No such file or directory\n"


@pytest.mark.parametrize(
    ("instance", "result", "why"),
    [
        (b"{", None, "not JSON"),
        (None, b"\xff", "not JSON"),
        (None, b"{}", "result: the fields are not those of the format"),
        (b'{"format": "x", "mentors": [], "mentees": []}', None, "the instance has the format 'x'"),
        (
            json.dumps(with_mentee(surname="x")).encode(),
            None,
            "a person has a field that the format does not know: surname",
        ),
        (json.dumps(with_mentee(time_zone="Mars/Base")).encode(), None, "No time zone found"),
        (json.dumps(with_mentee(motivation=6)).encode(), None, "6 stands where a whole number from 1 to 5 belongs"),
        (json.dumps(an_instance(policy={"weights": {"skills": -1}})).encode(), None, "-1 stands where"),
        (json.dumps(an_instance(policy={"objective": ["x"]})).encode(), None, "the order of aims is ['x']"),
        (json.dumps(with_mentee(id="m1")).encode(), None, "two people have the same id"),
        (json.dumps(with_mentee(id=5)).encode(), None, "the id 5 is no text"),
        (json.dumps(with_mentee(ready="no")).encode(), None, "ready is 'no', which is of another type"),
        (json.dumps(with_mentee(languages="en")).encode(), None, "languages is 'en', which is of another type"),
        (b'{"format": 1, "format": 1}', None, "two fields of one name"),
    ],
)
def test_what_the_checker_cannot_read_is_neither_proven_nor_refused(
    tmp_path: Path, instance: bytes | None, result: bytes | None, why: str
) -> None:
    paths = [tmp_path / "instance.json", tmp_path / "result.json"]
    for path, content, good in zip(
        paths, (instance, result), (schemas.EXAMPLE_INSTANCE, schemas.EXAMPLE_RESULT), strict=True
    ):
        path.write_bytes(good.read_bytes() if content is None else content)
    checked = run("matching_check", *paths)
    assert checked.returncode == 2
    assert why in checked.stderr
    assert "Traceback" not in checked.stderr


def test_the_checker_runs_where_nothing_is_installed() -> None:
    source = str(Path(matching_check.__file__).parents[1])
    start = f"import sys; sys.path.insert(0, {source!r}); from matching_check.check import main; sys.exit(main())"
    checked = subprocess.run(
        [sys.executable, "-I", "-S", "-c", start, schemas.EXAMPLE_INSTANCE, schemas.EXAMPLE_RESULT],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_checker_says_how_it_is_used() -> None:
    checked = run("matching_check")
    assert checked.returncode == 2
    assert "usage: matching-check INSTANCE RESULT" in checked.stderr
    assert run("matching_check", "nowhere.json", "nowhere.json").returncode == 2
