"""A pairing: proposed, then active or aborted; active, then ended. Nothing else, and never back.

Every function is pure and returns the new state with the events to publish. Where a repetition can happen (a crash, a
redelivery, two replicas at once) the same state comes back with no event.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from shared.contracts import (
    Event,
    FeedbackSubmitted,
    GoalReached,
    Paired,
    ScoreTerm,
    SessionPlan,
    Side,
    Unpaired,
    UnpairReason,
)

from .candidate import Candidate, Programme
from .refusals import PairingNotActive
from .scoring import PairScore


class PairingStatus(StrEnum):
    """Where a pairing stands."""

    PROPOSED = "proposed"
    """Being reserved: neither side may count on it yet."""
    ACTIVE = "active"
    ENDED = "ended"
    ABORTED = "aborted"
    """The reservation failed; nobody was ever told."""


@dataclass(frozen=True, kw_only=True)
class AnswerCount:
    """How many of the two sides answered about one session."""

    request_id: str
    answers: int


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Who is paired with whom, why, and what became of it."""

    id: str
    tenant: str
    version: int
    programme_id: str
    run_id: str | None
    replaces: str | None
    """The pairing that ended by the re-match from which this one came."""
    mentor: Side
    mentee: Side
    people: tuple[str, str]
    """Both person references, so that one filter finds a person on either side."""
    volunteers: tuple[str, str]
    """Both volunteers: the participants on whom the pairing holds a claim."""
    status: PairingStatus
    until: datetime
    """When an unfinished proposal may be finished or aborted by anybody."""
    effective_on: date
    score: int
    terms: tuple[ScoreTerm, ...]
    shared_skills: tuple[str, ...]
    shared_languages: tuple[str, ...]
    shared_minutes_per_week: int
    plan: SessionPlan
    told: bool = False
    """Whether ``paired`` was published: a proposal is nobody's business, an ended pairing is."""
    at_risk: bool = False
    ended_reason: UnpairReason | None = None
    ended_at: datetime | None = None
    claims_held: bool = True
    """Whether the two places may still be held; false once they were given back."""
    answers: tuple[AnswerCount, ...] = ()
    goals_reached: tuple[str, ...] = ()


Decision = tuple[Pairing, Sequence[Event]]
Decider = Callable[[Pairing], Decision]


def pairing_id(cause: str, mentor_id: str, mentee_id: str) -> str:
    """The name of the pairing of these two for this cause (a run, a pairing that was replaced): always the same."""
    digest = hashlib.sha256(f"{cause}\0{mentor_id}\0{mentee_id}".encode()).hexdigest()
    return f"pair_{digest[:26]}"


def propose(
    mentor: Candidate,
    mentee: Candidate,
    programme: Programme,
    points: PairScore,
    *,
    id: str,
    effective_on: date,
    run_id: str | None = None,
    replaces: str | None = None,
    until: datetime,
) -> Pairing:
    """A pairing about to be reserved, with the score for which it was chosen."""
    return Pairing(
        id=id,
        tenant=programme.tenant,
        version=1,
        programme_id=programme.id,
        run_id=run_id,
        replaces=replaces,
        mentor=mentor.side(),
        mentee=mentee.side(),
        people=(mentor.person_ref, mentee.person_ref),
        volunteers=(mentor.id, mentee.id),
        status=PairingStatus.PROPOSED,
        until=until,
        effective_on=effective_on,
        score=points.total,
        terms=points.terms,
        shared_skills=points.shared_skills,
        shared_languages=points.shared_languages,
        shared_minutes_per_week=points.shared_minutes_per_week,
        plan=programme.plan,
    )


def confirm(pairing: Pairing, now: datetime) -> Decision:
    """Both places are reserved: the pairing is active, and told of. What is no longer proposed stays as it is."""
    if pairing.status is not PairingStatus.PROPOSED:
        return pairing, []
    active = replace(pairing, status=PairingStatus.ACTIVE, told=True, version=pairing.version + 1)
    return active, [
        Paired(
            version=active.version,
            occurred_at=now,
            pairing_id=active.id,
            programme_id=active.programme_id,
            run_id=active.run_id,
            mentor=active.mentor,
            mentee=active.mentee,
            effective_on=active.effective_on,
            score=active.score,
            terms=active.terms,
            shared_skills=active.shared_skills,
            shared_languages=active.shared_languages,
            shared_minutes_per_week=active.shared_minutes_per_week,
            plan=active.plan,
        )
    ]


def abort(pairing: Pairing) -> Decision:
    """The reservation failed. What is no longer proposed stays as it is."""
    if pairing.status is not PairingStatus.PROPOSED:
        return pairing, []
    return replace(pairing, status=PairingStatus.ABORTED, version=pairing.version + 1), []


def end(pairing: Pairing, reason: UnpairReason, now: datetime) -> Decision:
    """The two part, and the reason blames nobody. Raises: PairingNotActive."""
    if pairing.status is not PairingStatus.ACTIVE:
        raise PairingNotActive(f"the pairing is {pairing.status}")
    ended = replace(
        pairing,
        status=PairingStatus.ENDED,
        version=pairing.version + 1,
        at_risk=False,
        ended_reason=reason,
        ended_at=now,
    )
    return ended, [
        Unpaired(
            version=ended.version,
            occurred_at=now,
            pairing_id=ended.id,
            programme_id=ended.programme_id,
            mentor_volunteer_id=ended.mentor.volunteer_id,
            mentee_volunteer_id=ended.mentee.volunteer_id,
            mentor_ref=ended.mentor.person_ref,
            mentee_ref=ended.mentee.person_ref,
            reason=reason,
        )
    ]


def leave(pairing: Pairing, now: datetime) -> Decision:
    """One of the two withdrew: an active pairing ends, a proposed one is aborted, others stay."""
    if pairing.status is PairingStatus.ACTIVE:
        return end(pairing, UnpairReason.WITHDRAWN, now)
    return abort(pairing)


def give_places_back(pairing: Pairing) -> Decision:
    """Remember that both places were given back."""
    over = pairing.status in {PairingStatus.ENDED, PairingStatus.ABORTED}
    if not over or not pairing.claims_held:
        return pairing, []
    return replace(pairing, claims_held=False, version=pairing.version + 1), []


def put_at_risk(pairing: Pairing) -> Decision:
    """A re-match should be offered. Says nothing about a pairing that is over."""
    if pairing.status is not PairingStatus.ACTIVE or pairing.at_risk:
        return pairing, []
    return replace(pairing, at_risk=True, version=pairing.version + 1), []


def count_answers(pairing: Pairing, event: FeedbackSubmitted) -> Decision:
    """Keep how many sides answered about a session; an older count never replaces a newer one."""
    counts = {count.request_id: count.answers for count in pairing.answers}
    if counts.get(event.request_id, 0) >= event.answers:
        return pairing, []
    counts[event.request_id] = event.answers
    answers = tuple(AnswerCount(request_id=id_, answers=counts[id_]) for id_ in sorted(counts))
    return replace(pairing, answers=answers, version=pairing.version + 1), []


def reach_goal(pairing: Pairing, event: GoalReached) -> Decision:
    """Keep which goals the pairing reached."""
    if event.goal in pairing.goals_reached:
        return pairing, []
    goals = tuple(sorted({*pairing.goals_reached, event.goal}))
    return replace(pairing, goals_reached=goals, version=pairing.version + 1), []
