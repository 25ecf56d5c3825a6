"""The HTTP interface on in-memory ports, for whoever asks for ``http``."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from scheduling import http_api
from scheduling.settings import Settings
from scheduling_builders import World, because_of, published
from scheduling_http import MANAGER
from shared.chassis import problems


@pytest.fixture(scope="module")
def service() -> tuple[World, FastAPI]:
    world, app = World(), FastAPI()
    app.state.settings = Settings()
    problems.register(app)
    app.include_router(
        http_api.router(
            planning=world.planning,
            conducting=world.conducting,
            reading=world.reading,
            clock=world.clock,
            public_url="https://mentoring.example",
        ),
        prefix="/v1",
    )
    return world, app


@pytest.fixture
async def world(service: tuple[World, FastAPI]) -> World:
    world, _ = service
    world.forget()
    await world.pair()
    await world.planning.programme_published(published(), because_of(published()))
    return world


@pytest.fixture
async def http(world: World, service: tuple[World, FastAPI]) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=service[1])
    async with httpx2.AsyncClient(transport=transport, base_url="http://scheduling", headers=MANAGER) as client:
        yield client
