"""Why two people are not paired: what stands in the way, or what it would cost, by comparing two answers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from .candidate import Candidate
from .proposal import ChosenPair, Problem, Proposal
from .rules import MentorMentee, broken_rules

MOVES_TOLD = 20


class Verdict(StrEnum):
    """The short answer."""

    PAIRED = "paired"
    """They are a pair at present."""
    CHOSEN = "chosen"
    """The best solution pairs them."""
    FORBIDDEN = "forbidden"
    """A hard rule shuts the pair out."""
    NO_PLACE = "no_place"
    """One of the two has no free place."""
    HELD_BY_LOCKS = "held_by_locks"
    """Locks give the places of one of the two to others."""
    EQUALLY_GOOD = "equally_good"
    """Pairing them costs nothing: two solutions are equally good, and the engine took the other."""
    COSTS = "costs"
    """The best solution with them is worse than the best without, in the order of the programme's aims."""


@dataclass(frozen=True, kw_only=True)
class Aims:
    """What a solution reaches."""

    pairs: int
    worst_score: int
    score: int

    @classmethod
    def of(cls, proposal: Proposal) -> "Aims":
        """Of this proposal."""
        figures = proposal.figures
        return cls(pairs=figures.pairs, worst_score=figures.worst_score, score=figures.score)

    def minus(self, other: "Aims") -> "Aims":
        """The difference: negative where the other reaches more."""
        return Aims(
            pairs=self.pairs - other.pairs,
            worst_score=self.worst_score - other.worst_score,
            score=self.score - other.score,
        )

    @property
    def nothing(self) -> bool:
        """Whether all three are zero."""
        return self == Aims(pairs=0, worst_score=0, score=0)


@dataclass(frozen=True, kw_only=True)
class Move:
    """A mentee whose partner differs between two solutions; None stands for nobody."""

    mentee_volunteer_id: str
    before: str | None
    after: str | None
    score_before: int | None
    score_after: int | None


@dataclass(frozen=True, kw_only=True)
class Price:
    """What pairing two people costs: the best solution, the best one that pairs them, and who moves between the two."""

    best: Aims
    with_pair: Aims
    change: Aims
    moved: int
    moves: tuple[Move, ...]
    """The first ``MOVES_TOLD``: the mentee who was asked about, then who loses most."""


def held_by_locks(problem: Problem, mentor: Candidate, mentee: Candidate) -> tuple[MentorMentee, ...]:
    """The locks that leave no place for this pair; empty when it can be locked beside them.

    A lock that no run could keep (any more) holds nothing.
    """
    people = {person.id: person for person in (*problem.mentors, *problem.mentees)}
    others = sorted(
        lock
        for lock in problem.locked - {(mentor.id, mentee.id)}
        if (lock[0] == mentor.id or lock[1] == mentee.id) and _can_be_kept(lock, people, problem)
    )
    of_mentee = tuple(lock for lock in others if lock[1] == mentee.id)
    of_mentor = tuple(lock for lock in others if lock[0] == mentor.id)
    return of_mentee or (of_mentor if len(of_mentor) >= problem.places.get(mentor.id, 0) else ())


def _can_be_kept(lock: MentorMentee, people: Mapping[str, Candidate], problem: Problem) -> bool:
    mentor, mentee = people.get(lock[0]), people.get(lock[1])
    if mentor is None or mentee is None or min(problem.places.get(id_, 0) for id_ in lock) <= 0:
        return False
    return not broken_rules(mentor, mentee, problem.charter, problem.history)


def with_pair(problem: Problem, mentor: Candidate, mentee: Candidate) -> Problem:
    """The same question with these two held together."""
    return replace(problem, locked=problem.locked | {(mentor.id, mentee.id)})


def pairs_of(proposal: Proposal) -> frozenset[MentorMentee]:
    """The proposed pairs, by volunteer."""
    return frozenset((pair.mentor.id, pair.mentee.id) for pair in proposal.pairs)


def price(best: Proposal, forced: Proposal, mentee_id: str) -> Price:
    """What ``forced`` costs against ``best``."""
    before, after = Aims.of(best), Aims.of(forced)
    moves = moves_between(best, forced)
    moves.sort(key=lambda move: (move.mentee_volunteer_id != mentee_id, _gain(move), move.mentee_volunteer_id))
    return Price(
        best=before, with_pair=after, change=after.minus(before), moved=len(moves), moves=tuple(moves[:MOVES_TOLD])
    )


def moves_between(one: Proposal, other: Proposal) -> list[Move]:
    """The mentees whose partner differs. A run gives each mentee at most one new mentor."""
    before, after = ({pair.mentee.id: pair for pair in proposal.pairs} for proposal in (one, other))
    return [
        Move(
            mentee_volunteer_id=mentee_id,
            before=_mentor(before.get(mentee_id)),
            after=_mentor(after.get(mentee_id)),
            score_before=_score(before.get(mentee_id)),
            score_after=_score(after.get(mentee_id)),
        )
        for mentee_id in sorted(before.keys() | after.keys())
        if _mentor(before.get(mentee_id)) != _mentor(after.get(mentee_id))
    ]


def _mentor(pair: ChosenPair | None) -> str | None:
    return None if pair is None else pair.mentor.id


def _score(pair: ChosenPair | None) -> int | None:
    return None if pair is None else pair.points.total


def _gain(move: Move) -> int:
    return (move.score_after or 0) - (move.score_before or 0)
