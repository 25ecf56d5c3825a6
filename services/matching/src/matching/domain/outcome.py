"""What a policy would give: the figures by which policies are laid side by side."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.contracts import MatchPolicy, Role

from .candidate import Candidate
from .proposal import LeftOut, LeftOutReason, Problem, Proposal
from .rules import Charter, HardRule, MentorMentee
from .scoring import score_pair
from .why_not import pairs_of

GROUPS_TOLD = 50
FEWEST_OF_ONE_AGE = 5
"""Smaller generations are told as one: managers see nobody's age, and must not infer it."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """How many people of one unit, site or generation there are, and how many have a partner."""

    value: str | None
    """None for people who did not give it, and for several groups told as one."""
    people: int
    paired: int
    merged: int = 0
    """How many groups are told as one here: those beyond the largest, and generations of very few."""


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Who of one side is reached; the largest groups first."""

    role: Role
    people: int
    paired: int
    by_unit: tuple[Group, ...]
    by_site: tuple[Group, ...]
    by_age_band: tuple[Group, ...]


@dataclass(frozen=True, kw_only=True)
class ReasonCount:
    """How many people of one side have no partner for one reason."""

    role: Role
    reason: LeftOutReason
    people: int


@dataclass(frozen=True, kw_only=True)
class ShutOutCount:
    """How many people of one side have no possible partner at all, and meet this rule among the causes."""

    role: Role
    rule: HardRule
    people: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one policy would give."""

    name: str
    mentors: int
    """Who can be paired: ready, with a place."""
    mentees: int
    pairs: int
    same_pairs: int
    """Pairs that the first policy gives as well."""
    score: int
    """Under the policy's own weights: not to be compared with that of other weights."""
    published_score: int
    """Of the same pairs under the published weights: comparable."""
    worst_score: int
    mean_score: int
    deciles: tuple[int, ...]
    """Eleven scores of pairs, from the lowest to the highest; empty without pairs."""
    random_baseline_score: int
    greedy_score: int
    pairs_with_units: int
    """Pairs of which both units are known."""
    cross_unit_pairs: int
    unmatched: tuple[ReasonCount, ...]
    shut_out: tuple[ShutOutCount, ...]
    coverage: tuple[Coverage, ...]
    proven: bool
    """Whether the certificate holds: no better choice exists under this policy."""
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Swing:
    """What another weight would change, against the published policy."""

    weight: str
    percent: int
    points: int
    """The weight as it was tried."""
    pairs: int
    pairs_changed: int
    """Pairs of the published policy that would not be made."""
    score_change: int
    """Of the total under the published weights."""
    worst_score_change: int
    """Of the lowest score under the published weights."""


def outcome(
    name: str, problem: Problem, proposal: Proposal, *, first: frozenset[MentorMentee], published: MatchPolicy
) -> Outcome:
    """The figures of one answer. ``first``: the pairs of the policy that the others are compared with."""
    figures = proposal.figures
    scores = sorted(pair.points.total for pair in proposal.pairs)
    units = [(pair.mentor.unit, pair.mentee.unit) for pair in proposal.pairs if pair.mentor.unit and pair.mentee.unit]
    partnered = problem.paired | {id_ for pair in pairs_of(proposal) for id_ in pair}
    return Outcome(
        name=name,
        mentors=figures.mentors,
        mentees=figures.mentees,
        pairs=figures.pairs,
        same_pairs=len(pairs_of(proposal) & first),
        score=figures.score,
        published_score=sum(scores_under(published, problem, proposal)),
        worst_score=figures.worst_score,
        mean_score=figures.mean_score,
        deciles=deciles(scores),
        random_baseline_score=figures.random_baseline_score,
        greedy_score=figures.greedy_score,
        pairs_with_units=len(units),
        cross_unit_pairs=sum(one != other for one, other in units),
        unmatched=_reasons(proposal.left_out),
        shut_out=_rules(proposal.left_out),
        coverage=(
            _coverage(Role.MENTOR, problem.mentors, partnered),
            _coverage(Role.MENTEE, problem.mentees, partnered),
        ),
        proven=figures.certificate.proves_optimality,
        seconds=figures.seconds,
    )


