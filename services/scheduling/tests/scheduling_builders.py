"""Object mothers: events, hours and stores with nothing said that a test does not care about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

from scheduling.domain.booking import Place, confirm, place
from scheduling.domain.copies import ProgrammeCopy, VolunteerCopy
from scheduling.domain.feeds import Feed
from scheduling.domain.plans import Plan, begin
from scheduling.domain.sessions import Session, Side, Time
from scheduling.domain.zones import Interval
from scheduling.use_cases import Booker, Conducting, Due, Planning, Reading, Stores
from shared.chassis.aggregates import Cause
from shared.contracts import (
    AccessRole,
    Cadence,
    Event,
    FeedbackSubmitted,
    Modality,
    Paired,
    Principal,
    ProgrammePublished,
    Role,
    SessionPlan,
    Unpaired,
    UnpairReason,
    VolunteerUpdated,
    VolunteerWithdrawn,
    WeeklyWindow,
)
from shared.contracts import Side as PairedSide
from shared.testing.clock import ManualClock
from shared.testing.memory import InMemoryAggregates, InMemoryProjections, InMemoryReservations

TENANT = "ge"
PROGRAMME = "prg_digital"
MONDAY = datetime(2026, 2, 2, 8, 0, tzinfo=UTC)
"""The moment at which most tests begin."""
TODAY = MONDAY.date()


def windows(*days: int, start: str = "09:00", end: str = "17:00") -> tuple[WeeklyWindow, ...]:
    """The same hours on each of these weekdays (Monday is 1)."""
    return tuple(WeeklyWindow(day=day, start=start, end=end) for day in days)


OFFICE_HOURS = windows(1, 2, 3, 4, 5)


def paired(
    pair: int = 1,
    *,
    mentor: str | None = None,
    mentee: str | None = None,
    zones: tuple[str, str] = ("Europe/Paris", "Europe/Paris"),
    hours: tuple[Sequence[WeeklyWindow], Sequence[WeeklyWindow]] = (OFFICE_HOURS, OFFICE_HOURS),
    effective_on: date = TODAY,
    shared_skills: tuple[str, ...] = ("generative-ai", "social-networks"),
    plan: SessionPlan | None = None,
) -> Paired:
    return Paired(
        version=1,
        occurred_at=MONDAY,
        pairing_id=f"pair_{pair}",
        programme_id=PROGRAMME,
        mentor=PairedSide(
            volunteer_id=f"vol_m{pair}",
            person_ref=mentor or f"mentor_{pair}",
            time_zone=zones[0],
            availability=tuple(hours[0]),
        ),
        mentee=PairedSide(
            volunteer_id=f"vol_e{pair}",
            person_ref=mentee or f"mentee_{pair}",
            time_zone=zones[1],
            availability=tuple(hours[1]),
        ),
        effective_on=effective_on,
        score=7000,
        shared_skills=shared_skills,
        plan=plan or SessionPlan(),
    )


def unpaired(pair: int = 1, *, reason: UnpairReason = UnpairReason.RE_MATCH) -> Unpaired:
    return Unpaired(
        version=2,
        occurred_at=MONDAY,
        pairing_id=f"pair_{pair}",
        programme_id=PROGRAMME,
        mentor_volunteer_id=f"vol_m{pair}",
        mentee_volunteer_id=f"vol_e{pair}",
        mentor_ref=f"mentor_{pair}",
        mentee_ref=f"mentee_{pair}",
        reason=reason,
    )


def volunteer_updated(
    volunteer: str = "vol_m1",
    *,
    person: str = "mentor_1",
    version: int = 2,
    time_zone: str = "Europe/Paris",
    availability: Sequence[WeeklyWindow] = OFFICE_HOURS,
) -> VolunteerUpdated:
    return VolunteerUpdated(
        version=version,
        occurred_at=MONDAY,
        volunteer_id=volunteer,
        person_ref=person,
        programme_id=PROGRAMME,
        role=Role.MENTOR,
        languages=("fr",),
        time_zone=time_zone,
        availability=tuple(availability),
    )


def volunteer_withdrawn(volunteer: str = "vol_m1", *, person: str = "mentor_1", version: int = 3) -> VolunteerWithdrawn:
    return VolunteerWithdrawn(
        version=version,
        occurred_at=MONDAY,
        volunteer_id=volunteer,
        person_ref=person,
        programme_id=PROGRAMME,
        role=Role.MENTOR,
    )


def published(*, title: str = "Digital for leaders", version: int = 1) -> ProgrammePublished:
    return ProgrammePublished(
        version=version,
        occurred_at=MONDAY,
        programme_id=PROGRAMME,
        title=title,
        starts_on=TODAY,
    )


def feedback_submitted(session_id: str, *, answers: int = 1) -> FeedbackSubmitted:
    return FeedbackSubmitted(
        version=answers,
        occurred_at=MONDAY,
        request_id="req_1",
        pairing_id="pair_1",
        programme_id=PROGRAMME,
        session_id=session_id,
        session_number=1,
        answers=answers,
    )


def a_plan(now: datetime = MONDAY, **values: Any) -> Plan:
    plan, _ = begin(None, paired(**values), tenant=TENANT, now=now)
    return plan


def a_place(number: int = 1, *, layout: int = 1, objective: str = "kickoff") -> Place:
    return Place(
        tenant=TENANT,
        pairing_id="pair_1",
        programme_id=PROGRAMME,
        number=number,
        mentor=Side(person_ref="mentor_1", time_zone="Europe/Paris"),
        mentee=Side(person_ref="mentee_1", time_zone="Asia/Kolkata"),
        objective=objective,
        layout=layout,
    )


def a_time(starts_at: datetime = MONDAY + timedelta(days=7), *, minutes: int = 60) -> Time:
    return Time(starts_at=starts_at, minutes=minutes, modality=Modality.REMOTE)


def a_session(starts_at: datetime = MONDAY + timedelta(days=7), *, number: int = 1, minutes: int = 60) -> Session:
    """A planned session."""
    proposed, _ = place(None, a_place(number), a_time(starts_at, minutes=minutes), now=MONDAY)
    assert proposed.proposal is not None
    planned, _ = confirm(proposed, proposed.proposal.holder, now=MONDAY)
    return planned


def manager(tenant: str = TENANT) -> Principal:
    return Principal(tenant=tenant, subject="hr_1", roles=frozenset({AccessRole.PROGRAMME_MANAGER}))


def participant(person_ref: str, tenant: str = TENANT) -> Principal:
    return Principal(tenant=tenant, subject=person_ref, roles=frozenset({AccessRole.PARTICIPANT}))


def because_of(event: Event, *, delivery: str = "1") -> Cause:
    """The cause of a delivered event; the same for each of its repetitions."""
    return Cause(
        principal=Principal.service("scheduling", tenant=TENANT),
        event_id=f"{event.name}:{event.aggregate_id}.{event.version}#{delivery}",
    )


def on_behalf_of(principal: Principal, key: str | None = None) -> Cause:
    return Cause.command(principal, key)


@dataclass
class InMemoryUnfinished:
    """What the sweeper would find."""

    session_states: InMemoryAggregates[Session]
    plan_states: InMemoryAggregates[Plan]

    async def sessions(self, now: datetime) -> Sequence[Due]:
        return [
            Due(state.tenant, state.id)
            for state in self.session_states.states.values()
            if state.attention_at is not None and state.attention_at <= now
        ]

    async def plans(self, now: datetime) -> Sequence[Due]:
        return [
            Due(state.tenant, state.id)
            for state in self.plan_states.states.values()
            if state.attention_at is not None and state.attention_at <= now
        ]


@dataclass
class World:
    """The whole service in memory."""

    clock: ManualClock = field(default_factory=lambda: ManualClock(MONDAY))
    plans: InMemoryAggregates[Plan] = field(default_factory=lambda: InMemoryAggregates(Plan))
    sessions: InMemoryAggregates[Session] = field(default_factory=lambda: InMemoryAggregates(Session))
    feeds: InMemoryAggregates[Feed] = field(default_factory=lambda: InMemoryAggregates(Feed))
    volunteers: InMemoryProjections[VolunteerCopy] = field(default_factory=lambda: InMemoryProjections(VolunteerCopy))
    programmes: InMemoryProjections[ProgrammeCopy] = field(default_factory=lambda: InMemoryProjections(ProgrammeCopy))
    calendars: InMemoryReservations = field(default_factory=InMemoryReservations)

    def __post_init__(self) -> None:
        self.use(self.stores())

    def forget(self) -> None:
        """Begin anew, without building the service again."""
        for kept in (self.plans, self.sessions, self.feeds, self.volunteers, self.programmes):
            kept.states.clear()
        self.sessions.events.clear()
        self.calendars.held.clear()
        self.clock.set(MONDAY)

    def stores(self) -> Stores:
        return Stores(
            plans=self.plans,
            sessions=self.sessions,
            feeds=self.feeds,
            volunteers=self.volunteers,
            programmes=self.programmes,
            calendars=self.calendars,
            unfinished=InMemoryUnfinished(self.sessions, self.plans),
            clock=self.clock,
        )

    def use(self, stores: Stores) -> None:
        booker = Booker(stores)
        self.planning = Planning(stores, booker)
        self.conducting = Conducting(stores, booker)
        self.reading = Reading(stores)

    async def pair(self, event: Paired | None = None) -> Plan:
        event = event or paired()
        await self.planning.begin(event, because_of(event))
        return self.plans.states[event.pairing_id]

    def session(self, number: int = 1, pair: int = 1) -> Session:
        return next(
            session
            for session in self.sessions.states.values()
            if session.number == number and session.pairing_id == f"pair_{pair}"
        )

    def open_sessions(self, pair: int | None = None) -> list[Session]:
        return sorted(
            (
                session
                for session in self.sessions.states.values()
                if session.is_open and pair in (None, int(session.pairing_id.removeprefix("pair_")))
            ),
            key=lambda session: (session.pairing_id, session.number),
        )

    def told(self) -> list[str]:
        return [event.name for event in self.sessions.events]

    def calendar(self, person: str) -> list[Interval]:
        claims = self.calendars.held.get((TENANT, person), ())
        return sorted(Interval(claim.start, claim.end) for claim in claims if claim.start and claim.end)

    def check_calendars(self) -> None:
        """Nobody is booked twice, every open session is on both calendars, and nothing else lies ahead there."""
        booked: dict[str, set[str]] = {}
        for session in self.open_sessions():
            assert session.booking is not None
            assert session.booking.holder is not None
            for person in session.people:
                booked.setdefault(person, set()).add(session.booking.holder)
        for (_, person), claims in self.calendars.held.items():
            intervals = self.calendar(person)
            assert not any(a.overlaps(b) for a, b in pairwise(intervals)), person
            kept = {
                session.booking.holder
                for session in self.sessions.states.values()
                if session.booking is not None and session.booking.holder is not None
            }
            assert {claim.holder for claim in claims} <= kept, person
            assert booked.get(person, set()) <= {claim.holder for claim in claims}, person


def other_pace(**values: Any) -> SessionPlan:
    return SessionPlan(**{"sessions": 6, "cadence": Cadence.MONTHLY, "minutes": 60, **values})
