"""The plan of one pair: how many sessions, how often, how, and in whose hours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import Any

from shared.contracts import Cadence, Event, Modality, Paired, Unpaired, UnpairReason, WeeklyWindow
from shared.contracts import Side as PairedSide

from .booking import Place
from .objectives import objective_of
from .refusals import ImplausibleTime, PairedWithThemself, PairingEnded
from .sessions import FINISH_WITHIN, Session, Side
from .slots import Hours, Pace, Period, Unplaceable, period, step
from .zones import zone_named

FIRST_YEAR, LAST_YEAR = 2000, 2100
_FURTHEST_MOVE = timedelta(days=366)
_A_DAY = timedelta(days=1)


class PlanStatus(StrEnum):
    """Whether the pair still meets."""

    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Participant:
    """One of the two people of a pair, with the hours that came with the pairing."""

    volunteer_id: str
    person_ref: str
    time_zone: str = "UTC"
    availability: tuple[WeeklyWindow, ...] = ()

    @property
    def hours(self) -> Hours:
        """When this person can meet."""
        return Hours(time_zone=self.time_zone, windows=self.availability)


@dataclass(frozen=True, kw_only=True)
class Format:
    """How the sessions of a plan are held: the charter's, unless the pair made it its own (3-20)."""

    sessions: int = 6
    cadence: Cadence = Cadence.MONTHLY
    minutes: int = 60
    modality: Modality = Modality.REMOTE
    place: str | None = None
    """Room or address, for sessions in person (2-06)."""
    link: str | None = None
    """Where remote sessions are held (1-23)."""
    travel_minutes: int = 0
    """Kept free before and after a session that is not remote (2-06)."""

    @property
    def pace(self) -> Pace:
        """What it asks of each slot."""
        return Pace(cadence=self.cadence, minutes=self.minutes, travel_minutes=self.travel)

    @property
    def travel(self) -> int:
        """Minutes of travel on each side of a session."""
        return 0 if self.modality is Modality.REMOTE else self.travel_minutes


@dataclass(frozen=True, kw_only=True)
class Unplaced:
    """A session for which no time was found."""

    number: int
    reason: Unplaceable


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The sessions of one pairing, as a whole. Its id is the pairing's."""

    id: str
    tenant: str
    version: int
    programme_id: str
    mentor: Participant
    mentee: Participant
    people: tuple[str, str]
    volunteers: tuple[str, str]
    status: PlanStatus
    ended_reason: UnpairReason | None = None
    effective_on: date | None = None
    """First day of the pairing; ``None`` while only its end is known."""
    not_before: datetime | None = None
    """No session is planned earlier; ``None`` for a pairing that was recorded after it began."""
    format: Format = Format()
    charter_objectives: tuple[str, ...] = ()
    shared_skills: tuple[str, ...] = ()
    anchor_number: int = 1
    anchor_day: date | None = None
    """The period of session ``anchor_number`` begins on this day; the others follow by the cadence."""
    layout: int = 1
    """Grows when the format changes: open sessions of an older layout take over the new one."""
    cadence_layout: int = 1
    """The layout that last changed the cadence: open sessions of an older one belong in other periods now."""
    unplaced: tuple[Unplaced, ...] = ()
    has_unplaced: bool = False
    attention_at: datetime | None = None
    """From when on the sweeper should finish arranging; ``None`` when sessions and plan agree."""

    @property
    def is_active(self) -> bool:
        """Whether sessions may be planned."""
        return self.status is PlanStatus.ACTIVE

    @property
    def first_day(self) -> date:
        """First day of the pairing. Raises: PairingEnded, while only its end is known."""
        if self.effective_on is None:
            raise PairingEnded("the pairing has ended")
        return self.effective_on

    def period_of(self, number: int) -> Period:
        """The local dates in which this session belongs."""
        return period(self.anchor_day or self.first_day, self.format.cadence, number - self.anchor_number)

    def place_of(self, number: int, sides: tuple[Side, Side]) -> Place:
        """Everything about a session of this plan but its time."""
        return Place(
            tenant=self.tenant,
            pairing_id=self.id,
            programme_id=self.programme_id,
            number=number,
            mentor=sides[0],
            mentee=sides[1],
            objective=objective_of(
                number,
                sessions=self.format.sessions,
                charter=self.charter_objectives,
                shared_skills=self.shared_skills,
            ),
            layout=self.layout,
        )

    def require_reach(self, moment: datetime, *, now: datetime, field: str) -> None:
        """Refuse a time before the pairing or absurdly far ahead. Raises: ImplausibleTime, PairingEnded."""
        earliest = datetime.combine(self.first_day, datetime.min.time(), UTC) - _A_DAY
        last = self.period_of(max(self.format.sessions, self.anchor_number)).until
        latest = max(datetime.combine(last, datetime.min.time(), UTC), now) + _FURTHEST_MOVE
        if not earliest <= moment <= latest:
            raise ImplausibleTime(
                f"this must lie between {earliest.date().isoformat()} and {latest.date().isoformat()}", field=field
            )


