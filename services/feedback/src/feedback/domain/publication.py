"""Which answers may become figures, and when (4-08, B-05; decision 0051).

Answers are published in batches that are never changed. Each batch, and whatever is left for a later one,
holds the answers of at least ``floor`` people. Inside a batch every figure is made of disjoint cells of at
least ``floor`` people each. So whatever is added up or subtracted, from however many reports, speaks of
``floor`` people or more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts import Role

from .responses import Answer, Response

LARGEST_BATCH = 20_000
"""Answers per batch, so that its document stays far below the database's 16 MB."""


class Question(StrEnum):
    """What a figure can be about. Free text and the wish for a re-match never become one."""

    SATISFACTION = "satisfaction"
    QUALITY = "quality"
    TRUST = "trust"
    SKILL_GAIN = "skill_gain"
    PRACTICE_ADOPTED = "practice_adopted"


SCALES: Mapping[Question, range] = {
    Question.SATISFACTION: range(1, 6),
    Question.QUALITY: range(1, 6),
    Question.TRUST: range(1, 6),
    Question.SKILL_GAIN: range(-5, 6),
    Question.PRACTICE_ADOPTED: range(2),
}
"""The values that an answer to each question can have."""


@dataclass(frozen=True, kw_only=True)
class Counted:
    """One side's answer as publication sees it."""

    key: str
    """``<response>/<side>``: names the answer, not the person."""
    person: str
    side: Role
    answer: Answer


@dataclass(frozen=True, kw_only=True)
class CellKey:
    """What a cell holds. ``None`` where sides, or little-rated skills, had to be taken together."""

    question: Question
    side: Role | None = None
    skill: str | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How often each value of the question's scale was given: the smallest thing that is ever told."""

    key: CellKey
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Rating:
    """One person's value for one question."""

    key: CellKey
    person: str
    value: int


@dataclass(frozen=True, kw_only=True)
class Tally:
    """One immutable batch of a programme, and the cells of all batches up to it added up."""

    id: str
    tenant: str
    version: int = 1
    programme_id: str
    number: int
    members: tuple[str, ...]
    """Keys of the answers of this batch."""
    published: int
    """Answers of all batches up to this one."""
    floor: int
    """Under which this batch was made."""
    final: bool
    """No batch follows: the programme is closed."""
    made_at: datetime
    cells: tuple[Cell, ...]


def counted(responses: Iterable[Response]) -> list[Counted]:
    """Every answer in these responses."""
    return [
        Counted(key=f"{response.id}/{side.value}", person=response.person(side), side=side, answer=answer)
        for response in responses
        for side, answer in response.given()
    ]


def next_tally(
    previous: Tally | None,
    pending: Sequence[Counted],
    *,
    tenant: str,
    programme_id: str,
    floor: int,
    closed: bool,
    now: datetime,
) -> Tally | None:
    """The next batch, or ``None`` while none can be published.

    Once the programme is closed there is exactly one final batch: everything pending, or nothing when that is
    of fewer people than the floor. Then it is withheld for good, and so is what arrives later.
    """
    if previous is not None and previous.final:
        return None
    final = closed and len(pending) <= LARGEST_BATCH
    batch = _all_or_nothing(pending, floor) if final else _oldest_to_spare(pending, floor)
    if not batch and not final:
        return None
    number = previous.number + 1 if previous else 1
    return Tally(
        id=f"{programme_id}:{number:06d}",
        tenant=tenant,
        programme_id=programme_id,
        number=number,
        members=tuple(entry.key for entry in batch),
        published=len(batch) + (previous.published if previous else 0),
        floor=floor,
        final=final,
        made_at=now,
        cells=_add(previous.cells if previous else (), _cells(batch, floor)),
    )


def told_apart(ratings: Iterable[Rating], floor: int) -> Mapping[CellKey, Sequence[Rating]]:
    """Sort ratings into disjoint cells of at least ``floor`` people.

    Mentors and mentees are told apart only where both can be: else the one shown gives the other away.
    Skills that too few people rated are taken together; what is then still too little is left out.
    """
    cells: dict[CellKey, Sequence[Rating]] = {}
    too_small: list[Rating] = []
    for key, about in _grouped(ratings, side=False).items():
        by_side = _grouped(about, side=True)
        if all(_people(cell) >= floor for cell in by_side.values()):
            cells.update(by_side)
        elif _people(about) >= floor:
            cells[key] = about
        else:
            too_small.extend(about)
    pooled = _grouped(too_small, side=False, skill=False)
    return cells | {key: rest for key, rest in pooled.items() if _people(rest) >= floor}


def _grouped(ratings: Iterable[Rating], *, side: bool, skill: bool = True) -> Mapping[CellKey, list[Rating]]:
    groups: dict[tuple[Question, Role | None, str | None], list[Rating]] = defaultdict(list)
    for rating in ratings:
        key = rating.key
        groups[key.question, key.side if side else None, key.skill if skill else None].append(rating)
    return {
        CellKey(question=question, side=of_side, skill=of_skill): group
        for (question, of_side, of_skill), group in groups.items()
    }


def _people(ratings: Iterable[Rating] | Iterable[Counted]) -> int:
    return len({rating.person for rating in ratings})


def _all_or_nothing(pending: Sequence[Counted], floor: int) -> Sequence[Counted]:
    return pending if _people(pending) >= floor else ()


def _oldest_to_spare(pending: Sequence[Counted], floor: int) -> Sequence[Counted]:
    """The oldest answers, if they and the ones kept back are each of enough people."""
    ordered = sorted(pending, key=lambda entry: (entry.answer.submitted_at, entry.key))
    kept: set[str] = set()
    last = len(ordered)
    while len(kept) < floor and last > 0:
        last -= 1
        kept.add(ordered[last].person)
    spare = ordered[: min(last, LARGEST_BATCH)]
    return spare if _people(spare) >= floor else ()


def _cells(batch: Iterable[Counted], floor: int) -> tuple[Cell, ...]:
    ratings = [rating for entry in batch for rating in _ratings(entry)]
    return tuple(
        Cell(key=key, counts=_histogram(key.question, cell)) for key, cell in told_apart(ratings, floor).items()
    )


def _ratings(entry: Counted) -> Iterator[Rating]:
    given = entry.answer
    values = [
        (Question.SATISFACTION, None, given.satisfaction),
        (Question.QUALITY, None, given.quality),
        (Question.TRUST, None, given.trust),
        *((Question.SKILL_GAIN, rated.skill, rated.gain) for rated in given.skills),
    ]
    if given.practice_adopted is not None:
        values.append((Question.PRACTICE_ADOPTED, None, int(given.practice_adopted)))
    for question, skill, value in values:
        yield Rating(key=CellKey(question=question, side=entry.side, skill=skill), person=entry.person, value=value)


def _histogram(question: Question, ratings: Iterable[Rating]) -> tuple[int, ...]:
    counts = dict.fromkeys(SCALES[question], 0)
    for rating in ratings:
        counts[rating.value] += 1
    return tuple(counts.values())


def _add(one: Iterable[Cell], other: Iterable[Cell]) -> tuple[Cell, ...]:
    total: dict[CellKey, tuple[int, ...]] = {}
    for cell in (*one, *other):
        known = total.get(cell.key, (0,) * len(cell.counts))
        total[cell.key] = tuple(map(int.__add__, known, cell.counts))
    return tuple(Cell(key=key, counts=counts) for key, counts in total.items())
