"""Example messages, one or two per event: what the contract tests of every service replay.

Nobody in here exists. References look like real ones, which are random; times and numbers fit together, so the
examples of all events tell the story of one pair.
"""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from .cloud_events import SOURCE_PREFIX, data_schema, event_type, to_headers
from .codes import Cadence, CancelReason, MatchMode, Modality, Objective, Role, UnpairReason, WithdrawalReason
from .envelope import Envelope
from .erasure import ErasureApplied, PersonErased
from .event import Event
from .feedback_events import FeedbackSubmitted, GoalReached, PairingAtRisk
from .paired import Paired, ScoreTerm, Side, Unpaired
from .programme_published import Goal, MatchPolicy, MatchWeights, ProgrammePublished, SessionPlan
from .sessions import SessionCancelled, SessionCompleted, SessionMissed, SessionRescheduled, SessionScheduled
from .volunteered import (
    OfferedSkill,
    Readiness,
    Volunteered,
    VolunteerUpdated,
    VolunteerWithdrawn,
    WantedSkill,
    WeeklyWindow,
)


def example_messages(event: type[Event]) -> list[dict[str, Any]]:
    """The examples of one event as records on the wire: key, headers of binary mode, and the value."""
    mine = [(number, example) for number, example in enumerate(_EXAMPLES, start=1) if type(example) is event]
    return [_record(number, example) for number, example in mine]


def example_events() -> tuple[Event, ...]:
    """All examples as events, in the order of the story."""
    return _EXAMPLES


def _record(number: int, event: Event) -> dict[str, Any]:
    emitter = "matching" if event.emitter == "any" else event.emitter
    envelope = Envelope(
        event_id=f"{event.aggregate_id}.{event.version}",
        source=f"{SOURCE_PREFIX}{emitter}",
        type=event_type(event),
        time=event.occurred_at + timedelta(milliseconds=4),
        subject=event.aggregate_id,
        dataschema=data_schema(event),
        partition_key=event.key,
        sequence=f"{event.version:012d}",
        tenant="default",
        correlation_id=_random("correlation", number),
        traceparent=f"00-{_random('trace', number)}-{_random('span', number)[:16]}-01",
    )
    return {
        "key": event.key,
        "headers": {name: value.decode() for name, value in to_headers(envelope)},
        "value": event.model_dump(mode="json"),
    }


def _random(kind: str, number: int) -> str:
    return sha256(f"{kind}/{number}".encode()).hexdigest()[:32]


def _ref(kind: str, number: int = 1) -> str:
    """Shaped like the services' own references, whose random part is 128 bits."""
    return f"{kind}_{_random(kind, number)}"


def _at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


_PROGRAMME = _ref("prg")
_PAIRING = _ref("pair")
_MENTOR = Side(
    volunteer_id=_ref("vol", 1),
    person_ref=_ref("per", 1),
    time_zone="Europe/Paris",
    availability=(WeeklyWindow(day=2, start="09:00", end="12:00"), WeeklyWindow(day=4, start="14:00", end="16:30")),
)
_MENTEE = Side(
    volunteer_id=_ref("vol", 2),
    person_ref=_ref("per", 2),
    time_zone="America/New_York",
    availability=(WeeklyWindow(day=4, start="08:00", end="10:00"),),
)
_PLAN = SessionPlan(
    sessions=6,
    cadence=Cadence.MONTHLY,
    minutes=60,
    modality=Modality.REMOTE,
    objectives=("social_networks", "generative_ai", "digcomp.2.4", "generative_ai", "sustainability", "inclusion"),
)
_MENTOR_OFFER: dict[str, Any] = {
    "volunteer_id": _MENTOR.volunteer_id,
    "person_ref": _MENTOR.person_ref,
    "programme_id": _PROGRAMME,
    "role": Role.MENTOR,
    "capacity": 2,
    "skills_offered": (
        OfferedSkill(skill="generative_ai", level=5),
        OfferedSkill(skill="social_networks", level=4),
    ),
    "skills_wanted": (WantedSkill(skill="inclusion", level=1, priority=2),),
    "interests": ("cycling", "photography"),
    "goals": ("digital_skills",),
    "languages": ("fr", "en"),
    "time_zone": _MENTOR.time_zone,
    "availability": _MENTOR.availability,
    "unit": _ref("unit", 1),
    "site": _ref("site", 1),
    "line_self": _ref("line", 1),
    "line_above": (_ref("line", 3), _ref("line", 4)),
    "age_band": "1995-1999",
    "grade_band": 3,
    "tenure_years": 2,
    "motivation": 5,
}
_SESSION: dict[str, Any] = {
    "session_id": f"{_ref('ses')}_002",
    "pairing_id": _PAIRING,
    "programme_id": _PROGRAMME,
    "mentor_ref": _MENTOR.person_ref,
    "mentee_ref": _MENTEE.person_ref,
    "number": 2,
    "starts_at": _at(3, 12, 13),
    "minutes": 60,
    "modality": Modality.REMOTE,
    "objective": "generative_ai",
}

