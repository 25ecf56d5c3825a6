"""Composition root: the only module that builds things."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from fastapi import FastAPI
from prometheus_client import Counter
from shared.chassis.clock import Clock
from shared.chassis.service import Chassis
from shared.contracts import Paired, Unpaired

from . import http_api, repository
from .consumers import consumers
from .engine.process import EngineProcesses
from .settings import Settings
from .use_cases import Matching
from .use_cases.people_file import MOST_BYTES


def build(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """The matching service as an ASGI application."""
    settings = settings or Settings()
    chassis = Chassis(settings, clock=clock)
    engine = EngineProcesses(settings.engine_workers)
    renewals = Counter(
        "telemachus_proposal_renewals",
        "Renewals of proposals by outcome: renewed, confirmed, overtaken, failed. renewed while nightly is true: "
        "a proposal was not the best although no change was told.",
        ["outcome", "nightly"],
        registry=chassis.metrics.registry,
    )
    matching = Matching.of(
        repository.stores(chassis),
        engine,
        replica=f"matching-{uuid4().hex[:12]}",
        patience=settings.explanation_seconds,
        renew_after=settings.renew_after_seconds,
        recertify_hour=settings.recertify_hour,
        keep_results=timedelta(days=settings.keep_results_days),
        tell=lambda outcome, nightly: renewals.labels(outcome, str(nightly).lower()).inc(),
    )
    consumers(chassis.bus, matching)

    async def indexes() -> None:
        await repository.ensure_indexes(chassis)

    async def work_on_runs() -> None:
        try:
            while True:
                await matching.runs.work()
                await matching.studies.work()
                await matching.runs.wait()
        except asyncio.CancelledError:
            engine.close()
            raise

    return chassis.app(
        title="Matching",
        description="Decides who is paired with whom, and why.",
        routers=[http_api.router(matching)],
        emits=[Paired, Unpaired],
        indexes=[indexes],
        body_limits={"/v1/simulation-people": MOST_BYTES},
        background=[
            work_on_runs,
            matching.renewals.work,
            matching.leftovers.work,
            matching.recertification.work,
            matching.approval.resume,
            matching.places.sweep,
        ],
    )