PlanChange = tuple[Plan, list[Event]]


def begin(plan: Plan | None, paired: Paired, *, tenant: str, now: datetime) -> PlanChange:
    """A pairing gets its plan; one whose end was heard of first stays ended.

    Raises: PairedWithThemself, UnknownTimeZone, ImplausibleTime.
    """
    if plan is not None and plan.effective_on is not None:
        return plan, []
    mentor = _participant(paired.mentor, "mentor")
    mentee = _participant(paired.mentee, "mentee")
    if mentor.person_ref == mentee.person_ref:
        raise PairedWithThemself("mentor and mentee are the same person", field="mentee.person_ref")
    if not FIRST_YEAR <= paired.effective_on.year < LAST_YEAR:
        raise ImplausibleTime(f"this must lie between {FIRST_YEAR} and {LAST_YEAR}", field="effective_on")
    charter = paired.plan
    begun = Plan(
        id=paired.pairing_id,
        tenant=tenant,
        version=1,
        programme_id=paired.programme_id,
        mentor=mentor,
        mentee=mentee,
        people=(mentor.person_ref, mentee.person_ref),
        volunteers=(mentor.volunteer_id, mentee.volunteer_id),
        status=PlanStatus.ACTIVE,
        effective_on=paired.effective_on,
        not_before=now if paired.effective_on >= now.date() else None,
        anchor_day=paired.effective_on,
        format=Format(
            sessions=charter.sessions,
            # a code of a newer minor version is taken as the default
            cadence=Cadence.MONTHLY if charter.cadence is Cadence.UNKNOWN else charter.cadence,
            minutes=charter.minutes,
            modality=Modality.REMOTE if charter.modality is Modality.UNKNOWN else charter.modality,
        ),
        charter_objectives=charter.objectives,
        shared_skills=paired.shared_skills,
        attention_at=now + FINISH_WITHIN,
    )
    if plan is None:
        return begun, []
    return replace(begun, version=plan.version + 1, status=plan.status, ended_reason=plan.ended_reason), []


def end(plan: Plan | None, unpaired: Unpaired, *, tenant: str, now: datetime) -> PlanChange:
    """The pair meets no more. Heard of before the pairing itself, it leaves a plan that plans nothing."""
    if plan is not None and not plan.is_active:
        return plan, []
    attention = now + FINISH_WITHIN
    if plan is not None:
        return replace(
            plan,
            version=plan.version + 1,
            status=PlanStatus.ENDED,
            ended_reason=unpaired.reason,
            unplaced=(),
            has_unplaced=False,
            attention_at=attention,
        ), []
    mentor = Participant(volunteer_id=unpaired.mentor_volunteer_id, person_ref=unpaired.mentor_ref)
    mentee = Participant(volunteer_id=unpaired.mentee_volunteer_id, person_ref=unpaired.mentee_ref)
    return Plan(
        id=unpaired.pairing_id,
        tenant=tenant,
        version=1,
        programme_id=unpaired.programme_id,
        mentor=mentor,
        mentee=mentee,
        people=(mentor.person_ref, mentee.person_ref),
        volunteers=(mentor.volunteer_id, mentee.volunteer_id),
        status=PlanStatus.ENDED,
        ended_reason=unpaired.reason,
    ), []


