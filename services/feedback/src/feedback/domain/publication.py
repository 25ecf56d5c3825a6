"""Which answers may become figures, and when (4-08, B-05; decision 0051).

What people rated is sorted into topics. Each topic is published in batches that are never changed, and each batch,
like whatever is left for a later one, holds the ratings of at least ``floor`` people. Every figure is a sum of
batches. So whatever is added up or subtracted, from however many reports, speaks of ``floor`` people or more.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.contracts import Role

from .responses import Response

LARGEST_BATCH = 50_000
"""Ratings per batch, so that its document stays far below the database's 16 MB."""


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


class Subject(StrEnum):
    """What a rating speaks of."""

    EXCHANGE = "exchange"
    """Satisfaction, quality and trust, which everybody rates together."""
    PRACTICE = "practice"
    SKILL = "skill"


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What is told together. Skills are told by side, as far as enough people rated them."""

    subject: Subject
    side: Role | None = None
    skill: str | None = None


EXCHANGE = Topic(subject=Subject.EXCHANGE)
PRACTICE = Topic(subject=Subject.PRACTICE)


@dataclass(frozen=True, kw_only=True)
class Rating:
    """What one person said about one topic in one answer."""

    key: str
    """Names the answer and the topic, not the person."""
    person: str
    at: datetime
    topic: Topic
    values: Mapping[Question, int]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """How often each value of a question's scale was given, for one topic: the smallest thing that is ever told."""

    question: Question
    side: Role | None = None
    skill: str | None = None
    counts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Tally:
    """One immutable batch of a programme, and the cells of all batches up to it added up."""

    id: str
    tenant: str
    version: int = 1
    programme_id: str
    number: int
    members: tuple[str, ...]
    """Keys of the ratings of this batch. The final one needs none: nothing is looked for after it."""
    published: int
    """Answers of all batches up to this one."""
    floor: int
    """Under which this batch was made."""
    final: bool
    """No batch follows: the programme is closed."""
    made_at: datetime
    cells: tuple[Cell, ...]


def ratings_in(responses: Iterable[Response]) -> Iterator[Rating]:
    """Everything that these responses rate."""
    for response in responses:
        for side, given in response.given():
            key, person, at = f"{response.id}/{side.value}", response.person(side), given.submitted_at
            exchange = {
                Question.SATISFACTION: given.satisfaction,
                Question.QUALITY: given.quality,
                Question.TRUST: given.trust,
            }
            yield Rating(key=key, person=person, at=at, topic=EXCHANGE, values=exchange)
            if given.practice_adopted is not None:
                adopted = {Question.PRACTICE_ADOPTED: int(given.practice_adopted)}
                yield Rating(key=f"{key}/practice", person=person, at=at, topic=PRACTICE, values=adopted)
            for rated in given.skills:
                topic = Topic(subject=Subject.SKILL, side=side, skill=rated.skill)
                gain = {Question.SKILL_GAIN: rated.gain}
                yield Rating(key=f"{key}/skill/{rated.skill}", person=person, at=at, topic=topic, values=gain)


def next_tally(
    previous: Tally | None,
    pending: Iterable[Rating],
    *,
    tenant: str,
    programme_id: str,
    floor: int,
    closed: bool,
    now: datetime,
) -> Tally | None:
    """The next batch, or ``None`` while none can be published.

    Once the programme is closed there is exactly one final batch: everything pending that enough people rated. What
    is not in it is withheld for good, and so is what arrives later.
    """
    if previous is not None and previous.final:
        return None
    batch = everything_safe(pending, floor) if closed else oldest_to_spare(pending, floor)
    if not batch and not closed:
        return None
    number = previous.number + 1 if previous else 1
    answers = len(batch.get(EXCHANGE, ()))
    return Tally(
        id=f"{programme_id}:{number:06d}",
        tenant=tenant,
        programme_id=programme_id,
        number=number,
        members=() if closed else tuple(rating.key for ratings in batch.values() for rating in ratings),
        published=answers + (previous.published if previous else 0),
        floor=floor,
        final=closed,
        made_at=now,
        cells=_add(previous.cells if previous else (), _cells(batch)),
    )


def oldest_to_spare(pending: Iterable[Rating], floor: int) -> Mapping[Topic, Sequence[Rating]]:
    """Of each topic the oldest ratings, if they and the ones kept back are each of enough people."""
    room = LARGEST_BATCH
    batch: dict[Topic, Sequence[Rating]] = {}
    for topic, ratings in _by_topic(pending).items():
        ordered = sorted(ratings, key=lambda rating: (rating.at, rating.key))
        kept: set[str] = set()
        last = len(ordered)
        while len(kept) < floor and last > 0:
            last -= 1
            kept.add(ordered[last].person)
        spare = ordered[: min(last, room)]
        if _people(spare) >= floor:
            batch[topic] = spare
            room -= len(spare)
    return batch


def everything_safe(pending: Iterable[Rating], floor: int) -> Mapping[Topic, Sequence[Rating]]:
    """Each topic whole, if enough people rated it.

    Too small ones are taken together: both sides of a skill, then all such skills. What is then still too small is
    left out. Since a topic is published live only if enough is kept back, what this gives in the end does not
    depend on the batches before.
    """
    batch: dict[Topic, Sequence[Rating]] = {}
    left = list(pending)
    for joined in (_as_it_is, _both_sides, _all_skills):
        still_left: list[Rating] = []
        for topic, ratings in _by_topic(left, joined).items():
            if _people(ratings) >= floor:
                batch[topic] = ratings
            else:
                still_left.extend(ratings)
        left = still_left
    return batch


def _as_it_is(topic: Topic) -> Topic:
    return topic


def _both_sides(topic: Topic) -> Topic:
    return replace(topic, side=None)


def _all_skills(topic: Topic) -> Topic:
    return Topic(subject=topic.subject)


def _by_topic(ratings: Iterable[Rating], joined: Callable[[Topic], Topic] = _as_it_is) -> Mapping[Topic, list[Rating]]:
    topics: dict[Topic, list[Rating]] = defaultdict(list)
    for rating in ratings:
        topics[joined(rating.topic)].append(rating)
    return topics


def _people(ratings: Iterable[Rating]) -> int:
    return len({rating.person for rating in ratings})


def _cells(batch: Mapping[Topic, Sequence[Rating]]) -> Iterator[Cell]:
    for topic, ratings in batch.items():
        for question in ratings[0].values:
            counts = dict.fromkeys(SCALES[question], 0)
            for rating in ratings:
                counts[rating.values[question]] += 1
            yield Cell(question=question, side=topic.side, skill=topic.skill, counts=tuple(counts.values()))


def _add(one: Iterable[Cell], other: Iterable[Cell]) -> tuple[Cell, ...]:
    total: dict[Cell, tuple[int, ...]] = {}
    for cell in (*one, *other):
        key = replace(cell, counts=())
        known = total.get(key, (0,) * len(cell.counts))
        total[key] = tuple(map(int.__add__, known, cell.counts))
    return tuple(replace(key, counts=counts) for key, counts in total.items())
