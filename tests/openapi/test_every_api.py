"""Whatever a client sends, the answer is one of those that the OpenAPI document promises, and never a fault.

``make schemathesis`` sets SCHEMATHESIS_CASES: so many cases for each service, in all phases, with ever new seeds.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from local_stack import SERVICES, Stack

from .conftest import TENANT
from .fuzzing import MANAGER, Findings, Plan, fuzz

pytestmark = [pytest.mark.journey, pytest.mark.timeout(3600)]

CASES = int(os.environ.get("SCHEMATHESIS_CASES", "0"))
QUICK = Plan("fuzzing,stateful", 4, 1)
REPORT = Path("build/schemathesis.json")


@pytest.mark.parametrize("service", SERVICES)
async def test_every_answer_to_made_up_requests_is_promised(
    service: str, stack: Stack, known: Mapping[str, Sequence[str]], tmp_path: Path
) -> None:
    """As a manager who knows what is there; in the full form also as anybody."""
    runs: list[Findings] = []

    async def run(plan: Plan, headers: Mapping[str, str]) -> None:
        folder = tmp_path / str(len(runs))
        folder.mkdir()
        runs.append(await fuzz(stack.urls[service], plan, folder=folder, headers=headers, known=known))

    if not CASES:
        await run(QUICK, TENANT | MANAGER)
    while sum(one.cases for one in runs) < CASES:
        everything = Plan("coverage,fuzzing,stateful", 20, seed=len(runs) + 1)
        await run(everything, {} if len(runs) % 2 else TENANT | MANAGER)
    _report(service, runs)
    complaints = [complaint for one in runs for complaint in one.complaints]
    assert not complaints
    assert sum(one.cases for one in runs) >= (CASES or 50)
    assert sum(one.accepted for one in runs) > 0, "nothing was let in: the runs have shown nothing"


def _report(service: str, runs: Sequence[Findings]) -> None:
    if not CASES:
        return
    REPORT.parent.mkdir(exist_ok=True)
    told = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    told[service] = {
        "cases": sum(one.cases for one in runs),
        "accepted": sum(one.accepted for one in runs),
        "operations": runs[0].operations,
        "complaints": [complaint for one in runs for complaint in one.complaints],
    }
    REPORT.write_text(json.dumps(told, indent=2) + "\n")
