"""Results that nobody needs any more are removed by the running service."""

from typing import Any

import pytest
from matching.settings import Settings
from matching_builders import a_programme_published, a_volunteered
from matching_running import Eventually, Running, a_proposed_run, knows, running
from shared.contracts import Role

pytestmark = pytest.mark.integration

ONE_SECOND = 1 / 86_400


async def test_the_pairs_of_a_superseded_run_are_removed_and_its_figures_stay(
    settings: Settings, eventually: Eventually
) -> None:
    async with running(settings.model_copy(update={"keep_results_days": ONE_SECOND})) as service:
        await service.happens(a_programme_published(), a_volunteered("m1"), a_volunteered("e1", role=Role.MENTEE))
        await knows(service, eventually, 2)
        old, new = await a_proposed_run(service, eventually), await a_proposed_run(service, eventually)

        async def refused() -> str:
            return str((await _pairs(service, old)).get("type"))

        await eventually(refused, equals="urn:telemachus:problem:results-removed", timeout=30)
        assert len((await _pairs(service, new))["items"]) == 1
        run = await service.get(f"/runs/{old}")
        assert (run["status"], run["pairs"], run["results_removed_at"] is not None) == ("superseded", 1, True)


async def _pairs(service: Running, run_id: str) -> dict[str, Any]:
    answered: dict[str, Any] = (await service.client.get(f"/v1/runs/{run_id}/pairs")).json()
    return answered
