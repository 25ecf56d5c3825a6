"""No sequence of reports, however combined, speaks of fewer people than the floor (B-05)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from feedback.domain import (
    SCALES,
    AnswerCounts,
    Kpis,
    PairCounts,
    Question,
    Rating,
    Response,
    SkillRating,
    Tally,
    Topic,
    answer,
    charter,
    everything_safe,
    kpis,
    next_tally,
    oldest_to_spare,
    ratings_in,
)
from feedback_builders import MONDAY, PROGRAMME, TENANT, a_request, an_answer, published
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.contracts import Role


def answered(number: int, person: str, side: Role = Role.MENTEE, **said: Any) -> Response:
    """The ``number``-th answer of a programme, given by this person."""
    people = (person, "partner") if side is Role.MENTOR else ("partner", person)
    request = replace(a_request(), id=f"fb_{number}", people=people)
    response, _ = answer(request, side, an_answer(at=MONDAY + timedelta(minutes=number), **said), closed=False)
    return response


def answers_of(people: int, *, start: int = 0, **said: Any) -> list[Response]:
    return [answered(number, f"p{number}", **said) for number in range(start, start + people)]


def publish(
    previous: Tally | None, responses: Sequence[Response], *, floor: int = 5, closed: bool = False
) -> Tally | None:
    pending = list(ratings_in(responses))
    return next_tally(previous, pending, tenant=TENANT, programme_id=PROGRAMME, floor=floor, closed=closed, now=MONDAY)


def shown(tally: Tally | None, *, floor: int = 5) -> Kpis:
    return kpis(
        PROGRAMME,
        charter=charter(published(floor=floor), tenant=TENANT),
        closing=None,
        tally=tally,
        counts=PairCounts(pairs=1),
        answers=AnswerCounts(requested=200, submitted=100),
        reached={},
    )


def test_nothing_is_published_below_twice_the_floor() -> None:
    assert publish(None, answers_of(9)) is None


def test_at_twice_the_floor_the_oldest_are_published_and_the_latest_kept_back() -> None:
    tally = publish(None, answers_of(10)[::-1])
    assert tally is not None
    assert tally.members == tuple(f"fb_{number}/mentee" for number in range(5))
    assert (tally.number, tally.published, tally.final) == (1, 5, False)


def test_many_answers_of_few_people_are_not_published() -> None:
    two_pairs = [answered(number, f"p{number % 4}") for number in range(60)]
    assert publish(None, two_pairs) is None
    assert shown(publish(None, two_pairs, closed=True)).overall.satisfaction is None


def test_what_is_kept_back_belongs_to_enough_people_too() -> None:
    one_busy_person = [*answers_of(5), *(answered(100 + number, "p99") for number in range(30))]
    assert publish(None, one_busy_person) is None


def test_the_close_publishes_the_rest() -> None:
    first = publish(None, answers_of(10))
    last = publish(first, answers_of(5, start=5), closed=True)
    assert last is not None
    assert (last.number, last.published, last.final) == (2, 10, True)


def test_too_few_answers_at_the_close_are_withheld_for_good() -> None:
    last = publish(None, answers_of(4), closed=True)
    assert last is not None
    assert (last.published, last.final, last.cells) == (0, True, ())
    assert publish(last, answers_of(50), closed=True) is None


def test_a_batch_adds_to_the_figures_before_it() -> None:
    first = publish(None, answers_of(10, satisfaction=5))
    later = [*answers_of(5, start=5, satisfaction=5), *answers_of(10, start=10, satisfaction=1)]
    second = publish(first, later)
    assert shown(first).overall.satisfaction == 5.0
    assert shown(second).overall.satisfaction == pytest.approx(11 / 3, abs=0.005)
    assert shown(second).histograms[Question.SATISFACTION] == (5, 0, 0, 0, 10)


def test_a_skill_is_told_once_enough_people_rated_it_whatever_else_they_said() -> None:
    ai, both = {"ai": (1, 3)}, {"ai": (1, 3), "green": (0, 1)}
    responses = [*answers_of(8, skills=ai), *answers_of(2, start=8, skills=both)]
    live = shown(publish(None, responses))
    assert [(skill.skill, skill.ratings, skill.gain) for skill in live.skills] == [("ai", 5, 2.0)]
    final = shown(publish(None, responses, closed=True))
    assert [(skill.skill, skill.ratings) for skill in final.skills] == [("ai", 10)]
    assert final.overall.skill_gain == 2.0


def test_sides_are_told_apart_as_far_as_each_has_enough_people() -> None:
    mentees = answers_of(6, skills={"ai": (0, 2)})
    mentors = [answered(50 + number, f"m{number}", Role.MENTOR, skills={"ai": (1, 2)}) for number in range(5)]
    both = shown(publish(None, [*mentees, *mentors], closed=True))
    assert both.skill_gain_by_side == {Role.MENTEE: 2.0, Role.MENTOR: 1.0}
    too_few = shown(publish(None, [*mentees, *mentors[:4]], closed=True))
    assert too_few.skill_gain_by_side == {Role.MENTEE: 2.0, Role.MENTOR: None}
    assert too_few.overall.skill_gain == 2.0, "or the total would give the four away"


def test_at_the_close_what_few_rated_is_taken_together_or_left_out() -> None:
    three = [answered(number, f"p{number}", skills={"python": (0, 1)}) for number in range(3)]
    two = [answered(10 + number, f"q{number}", skills={"ethics": (0, 1)}) for number in range(2)]
    together = shown(publish(None, [*three, *two], closed=True))
    assert (together.overall.skill_gain, together.skills) == (1.0, [])
    alone = [*three, *answers_of(2, start=20)]
    assert shown(publish(None, alone, closed=True)).overall.skill_gain is None


def test_a_floor_raised_later_hides_what_is_below_it() -> None:
    tally = publish(None, answers_of(10))
    assert shown(tally, floor=5).overall.satisfaction == 4.0
    assert shown(tally, floor=6).overall.satisfaction is None


def test_every_value_of_every_scale_has_its_place() -> None:
    assert {question: len(scale) for question, scale in SCALES.items()} == {
        Question.SATISFACTION: 5,
        Question.QUALITY: 5,
        Question.TRUST: 5,
        Question.SKILL_GAIN: 11,
        Question.PRACTICE_ADOPTED: 2,
    }


# What follows plays an adversary: it sees every figure of every report, may weigh and combine them as it likes,
# and wins if what it holds depends on the answers of fewer people than the floor.


@dataclass(frozen=True)
class Play:
    """Answers in the order of their arrival, a report after each step listed, and perhaps a close."""

    floor: int
    responses: tuple[Response, ...]
    reports_after: frozenset[int]
    closes: bool


@st.composite
def plays(draw: st.DrawFn) -> Play:
    people = draw(st.integers(1, 16))
    responses = []
    for number in range(draw(st.integers(0, 40))):
        person = draw(st.integers(0, people - 1))
        skills = draw(st.sets(st.sampled_from(["ai", "social", "green"]), max_size=2))
        responses.append(
            answered(
                number,
                f"p{person}",
                Role.MENTOR if person % 3 == 0 else Role.MENTEE,
                skills={skill: (0, draw(st.integers(0, 5))) for skill in skills},
                satisfaction=draw(st.integers(1, 4)),
                practice_adopted=draw(st.sampled_from([None, False, False, True])),
            )
        )
    return Play(
        floor=draw(st.integers(3, 6)),
        responses=tuple(responses),
        reports_after=frozenset(draw(st.sets(st.integers(0, 40)))),
        closes=draw(st.booleans()),
    )


def batches(play: Play) -> Iterator[Tally | None]:
    """What is published when a report is made after each of these steps; the newest batch at each report."""
    tally: Tally | None = None
    published_keys: set[str] = set()
    for step in range(len(play.responses) + 1):
        last = step == len(play.responses)
        if step in play.reports_after or last:
            while True:
                pending = [one for one in ratings_in(play.responses[:step]) if one.key not in published_keys]
                more = next_tally(
                    tally,
                    pending,
                    tenant=TENANT,
                    programme_id=PROGRAMME,
                    floor=play.floor,
                    closed=last and play.closes,
                    now=MONDAY,
                )
                if more is None:
                    break
                tally = more
                published_keys |= set(tally.members)
            yield tally


def figures(play: Play) -> list[Fraction | None]:
    """Every number shown that rests on ratings."""
    seen: list[Fraction | None] = []
    for tally in batches(play):
        report = shown(tally, floor=play.floor)
        for histogram in report.histograms.values():
            seen += [Fraction(count) for count in histogram]
        overall = report.overall
        means = [overall.satisfaction, overall.quality, overall.trust, overall.skill_gain, overall.practice_adopted]
        means += [*report.skill_gain_by_side.values(), *(skill.gain for skill in report.skills)]
        seen += [None if mean is None else Fraction(str(mean)) for mean in means]
    return seen


def perturbed(play: Play) -> Iterator[tuple[str, Play]]:
    """For every rating that somebody gave, the same play with another value there; and who gave it."""
    for at, response in enumerate(play.responses):
        [(side, said)] = response.given()
        person = response.person(side)
        yield person, _with(play, at, side, trust=1)
        if said.practice_adopted is not None:
            yield person, _with(play, at, side, practice_adopted=not said.practice_adopted)
        for place, rated in enumerate(said.skills):
            skills = list(said.skills)
            skills[place] = SkillRating(skill=rated.skill, before=5, after=0)
            yield person, _with(play, at, side, skills=tuple(skills))


def _with(play: Play, at: int, side: Role, **said: Any) -> Play:
    responses = list(play.responses)
    response = responses[at]
    changed = replace(response.of(side), **said)  # type: ignore[type-var]
    responses[at] = replace(response, **{side.value: changed})
    return replace(play, responses=tuple(responses))


@given(plays())
@settings(max_examples=60, deadline=None)
def test_no_combination_of_reports_speaks_of_fewer_people_than_the_floor(play: Play) -> None:
    """Ratings that move exactly the same figures cannot be told apart by any sum or difference of figures.

    So it is enough that each such group of ratings, of those that move any figure at all, is of enough people.
    """
    base = figures(play)
    groups: dict[tuple[int, ...], set[str]] = defaultdict(set)
    for person, other_play in perturbed(play):
        moved = figures(other_play)
        influence = tuple(index for index, (one, other) in enumerate(zip(base, moved, strict=True)) if one != other)
        if influence:
            groups[influence].add(person)
    assert all(len(people) >= play.floor for people in groups.values())


@given(plays())
@settings(max_examples=100, deadline=None)
def test_of_every_topic_what_is_published_and_what_is_kept_are_of_enough_people(play: Play) -> None:
    pending = list(ratings_in(play.responses))
    while batch := oldest_to_spare(pending, play.floor):
        keys = {rating.key for ratings in batch.values() for rating in ratings}
        pending = [rating for rating in pending if rating.key not in keys]
        for topic, ratings in batch.items():
            assert _people(ratings) >= play.floor
            assert _people([rating for rating in pending if rating.topic == topic]) >= play.floor


@given(plays())
@settings(max_examples=100, deadline=None)
def test_what_the_close_publishes_is_disjoint_and_of_enough_people(play: Play) -> None:
    batch: dict[Topic, Sequence[Rating]] = dict(everything_safe(ratings_in(play.responses), play.floor))
    keys = [rating.key for ratings in batch.values() for rating in ratings]
    assert len(keys) == len(set(keys))
    assert all(_people(ratings) >= play.floor for ratings in batch.values())


@given(plays())
@settings(max_examples=100, deadline=None)
def test_the_final_report_is_the_same_whenever_reports_were_made_before(play: Play) -> None:
    final = [
        [shown(tally, floor=play.floor) for tally in batches(replace(play, closes=True, reports_after=reports))][-1]
        for reports in (frozenset[int](), play.reports_after, frozenset(range(41)))
    ]
    figures_only = [replace(report, version=0) for report in final]
    assert figures_only[0] == figures_only[1] == figures_only[2]


def _people(ratings: Sequence[Rating]) -> int:
    return len({rating.person for rating in ratings})
