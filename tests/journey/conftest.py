"""Four real processes on real back-ends of their own, shared by all journeys; each journey has a tenant to itself."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest
from demo.platform import Platform, connected
from local_stack import Stack, start_stack

from .world import PREFIX, Disturb, Ending, Journey, in_peace

NewJourney = Callable[..., Journey]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Kafka, MongoDB and the four services."""
    databases = {"TELEMACHUS_MONGO_DATABASE_PREFIX": f"journey_{uuid4().hex[:8]}_"}
    with start_stack(data=tmp_path_factory.mktemp("stack"), topic_prefix=PREFIX, environment=databases) as running:
        yield running


@pytest.fixture(scope="session")
async def platform(stack: Stack) -> AsyncIterator[Platform]:
    """The four HTTP APIs."""
    async with connected(stack.urls) as asked:
        yield asked


@pytest.fixture(scope="session")
def new_journey(platform: Platform, stack: Stack) -> NewJourney:
    """Makes a journey in an organisation of its own."""

    def make(disturb: Disturb = in_peace) -> Journey:
        tenant = f"org-{uuid4().hex[:12]}"
        manager = {"X-Telemachus-Subject": "manager", "X-Telemachus-Roles": "programme_manager"}
        asked = platform.asked_by({"X-Telemachus-Tenant": tenant} | manager)
        return Journey(asked, stack.kafka_bootstrap, disturb)

    return make


@pytest.fixture(scope="session")
async def in_peace_journey(new_journey: NewJourney) -> Journey:
    """A journey that nothing disturbs, played to its end."""
    journey = new_journey()
    await journey.play()
    return journey


@pytest.fixture(scope="session")
def undisturbed(in_peace_journey: Journey) -> Ending:
    """How every journey must end."""
    assert in_peace_journey.end is not None
    return in_peace_journey.end