def swing(
    weight: str, percent: int, *, base: Proposal, varied: Proposal, problem: Problem, published: MatchPolicy
) -> Swing:
    """What an answer under another weight changes. ``problem``: the question it answers."""
    before = [pair.points.total for pair in base.pairs]
    after = scores_under(published, problem, varied)
    return Swing(
        weight=weight,
        percent=percent,
        points=getattr(problem.charter.policy.weights, weight),
        pairs=len(varied.pairs),
        pairs_changed=len(pairs_of(base) - pairs_of(varied)),
        score_change=sum(after) - sum(before),
        worst_score_change=min(after, default=0) - min(before, default=0),
    )


def scores_under(policy: MatchPolicy, problem: Problem, proposal: Proposal) -> list[int]:
    """What the proposed pairs score by the weights of another policy."""
    if policy.weights == problem.charter.policy.weights and (
        policy.age_gap_target == problem.charter.policy.age_gap_target
    ):
        return [pair.points.total for pair in proposal.pairs]
    charter = Charter(policy=policy, week=problem.charter.week, session_minutes=problem.charter.session_minutes)
    return [score_pair(pair.mentor, pair.mentee, charter).total for pair in proposal.pairs]


def deciles(ascending: Sequence[int]) -> tuple[int, ...]:
    """The lowest, the nine that cut off each further tenth (nearest rank), and the highest."""
    last = len(ascending) - 1
    return tuple(ascending[round(last * tenth / 10)] for tenth in range(11)) if ascending else ()


def _reasons(left_out: Iterable[LeftOut]) -> tuple[ReasonCount, ...]:
    counts = Counter((person.role, person.reason) for person in left_out)
    return tuple(
        ReasonCount(role=role, reason=reason, people=counts[role, reason])
        for role in Role
        for reason in LeftOutReason
        if counts[role, reason]
    )


def _rules(left_out: Iterable[LeftOut]) -> tuple[ShutOutCount, ...]:
    counts = Counter(
        (person.role, count.rule)
        for person in left_out
        if person.reason is LeftOutReason.RULES
        for count in person.shut_out_by
    )
    return tuple(
        ShutOutCount(role=role, rule=rule, people=counts[role, rule])
        for role in Role
        for rule in HardRule
        if counts[role, rule]
    )


def _coverage(role: Role, people: Sequence[Candidate], partnered: frozenset[str]) -> Coverage:
    return Coverage(
        role=role,
        people=len(people),
        paired=sum(person.id in partnered for person in people),
        by_unit=groups([(person.unit, person.id in partnered) for person in people]),
        by_site=groups([(person.site, person.id in partnered) for person in people]),
        by_age_band=groups([(person.age_band, person.id in partnered) for person in people], FEWEST_OF_ONE_AGE),
    )


def groups(people: Sequence[tuple[str | None, bool]], fewest: int = 1) -> tuple[Group, ...]:
    """The groups, the largest first; groups of fewer than ``fewest``, and all beyond ``GROUPS_TOLD``, are told as one.

    ``people``: what each person gave, and whether they have a partner.
    """
    size, paired = Counter(value for value, _ in people), Counter(value for value, found in people if found)
    given = sorted((value for value in size if value is not None), key=lambda value: (-size[value], value))
    large = [value for value in given if size[value] >= fewest][:GROUPS_TOLD]
    rest = [value for value in given if value not in set(large)]
    told = [Group(value=value, people=size[value], paired=paired[value]) for value in large]
    if rest:
        told.append(
            Group(
                value=None,
                people=sum(size[value] for value in rest),
                paired=sum(paired[value] for value in rest),
                merged=len(rest),
            )
        )
    if size[None]:
        told.append(Group(value=None, people=size[None], paired=paired[None]))
    return tuple(told)
