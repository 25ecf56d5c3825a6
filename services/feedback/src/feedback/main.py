"""The composition root: the only module that builds things."""

from functools import partial

from fastapi import FastAPI
from shared.chassis.clock import Clock
from shared.chassis.service import Chassis
from shared.contracts import FeedbackSubmitted, GoalReached, PairingAtRisk

from . import http_api, repository
from .consumers import consumers
from .domain import Charter, Closing, Journey, PairGoal, Response
from .settings import Settings
from .use_cases import Feedback


def build(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """The feedback service as an ASGI application."""
    settings = settings or Settings()
    chassis = Chassis(settings, clock=clock)
    responses = chassis.aggregates("responses", Response)
    journeys = chassis.aggregates("journeys", Journey)
    goals = chassis.aggregates("goals", PairGoal)
    tallies = chassis.collection("tallies")
    audit = chassis.collection("audit")
    feedback = Feedback(
        responses=responses,
        journeys=journeys,
        goals=goals,
        closings=chassis.aggregates("closings", Closing),
        programmes=chassis.projections("programmes", Charter),
        ledger=repository.MongoLedger(tallies, responses.collection),
        overview=repository.MongoOverview(journeys.collection, responses.collection, goals.collection),
        audit=repository.MongoAuditTrail(audit),
        clock=chassis.clock,
        answer_within_days=settings.answer_within_days,
    )
    consumers(chassis.bus, feedback)
    return chassis.app(
        title="Telemachus feedback",
        description="What was learned and felt, and what may be shown to whom.",
        routers=[http_api.router(feedback)],
        emits=[FeedbackSubmitted, PairingAtRisk, GoalReached],
        indexes=[
            partial(
                repository.ensure_indexes,
                responses=responses.collection,
                journeys=journeys.collection,
                goals=goals.collection,
                tallies=tallies,
                audit=audit,
            )
        ],
    )
