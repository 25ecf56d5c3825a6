"""The file format of a result: the pairs, who was left out and why, and the proof."""

from typing import Annotated, Literal

from pydantic import Field
from shared.contracts import Objective, Role

from ..domain.proposal import ChosenPair, LeftOut, LeftOutReason, Proposal
from ..domain.rules import HardRule
from .instance import Name, Pair, Strict

Count = Annotated[int, Field(ge=0)]
"""Exact, however large: read it as a whole number, not as a floating-point one."""


class Chosen(Strict):
    """A pair, its score, and why."""

    mentor: Name
    mentee: Name
    score: Count
    """The sum of the terms."""
    terms: dict[str, Count]
    """Points by term. A name that ends in ``_not_given`` counts half, since something was not given."""
    shared_skills: tuple[str, ...]
    """What the mentee wants and the mentor masters better, the most wanted first."""
    shared_languages: tuple[str, ...]
    shared_minutes_per_week: Count
    locked: bool

    @classmethod
    def of(cls, pair: ChosenPair) -> "Chosen":
        """Its form in the file."""
        return cls(
            mentor=pair.mentor.id,
            mentee=pair.mentee.id,
            score=pair.points.total,
            terms={term.term: term.points for term in pair.points.terms},
            shared_skills=pair.points.shared_skills,
            shared_languages=pair.points.shared_languages,
            shared_minutes_per_week=pair.points.shared_minutes_per_week,
            locked=pair.locked,
        )


class Unpaired(Strict):
    """Somebody whom the run could not pair, and why."""

    id: Name
    role: Role
    reason: LeftOutReason
    detail: str
    possible_partners: Count
    shut_out_by: dict[HardRule, Count]
    """How many of the other side each hard rule forbids. One partner may break several rules."""

    @classmethod
    def of(cls, person: LeftOut) -> "Unpaired":
        """Its form in the file."""
        return cls(
            id=person.volunteer_id,
            role=person.role,
            reason=person.reason,
            detail=person.detail,
            possible_partners=person.possible_partners,
            shut_out_by={count.rule: count.partners for count in person.shut_out_by},
        )


class Dropped(Pair):
    """A lock that could not be kept, and why."""

    reason: str


class Sums(Strict):
    """The figures of the choice."""

    mentors: Count
    """Who are ready and have a place."""
    mentees: Count
    pairs: Count
    unmatched_mentors: Count
    unmatched_mentees: Count
    score: Count
    worst_score: Count
    """The lowest score of a pair; 0 where there is none."""
    mean_score: Count
    random_baseline_score: Count
    """What possible pairs drawn at random reach."""
    greedy_score: Count
    """What taking the best pair first reaches."""


class Step(Strict):
    """What following the order of aims down to this one gave, and gained or cost against the total alone."""

    objective: Objective
    pairs: Count
    worst_score: Count
    score: Count
    pairs_gained: int
    worst_score_gained: int
    score_gained: int


class Proof(Strict):
    """Prices for everybody, such that no possible pair is worth more than the two prices of its people.

    A possible pair whose score reaches ``floor`` is worth ``factor * score + bonus``; pairs below are out of the
    question. ``primal`` is the worth of the chosen pairs, ``dual`` the sum of the mentees' prices and of the mentors'
    prices times their places. Equal, they prove that no other choice is worth more.

    Locked pairs are outside of the proof: each takes its mentee, and one place of its mentor, before the rest is
    solved.
    """

    instance_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Of the bytes of the instance's file."""
    factor: Count
    bonus: Count
    floor: Count
    """The lowest score that the order of aims lets a pair have; 0 where it asks for none."""
    primal: Count
    dual: Count
    pairs_checked: Count
    """Possible pairs whose score reaches the floor."""
    violations: Count
    """Of these, pairs that are worth more than their two prices."""
    mentees: dict[Name, Count]
    """The price of each mentee who could be paired and is in no locked pair."""
    mentors: dict[Name, Count]
    """The price of one place with each mentor who could be paired."""


class Result(Strict):
    """The answer to an instance. Written by ``matching-solve``, proven or refused by ``matching-check``."""

    format: Literal["telemachus-matching-result/1"] = "telemachus-matching-result/1"
    figures: Sums
    pairs: tuple[Chosen, ...]
    """The highest score first."""
    left_out: tuple[Unpaired, ...]
    dropped_locks: tuple[Dropped, ...]
    price_of_order: tuple[Step, ...]
    """Without the locked pairs."""
    certificate: Proof

    @classmethod
    def of(cls, proposal: Proposal, instance_sha256: str) -> "Result":
        """The result that tells of this proposal. The same proposal gives the same bytes: no time stands in it."""
        figures, prices = proposal.figures, proposal.prices
        return cls(
            figures=Sums.model_validate(figures, from_attributes=True),
            pairs=tuple(map(Chosen.of, proposal.pairs)),
            left_out=tuple(map(Unpaired.of, proposal.left_out)),
            dropped_locks=tuple(
                Dropped(mentor=lock.mentor_volunteer_id, mentee=lock.mentee_volunteer_id, reason=lock.reason)
                for lock in figures.dropped_locks
            ),
            price_of_order=tuple(Step.model_validate(step, from_attributes=True) for step in figures.price_of_order),
            certificate=Proof(
                instance_sha256=instance_sha256,
                factor=prices.factor,
                bonus=prices.bonus,
                floor=prices.floor,
                primal=figures.certificate.primal,
                dual=figures.certificate.dual,
                pairs_checked=figures.certificate.pairs_checked,
                violations=figures.certificate.violations,
                mentees=dict(prices.mentees),
                mentors=dict(prices.mentors),
            ),
        )
