"""One behaviour suite for the service's own ports: what the in-memory ones do is what MongoDB does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from feedback.domain import (
    AnswerCounts,
    Cell,
    Journey,
    PairCounts,
    PairGoal,
    Question,
    Reading,
    Response,
    Tally,
    answer,
    follow_pairing,
    follow_session,
    ratings_in,
    reach,
)
from feedback.repository import MongoAuditTrail, MongoLedger, MongoOverview, ensure_indexes
from feedback.use_cases import Ledger, Overview
from feedback_builders import MONDAY, PROGRAMME, TENANT, a_request, an_answer, completed, missed, paired, unpaired
from feedback_memory import InMemoryLedger, InMemoryOverview
from shared.chassis.aggregates import Aggregates, Cause, MongoAggregates
from shared.chassis.mongo import Collection, Mongo
from shared.contracts import Principal, Role
from shared.testing.clock import ManualClock
from shared.testing.memory import InMemoryAggregates

US = Principal.service("feedback", tenant=TENANT)


class NoRelay:
    def nudge(self, collection: Collection, id: str) -> None:
        pass


@dataclass
class Store:
    responses: Aggregates[Response]
    journeys: Aggregates[Journey]
    goals: Aggregates[PairGoal]
    ledger: Ledger
    overview: Overview

    async def keep(self, where: Aggregates[Any], state: Any) -> None:
        """Store a state whatever its version, as if it had come about step by step."""
        for version in range(1, state.version + 1):
            await where.change(state.id, Cause(principal=US), lambda _, v=version: (replace(state, version=v), []))


@pytest.fixture
async def mongo(mongo_uri: str, mongo_database: str) -> AsyncIterator[Mongo]:
    mongo = Mongo(mongo_uri, mongo_database, timeout_ms=10_000, selection_timeout_ms=3_000)
    yield mongo
    mongo.close()


@pytest.fixture(params=["memory", "mongodb"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        responses, journeys = InMemoryAggregates(Response), InMemoryAggregates(Journey)
        goals = InMemoryAggregates(PairGoal)
        ledger = InMemoryLedger(responses)
        return Store(responses, journeys, goals, ledger, InMemoryOverview(journeys, responses, goals))
    mongo: Mongo = request.getfixturevalue("mongo")
    made: Callable[..., Any] = lambda name, state: MongoAggregates(  # noqa: E731 - said once, used three times
        mongo.collection(name), state, clock=ManualClock(), relay=NoRelay()
    )
    at = mongo.collection
    return Store(
        made("responses", Response),
        made("journeys", Journey),
        made("goals", PairGoal),
        MongoLedger(at("tallies"), at("responses")),
        MongoOverview(at("journeys"), at("responses"), at("goals")),
    )


def a_tally(number: int, *members: str, tenant: str = TENANT, programme: str = PROGRAMME) -> Tally:
    return Tally(
        id=f"{programme}:{number:06d}",
        tenant=tenant,
        programme_id=programme,
        number=number,
        members=members,
        published=number,
        floor=5,
        final=False,
        made_at=MONDAY,
        cells=(
            Cell(question=Question.SKILL_GAIN, side=Role.MENTOR, skill="ai", counts=tuple(range(11))),
            Cell(question=Question.TRUST, counts=(1,) * 5),
        ),
    )


async def test_a_response_with_both_answers_comes_back_as_it_was_stored(store: Store) -> None:
    full = a_request()
    for side in Role:
        given = an_answer(skills={"ai": (0, 3)}, goals_reached=("inclusion",), text="Oui.\nNon.", practice_adopted=True)
        full, _ = answer(full, side, given, closed=False)
    await store.keep(store.responses, full)
    assert await store.responses.get(TENANT, full.id) == full
    assert (await store.responses.page(TENANT, {"people": "mentee_1", "answered": True})).items == (full,)
    assert (await store.responses.page(TENANT, {"people": "mentee_2"})).items == ()


async def test_a_journey_comes_back_as_it_was_stored(store: Store) -> None:
    journey = follow_pairing(None, paired(), tenant=TENANT)
    journey, _ = follow_session(journey, completed(), tenant=TENANT, now=MONDAY)
    journey = follow_pairing(journey, unpaired(), tenant=TENANT)
    await store.keep(store.journeys, journey)
    assert await store.journeys.get(TENANT, "pair_1") == journey


async def test_the_latest_batch_is_the_one_with_the_highest_number(store: Store) -> None:
    assert await store.ledger.latest(TENANT, PROGRAMME) is None
    for number in (1, 2, 10):
        assert await store.ledger.add(a_tally(number, f"fb_{number}/mentor"))
    latest = await store.ledger.latest(TENANT, PROGRAMME)
    assert latest is not None
    assert replace(latest, members=()) == a_tally(10)
    assert await store.ledger.latest("other", PROGRAMME) is None


async def test_of_many_batches_with_one_number_one_is_added_and_never_changed(store: Store) -> None:
    rivals = [a_tally(1, f"fb_{rival}/mentor") for rival in range(8)]
    added = await asyncio.gather(*(store.ledger.add(rival) for rival in rivals))
    assert sum(added) == 1
    assert not await store.ledger.add(rivals[0])


async def test_pending_is_what_is_in_no_batch(store: Store) -> None:
    expected = {}
    for pair in range(1, 5):
        response = a_request(pair)
        for side in list(Role)[: pair % 3]:
            said = an_answer(satisfaction=pair, skills={"ai": (0, pair)}, practice_adopted=True, text="Secret.")
            response, _ = answer(response, side, said, closed=False)
        expected |= {rating.key: rating for rating in ratings_in([response])}
        await store.keep(store.responses, response)
    await store.keep(store.responses, replace(a_request(9), programme_id="prg_other"))
    assert len(expected) == 3 * 4
    assert {rating.key: rating for rating in await store.ledger.pending(TENANT, PROGRAMME)} == expected
    one, other, *rest = sorted(expected)
    await store.ledger.add(a_tally(1, one))
    await store.ledger.add(a_tally(2, other))
    assert {rating.key for rating in await store.ledger.pending(TENANT, PROGRAMME)} == set(rest)
    assert list(await store.ledger.pending("other", PROGRAMME)) == []


async def test_a_programme_is_summed_up(store: Store) -> None:
    met = follow_pairing(None, paired(1), tenant=TENANT)
    met, _ = follow_session(met, completed(1), tenant=TENANT, now=MONDAY)
    ended = follow_pairing(follow_pairing(None, paired(2), tenant=TENANT), unpaired(2), tenant=TENANT)
    ended, _ = follow_session(ended, missed(2), tenant=TENANT, now=MONDAY)
    elsewhere = replace(follow_pairing(None, paired(3), tenant=TENANT), programme_id="prg_other")
    for journey in (met, ended, elsewhere):
        await store.keep(store.journeys, journey)
    answered, _ = answer(a_request(1), Role.MENTOR, an_answer(), closed=False)
    await store.keep(store.responses, answered)
    await store.keep(store.responses, a_request(2))
    for pair, goal in ((1, "inclusion"), (2, "inclusion"), (1, "digital")):
        whose = {"tenant": TENANT, "pairing_id": f"pair_{pair}", "programme_id": PROGRAMME, "now": MONDAY}
        await store.keep(store.goals, reach(None, goal, **whose)[0])
    assert await store.overview.pairs(TENANT, PROGRAMME) == PairCounts(
        pairs=2, pairs_active=1, pairs_that_met=1, sessions_completed=1, sessions_missed=1
    )
    assert await store.overview.answers(TENANT, PROGRAMME) == AnswerCounts(requested=4, submitted=1)
    assert dict(await store.overview.goals(TENANT, PROGRAMME)) == {"inclusion": 2, "digital": 1}


async def test_a_programme_without_anything_sums_up_to_nothing(store: Store) -> None:
    assert await store.overview.pairs(TENANT, PROGRAMME) == PairCounts()
    assert await store.overview.answers(TENANT, PROGRAMME) == AnswerCounts()
    assert dict(await store.overview.goals(TENANT, PROGRAMME)) == {}


async def test_readings_are_only_ever_added(mongo: Mongo) -> None:
    audit = mongo.collection("audit")
    reading = Reading(
        id="rd_1", tenant=TENANT, at=MONDAY, subject="olga", programme_id=PROGRAMME, responses=("fb_1", "fb_2")
    )
    await MongoAuditTrail(audit).note(reading)
    stored = await audit.find_one({"_id": "rd_1"})
    assert stored is not None
    assert (stored["subject"], stored["at"], stored["responses"]) == ("olga", MONDAY, ["fb_1", "fb_2"])
    assert not {"update_one", "delete_one"} & set(dir(MongoAuditTrail))


async def test_indexes_can_be_ensured_again(mongo: Mongo) -> None:
    at = mongo.collection
    for _ in range(2):
        await ensure_indexes(
            responses=at("responses"),
            journeys=at("journeys"),
            goals=at("goals"),
            tallies=at("tallies"),
            audit=at("audit"),
        )
