"""Proposals as a client meets them: the platform renews them by itself when the pool has changed."""

from collections.abc import Mapping

from .platform import Json, Platform, Refused, until


async def proposed(platform: Platform, run_id: str) -> Json | None:
    """The proposal of this run, or of the one that renewed it; None until there is one."""
    run = await platform.get("matching", f"/runs/{run_id}")
    if run["status"] == "failed":
        raise RuntimeError(f"the match run failed: {run.get('failure')}")
    if run["status"] == "superseded" and run["renewed_by"]:
        return await proposed(platform, run["renewed_by"])
    return run if run["status"] == "proposed" else None


async def approve(platform: Platform, run_id: str, body: Mapping[str, str]) -> Json:
    """Approve this proposal, or the one that stands in its place by now; the approved run."""
    while True:
        try:
            await platform.post("matching", f"/runs/{run_id}/approve", dict(body), key=f"approve-{run_id}")
        except Refused as refused:
            if refused.name != "proposal-renewed":
                raise
            run_id = await _renewed(platform, str(refused.problem["run_id"]))
        else:
            return await platform.get("matching", f"/runs/{run_id}")


async def _renewed(platform: Platform, run_id: str) -> str:
    async def found() -> Json | None:
        return await proposed(platform, run_id)

    return str((await until("the proposal that was renewed", found))["id"])
