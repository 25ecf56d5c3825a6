"""The whole play: a programme from the HR export to its final report, against the HTTP APIs and nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from .enrolling import call_for_volunteers, import_people, publish
from .figures import figures
from .meeting import Meetings, plans, six_months
from .pairing import Match, match
from .platform import Json, Platform
from .scene import Scene, Stages


@dataclass(frozen=True)
class Outcome:
    """What came of the play."""

    scene: Scene
    report: Json
    """Of the import."""
    match: Match
    kpis: Json
    figures: dict[str, Any]


async def play(platform: Platform, stages: Stages, at_rest: Callable[[], Awaitable[object]], *, people: int) -> Outcome:
    """Play the life cycle with so many volunteers."""
    scene = Scene(platform, stages, at_rest)
    report = await import_people(scene)
    await publish(scene)
    await call_for_volunteers(scene, people)
    made = await match(scene)
    meetings = Meetings()
    await plans(scene, meetings, set(scene.pairs))
    await six_months(scene, meetings)
    kpis, at_risk = await _close(scene)
    told = figures(scene, report=report, match=made, meetings=meetings, kpis=kpis, at_risk=at_risk)
    return Outcome(scene=scene, report=report, match=made, kpis=kpis, figures=told)


async def _close(scene: Scene) -> tuple[Json, int]:
    """Close the programme once all is known that was said; return the final report and the pairs at risk."""
    with scene.stages.stage("Waiting until all services know all"):
        await scene.at_rest()
    with scene.stages.stage("Closing the programme, with its final report"):
        kpis = await scene.platform.post("feedback", f"/programmes/{scene.programme_id}/close", key="close")
        pairings = await scene.platform.every("matching", "/pairings", programme_id=scene.programme_id)
    return kpis, sum(pairing["at_risk"] or pairing["ended_reason"] == "re_match" for pairing in pairings)
