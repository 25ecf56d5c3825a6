"""The composition root: the only module that builds things."""

from functools import partial

from fastapi import FastAPI
from shared.chassis.clock import Clock
from shared.chassis.service import Chassis
from shared.contracts import (
    SessionCancelled,
    SessionCompleted,
    SessionMissed,
    SessionRescheduled,
    SessionScheduled,
)

from . import http_api, repository
from .consumers import consumers
from .settings import Settings
from .use_cases import Booker, Conducting, Planning, Reading

EMITS = (SessionScheduled, SessionRescheduled, SessionCancelled, SessionMissed, SessionCompleted)


def build(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """The scheduling service."""
    settings = settings or Settings()
    chassis = Chassis(settings, clock=clock)
    stores = repository.stores(chassis)
    booker = Booker(stores)
    planning, conducting = Planning(stores, booker), Conducting(stores, booker)
    consumers(chassis.bus, planning=planning, conducting=conducting)
    api = http_api.router(
        planning=planning,
        conducting=conducting,
        reading=Reading(stores),
        clock=chassis.clock,
        public_url=settings.public_url,
    )
    return chassis.app(
        title="Scheduling",
        description="When, where and with which objective the sessions of a pair are held.",
        routers=[api],
        emits=EMITS,
        indexes=[partial(repository.ensure_indexes, chassis)],
        background=[planning.sweep],
    )
