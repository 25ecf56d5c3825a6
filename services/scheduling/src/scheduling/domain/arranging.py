"""Bringing a plan and its sessions together: which to take a time for, which to keep, which to give up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from .booking import Place, session_of
from .plans import Plan, Unplaced, is_ahead
from .sessions import Session, SessionStatus, Side, Time, session_id
from .slots import Hours, Layout, Period, Unplaceable, fits_hours, step
from .zones import Interval

NOTICE = timedelta(days=1)
"""Nobody is given less than this to prepare for a session of the plan."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A place of the plan, and the time that it should take."""

    place: Place
    time: Time


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """What is to be done, so that the sessions follow the plan."""

    take: tuple[Wanted, ...] = ()
    """Book these times."""
    keep: tuple[Wanted, ...] = ()
    """These keep the hour they have, under the plan's new layout."""
    finish: tuple[Session, ...] = ()
    """Somebody began to book these."""
    give_up: tuple[Session, ...] = ()
    """These are not wanted any more."""
    unplaced: tuple[Unplaced, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """All that a choice of times depends on besides the plan itself."""

    mentor: Hours
    mentee: Hours
    claimed: Sequence[tuple[str, Interval]]
    """Everything in both calendars, with the holder names."""
    now: datetime
    somebody_left: bool = False

    @property
    def zones(self) -> tuple[str, str]:
        """The zones of mentor and mentee."""
        return self.mentor.time_zone, self.mentee.time_zone


def arrange(plan: Plan, sessions: Mapping[int, Session], given: Circumstances) -> Arrangement:
    """Choose a time for every session of the plan that needs one; ``sessions`` holds those there are, by number."""
    if not plan.is_active:
        return Arrangement(give_up=tuple(filter(_can_be_given_up, sessions.values())))
    work = _Work(plan=plan, sessions=sessions, given=given)
    for number in range(1, plan.format.sessions + 1):
        work.look_at(number)
    surplus = (
        session
        for number, session in sessions.items()
        if number > plan.format.sessions
        and (is_ahead(plan, session, now=given.now) or not session.is_open)
        and _can_be_given_up(session)
    )
    return Arrangement(
        take=tuple(work.take),
        keep=tuple(work.keep),
        finish=tuple(work.finish),
        give_up=tuple(surplus),
        unplaced=tuple(work.unplaced),
    )


def _can_be_given_up(session: Session) -> bool:
    return session.is_open or session.status is SessionStatus.PROPOSED or session.proposal is not None


@dataclass(kw_only=True)
class _Work:
    """One arrangement in the making."""

    plan: Plan
    sessions: Mapping[int, Session]
    given: Circumstances
    take: list[Wanted] = field(default_factory=list)
    keep: list[Wanted] = field(default_factory=list)
    finish: list[Session] = field(default_factory=list)
    unplaced: list[Unplaced] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._layout = Layout(
            mentor=self.given.mentor,
            mentee=self.given.mentee,
            pace=self.plan.format.pace,
            earliest=None if self.plan.not_before is None else self.given.now + NOTICE,
        )
        self._starts = {
            session.number: session.time.starts_at
            for session in self.sessions.values()
            if session.booking is not None and session.status is not SessionStatus.CANCELLED
        }
        self._chosen = [
            session.proposal.time.occupied for session in self.sessions.values() if session.proposal is not None
        ]

    def look_at(self, number: int) -> None:
        session = self.sessions.get(number)
        if session is None:
            self._find_time(number)
        elif session.proposal is not None:
            self.finish.append(session)
        elif session.may_be_placed:
            self._find_time(number)
        elif session.layout < self.plan.layout and is_ahead(self.plan, session, now=self.given.now):
            self._carry_over(session)

    def _carry_over(self, session: Session) -> None:
        """The session has a time of an older layout: keep it where the new one allows."""
        same_start = replace(self._time(session.time.starts_at), outside_availability=session.time.outside_availability)
        left_its_period = session.layout < self.plan.cadence_layout and not self._in_period(session)
        if left_its_period:
            self._find_time(session.number, at_present=session)
        elif same_start.occupied == session.time.occupied:
            self.keep.append(Wanted(place=self._place(session.number), time=same_start))
        elif self._fits(same_start, session):
            self._take(session.number, same_start)
        else:
            self._find_time(session.number, at_present=session)

    def _find_time(self, number: int, *, at_present: Session | None = None) -> None:
        found = self._choose(number)
        if isinstance(found, datetime):
            self._take(number, self._time(found))
        elif at_present is not None:  # better the old time than none
            self.keep.append(Wanted(place=self._place(number), time=at_present.time))
        else:
            self.unplaced.append(Unplaced(number=number, reason=found))

    def _choose(self, number: int) -> datetime | Unplaceable:
        if self.given.somebody_left:
            return Unplaceable.PARTICIPANT_LEFT
        within = self._period(number)
        earlier = [before for before in self._starts if before < number]
        previous = max(earlier, default=None)
        return self._layout.choose(
            within,
            busy=self._busy(number),
            target=within.first + timedelta(days=self._days_into_period(previous)),
            previous=None if previous is None else self._starts[previous],
            others=[start for other, start in self._starts.items() if other != number],
        )

    def _take(self, number: int, time: Time) -> None:
        self.take.append(Wanted(place=self._place(number), time=time))
        self._starts[number] = time.starts_at
        self._chosen.append(time.occupied)

    def _busy(self, number: int) -> list[Interval]:
        own = session_id(self.plan.tenant, self.plan.id, number)
        taken = [interval for holder, interval in self.given.claimed if session_of(holder) != own]
        return taken + self._chosen

    def _period(self, number: int) -> Period:
        """The session's period; what is left of it and another one, where it has begun already."""
        within = self.plan.period_of(number)
        if self._layout.earliest is None:
            return within
        today = self._layout.earliest.date()
        if within.first >= today:
            return within
        return Period(first=today, until=max(within.until, step(today, self.plan.format.cadence)))

    def _days_into_period(self, number: int | None) -> int:
        """How far into its period that session lies, so that the next one can lie as far into its own."""
        if number is None:
            return 0
        within = self.plan.period_of(number)
        days = (self._local_day(self._starts[number]) - within.first).days
        return days if 0 <= days < (within.until - within.first).days else 0

    def _in_period(self, session: Session) -> bool:
        within = self.plan.period_of(session.number)
        return within.first <= self._local_day(session.time.starts_at) < within.until

    def _local_day(self, moment: datetime) -> date:
        return moment.astimezone(self.given.mentor.zone).date()

    def _fits(self, time: Time, session: Session) -> bool:
        if any(time.occupied.overlaps(taken) for taken in self._busy(session.number)):
            return False
        if session.time.outside_availability:
            return True
        return fits_hours(Interval(time.starts_at, time.ends_at), self.given.mentor, self.given.mentee)

    def _time(self, start: datetime) -> Time:
        wanted = self.plan.format
        return Time(starts_at=start, minutes=wanted.minutes, modality=wanted.modality, travel_minutes=wanted.travel)

    def _place(self, number: int) -> Place:
        mentor_zone, mentee_zone = self.given.zones
        return self.plan.place_of(
            number,
            (
                Side(person_ref=self.plan.mentor.person_ref, time_zone=mentor_zone),
                Side(person_ref=self.plan.mentee.person_ref, time_zone=mentee_zone),
            ),
        )
