"""The published language: one frozen model per event, and nothing that does I/O."""

from .codes import (
    Cadence,
    CancelReason,
    MatchMode,
    Modality,
    Objective,
    Role,
    UnpairReason,
    WithdrawalReason,
)
from .envelope import Delivery, Envelope
from .erasure import ErasureApplied, PersonErased
from .event import Code, Event, LanguageTag, Part, Ref, TimeZoneName, UtcDatetime, all_event_classes
from .feedback_events import FeedbackSubmitted, GoalReached, PairingAtRisk
from .paired import Paired, ScoreTerm, Side, Unpaired
from .principal import AccessRole, Principal
from .programme_published import Goal, MatchPolicy, MatchWeights, ProgrammePublished, SessionPlan
from .refusal import Forbidden, Invalid, NotFound, Refusal
from .sessions import (
    SessionCancelled,
    SessionCompleted,
    SessionEvent,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)
from .volunteered import (
    OfferedSkill,
    Readiness,
    Volunteered,
    VolunteerState,
    VolunteerUpdated,
    VolunteerWithdrawn,
    WantedSkill,
    WeeklyWindow,
)

EVENTS: tuple[type[Event], ...] = tuple(sorted(all_event_classes(), key=lambda event: event.name))
"""Every event of the platform, by name."""

__all__ = [
    "EVENTS",
    "AccessRole",
    "Cadence",
    "CancelReason",
    "Code",
    "Delivery",
    "Envelope",
    "ErasureApplied",
    "Event",
    "FeedbackSubmitted",
    "Forbidden",
    "Goal",
    "GoalReached",
    "Invalid",
    "LanguageTag",
    "MatchMode",
    "MatchPolicy",
    "MatchWeights",
    "Modality",
    "NotFound",
    "Objective",
    "OfferedSkill",
    "Paired",
    "PairingAtRisk",
    "Part",
    "PersonErased",
    "Principal",
    "ProgrammePublished",
    "Readiness",
    "Ref",
    "Refusal",
    "Role",
    "ScoreTerm",
    "SessionCancelled",
    "SessionCompleted",
    "SessionEvent",
    "SessionMissed",
    "SessionPlan",
    "SessionRescheduled",
    "SessionScheduled",
    "Side",
    "TimeZoneName",
    "UnpairReason",
    "Unpaired",
    "UtcDatetime",
    "VolunteerState",
    "VolunteerUpdated",
    "VolunteerWithdrawn",
    "Volunteered",
    "WantedSkill",
    "WeeklyWindow",
    "WithdrawalReason",
]
