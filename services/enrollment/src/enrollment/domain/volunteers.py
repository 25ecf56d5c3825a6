"""A volunteer's way through a programme: offered, ready, paired, withdrawn, and back (2-04, 4-03).

Every decision takes the present state and returns the new one with the events that tell of it. The very same state
and no event means that nothing is left to do, so that a repeated request or delivery changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from shared.contracts import (
    Event,
    Invalid,
    NotFound,
    Readiness,
    Refusal,
    Role,
    Volunteered,
    VolunteerUpdated,
    VolunteerWithdrawn,
    WithdrawalReason,
)

from . import grids
from .grids import GridResult
from .offers import Offer, check
from .people import Profile
from .programmes import EARLIEST, Requirements

_REMEMBERED_PAIRINGS = 200
_MOST_TRAININGS = 50


class UnknownVolunteer(NotFound):
    """There is no such volunteer, or the record is somebody else's."""


class AlreadyVolunteered(Refusal):
    """The person already takes part in this role with another offer: change that one."""


class HasWithdrawn(Refusal):
    """The volunteer has left the programme; they may volunteer again."""


class OwnSignatureNeeded(Refusal):
    """Somebody who was nominated agrees by signing the charter themself; nobody can sign for them (4-03)."""

    kind = "forbidden"


class UnusableTraining(Invalid):
    """The training cannot have happened then, or there are too many."""


class Origin(StrEnum):
    """How somebody came to take part."""

    SELF = "self"
    NOMINATED = "nominated"


class Status(StrEnum):
    """Where a volunteer stands. ``waiting``: something is still missing before they may be paired."""

    WAITING = "waiting"
    READY = "ready"
    PAIRED = "paired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True)
class Training:
    """A training that was recorded (2-05)."""

    module: str
    completed_on: date


@dataclass(frozen=True, kw_only=True)
class PairingSeen:
    """The newest word about one pairing."""

    pairing_id: str
    version: int
    active: bool


@dataclass(frozen=True, kw_only=True)
class Application:
    """Somebody's wish to take part, with everything that is needed to decide on it."""

    id: str
    tenant: str
    programme_id: str
    person_ref: str
    role: Role
    offer: Offer
    profile: Profile
    requirements: Requirements
    nominated_by: str | None = None
    charter_signed: bool = False


@dataclass(frozen=True, kw_only=True)
class Volunteer:
    """Somebody who takes part in a programme in one role."""

    id: str
    tenant: str
    version: int
    programme_id: str
    person_ref: str
    role: Role
    origin: Origin
    nominated_by: str | None
    volunteered_at: datetime
    offer: Offer
    profile: Profile
    requirements: Requirements
    charter_signed_at: datetime | None = None
    trainings: tuple[Training, ...] = ()
    withdrawn_at: datetime | None = None
    withdrawal_reason: WithdrawalReason | None = None
    pairings: tuple[PairingSeen, ...] = ()
    ranked_wishes: tuple[str, ...] = ()
    """Volunteers of the other role, the first choice first."""
    grid_results: tuple[GridResult, ...] = ()
    """In the order in which they were recorded; none is ever changed or taken away."""
    status: Status = Status.WAITING
    """Kept beside the facts it follows from, so that lists can be filtered by it; so are the next two."""
    live: bool = True
    on_waiting_list: bool = True

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages to meet in."""
        return self.profile.languages if self.offer.languages is None else self.offer.languages

    @property
    def time_zone(self) -> str:
        """The zone of the person's own clock."""
        return self.offer.time_zone or self.profile.time_zone or "UTC"

    @property
    def active_pairings(self) -> tuple[str, ...]:
        """The pairings that hold now."""
        return tuple(seen.pairing_id for seen in self.pairings if seen.active)

    @property
    def grid_result(self) -> GridResult | None:
        """The result on the grid that counts now."""
        return grids.newest(self.grid_results)

    @property
    def grid_passed(self) -> bool | None:
        """Its verdict; ``None`` where there is no result."""
        return self.grid_result.passed if self.grid_result else None

    @property
    def missing(self) -> tuple[str, ...]:
        """What is still needed before the volunteer may be paired (4-28)."""
        agreed = self.charter_signed_at is not None
        missing = []
        # A nomination is not yet a yes: whatever the programme asks, the signature is.
        if not agreed and (self.requirements.charter or self.origin is Origin.NOMINATED):
            missing.append("charter")
        if self.requirements.training and not self.trainings:
            missing.append("training")
        if self.requirements.grid and self.role is Role.MENTOR and not self.grid_passed:
            missing.append("grid")
        return tuple(missing)

    @property
    def readiness(self) -> Readiness:
        """What was checked, and the verdict."""
        return Readiness(
            charter_signed=self.charter_signed_at is not None,
            training_completed=bool(self.trainings),
            grid_passed=self.grid_passed,
            ready=not self.missing,
        )


