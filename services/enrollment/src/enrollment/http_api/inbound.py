"""What inbound JSON may look like: exactly the documented types, and nothing besides."""

import math
import re
from datetime import date
from types import NoneType
from typing import Annotated, Any, get_args

from fastapi import Path
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)
from shared.chassis.http import Body
from shared.contracts import (
    Goal,
    LanguageTag,
    MatchPolicy,
    MatchWeights,
    OfferedSkill,
    SessionPlan,
    TimeZoneName,
    WantedSkill,
    WeeklyWindow,
)
from shared.contracts.event import MAX_INTEGER, TolerantEnum

from ..domain.hr_file import time_zones
from ..domain.programmes import EARLIEST, LATEST

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _iso_day(value: object) -> object:
    """Pydantic would also take numbers as seconds since 1970, and times at midnight."""
    if value is not None and not isinstance(value, date) and not (isinstance(value, str) and _ISO_DAY.fullmatch(value)):
        raise ValueError("a day is written 2026-03-31")
    return value


def _existing_zone(value: str) -> str:
    if value not in time_zones():
        raise ValueError("this is not an IANA time zone such as Europe/Paris")
    return value


CalendarDay = Annotated[date, BeforeValidator(_iso_day), Field(ge=EARLIEST, le=LATEST)]
"""A day, written as RFC 3339 does, in a year that makes sense."""

KnownTimeZone = Annotated[TimeZoneName, AfterValidator(_existing_zone)]
"""An IANA time zone that exists."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Languages = Annotated[tuple[LanguageTag, ...], Field(max_length=20)]
PathId = Annotated[str, Path(max_length=96, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")]


class Inbound(Body):
    """Base of every body here: JSON's own types are kept apart, and codes that do not exist are refused."""

    @field_validator("*", mode="before")
    @classmethod
    def _of_the_documented_type(cls, value: object, info: ValidationInfo) -> object:
        field = cls.model_fields[str(info.field_name)]
        wanted = _scalars(field.annotation)
        numbers = wanted & {int, float}
        if isinstance(value, bool):
            if numbers and bool not in wanted:
                raise ValueError("must be a number, not true or false")
        elif isinstance(value, int | float):
            if bool in wanted and not numbers:
                raise ValueError("must be true or false")
            if isinstance(value, float) and (not math.isfinite(value) or (int in wanted and float not in wanted)):
                raise ValueError("must be a whole number" if int in wanted else "must be a finite number")
            if abs(value) > MAX_INTEGER:
                raise ValueError("the number is too large")
        elif isinstance(value, str) and (numbers or bool in wanted):
            raise ValueError("must be a number" if numbers else "must be true or false")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _of_a_known_code(cls, value: object) -> object:
        """Readers of events tolerate codes they do not know; whoever writes here must use a known one."""
        for code in value if isinstance(value, tuple) else (value,):
            if isinstance(code, TolerantEnum) and code == "unknown":
                known = ", ".join(member for member in type(code) if member != "unknown")
                raise ValueError(f"must be one of: {known}")
        return value


class GoalIn(Goal, Inbound):
    """A goal of a programme."""

    model_config = ConfigDict(extra="forbid")

    due_on: CalendarDay | None = None


class SessionPlanIn(SessionPlan, Inbound):
    """How many sessions, how often, how long and how."""

    model_config = ConfigDict(extra="forbid")


class MatchWeightsIn(MatchWeights, Inbound):
    """The most points that each soft term may give."""

    model_config = ConfigDict(extra="forbid")


class MatchPolicyIn(MatchPolicy, Inbound):
    """The rules by which pairs are chosen."""

    model_config = ConfigDict(extra="forbid")

    weights: MatchWeightsIn = MatchWeightsIn()


class OfferedSkillIn(OfferedSkill, Inbound):
    """A skill to pass on."""

    model_config = ConfigDict(extra="forbid")


class WantedSkillIn(WantedSkill, Inbound):
    """A skill to gain."""

    model_config = ConfigDict(extra="forbid")


class WeeklyWindowIn(WeeklyWindow, Inbound):
    """A free part of every week, in local time."""

    model_config = ConfigDict(extra="forbid")


def _scalars(annotation: Any) -> set[type]:
    """The plain types that a field's annotation names: ``int | None`` is ``{int}``."""
    parts = get_args(annotation) or (annotation,)
    return {part for part in parts if isinstance(part, type) and part is not NoneType}
