"""Every place to die is reached by a real service, which dies there; nothing is lost and nothing happens twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from shared.chassis.failpoints import Failpoint

from .matrix import MATRIX, SMALL, Theatre, full, theatre

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    """One platform for all rounds."""
    async with theatre(tmp_path_factory.mktemp("failpoints"), most_pairs=100, seed=1) as playing:
        yield playing


def test_the_rounds_leave_no_place_out() -> None:
    assert {point for deaths in SMALL for point in deaths.values()} == set(Failpoint)
    assert {point for points in MATRIX.values() for point in points} == set(Failpoint)
    assert sum(len(deaths) for deaths in full()) == sum(len(points) for points in MATRIX.values())


def test_the_document_names_every_place() -> None:
    document = Path("docs/reliability/failpoints.md").read_text()
    assert [point for point in Failpoint if f"| `{point}` |" not in document] == []


@pytest.mark.parametrize("deaths", SMALL, ids=lambda deaths: ", ".join(deaths.values()))
async def test_services_killed_at_their_places_lose_nothing_and_repeat_nothing(
    deaths: dict[str, Failpoint], stage: Theatre
) -> None:
    outcome = await stage.play(deaths, each=1)
    assert not outcome.complaints
