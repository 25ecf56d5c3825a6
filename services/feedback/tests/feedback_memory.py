"""The service's own ports in memory, and the use cases on top of them; one suite holds the ports to MongoDB."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from feedback.domain import (
    AnswerCounts,
    Charter,
    Closing,
    Journey,
    OwnRequest,
    PairCounts,
    PairGoal,
    PairingStatus,
    Rating,
    Reading,
    Response,
    Tally,
    ratings_in,
    request_id,
)
from feedback.use_cases import Feedback
from feedback_builders import MONDAY, TENANT, an_answer
from shared.chassis.aggregates import Cause
from shared.contracts import (
    AccessRole,
    Event,
    FeedbackSubmitted,
    Paired,
    Principal,
    ProgrammePublished,
    SessionEvent,
    Unpaired,
)
from shared.testing.clock import ManualClock
from shared.testing.memory import InMemoryAggregates, InMemoryProjections


class InMemoryLedger:
    def __init__(self, responses: InMemoryAggregates[Response]) -> None:
        self._responses = responses
        self.tallies: dict[str, Tally] = {}

    async def latest(self, tenant: str, programme_id: str) -> Tally | None:
        return max(self._of(tenant, programme_id), key=lambda tally: tally.number, default=None)

    async def add(self, tally: Tally) -> bool:
        if tally.id in self.tallies:
            return False
        self.tallies[tally.id] = tally
        return True

    async def pending(self, tenant: str, programme_id: str) -> Sequence[Rating]:
        published = {key for tally in self._of(tenant, programme_id) for key in tally.members}
        responses = [one async for one in self._responses.stream(tenant, {"programme_id": programme_id})]
        return [rating for rating in ratings_in(responses) if rating.key not in published]

    def _of(self, tenant: str, programme_id: str) -> list[Tally]:
        return [
            tally for tally in self.tallies.values() if (tally.tenant, tally.programme_id) == (tenant, programme_id)
        ]


@dataclass
class InMemoryOverview:
    journeys: InMemoryAggregates[Journey]
    responses: InMemoryAggregates[Response]
    reached: InMemoryAggregates[PairGoal]

    async def pairs(self, tenant: str, programme_id: str) -> PairCounts:
        journeys = [one async for one in self.journeys.stream(tenant, {"programme_id": programme_id})]
        return PairCounts(
            pairs=len(journeys),
            pairs_active=sum(one.status is PairingStatus.ACTIVE for one in journeys),
            pairs_that_met=sum(one.met for one in journeys),
            sessions_scheduled=sum(one.sessions_scheduled for one in journeys),
            sessions_completed=sum(one.sessions_completed for one in journeys),
            sessions_missed=sum(one.sessions_missed for one in journeys),
            sessions_cancelled=sum(one.sessions_cancelled for one in journeys),
        )

    async def answers(self, tenant: str, programme_id: str) -> AnswerCounts:
        responses = [one async for one in self.responses.stream(tenant, {"programme_id": programme_id})]
        return AnswerCounts(requested=2 * len(responses), submitted=sum(one.answers for one in responses))

    async def goals(self, tenant: str, programme_id: str) -> Mapping[str, int]:
        return Counter([one.goal async for one in self.reached.stream(tenant, {"programme_id": programme_id})])


@dataclass
class InMemoryAudit:
    readings: list[Reading] = field(default_factory=list)

    async def note(self, reading: Reading) -> None:
        self.readings.append(reading)


class World:
    """The service without Kafka and MongoDB: events go in, and what it published can be played back to it."""

    def __init__(self) -> None:
        self.clock = ManualClock(MONDAY)
        self.responses = InMemoryAggregates(Response)
        self.journeys = InMemoryAggregates(Journey)
        self.goals = InMemoryAggregates(PairGoal)
        self.closings = InMemoryAggregates(Closing)
        self.ledger = InMemoryLedger(self.responses)
        self.audit = InMemoryAudit()
        self.feedback = Feedback(
            responses=self.responses,
            journeys=self.journeys,
            goals=self.goals,
            closings=self.closings,
            programmes=InMemoryProjections(Charter),
            ledger=self.ledger,
            overview=InMemoryOverview(self.journeys, self.responses, self.goals),
            audit=self.audit,
            clock=self.clock,
            answer_within_days=14,
        )
        self._delivered = 0

    async def happens(self, *events: Event, again: bool = False) -> None:
        """Deliver events; ``again`` delivers each twice."""
        for event in events:
            for _ in range(2 if again else 1):
                await self.deliver(event, event_id=f"{event.aggregate_id}.{event.name}.{event.version}")

    async def deliver(self, event: Event, *, event_id: str) -> None:
        cause = Cause(principal=Principal.service("feedback", tenant=TENANT), event_id=event_id)
        match event:
            case ProgrammePublished():
                await self.feedback.keep_charter(event, cause)
            case Paired() | Unpaired():
                await self.feedback.follow_pairing(event, cause)
            case SessionEvent():
                await self.feedback.follow_session(event, cause)
            case FeedbackSubmitted():
                await self.feedback.weigh_answers(event, cause)

    async def hear_itself(self, *, again: bool = False) -> None:
        """Deliver the service's own answers' events that it has not heard yet."""
        submitted = [event for event in self.responses.events if isinstance(event, FeedbackSubmitted)]
        await self.happens(*submitted[self._delivered :], again=again)
        self._delivered = len(submitted)


def person(ref: str, tenant: str = TENANT) -> Principal:
    return Principal(tenant=tenant, subject=ref, roles=frozenset({AccessRole.PARTICIPANT}))


def manager(ref: str = "maya", tenant: str = TENANT) -> Principal:
    return Principal(tenant=tenant, subject=ref, roles=frozenset({AccessRole.PROGRAMME_MANAGER}))


def officer(ref: str = "olga", tenant: str = TENANT) -> Principal:
    return Principal(tenant=tenant, subject=ref, roles=frozenset({AccessRole.PROGRAMME_OFFICER}))


async def say(
    world: World, ref: str, pair: int = 1, number: int = 1, key: str | None = None, **answer: Any
) -> OwnRequest:
    who = person(ref)
    return await world.feedback.answer(
        who,
        request_id(TENANT, f"ses_{pair}_{number}"),
        ref,
        lambda moment: an_answer(at=moment, **answer),
        Cause.command(who, key),
    )


async def everybody_answers(world: World, pairs: int, number: int = 1, **answer: Any) -> None:
    for pair in range(1, pairs + 1):
        for side in ("mentor", "mentee"):
            world.clock.advance(timedelta(seconds=1))
            await say(world, f"{side}_{pair}", pair, number, **answer)


async def requests_of(world: World, who: Principal, **options: Any) -> list[OwnRequest]:
    chosen = {"where": {}, "person_ref": None, "status": None, "limit": 50, "cursor": None} | options
    return list((await world.feedback.requests(who, **chosen)).items)
