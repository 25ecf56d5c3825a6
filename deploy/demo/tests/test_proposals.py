import httpx2
import pytest
from demo.platform import Platform, Refused
from demo.proposals import approve, proposed

RENEWED = {"type": "urn:telemachus:problem:proposal-renewed", "detail": "look at run_2", "run_id": "run_2"}


def matching(**answers: httpx2.Response) -> tuple[Platform, list[str]]:
    """A service that answers by the last parts of the path; and what it was asked."""
    asked: list[str] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path.removeprefix("/v1/runs/").replace("/", "_")
        asked.append(f"{request.method} {path}")
        return answers[path]

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
    return Platform(http, {"matching": "http://matching.example"}, patience=5), asked


def a_run(name: str, status: str, renewed_by: str | None = None) -> httpx2.Response:
    return httpx2.Response(200, json={"id": name, "status": status, "renewed_by": renewed_by, "failure": "why"})


async def test_a_proposal_that_was_renewed_is_followed() -> None:
    platform, _ = matching(run_1=a_run("run_1", "superseded", "run_2"), run_2=a_run("run_2", "proposed"))
    found = await proposed(platform, "run_1")
    assert found is not None
    assert found["id"] == "run_2"


async def test_a_run_that_failed_is_not_waited_for() -> None:
    platform, _ = matching(run_1=a_run("run_1", "failed"), run_2=a_run("run_2", "running"))
    with pytest.raises(RuntimeError, match="why"):
        await proposed(platform, "run_1")
    assert await proposed(platform, "run_2") is None


async def test_what_stands_in_place_of_a_renewed_proposal_is_approved() -> None:
    platform, asked = matching(
        run_1_approve=httpx2.Response(409, json=RENEWED),
        run_2=a_run("run_2", "proposed"),
        run_2_approve=httpx2.Response(200, json={}),
    )
    assert (await approve(platform, "run_1", {}))["id"] == "run_2"
    assert asked == ["POST run_1_approve", "GET run_2", "POST run_2_approve", "GET run_2"]


async def test_any_other_refusal_stands() -> None:
    refused = httpx2.Response(409, json={"type": "urn:telemachus:problem:run-not-proposed", "detail": "no"})
    platform, _ = matching(run_1_approve=refused)
    with pytest.raises(Refused):
        await approve(platform, "run_1", {})