Decision = tuple[Volunteer, Sequence[Event]]


def volunteer(present: Volunteer | None, application: Application, *, at: datetime) -> Decision:
    """Take somebody into a programme, or back into it.

    The same application again changes nothing. Raises: AlreadyVolunteered for another offer by somebody who takes
    part, NoSkillsOffered, NoSkillsWanted, UnusableOffer, OwnSignatureNeeded.
    """
    check(application.offer, application.role, application.profile)
    nominated = application.nominated_by is not None
    if nominated and application.charter_signed:
        raise OwnSignatureNeeded("a nominated person signs the charter themself", field="charter_signed")
    if present is not None and present.live:
        if present.offer != application.offer:
            raise AlreadyVolunteered(f"already takes part as {present.id}; change that offer instead")
        return present, ()
    taken_in = Volunteer(
        id=application.id,
        tenant=application.tenant,
        version=1 if present is None else present.version + 1,
        programme_id=application.programme_id,
        person_ref=application.person_ref,
        role=application.role,
        origin=Origin.NOMINATED if nominated else Origin.SELF,
        nominated_by=application.nominated_by,
        volunteered_at=at,
        offer=application.offer,
        profile=application.profile,
        requirements=_newest(present, application.requirements),
        charter_signed_at=at if application.charter_signed else None,
        trainings=() if present is None else present.trainings,
        pairings=() if present is None else present.pairings,
        grid_results=() if present is None else present.grid_results,
    )
    settled = _settled(taken_in)
    return settled, (_told(Volunteered, settled, at),)


def change_offer(present: Volunteer, offer: Offer, *, at: datetime) -> Decision:
    """Change what somebody offers or asks for. Raises: HasWithdrawn, and what ``volunteer`` raises for an offer."""
    require_live(present)
    check(offer, present.role, present.profile)
    return updated(present, replace(present, offer=offer), at)


def sign_charter(present: Volunteer, *, by: str, at: datetime) -> Decision:
    """Record that the code of conduct was signed (3-12). Raises: HasWithdrawn, OwnSignatureNeeded."""
    require_live(present)
    if present.charter_signed_at is not None:
        return present, ()
    if present.origin is Origin.NOMINATED and by != present.person_ref:
        raise OwnSignatureNeeded("a nominated person signs the charter themself")
    return updated(present, replace(present, charter_signed_at=at), at)


def record_training(present: Volunteer, training: Training, *, at: datetime) -> Decision:
    """Record a training; the same module again keeps the first record. Raises: HasWithdrawn, UnusableTraining."""
    require_live(present)
    if any(done.module == training.module for done in present.trainings):
        return present, ()
    # A day of grace: it may be tomorrow already where the training took place.
    if training.completed_on < EARLIEST or (training.completed_on - at.date()).days > 1:
        raise UnusableTraining("a training is recorded once it has taken place", field="completed_on")
    if len(present.trainings) >= _MOST_TRAININGS:
        raise UnusableTraining(f"at most {_MOST_TRAININGS} trainings are recorded", field="module")
    return updated(present, replace(present, trainings=(*present.trainings, training)), at)


def record_grid_result(present: Volunteer, result: GridResult, *, at: datetime) -> Decision:
    """Add a result on the grid to the others; the one that was just recorded, again, changes nothing.

    Raises: HasWithdrawn, UnusableGridResult.
    """
    require_live(present)
    if present.grid_results[-1:] == (result,):
        return present, ()
    grids.require_usable(
        result, role=present.role, person_ref=present.person_ref, known=len(present.grid_results), at=at
    )
    return updated(present, replace(present, grid_results=(*present.grid_results, result)), at)


def withdraw(present: Volunteer, reason: WithdrawalReason, *, at: datetime) -> Decision:
    """Leave the programme, which is allowed at any time and may be said twice (4-03)."""
    if not present.live:
        return present, ()
    left = _settled(replace(present, version=present.version + 1, withdrawn_at=at, withdrawal_reason=reason))
    event = VolunteerWithdrawn(
        version=left.version,
        occurred_at=at,
        volunteer_id=left.id,
        person_ref=left.person_ref,
        programme_id=left.programme_id,
        role=left.role,
        reason=reason,
    )
    return left, (event,)


