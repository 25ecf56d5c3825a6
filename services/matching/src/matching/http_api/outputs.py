"""What clients get. Each representation is built from a state, field by field, so nothing leaks by accident."""

from datetime import date, datetime
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict
from shared.contracts import (
    AccessRole,
    MatchMode,
    MatchPolicy,
    Objective,
    OfferedSkill,
    Principal,
    Role,
    ScoreTerm,
    UnpairReason,
    WantedSkill,
    WeeklyWindow,
)

from ..domain.candidate import Candidate
from ..domain.pairing import Pairing
from ..domain.proposal import Certificate, DroppedLock, LeftOut, LeftOutReason, RuleCount, StepPrice, StoredPair
from ..domain.restriction import Restriction
from ..domain.run import Conflict, MatchRun, RunStatus
from ..domain.scoring import IN_CONFIDENCE
from ..domain.shortlist import ShortList
from ..use_cases.pairings import ReMatch


class Out(BaseModel):
    """Base of every representation."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class PoolOut(Out):
    """Sums over a programme's pool."""

    programme_id: str
    known: int
    mentors: int
    mentees: int
    mentors_ready: int
    mentees_ready: int
    places: int
    paired: int


class CandidateOut(Out):
    """Somebody in the pool."""

    id: str
    version: int
    programme_id: str
    person_ref: str
    role: Role
    ready: bool
    capacity: int
    skills_offered: tuple[OfferedSkill, ...]
    skills_wanted: tuple[WantedSkill, ...]
    interests: tuple[str, ...]
    goals: tuple[str, ...]
    languages: tuple[str, ...]
    time_zone: str
    availability: tuple[WeeklyWindow, ...]
    unit: str | None
    site: str | None
    motivation: int

    @classmethod
    def of(cls, candidate: Candidate) -> Self:
        """Without age, grade and line: matching needs them, a list of people does not."""
        return cls.model_validate(candidate)


class RestrictionOut(Out):
    """A lock or an exclusion."""

    id: str
    version: int
    programme_id: str
    mentor_volunteer_id: str
    mentee_volunteer_id: str

    @classmethod
    def of(cls, restriction: Restriction) -> Self:
        """Its representation."""
        return cls.model_validate(restriction)


class RunOut(Out):
    """A match run. The figures are null until it has concluded."""

    id: str
    version: int
    programme_id: str
    status: RunStatus
    requested_at: datetime
    mode: MatchMode
    objective: tuple[Objective, ...]
    policy: MatchPolicy
    policy_version: int
    seed: int
    progress: int
    failure: str | None
    mentors: int | None = None
    mentees: int | None = None
    pairs: int | None = None
    unmatched_mentees: int | None = None
    unmatched_mentors: int | None = None
    score: int | None = None
    worst_score: int | None = None
    mean_score: int | None = None
    random_baseline_score: int | None = None
    greedy_score: int | None = None
    price_of_order: tuple[StepPrice, ...] = ()
    certificate: Certificate | None = None
    dropped_locks: tuple[DroppedLock, ...] = ()
    seconds: float | None = None
    renews: str | None
    """The proposal that this run was asked for to renew, by nobody."""
    renewed_by: str | None
    """The run whose proposal stands in place of this one."""
    confirmed_at: datetime | None
    """When a renewal last found the same pairs; figures, certificate and people left out are of that moment."""
    results_removed_at: datetime | None
    """When its pairs and the people left out were removed, some days after it was over; null while they are kept."""
    effective_on: date | None
    approved_at: datetime | None
    conflicts: tuple[Conflict, ...]

    @classmethod
    def of(cls, run: MatchRun, **more: bool | None) -> Self:
        """Its representation."""
        figures = {} if run.figures is None else {name: getattr(run.figures, name) for name in _FIGURES}
        return cls(
            id=run.id,
            version=run.version,
            programme_id=run.programme_id,
            status=run.status,
            requested_at=run.requested_at,
            mode=run.policy.mode,
            objective=run.policy.objective,
            policy=run.policy,
            policy_version=run.policy_version,
            seed=run.seed,
            progress=run.progress,
            failure=run.failure,
            renews=run.renews,
            renewed_by=run.renewed_by,
            confirmed_at=run.confirmed_at,
            results_removed_at=run.results_removed_at,
            effective_on=run.effective_on,
            approved_at=run.approved_at,
            conflicts=run.conflicts,
            **figures,
            **more,
        )


class ProposalOut(RunOut):
    """The run whose proposal waits for a decision."""

    current: bool | None
    """False while a renewal waits or is under way, or after one failed. Null where proposals are not renewed."""


_FIGURES = (
    "mentors",
    "mentees",
    "pairs",
    "unmatched_mentees",
    "unmatched_mentors",
    "score",
    "worst_score",
    "mean_score",
    "random_baseline_score",
    "greedy_score",
    "price_of_order",
    "certificate",
    "dropped_locks",
    "seconds",
)


