from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matching.domain.rules import Charter
from matching.domain.scoring import lift, minutes_apart, score_pair
from matching_builders import a_crowd, a_mentee, a_mentor, with_wishes
from shared.contracts import MatchPolicy, MatchWeights, OfferedSkill, WantedSkill, WeeklyWindow


def points(mentor: dict[str, Any] | None = None, mentee: dict[str, Any] | None = None, **policy: Any) -> dict[str, int]:
    scored = score_pair(a_mentor(**(mentor or {})), a_mentee(**(mentee or {})), Charter(policy=MatchPolicy(**policy)))
    return {term.term: term.points for term in scored.terms}


def offers(**levels: int) -> dict[str, Any]:
    return {"skills_offered": tuple(OfferedSkill(skill=skill, level=level) for skill, level in levels.items())}


def wants(**wishes: tuple[int, int]) -> dict[str, Any]:
    return {
        "skills_wanted": tuple(
            WantedSkill(skill=skill, level=level, priority=priority) for skill, (level, priority) in wishes.items()
        )
    }


def test_a_pair_that_covers_everything_gets_every_point() -> None:
    twins: dict[str, Any] = {
        "interests": ("a", "b"),
        "goals": ("c", "d"),
        "languages": ("de", "en", "fr"),
        "site": "site_1",
        "motivation": 5,
        "availability": (WeeklyWindow(day=1, start="08:00", end="18:00"),),
        "ranked_wishes": ("e1", "m1"),
        "grid_score": 100,
    }
    weights = MatchWeights(grid=500, ranked_wishes=600)
    full = points(
        {**twins, **offers(ai=5), **wants(golf=(0, 1)), "age_band": "1995-1999", "grade_band": 1, "unit": "u1"},
        {
            **twins,
            **offers(golf=5),
            **wants(ai=(0, 3)),
            "age_band": "1975-1979",
            "grade_band": 6,
            "unit": "u2",
            "ranked_wishes": ("m1",),
        },
        weights=weights,
    )
    assert full == weights.model_dump()


@pytest.mark.parametrize(("present", "offered", "parts"), [(0, 5, 64), (0, 3, 38), (3, 4, 32), (4, 4, 0), (5, 1, 0)])
def test_a_lift_is_the_share_of_the_way_to_the_top(present: int, offered: int, parts: int) -> None:
    assert lift(present, offered) == parts


def test_skills_count_by_priority_and_level() -> None:
    wanted = wants(ai=(0, 3), video=(0, 1))
    assert points(offers(ai=5), wanted)["skills"] == 4500
    assert points(offers(video=5), wanted)["skills"] == 1500
    assert points(offers(ai=3, video=5), wanted)["skills"] == 4171


def test_what_the_mentee_teaches_back_counts_as_reciprocity() -> None:
    assert points(wants(strategy=(1, 2)), offers(strategy=3))["reciprocity"] == 150
    assert points()["reciprocity"] == 0


def test_the_age_gap_is_a_bell_around_the_target_and_never_zero() -> None:
    def gap(born: str, target: int = 20) -> int:
        return points({"age_band": born}, {"age_band": "1975-1979"}, age_gap_target=target)["age_gap"]

    assert gap("1995-1999") == 1500
    assert gap("1990-1994") == gap("2000-2004") == 1078
    assert gap("1975-1979") > 0
    assert gap("1975-1979", target=0) == 1500


@pytest.mark.parametrize(
    ("field", "term", "half"),
    [("age_band", "age_gap", 750), ("grade_band", "seniority_gap", 150), ("unit", "other_unit", 500)],
)
@pytest.mark.parametrize("side", ["mentor", "mentee"])
def test_what_somebody_did_not_give_neither_helps_nor_harms_and_is_named(
    field: str, term: str, half: int, side: str
) -> None:
    silent = points(**{side: {field: None}})
    assert silent[f"{term}_not_given"] == half
    assert term not in silent


def test_another_unit_counts() -> None:
    assert points({"unit": "u"}, {"unit": "v"})["other_unit"] == 1000
    assert points({"unit": "u"}, {"unit": "u"})["other_unit"] == 0