_EXAMPLES: tuple[Event, ...] = (
    ProgrammePublished(
        version=1,
        occurred_at=_at(1, 5, 9),
        programme_id=_PROGRAMME,
        title="Digital for leaders",
        starts_on=date(2026, 2, 2),
        ends_on=date(2026, 8, 31),
        languages=("fr", "en"),
        goals=(
            Goal(code="digital_skills", metric="skill_gain", target=1.5, due_on=date(2026, 8, 31)),
            Goal(code="inclusion", metric="satisfaction", target=4.0),
        ),
        plan=_PLAN,
        policy=MatchPolicy(
            mode=MatchMode.REVIEW,
            objective=(Objective.PARTICIPATION, Objective.WORST_SERVED, Objective.TOTAL),
            weights=MatchWeights(interests=200, reciprocity=400),
            age_gap_target=20,
        ),
        anonymity_floor=5,
    ),
    Volunteered(version=1, occurred_at=_at(1, 12, 8, 30), **_MENTOR_OFFER),
    Volunteered(
        version=1,
        occurred_at=_at(1, 13, 16, 5),
        volunteer_id=_MENTEE.volunteer_id,
        person_ref=_MENTEE.person_ref,
        programme_id=_PROGRAMME,
        role=Role.MENTEE,
        skills_wanted=(
            WantedSkill(skill="generative_ai", level=1, priority=3),
            WantedSkill(skill="social_networks", level=2, priority=1),
        ),
        languages=("en",),
        time_zone=_MENTEE.time_zone,
        availability=_MENTEE.availability,
        ranked_wishes=(_MENTOR.volunteer_id, _ref("vol", 5)),
        readiness=Readiness(charter_signed=True, training_completed=False, ready=False),
    ),
    VolunteerUpdated(
        version=3,
        occurred_at=_at(1, 19, 10),
        **_MENTOR_OFFER,
        grid_score=82,
        readiness=Readiness(charter_signed=True, training_completed=True, grid_passed=True, ready=True),
    ),
    VolunteerWithdrawn(
        version=2,
        occurred_at=_at(1, 20, 11, 15),
        volunteer_id=_ref("vol", 3),
        person_ref=_ref("per", 3),
        programme_id=_PROGRAMME,
        role=Role.MENTEE,
        reason=WithdrawalReason.NO_TIME,
    ),
    Paired(
        version=2,
        occurred_at=_at(1, 26, 14),
        pairing_id=_PAIRING,
        programme_id=_PROGRAMME,
        run_id=_ref("run"),
        mentor=_MENTOR,
        mentee=_MENTEE,
        effective_on=date(2026, 2, 2),
        score=7840,
        terms=(
            ScoreTerm(term="skills", points=5100),
            ScoreTerm(term="age_gap", points=1240),
            ScoreTerm(term="other_unit", points=1000),
            ScoreTerm(term="shared_hours", points=500),
        ),
        shared_skills=("generative_ai", "social_networks"),
        shared_languages=("en",),
        shared_minutes_per_week=120,
        plan=_PLAN,
    ),
    Paired(
        version=2,
        occurred_at=_at(2, 3, 9, 45),
        pairing_id=_ref("pair", 2),
        programme_id=_PROGRAMME,
        mentor=_MENTOR,
        mentee=Side(volunteer_id=_ref("vol", 4), person_ref=_ref("per", 4), time_zone="Asia/Singapore"),
        effective_on=date(2026, 2, 9),
        score=0,
    ),
    SessionScheduled(version=2, occurred_at=_at(1, 26, 14, 1), **_SESSION),
    SessionRescheduled(
        version=4,
        occurred_at=_at(3, 9, 17, 20),
        **{**_SESSION, "starts_at": _at(3, 19, 13)},
        previous_starts_at=_SESSION["starts_at"],
    ),
    SessionCompleted(
        version=5,
        occurred_at=_at(3, 19, 14, 10),
        **{**_SESSION, "starts_at": _at(3, 19, 13)},
        started_at=_at(3, 19, 13, 4),
        actual_minutes=55,
        objective_reached=True,
    ),
    SessionMissed(
        version=3,
        occurred_at=_at(4, 17, 6),
        **{**_SESSION, "session_id": f"{_ref('ses')}_003", "number": 3, "starts_at": _at(4, 16, 12)},
    ),
    SessionCancelled(
        version=3,
        occurred_at=_at(5, 11, 8),
        **{**_SESSION, "session_id": f"{_ref('ses')}_004", "number": 4, "starts_at": _at(5, 14, 12)},
        reason=CancelReason.MENTEE_UNAVAILABLE,
    ),
    FeedbackSubmitted(
        version=2,
        occurred_at=_at(3, 20, 9),
        request_id=_ref("fb"),
        pairing_id=_PAIRING,
        programme_id=_PROGRAMME,
        session_id=_SESSION["session_id"],
        session_number=2,
        answers=1,
    ),
    GoalReached(
        version=1,
        occurred_at=_at(3, 20, 9, 1),
        goal_id=_ref("goal"),
        pairing_id=_PAIRING,
        programme_id=_PROGRAMME,
        goal="digital_skills",
    ),
    PairingAtRisk(version=4, occurred_at=_at(4, 20, 9), pairing_id=_ref("pair", 2), programme_id=_PROGRAMME),
    Unpaired(
        version=5,
        occurred_at=_at(4, 21, 10),
        pairing_id=_ref("pair", 2),
        programme_id=_PROGRAMME,
        mentor_volunteer_id=_MENTOR.volunteer_id,
        mentee_volunteer_id=_ref("vol", 4),
        mentor_ref=_MENTOR.person_ref,
        mentee_ref=_ref("per", 4),
        reason=UnpairReason.RE_MATCH,
    ),
    PersonErased(version=1, occurred_at=_at(6, 1, 7), person_ref=_ref("per", 3)),
    ErasureApplied(version=1, occurred_at=_at(6, 1, 7, 2), person_ref=_ref("per", 3), service="matching"),
)
