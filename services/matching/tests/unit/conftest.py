"""The service behind its HTTP interface, on stores in memory."""

from collections.abc import AsyncIterator
from typing import Any, cast

import httpx2
import pytest
from fastapi import FastAPI
from matching.http_api import router
from matching.settings import Settings
from matching.use_cases import Matching
from matching_builders import a_mentee, a_mentor, a_programme
from matching_stores import Service
from shared.chassis import problems


class OnStage:
    """Whichever service is being tested: routes are built once, since building them is what takes time."""

    service: Service

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service.matching, name)


@pytest.fixture(scope="session")
def stage() -> OnStage:
    return OnStage()


@pytest.fixture(scope="session")
def app(stage: OnStage) -> FastAPI:
    app = FastAPI()
    app.state.settings = Settings()
    problems.register(app)
    app.include_router(router(cast("Matching", stage)), prefix="/v1")
    return app


@pytest.fixture
async def service(stage: OnStage) -> Service:
    stage.service = service = Service()
    people = (a_mentor("m1"), a_mentor("m2", languages=("de",)), a_mentee("e1"), a_mentee("e2", ready=False))
    await service.know(*people, programme=a_programme())
    return service


@pytest.fixture
async def client(app: FastAPI, service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://matching/v1") as client:
        yield client
