"""No sequence of reports, however combined, speaks of fewer people than the floor (B-05)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

import pytest
from feedback.domain import (
    SCALES,
    AnswerCounts,
    CellKey,
    Counted,
    Kpis,
    PairCounts,
    Question,
    Rating,
    Tally,
    charter,
    kpis,
    next_tally,
    told_apart,
)
from feedback_builders import MONDAY, PROGRAMME, TENANT, an_answer, published
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.contracts import Role


def entry(number: int, person: str, side: Role = Role.MENTEE, **answer: object) -> Counted:
    at = MONDAY + timedelta(minutes=number)
    return Counted(key=f"fb_{number}/{side}", person=person, side=side, answer=an_answer(at=at, **answer))  # type: ignore[arg-type]


def entries(people: int, *, start: int = 0, **answer: object) -> list[Counted]:
    return [entry(number, f"p{number}", **answer) for number in range(start, start + people)]


def publish(
    previous: Tally | None, pending: Sequence[Counted], *, floor: int = 5, closed: bool = False
) -> Tally | None:
    return next_tally(previous, pending, tenant=TENANT, programme_id=PROGRAMME, floor=floor, closed=closed, now=MONDAY)


def test_nothing_is_published_below_twice_the_floor() -> None:
    assert publish(None, entries(9)) is None


def test_at_twice_the_floor_the_oldest_are_published_and_the_latest_kept_back() -> None:
    tally = publish(None, entries(10)[::-1])
    assert tally is not None
    assert tally.members == tuple(f"fb_{number}/mentee" for number in range(5))
    assert (tally.number, tally.published, tally.final) == (1, 5, False)


def test_many_answers_of_few_people_are_not_published() -> None:
    two_pairs = [entry(number, f"p{number % 4}") for number in range(60)]
    assert publish(None, two_pairs) is None
    assert publish(None, two_pairs, closed=True).members == ()  # type: ignore[union-attr]


def test_what_is_kept_back_belongs_to_enough_people_too() -> None:
    one_busy_person = [*entries(5), *(entry(100 + number, "p99") for number in range(30))]
    assert publish(None, one_busy_person) is None


def test_the_close_publishes_the_rest() -> None:
    first = publish(None, entries(10))
    last = publish(first, entries(5, start=5), closed=True)
    assert last is not None
    assert (last.number, last.published, last.final) == (2, 10, True)


def test_too_few_answers_at_the_close_are_withheld_for_good() -> None:
    last = publish(None, entries(4), closed=True)
    assert last is not None
    assert (last.members, last.published, last.final, last.cells) == ((), 0, True, ())
    assert publish(last, entries(50), closed=True) is None


def test_a_batch_adds_to_the_figures_before_it() -> None:
    first = publish(None, entries(10, satisfaction=5))
    second = publish(first, [*entries(5, start=5, satisfaction=5), *entries(10, start=10, satisfaction=1)])
    assert first is not None
    assert second is not None
    assert _shown(first).overall.satisfaction == 5.0
    assert _shown(second).overall.satisfaction == pytest.approx(10 * 5 / 15 + 5 / 15, abs=0.005)
    assert _shown(second).histograms[Question.SATISFACTION] == (5, 0, 0, 0, 10)


def test_sides_are_told_apart_only_where_both_have_enough_people() -> None:
    mentees = [rating(f"e{number}", Role.MENTEE) for number in range(6)]
    few_mentors = [rating(f"m{number}", Role.MENTOR) for number in range(4)]
    assert set(told_apart([*mentees, *few_mentors], 5)) == {CellKey(question=Question.TRUST)}
    both = told_apart([*mentees, *few_mentors, rating("m9", Role.MENTOR)], 5)
    assert {key.side for key in both} == {Role.MENTEE, Role.MENTOR}


def test_skills_rated_by_few_are_taken_together_or_left_out() -> None:
    three = [rating(f"p{number}", Role.MENTEE, "python") for number in range(3)]
    two = [rating(f"q{number}", Role.MENTEE, "ethics") for number in range(2)]
    [(key, cell)] = told_apart([*three, *two], 5).items()
    assert (key.skill, len(cell)) == (None, 5)
    assert told_apart(three, 5) == {}


def test_a_floor_raised_later_hides_what_is_below_it() -> None:
    tally = publish(None, entries(10))
    assert tally is not None
    assert _shown(tally, floor=5).overall.satisfaction == 4.0
    assert _shown(tally, floor=6).overall.satisfaction is None


def rating(person: str, side: Role, skill: str | None = None) -> Rating:
    question = Question.SKILL_GAIN if skill else Question.TRUST
    return Rating(key=CellKey(question=question, side=side, skill=skill), person=person, value=3)


def _shown(tally: Tally | None, *, floor: int = 5, submitted: int = 999) -> Kpis:
    return kpis(
        PROGRAMME,
        charter=charter(published(floor=floor), tenant=TENANT),
        closing=None,
        tally=tally,
        counts=PairCounts(pairs=1),
        answers=AnswerCounts(requested=2 * submitted, submitted=submitted),
        reached={},
    )


# What follows plays an adversary: it sees every figure of every report, may weigh and combine them as it likes,
# and wins if what it holds depends on the answers of fewer people than the floor.


@dataclass(frozen=True)
class Play:
    """Answers in the order of their arrival, a report after each step listed, and perhaps a close."""

    floor: int
    answers: tuple[Counted, ...]
    reports_after: frozenset[int]
    closes: bool


@st.composite
def plays(draw: st.DrawFn) -> Play:
    people = draw(st.integers(1, 16))
    answers = []
    for number in range(draw(st.integers(0, 40))):
        person = draw(st.integers(0, people - 1))
        skills = draw(st.sets(st.sampled_from(["ai", "social", "green"]), max_size=2))
        answers.append(
            entry(
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
        answers=tuple(answers),
        reports_after=frozenset(draw(st.sets(st.integers(0, 40)))),
        closes=draw(st.booleans()),
    )


def reports(play: Play) -> Iterator[Kpis]:
    tally: Tally | None = None
    published: set[str] = set()
    for step in range(len(play.answers) + 1):
        last = step == len(play.answers)
        if step in play.reports_after or last:
            while True:
                pending = [answer for answer in play.answers[:step] if answer.key not in published]
                more = publish(tally, pending, floor=play.floor, closed=last and play.closes)
                if more is None:
                    break
                tally = more
                published |= set(tally.members)
            yield _shown(tally, floor=play.floor, submitted=step)


def figures(play: Play) -> list[Fraction]:
    """Every number shown that rests on answers, as an exact sum (a mean times its count)."""
    seen: list[Fraction] = []
    for report in reports(play):
        for histogram in report.histograms.values():
            seen += [Fraction(count) for count in histogram]
        for means in (report.overall, *report.by_side.values()):
            for mean in (means.satisfaction, means.quality, means.trust, means.skill_gain, means.practice_adopted):
                seen.append(Fraction(str(mean)) if mean is not None else Fraction(-99))
        for skill in report.skills:
            seen.append(Fraction(str(skill.gain)))
    return seen


def perturbed(play: Play) -> Iterator[tuple[str, Play]]:
    """For every rating that somebody gave, the same play with another value there; and who gave it."""
    for at, given_ in enumerate(play.answers):
        yield given_.person, _with(play, at, trust=1)
        for place, rated in enumerate(given_.answer.skills):
            skills = list(given_.answer.skills)
            skills[place] = replace(rated, before=5, after=0)
            yield given_.person, _with(play, at, skills=tuple(skills))


def _with(play: Play, at: int, **answer: object) -> Play:
    answers = list(play.answers)
    answers[at] = replace(answers[at], answer=replace(answers[at].answer, **answer))  # type: ignore[arg-type]
    return replace(play, answers=tuple(answers))


@given(plays())
@settings(max_examples=100, deadline=None)
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
@settings(max_examples=150, deadline=None)
def test_every_batch_and_every_cell_is_of_enough_people(play: Play) -> None:
    by_key = {answer.key: answer for answer in play.answers}
    tally: Tally | None = None
    pending = list(play.answers)
    while more := publish(tally, pending, floor=play.floor, closed=play.closes):
        members = [by_key[key] for key in more.members]
        pending = [answer for answer in pending if answer.key not in more.members]
        assert not members or len({answer.person for answer in members}) >= play.floor
        if not more.final:
            assert len({answer.person for answer in pending}) >= play.floor
        before = {cell.key: cell.counts for cell in tally.cells} if tally else {}
        for cell in more.cells:
            new = sum(cell.counts) - sum(before.get(cell.key, ()))
            assert new == 0 or new >= play.floor
        tally = more


@given(plays())
def test_a_skill_figure_rests_on_disjoint_ratings_of_enough_people(play: Play) -> None:
    ratings = [
        Rating(
            key=CellKey(question=Question.SKILL_GAIN, side=answer.side, skill=rated.skill),
            person=answer.person,
            value=number * 100 + place,
        )
        for number, answer in enumerate(play.answers)
        for place, rated in enumerate(answer.answer.skills)
    ]
    cells = told_apart(ratings, play.floor)
    used = [rating.value for cell in cells.values() for rating in cell]
    assert len(used) == len(set(used))
    assert all(len({rating.person for rating in cell}) >= play.floor for cell in cells.values())


def test_every_value_of_every_scale_has_its_place() -> None:
    assert {question: len(scale) for question, scale in SCALES.items()} == {
        Question.SATISFACTION: 5,
        Question.QUALITY: 5,
        Question.TRUST: 5,
        Question.SKILL_GAIN: 11,
        Question.PRACTICE_ADOPTED: 2,
    }
