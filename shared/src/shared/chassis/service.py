"""The chassis of one service: what a composition root fills and what makes the ASGI application of it."""

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import uvicorn
from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.contracts import Event

from . import failpoints, problems
from .aggregates import MongoAggregates
from .asyncapi import asyncapi_document
from .clock import Clock, SystemClock
from .documents import State
from .http import API_PREFIX, RequestEdge
from .idempotency import IdempotentRequests, ensure_indexes
from .kafka_sender import KafkaSender
from .logging import configure
from .messaging import Bus
from .metrics import Metrics
from .mongo import Collection, Mongo
from .outbox import Relay
from .projections import MongoProjections
from .reservations import MongoReservations
from .settings import ServiceSettings
from .supervisor import Step, Supervisor
from .telemetry import Traces
from .topics import TopicNames

S = TypeVar("S", bound=State)

GARBAGE_FIRST_LOOK_AFTER = 10_000
"""New objects. What a request makes is mostly gone by then, by its reference counts."""


class Chassis:
    """Every shared part of one service, built once by its composition root."""

    def __init__(self, settings: ServiceSettings, *, clock: Clock | None = None, traces: Traces | None = None) -> None:
        self.settings = settings
        failpoints.arm(failpoints.parse(settings.failpoints))
        self.clock: Clock = clock or SystemClock()
        self.metrics = Metrics(settings.service_name)
        self.traces = traces or Traces.of(settings)
        self.mongo = Mongo(
            settings.mongo_uri.get_secret_value(),
            settings.mongo_database,
            timeout_ms=settings.mongo_timeout_ms,
            selection_timeout_ms=settings.mongo_selection_timeout_ms,
        )
        self.sender = KafkaSender(settings)
        self.bus = Bus(settings, sender=self.sender, metrics=self.metrics, traces=self.traces)
        self.relay = Relay(
            [],
            self.sender,
            service=settings.service_name,
            topics=TopicNames.of(settings),
            clock=self.clock,
            metrics=self.metrics,
            traces=self.traces,
        )
        self._prepare: list[Step] = []

    def collection(self, name: str) -> Collection:
        """A collection of the service's own database."""
        return self.mongo.collection(name)

    def aggregates(self, name: str, state: type[S]) -> MongoAggregates[S]:
        """A collection of aggregates, whose outbox the relay drains."""
        collection = self.collection(name)
        aggregates = MongoAggregates(
            collection,
            state,
            clock=self.clock,
            relay=self.relay,
            metrics=self.metrics,
            leases_for=self.relay,
            traces=self.traces,
        )
        self.relay.add(collection)
        self._prepare.append(aggregates.ensure_indexes)
        return aggregates

    def projections(self, name: str, state: type[S]) -> MongoProjections[S]:
        """A collection of copies built from events."""
        return MongoProjections(self.collection(name), state, metrics=self.metrics, traces=self.traces)

    def reservations(self, name: str) -> MongoReservations:
        """A collection of claims on participants."""
        return MongoReservations(self.collection(name), metrics=self.metrics)

    def app(
        self,
        *,
        title: str,
        description: str,
        routers: Sequence[APIRouter],
        emits: Sequence[type[Event]],
        indexes: Sequence[Step] = (),
        background: Sequence[Step] = (),
        body_limits: Mapping[str, int] | None = None,
    ) -> FastAPI:
        """The ASGI application; its lifespan runs the supervisor.

        Args:
            title: The service's name as people read it.
            description: One sentence on what it decides.
            routers: The service's HTTP interface, without the ``/v1`` prefix.
            emits: The events that the service publishes.
            indexes: Run once MongoDB answers, before the service is ready; must be repeatable.
            background: Jobs run again and again for the life of the process, a second apart.
            body_limits: Paths whose bodies may be larger than 64 KiB, with their limit in bytes.
        """
        configure(self.settings)
        self.bus.listen_to_redrives()
        names = self.bus.topics
        answers = self.collection("answers").unhurried()  # the aggregates remember every key themselves
        supervisor = Supervisor(
            self.settings,
            mongo=self.mongo,
            sender=self.sender,
            relay=self.relay,
            bus=self.bus,
            metrics=self.metrics,
            prepare=[*self._prepare, *indexes, lambda: ensure_indexes(answers)],
            background=background,
            traces=self.traces,
            topics=(
                *self.bus.reads,
                *(names.event(event) for event in emits),
                names.dead_letter(self.settings.service_name),
            ),
        )

        @asynccontextmanager
        async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
            supervisor.start()
            try:
                yield
            finally:
                await supervisor.stop()

        app = FastAPI(title=title, description=description, version="1", lifespan=lifespan)
        app.state.settings = self.settings
        app.state.supervisor = supervisor
        app.state.metrics = self.metrics
        problems.register(app)
        problems.describe(app)
        asyncapi = asyncapi_document(
            service=self.settings.service_name,
            title=title,
            description=description,
            topics=names,
            reads=self.bus.subscriptions,
            emits=emits,
        )
        app.include_router(_operations(self, supervisor, asyncapi))
        for router in routers:
            app.include_router(router, prefix=API_PREFIX, responses=problems.RESPONSES)
        app.add_middleware(IdempotentRequests, answers=answers, clock=self.clock)
        app.add_middleware(RequestEdge, metrics=self.metrics, limits=dict(body_limits or {}), traces=self.traces)
        return app


def _operations(chassis: Chassis, supervisor: Supervisor, asyncapi: dict[str, Any]) -> APIRouter:
    """What an operator asks a service: is it alive, ready, and what is it doing."""
    router = APIRouter(tags=["operations"])

    @router.get("/livez", response_class=PlainTextResponse, responses={503: {"description": "Restart it."}})
    async def livez() -> PlainTextResponse:
        """The event loop answers and the consumers make progress. A failure asks for a restart."""
        alive = supervisor.health.alive
        return PlainTextResponse("alive\n" if alive else "a consumer is stuck\n", 200 if alive else 503)

    @router.get("/readyz", response_class=PlainTextResponse, responses={503: {"description": "Not ready yet."}})
    async def readyz() -> PlainTextResponse:
        """MongoDB answers. Kafka does not matter here: the outbox keeps what it cannot take yet."""
        ready = await supervisor.check_database()
        return PlainTextResponse("ready\n" if ready else "waiting for MongoDB\n", 200 if ready else 503)

    @router.get("/status")
    async def status() -> JSONResponse:
        """Dependencies, incomplete publications and lag, for people and tools."""
        database = await supervisor.check_database()
        async with asyncio.timeout(5):
            pending = await chassis.relay.total_pending() if database else None
        health = supervisor.health
        return JSONResponse(
            {
                "service": chassis.settings.service_name,
                "profile": chassis.settings.profile.value,
                "mongo": health.mongo,
                "kafka_producer": health.kafka_producer,
                "kafka_consumers": health.kafka_consumers,
                "outbox_pending": pending,
                "consumer_lag": sum(health.lag.values()),
                "lag": {name: behind for name, behind in sorted(health.lag.items()) if behind},
                "reads": list(chassis.bus.reads),
            }
        )

    @router.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        """Prometheus text format."""
        return PlainTextResponse(generate_latest(chassis.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @router.get("/asyncapi.json")
    async def asyncapi_json() -> JSONResponse:
        """What this service reads from and writes to the bus."""
        return JSONResponse(asyncapi)

    return router


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Run until SIGTERM; in-flight requests and deliveries are finished first."""
    gc.collect()
    gc.freeze()  # modules and models stay for good: no collection need look at them
    gc.set_threshold(GARBAGE_FIRST_LOOK_AFTER)
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=25,
        server_header=False,
    )