def judge_by(present: Volunteer, requirements: Requirements, *, at: datetime) -> Decision:
    """Judge a volunteer by what the programme asks now; an older publication changes nothing."""
    if not present.live:
        return present, ()
    return updated(present, replace(present, requirements=_newest(present, requirements)), at)


def follow_directory(present: Volunteer, profile: Profile, *, at: datetime) -> Decision:
    """Take over what the directory says now.

    What somebody relies on is kept: when the directory no longer knows any language or zone, the last one holds.
    """
    if not present.live:
        return present, ()
    kept = replace(
        profile,
        languages=profile.languages or present.profile.languages,
        time_zone=profile.time_zone or present.profile.time_zone,
    )
    return updated(present, replace(present, profile=kept), at)


def note_pairing(present: Volunteer, seen: PairingSeen) -> Decision:
    """Remember the newest word about a pairing, in whatever order the words arrive.

    Tells nobody: capacity is for matching to keep, and matching is who said it.
    """
    known = {earlier.pairing_id: earlier for earlier in present.pairings}
    earlier = known.get(seen.pairing_id)
    if earlier is not None and earlier.version >= seen.version:
        return present, ()
    known[seen.pairing_id] = seen
    active = [pairing for pairing in known.values() if pairing.active]
    ended = [pairing for pairing in known.values() if not pairing.active]
    remembered = (*active, *ended[-_REMEMBERED_PAIRINGS:])
    return _settled(replace(present, version=present.version + 1, pairings=remembered)), ()


def updated(present: Volunteer, changed: Volunteer, at: datetime) -> Decision:
    """The changed volunteer with the next version, told where anything public is different; or nothing at all."""
    settled = _settled(changed)
    if settled == present:
        return present, ()
    numbered = replace(settled, version=present.version + 1)
    if _public(numbered) == _public(present):
        return numbered, ()
    return numbered, (_told(VolunteerUpdated, numbered, at),)


def _settled(volunteer: Volunteer) -> Volunteer:
    """The volunteer with status and flags that follow from the facts."""
    live = volunteer.withdrawn_at is None
    paired = bool(volunteer.active_pairings)
    if not live:
        status = Status.WITHDRAWN
    elif paired:
        status = Status.PAIRED
    else:
        status = Status.WAITING if volunteer.missing else Status.READY
    return replace(volunteer, status=status, live=live, on_waiting_list=live and not paired)


def _newest(present: Volunteer | None, requirements: Requirements) -> Requirements:
    if present is not None and present.requirements.version > requirements.version:
        return present.requirements
    return requirements


def require_live(present: Volunteer) -> None:
    """Whoever left must come back first. Raises: HasWithdrawn."""
    if not present.live:
        raise HasWithdrawn("has withdrawn from the programme; volunteer again first")


def _public(volunteer: Volunteer) -> dict[str, object]:
    """Everything that the events tell of a volunteer, but the version and the moment."""
    profile, offer = volunteer.profile, volunteer.offer
    return {
        "volunteer_id": volunteer.id,
        "person_ref": volunteer.person_ref,
        "programme_id": volunteer.programme_id,
        "role": volunteer.role,
        "capacity": offer.capacity,
        "skills_offered": offer.skills_offered,
        "skills_wanted": offer.skills_wanted,
        "interests": offer.interests,
        "goals": offer.goals,
        "languages": volunteer.languages,
        "time_zone": volunteer.time_zone,
        "availability": offer.availability,
        "unit": profile.unit,
        "site": profile.site,
        "line_self": profile.line_self,
        "line_above": profile.line_above,
        "age_band": profile.age_band,
        "grade_band": profile.grade_band,
        "tenure_years": profile.tenure_years,
        "motivation": offer.motivation,
        "ranked_wishes": volunteer.ranked_wishes,
        "grid_score": volunteer.grid_result.score if volunteer.grid_result else None,
        "readiness": volunteer.readiness,
    }


def _told(
    kind: type[Volunteered] | type[VolunteerUpdated], volunteer: Volunteer, at: datetime
) -> Volunteered | VolunteerUpdated:
    return kind.model_validate({"version": volunteer.version, "occurred_at": at, **_public(volunteer)})