class ProposedPairOut(Out):
    """A pair that a run proposes, with its score decomposed: the terms add up to it exactly."""

    id: str
    version: int
    mentor_volunteer_id: str
    mentee_volunteer_id: str
    mentor_ref: str
    mentee_ref: str
    score: int
    terms: tuple[ScoreTerm, ...]
    shared_skills: tuple[str, ...]
    shared_languages: tuple[str, ...]
    shared_minutes_per_week: int
    locked: bool

    @classmethod
    def of(cls, pair: StoredPair) -> Self:
        """Its representation."""
        return cls(
            id=pair.id,
            version=pair.version,
            mentor_volunteer_id=pair.mentor_volunteer_id,
            mentee_volunteer_id=pair.mentee_volunteer_id,
            mentor_ref=pair.mentor_ref,
            mentee_ref=pair.mentee_ref,
            score=pair.points.total,
            terms=pair.points.terms,
            shared_skills=pair.points.shared_skills,
            shared_languages=pair.points.shared_languages,
            shared_minutes_per_week=pair.points.shared_minutes_per_week,
            locked=pair.locked,
        )


class LeftOutOut(Out):
    """Somebody without a pair, and why."""

    volunteer_id: str
    person_ref: str
    role: Role
    reason: LeftOutReason
    detail: str
    possible_partners: int
    shut_out_by: tuple[RuleCount, ...]

    @classmethod
    def of(cls, person: LeftOut) -> Self:
        """Their representation."""
        return cls.model_validate(person)


class ApprovedOut(Out):
    """What an approval made, and the pairs that could no longer be made."""

    id: str
    version: int
    programme_id: str
    status: RunStatus
    effective_on: date | None
    pairings: tuple[str, ...]
    conflicts: tuple[Conflict, ...]

    @classmethod
    def of(cls, run: MatchRun) -> Self:
        """Its representation."""
        return cls.model_validate(run)


class SideOut(Out):
    """One of the two."""

    volunteer_id: str
    person_ref: str


class PairingOut(Out):
    """A pairing."""

    id: str
    version: int
    programme_id: str
    run_id: str | None
    replaces: str | None
    mentor: SideOut
    mentee: SideOut
    status: Literal["active", "ended"]
    at_risk: bool | None
    """For managers only: the two would know which of them it was not (docs/decisions/0053)."""
    score: int
    terms: tuple[ScoreTerm, ...]
    """For the two without ranked wishes and the grid, and so is the score: each knows their own part of these."""
    shared_skills: tuple[str, ...]
    shared_languages: tuple[str, ...]
    shared_minutes_per_week: int
    effective_on: date
    ended_reason: UnpairReason | None
    ended_at: datetime | None
    answers: int | None
    """For managers only, for the same reason."""
    goals_reached: tuple[str, ...]

    @classmethod
    def of(cls, pairing: Pairing, reader: Principal) -> Self:
        """Its representation for this reader, who may be one of the two and a manager at once."""
        confidant = reader.has(AccessRole.PROGRAMME_MANAGER) and reader.subject not in pairing.people
        hidden = () if confidant else tuple(term for term in pairing.terms if term.term in IN_CONFIDENCE)
        values = {name: getattr(pairing, name) for name in cls.model_fields} | {
            "score": pairing.score - sum(term.points for term in hidden),
            "terms": tuple(term for term in pairing.terms if term not in hidden),
            "at_risk": pairing.at_risk if confidant else None,
            "answers": sum(count.answers for count in pairing.answers) if confidant else None,
        }
        return cls.model_validate(values)


class OfferOut(Out):
    """A mentor who could be chosen. Score and terms are without ranked wishes and the grid, as in a pairing."""

    mentor_volunteer_id: str
    score: int
    terms: tuple[ScoreTerm, ...]
    shared_skills: tuple[str, ...]
    shared_languages: tuple[str, ...]
    shared_minutes_per_week: int


class ShortListOut(Out):
    """The mentors among whom a mentee may choose, the best first: five at most."""

    mentee_volunteer_id: str
    mentors: tuple[OfferOut, ...]

    @classmethod
    def of(cls, found: ShortList) -> Self:
        """Its representation."""
        return cls(
            mentee_volunteer_id=found.mentee.id,
            mentors=tuple(
                OfferOut(
                    mentor_volunteer_id=offer.mentor.id,
                    score=offer.points.total,
                    terms=offer.points.terms,
                    shared_skills=offer.points.shared_skills,
                    shared_languages=offer.points.shared_languages,
                    shared_minutes_per_week=offer.points.shared_minutes_per_week,
                )
                for offer in found.offers
            ),
        )


class ReMatchOut(Out):
    """What became of two people whose pairing was replaced."""

    ended: str
    pairings: tuple[PairingOut, ...]
    unmatched: tuple[LeftOutOut, ...]

    @classmethod
    def of(cls, outcome: ReMatch, reader: Principal) -> Self:
        """Its representation."""
        return cls(
            ended=outcome.ended.id,
            pairings=tuple(PairingOut.of(pairing, reader) for pairing in outcome.made),
            unmatched=tuple(LeftOutOut.of(person) for person in outcome.left_out),
        )
