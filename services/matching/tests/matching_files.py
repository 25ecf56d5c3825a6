"""Instances and results as files, for tests of the two commands."""

import json
from copy import deepcopy
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st
from matching.engine.compute import compute
from matching.files.reading import parse_instance
from matching.files.result import Result
from matching.files.schemas import EXAMPLE_INSTANCE, EXAMPLE_RESULT
from matching_check.check import Check
from matching_check.instance import Instance

Json = dict[str, Any]


def an_instance(**changes: Any) -> Json:
    """Two who suit each other."""
    hours = [{"day": 1, "start": "09:00", "end": "12:00"}]
    mentor = {"id": "m1", "languages": ["en"], "availability": hours, "skills_offered": [{"skill": "ai", "level": 4}]}
    mentee = {"id": "e1", "languages": ["en"], "availability": hours, "skills_wanted": [{"skill": "ai"}]}
    return {"format": "telemachus-matching-instance/1", "mentors": [mentor], "mentees": [mentee], **changes}


def example() -> tuple[Json, Json]:
    """The instance and the result that are checked in."""
    return json.loads(EXAMPLE_INSTANCE.read_text()), json.loads(EXAMPLE_RESULT.read_text())


def solve(instance: Json) -> Json:
    """The result, as ``matching-solve`` writes it."""
    content = json.dumps(instance).encode()
    proposal = compute(parse_instance(content).problem())
    answer: Json = json.loads(Result.of(proposal, sha256(content).hexdigest()).model_dump_json())
    return answer


def refusals(instance: Json, result: Json, digest: str | None = None) -> list[str]:
    """What ``matching-check`` says against a result; nothing where it is proven. The digest is right if not given."""
    check = Check(Instance(deepcopy(instance)), digest or result["certificate"]["instance_sha256"], deepcopy(result))
    check.run()
    return check.refusals


AIMS = ("participation", "worst_served", "total")
ORDERS = st.permutations(AIMS).flatmap(lambda order: st.integers(1, 3).map(lambda length: order[:length]))
_SKILLS = ("ai", "video", "sheets", "privacy")
_LEVELS = st.integers(1, 5)
_WINDOWS = st.lists(
    st.builds(
        lambda day, start, length: {
            "day": day,
            "start": f"{start // 60:02}:{start % 60:02}",
            "end": f"{(start + length) // 60:02}:{(start + length) % 60:02}",
        },
        st.integers(1, 7),
        st.integers(0, 1080),
        st.sampled_from([25, 60, 210, 360]),
    ),
    max_size=4,
)


def _person(name: str) -> st.SearchStrategy[Json]:
    skills = st.lists(st.sampled_from(_SKILLS), unique=True, max_size=3)
    attributes = {
        "person": st.sampled_from(["twin_1", "twin_2"]),
        "ready": st.sampled_from([True, True, True, False]),
        "capacity": st.integers(1, 3),
        "interests": st.lists(st.sampled_from(["chess", "music", "books"]), unique=True),
        "goals": st.lists(st.sampled_from(["digital", "inclusion"]), unique=True),
        "time_zone": st.sampled_from(["UTC", "Europe/Paris", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland"]),
        "unit": st.sampled_from(["sales", "law"]),
        "site": st.sampled_from(["lyon", "oslo"]),
        "line_self": st.sampled_from(["post_1", "post_2", "post_3"]),
        "line_above": st.lists(st.sampled_from(["post_1", "post_2", "post_3"]), max_size=1),
        "age_band": st.sampled_from(["1960-1964", "1975-1979", "1995-1999", "2000-2004"]),
        "grade_band": st.integers(0, 9),
        "motivation": st.integers(1, 5),
        "skills_offered": skills.flatmap(
            lambda names: st.tuples(*(st.builds(dict, skill=st.just(name), level=_LEVELS) for name in names)).map(list)
        ),
        "skills_wanted": skills.flatmap(
            lambda names: st.tuples(
                *(
                    st.fixed_dictionaries(
                        {"skill": st.just(name)}, optional={"level": st.integers(0, 5), "priority": st.integers(1, 3)}
                    )
                    for name in names
                )
            ).map(list)
        ),
        "availability": _WINDOWS,
        "grid_score": st.integers(0, 100),
        "languages": st.lists(st.sampled_from(["en", "en-GB", "fr", "de", "pt"]), unique=True, min_size=1),
    }
    return st.fixed_dictionaries({"id": st.just(name)}, optional=attributes)


@st.composite
def instances(draw: st.DrawFn) -> Json:
    """Small instances in which anything may be given or not."""
    mentors = [draw(_person(f"m{number}")) for number in range(draw(st.integers(1, 5)))]
    mentees = [draw(_person(f"e{number}")) for number in range(draw(st.integers(1, 5)))]
    for person in (*mentors, *mentees):
        if draw(st.integers(0, 9)) == 0:
            person["places"] = draw(st.integers(0, person.get("capacity", 1)))
    for people, others in ((mentors, mentees), (mentees, mentors)):
        wishes = st.lists(st.sampled_from([other["id"] for other in others]), unique=True)
        for person in people:
            person["ranked_wishes"] = draw(wishes)
    pairs = st.builds(
        lambda mentor, mentee: {"mentor": mentor["id"], "mentee": mentee["id"]},
        st.sampled_from(mentors),
        st.sampled_from(mentees),
    )
    policy = {
        "objective": list(draw(ORDERS)),
        "weights": draw(
            st.dictionaries(
                st.sampled_from(
                    [
                        "skills",
                        "age_gap",
                        "proximity",
                        "motivation",
                        "reciprocity",
                        "other_unit",
                        "ranked_wishes",
                        "grid",
                    ]
                ),
                st.sampled_from([0, 1, 777, 20_000]),
                max_size=3,
            )
        ),
        "age_gap_target": draw(st.integers(0, 60)),
    }
    for rule in ("require_shared_language", "require_shared_hour", "require_wanted_skill"):
        policy[rule] = draw(st.sampled_from([True, False, False]))
    for rule in ("forbid_same_line", "forbid_same_unit"):
        policy[rule] = draw(st.booleans())
    return {
        "format": "telemachus-matching-instance/1",
        "policy": policy,
        "week": draw(st.sampled_from(["2026-01-05", "2026-03-23", "2026-07-06", "2026-10-19"])),
        "session_minutes": draw(st.sampled_from([30, 60, 75, 180])),
        "mentors": mentors,
        "mentees": mentees,
        "previous": draw(st.lists(pairs, max_size=1)),
        "excluded": draw(st.lists(pairs, max_size=2)),
        "locked": draw(st.lists(pairs, max_size=2)),
    }