def test_the_same_site_is_nearest_then_the_same_time_of_day() -> None:
    def near(site: str | None, zone: str) -> int:
        return points({"site": site, "time_zone": zone}, {"site": "site_b"})["proximity"]

    assert near("site_b", "Europe/Paris") == 900
    assert near(None, "Europe/Berlin") == 600
    assert near("site_c", "America/New_York") == 300
    assert near("site_c", "Pacific/Auckland") == 0


def test_clocks_never_differ_by_more_than_half_a_day() -> None:
    assert minutes_apart(14 * 60, -12 * 60) == 120
    assert minutes_apart(-60, 60) == 120


def test_languages_count_beyond_the_first() -> None:
    def shared(*mentor: str) -> int:
        return points({"languages": mentor}, {"languages": ("de", "en-US", "fr")})["shared_languages"]

    assert [shared("es"), shared("fr"), shared("de", "fr"), shared("de", "en-GB", "fr")] == [0, 0, 150, 300]


def test_the_evidence_is_told_with_the_score() -> None:
    scored = score_pair(
        a_mentor(**offers(ai=4, video=2, web=1)), a_mentee(**wants(web=(0, 1), ai=(1, 3), video=(2, 3))), Charter()
    )
    assert scored.shared_skills == ("ai", "web")  # most wanted first; video the mentee knows as well
    assert scored.shared_languages == ("fr",)
    assert scored.shared_minutes_per_week == 180


def test_a_term_with_no_weight_gives_nothing() -> None:
    nothing = MatchWeights(**dict.fromkeys(MatchWeights.model_fields, 0))
    wishing = {"ranked_wishes": ("e1", "m1"), "grid_score": 50}
    assert set(points(wishing, wishing, weights=nothing).values()) == {0}


def test_each_side_s_wish_gives_half_by_its_rank() -> None:
    def wished(by_mentor: tuple[str, ...], by_mentee: tuple[str, ...]) -> int:
        return points({"ranked_wishes": by_mentor}, {"ranked_wishes": by_mentee})["ranked_wishes"]

    nine = tuple(f"other_{number}" for number in range(9))
    assert wished(("e1",), ("m1",)) == 600
    assert wished((), ("m1",)) == wished(("e1",), ()) == 300
    assert wished((), ("other", "m1")) == 270
    assert wished((*nine, "e1"), ()) == 30
    assert wished(("other",), ("other",)) == wished((), ()) == 0


def test_the_grid_counts_only_where_it_has_a_weight_and_half_where_there_is_no_result() -> None:
    scored = points({"grid_score": 82}, weights=MatchWeights(grid=700))
    assert scored["grid"] == 574
    silent = points(weights=MatchWeights(grid=700))
    assert silent["grid_not_given"] == 350
    assert not {"grid", "grid_not_given"} & points({"grid_score": 82}).keys()
    assert points(mentee={"grid_score": 100}, weights=MatchWeights(grid=700))["grid_not_given"] == 350


@given(
    seed=st.integers(0, 10_000),
    weights=st.lists(
        st.integers(1, 20_000), min_size=len(MatchWeights.model_fields), max_size=len(MatchWeights.model_fields)
    ),
)
def test_terms_add_up_and_stay_within_their_weights(seed: int, weights: list[int]) -> None:
    juniors, seniors = a_crowd(1, 1, seed)
    (mentor,), (mentee,) = with_wishes(juniors, seniors, seed), with_wishes(seniors, juniors, seed)
    bounds = dict(zip(MatchWeights.model_fields, weights, strict=True))
    scored = score_pair(mentor, mentee, Charter(policy=MatchPolicy(weights=MatchWeights(**bounds))))
    assert scored.total == sum(term.points for term in scored.terms)
    assert [term.term.removesuffix("_not_given") for term in scored.terms] == list(bounds)
    for term in scored.terms:
        assert 0 <= term.points <= bounds[term.term.removesuffix("_not_given")]