def amend(plan: Plan, wanted: Mapping[str, Any], sessions: Iterable[Session], *, now: datetime) -> PlanChange:
    """The pair makes the format its own (3-20): ``wanted`` holds the fields of :class:`Format` that change.

    A new cadence counts from the last session that was held, or whose time has come. Raises: PairingEnded.
    """
    if not plan.is_active:
        raise PairingEnded("the pairing has ended")
    changed_format = replace(plan.format, **wanted)
    if changed_format == plan.format:
        return plan, []
    number, day, cadence_layout = plan.anchor_number, plan.anchor_day, plan.cadence_layout
    if changed_format.cadence is not plan.format.cadence:
        cadence_layout = plan.layout + 1
        number, day = _next_period(plan, sessions, changed_format.cadence, now=now)
    return replace(
        plan,
        version=plan.version + 1,
        format=changed_format,
        anchor_number=number,
        anchor_day=day,
        layout=plan.layout + 1,
        cadence_layout=cadence_layout,
        attention_at=now + FINISH_WITHIN,
    ), []


def retry(plan: Plan, sessions: Iterable[Session], *, now: datetime) -> PlanChange:
    """Hours have changed: the sessions without a time are to be placed again.

    Where none of them or of those after them has a time yet, the whole remainder starts anew from today, so that a pair
    which found its hours late still meets at its own pace.
    """
    if not plan.is_active or not plan.has_unplaced:
        return plan, []
    first = plan.unplaced[0].number
    number, day = plan.anchor_number, plan.anchor_day
    today = now.date()
    nothing_follows = not any(session.number >= first and session.announced for session in sessions)
    if plan.not_before is not None and nothing_follows and plan.period_of(first).first < today:
        number, day = first, today
    return replace(
        plan,
        version=plan.version + 1,
        anchor_number=number,
        anchor_day=day,
        attention_at=now + FINISH_WITHIN,
    ), []


def arranged(plan: Plan, seen: Plan, unplaced: Iterable[Unplaced], *, now: datetime) -> PlanChange:
    """Sessions and plan agree, as far as times could be found; changes nothing where the plan changed meanwhile.

    A plan that has ended is looked at once more later: somebody who saw it active may still have been planning.
    """
    if plan.version != seen.version:
        return plan, []
    if not plan.is_active and plan.attention_at is not None and now < plan.attention_at:
        return plan, []
    open_places = tuple(sorted(unplaced, key=lambda place: place.number))
    if plan.attention_at is None and plan.unplaced == open_places:
        return plan, []
    return replace(
        plan,
        version=plan.version + 1,
        unplaced=open_places,
        has_unplaced=bool(open_places),
        attention_at=None,
    ), []


def is_ahead(plan: Plan, session: Session, *, now: datetime) -> bool:
    """Whether a change of plan may still touch the session: it is open, and its time has not come.

    In a plan that was recorded afterwards every time lies in the past: there, open is enough.
    """
    return session.is_open and (plan.not_before is None or session.time.starts_at > now)


def _next_period(plan: Plan, sessions: Iterable[Session], cadence: Cadence, *, now: datetime) -> tuple[int, date]:
    """The first number that is still ahead, and its period's first day: one step after what came before."""
    settled = {
        session.number: session
        for session in sessions
        if session.announced and not session.may_be_placed and not is_ahead(plan, session, now=now)
    }
    number = next(n for n in count(1) if n not in settled)
    before = settled.get(number - 1)
    day = plan.first_day if before is None else step(before.time.starts_at.date(), cadence)
    return number, day if plan.not_before is None else max(day, now.date())


def _participant(side: PairedSide, name: str) -> Participant:
    zone_named(side.time_zone, field=f"{name}.time_zone")
    return Participant(
        volunteer_id=side.volunteer_id,
        person_ref=side.person_ref,
        time_zone=side.time_zone,
        availability=side.availability,
    )
