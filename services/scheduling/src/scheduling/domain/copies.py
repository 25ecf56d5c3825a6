"""What scheduling remembers of other services' events: copies, of which the newest version counts."""

from dataclasses import dataclass

from shared.contracts import ProgrammePublished, VolunteerUpdated, VolunteerWithdrawn, WeeklyWindow

from .plans import Participant
from .slots import Hours
from .zones import zone_named


@dataclass(frozen=True, kw_only=True)
class VolunteerCopy:
    """When a volunteer can meet."""

    id: str
    tenant: str
    version: int
    person_ref: str
    time_zone: str = "UTC"
    availability: tuple[WeeklyWindow, ...] = ()
    gone: bool = False
    """Withdrawn: nothing more is planned with this volunteer."""


@dataclass(frozen=True, kw_only=True)
class ProgrammeCopy:
    """A programme's name, for the calendar."""

    id: str
    tenant: str
    version: int
    title: str


def volunteer_of(event: VolunteerUpdated, tenant: str) -> VolunteerCopy:
    """The newest hours. Raises: UnknownTimeZone."""
    zone_named(event.time_zone)
    return VolunteerCopy(
        id=event.volunteer_id,
        tenant=tenant,
        version=event.version,
        person_ref=event.person_ref,
        time_zone=event.time_zone,
        availability=event.availability,
    )


def gone_volunteer(event: VolunteerWithdrawn, tenant: str) -> VolunteerCopy:
    """Nobody is planned for after they left."""
    return VolunteerCopy(
        id=event.volunteer_id, tenant=tenant, version=event.version, person_ref=event.person_ref, gone=True
    )


def programme_of(event: ProgrammePublished, tenant: str) -> ProgrammeCopy:
    """The programme's present name."""
    return ProgrammeCopy(id=event.programme_id, tenant=tenant, version=event.version, title=event.title)


def hours_of(participant: Participant, newest: VolunteerCopy | None) -> Hours:
    """The newest hours that are known: those that came with the pairing, where nothing was heard since."""
    if newest is None or newest.gone or not newest.availability:
        return participant.hours
    return Hours(time_zone=newest.time_zone, windows=newest.availability)
