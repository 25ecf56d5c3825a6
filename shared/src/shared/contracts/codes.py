"""The codes that several events share."""

from enum import StrEnum

from .event import TolerantEnum


class Role(StrEnum):
    """Which side of a pairing a volunteer takes. The mentor is the junior."""

    MENTOR = "mentor"
    MENTEE = "mentee"


class Modality(TolerantEnum):
    """How a session is held (1-23, 2-06)."""

    REMOTE = "remote"
    IN_PERSON = "in_person"
    HYBRID = "hybrid"
    UNKNOWN = "unknown"


class Cadence(TolerantEnum):
    """How often a pair meets (4-15, 3-20)."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"
    UNKNOWN = "unknown"


class MatchMode(TolerantEnum):
    """How pairs come about: a reviewed cohort run, at once on arrival, or by the mentee's choice (1-05)."""

    REVIEW = "review"
    CONTINUOUS = "continuous"
    CHOICE = "choice"
    UNKNOWN = "unknown"


class Objective(TolerantEnum):
    """What a match run improves first, second and third (B-03)."""

    PARTICIPATION = "participation"
    WORST_SERVED = "worst_served"
    TOTAL = "total"
    UNKNOWN = "unknown"


class WithdrawalReason(TolerantEnum):
    """Why a volunteer left. Leaving is always allowed (4-03) and needs no reason."""

    NOT_STATED = "not_stated"
    NO_TIME = "no_time"
    CHANGED_JOB = "changed_job"
    LEFT_COMPANY = "left_company"
    ERASED = "erased"
    UNKNOWN = "unknown"


class UnpairReason(TolerantEnum):
    """Why a pairing ended. ``re_match`` names no side and gives no blame (4-27, B-10)."""

    WITHDRAWN = "withdrawn"
    RE_MATCH = "re_match"
    COMPLETED = "completed"
    MANAGER_DECISION = "manager_decision"
    UNKNOWN = "unknown"


class CancelReason(TolerantEnum):
    """Why a session was cancelled."""

    MENTOR_UNAVAILABLE = "mentor_unavailable"
    MENTEE_UNAVAILABLE = "mentee_unavailable"
    UNPAIRED = "unpaired"
    PLAN_CHANGED = "plan_changed"
    OTHER = "other"
    UNKNOWN = "unknown"
