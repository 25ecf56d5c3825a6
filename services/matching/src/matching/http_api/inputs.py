"""What clients send."""

from datetime import date
from typing import Annotated

from fastapi import Path
from pydantic import AfterValidator, Field
from shared.chassis.http import Body
from shared.contracts import Ref, UnpairReason

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 12, 31)
LARGEST_SEED = 2**53 - 1


def _a_sensible_day(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise ValueError(f"a day between {EARLIEST} and {LATEST} is expected")
    return day


def _a_known_reason(reason: UnpairReason) -> UnpairReason:
    if reason is UnpairReason.UNKNOWN:
        known = ", ".join(sorted(set(UnpairReason) - {UnpairReason.UNKNOWN}))
        raise ValueError(f"one of these is expected: {known}")
    return reason


EffectiveOn = Annotated[date, AfterValidator(_a_sensible_day)]
REF = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,95}$"
ProgrammeId = Annotated[str, Path(pattern=REF)]
RunId = Annotated[str, Path(pattern=REF)]
PairingId = Annotated[str, Path(pattern=REF)]
RestrictionId = Annotated[str, Path(pattern=REF)]


class RunIn(Body):
    """Asks for a cohort run."""

    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0
    """Of the random baseline; the pairs do not depend on it."""


class ApproveIn(Body):
    """Approves a run's proposal."""

    effective_on: EffectiveOn | None = None
    """First day of the pairings; today when it is not given."""


class TwoVolunteersIn(Body):
    """Names a mentor and a mentee."""

    mentor_volunteer_id: Ref
    mentee_volunteer_id: Ref


class UnpairIn(Body):
    """Ends a pairing."""

    reason: Annotated[UnpairReason, AfterValidator(_a_known_reason)]


class ChoiceIn(Body):
    """Chooses a mentor."""

    mentor_volunteer_id: Ref


class ReMatchIn(Body):
    """Replaces a pairing."""

    pairing_id: Ref
    effective_on: EffectiveOn | None = None
