"""Act four: the best pairs are proposed, two are locked, the proposal is made again and approved."""

from dataclasses import dataclass

from .enrolling import CHARTER
from .platform import Json, until
from .proposals import approve, proposed
from .scene import Scene

LOCKED = 2
"""So many pairs of the first proposal are kept by the manager, whatever a new run says."""


@dataclass(frozen=True)
class Match:
    """What was approved."""

    run: Json
    pairs: list[Json]
    """By the staff number of the mentee."""


async def match(scene: Scene) -> Match:
    """Run, lock two pairs, run again, approve; return what was approved."""
    platform, programme = scene.platform, f"/programmes/{scene.programme_id}"
    with scene.stages.stage("Matching: a first proposal"):
        first = await _run(scene, "first")
        pairs = await _pairs_of(scene, first)
    with scene.stages.stage("Two pairs are locked, and matched again"):
        for pair in pairs[:LOCKED]:
            body = {side: pair[side] for side in ("mentor_volunteer_id", "mentee_volunteer_id")}
            key = f"lock-{scene.volunteers[pair['mentee_volunteer_id']].staff_number}"
            await platform.post("matching", f"{programme}/locks", body, key=key)
        run = await _run(scene, "second")
        pairs = await _pairs_of(scene, run)
    with scene.stages.stage("Approving the pairs"):
        body = {"effective_on": CHARTER["starts_on"]}
        approved = await approve(platform, run["id"], body)
        if approved["id"] != run["id"]:
            pairs = await _pairs_of(scene, approved)
        for pairing in await platform.every("matching", "/pairings", programme_id=scene.programme_id):
            scene.pairs[pairing["id"]] = scene.pair_of(pairing)
    return Match(run=approved, pairs=pairs)


async def re_match(scene: Scene, pairing_id: str, effective_on: str) -> list[str]:
    """Wait until the pairing is known to be at risk, part the two, and return their new pairings."""
    platform = scene.platform

    async def at_risk() -> Json | None:
        pairing = await platform.get("matching", f"/pairings/{pairing_id}")
        return pairing if pairing["at_risk"] else None

    await until("a pairing marked as at risk in matching", at_risk)
    body = {"pairing_id": pairing_id, "effective_on": effective_on}
    answer = await platform.post("matching", f"/programmes/{scene.programme_id}/re-match", body, key="re-match")
    for pairing in answer["pairings"]:
        scene.pairs[pairing["id"]] = scene.pair_of(pairing)
    return [pairing["id"] for pairing in answer["pairings"]]


async def _run(scene: Scene, which: str) -> Json:
    platform = scene.platform
    asked = await platform.post("matching", f"/programmes/{scene.programme_id}/runs", {"seed": 1}, key=f"run-{which}")

    async def is_proposed() -> Json | None:
        return await proposed(platform, asked["id"])

    return await until("the proposal of a match run", is_proposed)


async def _pairs_of(scene: Scene, run: Json) -> list[Json]:
    pairs = await scene.platform.every("matching", f"/runs/{run['id']}/pairs")
    return sorted(pairs, key=lambda pair: _mentee(scene, pair))


def _mentee(scene: Scene, pair: Json) -> str:
    return scene.volunteers[pair["mentee_volunteer_id"]].staff_number
