"""The whole play: a programme from the HR export to its final report, against the HTTP APIs and nothing else."""

from dataclasses import dataclass
from typing import Any

from .enrolling import call_for_volunteers, import_people, publish
from .figures import figures
from .meeting import Meetings, plans, six_months
from .pairing import Match, match
from .platform import Json, Platform, until
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


async def play(platform: Platform, stages: Stages, *, people: int) -> Outcome:
    """Play the life cycle with so many volunteers."""
    scene = Scene(platform, stages)
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
    """Close the programme once its figures have caught up; return the final report and the pairs at risk."""
    programme = f"/programmes/{scene.programme_id}"
    with scene.stages.stage("Closing the programme, with its final report"):
        sessions = await scene.platform.every("scheduling", "/sessions", programme_id=scene.programme_id)
        expected = {
            f"sessions_{status}": sum(session["status"] == status for session in sessions)
            for status in ("completed", "missed", "cancelled")
        }

        async def caught_up() -> bool | None:
            kpis = await scene.platform.get("feedback", f"{programme}/kpis")
            return all(kpis[name] == count for name, count in expected.items()) or None

        await until(f"figures in feedback that match scheduling: {expected}", caught_up)
        kpis = await scene.platform.post("feedback", f"{programme}/close", key="close")
        pairings = await scene.platform.every("matching", "/pairings", programme_id=scene.programme_id)
    return kpis, sum(pairing["at_risk"] or pairing["ended_reason"] == "re_match" for pairing in pairings)
