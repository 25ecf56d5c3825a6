"""What a match run is asked, and what it answers. Plain data, so that it can cross to a worker process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.contracts import Objective, Role

from .candidate import Candidate
from .refusals import PoolTooLarge
from .rules import Charter, HardRule, History, MentorMentee
from .scoring import PairScore


class EngineFailed(Exception):
    """The process that computed is gone (killed, out of memory): nothing was decided, and trying again may help."""


MOST_PEOPLE_A_SIDE = 100_000
"""Beyond this a run would need more memory and time than it should."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One question to the engine: who should be paired with whom?

    ``mentors`` and ``mentees`` are everybody who has not withdrawn, ready or not, so that the answer can say why
    somebody was left out. A run gives each mentee at most one new mentor, and a mentor as many as there is room.
    """

    charter: Charter
    history: History
    mentors: tuple[Candidate, ...]
    mentees: tuple[Candidate, ...]
    places: Mapping[str, int]
    """Free places by volunteer."""
    paired: frozenset[str] = frozenset()
    """Volunteers who are in a pairing already; they are never reported as left out."""
    locked: frozenset[MentorMentee] = frozenset()
    seed: int = 0
    """Of the random baseline. The answer itself does not depend on it."""


@dataclass(frozen=True, kw_only=True)
class ChosenPair:
    """A pair that the engine proposes."""

    mentor: Candidate
    mentee: Candidate
    points: PairScore
    locked: bool


class LeftOutReason(StrEnum):
    """Why somebody was not paired."""

    NOT_READY = "not_ready"
    NOBODY_ON_THE_OTHER_SIDE = "nobody_on_the_other_side"
    RULES = "rules"
    """Hard rules shut out every partner."""
    CAPACITY = "capacity"
    """Possible partners exist, and every place with them went to others."""


@dataclass(frozen=True, kw_only=True)
class RuleCount:
    """How many partners a hard rule forbids to somebody. One partner may break several rules."""

    rule: HardRule
    partners: int


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Somebody who was not paired, and why."""

    volunteer_id: str
    person_ref: str
    role: Role
    reason: LeftOutReason
    detail: str
    possible_partners: int = 0
    shut_out_by: tuple[RuleCount, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StoredPair:
    """A proposed pair as it is kept for the manager's decision."""

    id: str
    tenant: str
    version: int
    result: str
    """The attempt of the run that found it: results of different attempts never mix."""
    mentor_volunteer_id: str
    mentee_volunteer_id: str
    mentor_ref: str
    mentee_ref: str
    points: PairScore
    locked: bool


@dataclass(frozen=True, kw_only=True)
class StoredLeftOut:
    """Somebody left out, as it is kept beside the proposed pairs."""

    id: str
    tenant: str
    version: int
    result: str
    person: LeftOut


@dataclass(frozen=True, kw_only=True)
class DroppedLock:
    """A lock that could no longer be kept when the run began."""

    mentor_volunteer_id: str
    mentee_volunteer_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class StepPrice:
    """What following the order down to this objective gave, against aiming at the total alone.

    Differences are negative where it cost something.
    """

    objective: Objective
    pairs: int
    worst_score: int
    score: int
    pairs_gained: int
    worst_score_gained: int
    score_gained: int


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """A proof that the last step found the best: no pair is worth more than the two prices of its people.

    ``primal`` is the worth of the chosen pairs, ``dual`` the sum of the prices; equal, with no violation over all
    possible pairs, they prove that no other choice is worth more (linear programming duality, whole numbers).
    """

    primal: int
    dual: int
    pairs_checked: int
    violations: int
    inputs_digest: str = ""

    @property
    def proves_optimality(self) -> bool:
        """Whether nothing better exists."""
        return self.primal == self.dual and self.violations == 0


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The proof behind a certificate: a price for everybody, and the measure of a pair's worth.

    A possible pair whose score reaches ``floor`` is worth ``factor * score + bonus``; others are out of the question.
    Locked pairs are outside of the proof: they took their mentee, and one place of their mentor, before the rest was
    solved. Not stored with the run, whose document must stay small.
    """

    factor: int = 1
    bonus: int = 0
    floor: int = 0
    mentees: tuple[tuple[str, int], ...] = ()
    """Everybody who could be paired, by id; without those in a locked pair."""
    mentors: tuple[tuple[str, int], ...] = ()
    """Of one place each, by id."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The figures of a run."""

    mentors: int
    mentees: int
    pairs: int
    unmatched_mentees: int
    unmatched_mentors: int
    score: int
    worst_score: int
    mean_score: int
    random_baseline_score: int
    greedy_score: int
    certificate: Certificate
    price_of_order: tuple[StepPrice, ...] = ()
    dropped_locks: tuple[DroppedLock, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """The engine's answer."""

    figures: Figures
    pairs: tuple[ChosenPair, ...] = field(default_factory=tuple)
    left_out: tuple[LeftOut, ...] = field(default_factory=tuple)
    prices: Prices = field(default_factory=Prices)


def stored_pairs(proposal: Proposal, *, tenant: str, result: str) -> list[StoredPair]:
    """The pairs under names that keep their order, the best first."""
    return [
        StoredPair(
            id=f"{result}.{number:05}",
            tenant=tenant,
            version=1,
            result=result,
            mentor_volunteer_id=pair.mentor.id,
            mentee_volunteer_id=pair.mentee.id,
            mentor_ref=pair.mentor.person_ref,
            mentee_ref=pair.mentee.person_ref,
            points=pair.points,
            locked=pair.locked,
        )
        for number, pair in enumerate(proposal.pairs)
    ]


def stored_left_out(proposal: Proposal, *, tenant: str, result: str) -> list[StoredLeftOut]:
    """Those left out, under names that keep their order."""
    return [
        StoredLeftOut(id=f"{result}.{number:05}", tenant=tenant, version=1, result=result, person=person)
        for number, person in enumerate(proposal.left_out)
    ]


def check_size(mentors: int, mentees: int) -> None:
    """Refuse more people than one run can match exactly; one person may be matched with any number.

    Raises: PoolTooLarge.
    """
    for people, others, side in ((mentors, mentees, "mentors"), (mentees, mentors, "mentees")):
        if people > MOST_PEOPLE_A_SIDE and others > 1:
            raise PoolTooLarge(f"{people} {side} are more than the {MOST_PEOPLE_A_SIDE} that one run can match")
