"""Schemathesis, as its command line runs: examples made from an OpenAPI document, sent to a real service, judged."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MANAGER = {"X-Telemachus-Subject": "manager", "X-Telemachus-Roles": "programme_manager,programme_officer,operator"}
LEFT_OUT = "positive_data_acceptance"
"""What the check cannot know: a body that fits its schema may still contradict the programme, and is refused by 422."""
PROBABILITY = 0.7
"""Of a known identifier where one is asked for; else Schemathesis invents one, or takes it from another answer."""


@dataclass(frozen=True)
class Plan:
    """How hard to try."""

    phases: str
    examples: int
    """Per operation and phase."""
    seed: int


@dataclass(frozen=True)
class Findings:
    """What one run has shown."""

    cases: int
    operations: int
    accepted: int
    """Cases that the service took (2xx)."""
    complaints: Sequence[str]


async def fuzz(
    url: str, plan: Plan, *, folder: Path, headers: Mapping[str, str], known: Mapping[str, Sequence[str]]
) -> Findings:
    """Run Schemathesis against one service. ``known``: identifiers by parameter, such as ``path.session_id``."""
    config, report = folder / "schemathesis.toml", folder / "report.json"
    config.write_text(_config(known))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
        *("--config-file", str(config), "run", f"{url}/openapi.json"),
        *("--phases", plan.phases, "--max-examples", str(plan.examples), "--seed", str(plan.seed)),
        *("--continue-on-failure", "--generation-database", "none"),
        *("--suppress-health-check", "all", "--request-timeout", "30"),
        *("--no-color", "--report", "json", "--report-json-path", str(report)),
        *(part for name, value in headers.items() for part in ("--header", f"{name}: {value}")),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    (folder / "output.txt").write_bytes(said)
    if not report.exists():
        raise AssertionError(f"Schemathesis ended with {process.returncode}:\n{said.decode()[-3000:]}")
    found = json.loads(report.read_text())
    if process.returncode and not (found["failures"] or found["errors"]):
        raise AssertionError(f"Schemathesis ended with {process.returncode}:\n{said.decode()[-3000:]}")
    return Findings(
        cases=found["test_cases"]["generated"],
        operations=found["operations"]["tested"],
        accepted=sum(phase["accepted"] for rates in found["valid_rates"].values() for phase in rates.values()),
        complaints=[
            *(f"{one['title']}: {', '.join(one['operations'])}; see {folder}/output.txt" for one in found["failures"]),
            *(f"error: {one}" for one in found["errors"]),
        ],
    )


def _config(known: Mapping[str, Sequence[str]]) -> str:
    """Dictionaries of identifiers; and the one operation whose path another one's identifier may spell."""
    names = {parameter: parameter.replace(".", "_") for parameter in known}
    lines = ["[checks]", f"{LEFT_OUT}.enabled = false", "[dictionaries]"]
    lines += [f"{names[parameter]} = {{ values = {json.dumps(list(values))} }}" for parameter, values in known.items()]
    lines += ["[parameters]"]
    lines += [
        f'"{parameter}" = {{ dictionary = "{name}", probability = {PROBABILITY} }}' for parameter, name in names.items()
    ]
    lines += [
        "[[operations]]",
        'include-path = "/v1/sessions/{session_id}.ics"',
        "checks.unsupported_method.enabled = false",
    ]
    return "\n".join(lines) + "\n"
