import asyncio
import json
from collections.abc import Callable

import httpx2
import pytest
from demo.platform import NeverHappened, Platform, Refused, Unreachable, each, until

URLS = {"enrollment": "http://enrollment.example"}


def platform(*answers: "httpx2.Response | Exception", patience: float = 5.0) -> tuple[Platform, list[httpx2.Request]]:
    seen: list[httpx2.Request] = []
    waiting = list(answers)

    def handle(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(given, Exception):
            raise given
        return given

    http = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
    return Platform(http, URLS, patience=patience), seen


def problem(status: int, name: str) -> httpx2.Response:
    return httpx2.Response(status, json={"type": f"urn:problem:{name}", "detail": name})


async def test_a_service_that_is_restarting_is_asked_again_with_the_same_key() -> None:
    created = httpx2.Response(201, json={"id": "vol_1"})
    away = (
        httpx2.ConnectError("refused"),
        problem(503, "database-unavailable"),
        problem(409, "request-in-progress"),
    )
    asked, seen = platform(*away, created)
    body = {"role": "mentor"}
    assert await asked.post("enrollment", "/volunteers", body, key="volunteer-00020007") == {"id": "vol_1"}
    assert len(seen) == 4
    assert len({request.headers["Idempotency-Key"] for request in seen}) == 1
    assert all(json.loads(request.content) == body for request in seen)


async def test_a_refusal_is_not_repeated() -> None:
    asked, seen = platform(problem(409, "already-withdrawn"))
    with pytest.raises(Refused, match="already-withdrawn") as refused:
        await asked.post("enrollment", "/volunteers/vol_1/withdraw", {}, key="withdraw")
    assert (refused.value.status, refused.value.name, len(seen)) == (409, "already-withdrawn", 1)


async def test_two_plays_never_share_a_key() -> None:
    keys = set()
    for _ in range(2):
        asked, seen = platform(httpx2.Response(201, json={}))
        await asked.post("enrollment", "/programmes", {}, key="programme")
        keys.add(seen[0].headers["Idempotency-Key"])
    assert len(keys) == 2


async def test_a_service_that_stays_away_is_named() -> None:
    asked, _ = platform(httpx2.ConnectError("refused"), patience=0.1)
    with pytest.raises(Unreachable, match=r"enrollment at http://enrollment\.example/v1/people"):
        await asked.get("enrollment", "/people")


async def test_a_list_is_read_page_by_page() -> None:
    pages = [
        httpx2.Response(200, json={"items": [{"id": 1}], "next_cursor": "c1"}),
        httpx2.Response(200, json={"items": [{"id": 2}], "next_cursor": None}),
    ]
    asked, seen = platform(*pages)
    assert await asked.every("enrollment", "/people", unit=None, site="Lyon") == [{"id": 1}, {"id": 2}]
    assert [dict(request.url.params) for request in seen] == [
        {"limit": "200", "site": "Lyon"},
        {"limit": "200", "site": "Lyon", "cursor": "c1"},
    ]


async def test_a_file_is_sent_as_csv() -> None:
    asked, seen = platform(httpx2.Response(201, json={"rows": 1}))
    await asked.post("enrollment", "/people/imports", b"Matricule;Nom\r\n", key="import", on_error="skip")
    assert seen[0].headers["Content-Type"] == "text/csv"
    assert seen[0].url.params["on_error"] == "skip"


async def test_the_same_is_done_for_all_and_never_for_more_than_sixteen_at_once() -> None:
    under_way, most, done = 0, 0, []

    async def do(item: int) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        done.append(item)
        under_way -= 1

    ticks: list[None] = []
    await each(range(100), do, done=lambda: ticks.append(None))
    assert (sorted(done), len(ticks), most) == (list(range(100)), 100, 16)


async def test_the_first_failure_ends_the_work() -> None:
    async def fail(item: int) -> None:
        raise LookupError(str(item))

    with pytest.raises(LookupError, match="0"):
        await each(range(100), fail)


def looks(*seen: str | None) -> Callable[[], "asyncio.Future[str | None]"]:
    views = list(seen)

    def look() -> "asyncio.Future[str | None]":
        future: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        future.set_result(views.pop(0) if len(views) > 1 else views[0])
        return future

    return look


async def test_waiting_ends_when_there_is_something_to_see() -> None:
    assert await until("a plan", looks(None, None, "plan"), pause=0.001) == "plan"


async def test_waiting_in_vain_says_for_what() -> None:
    with pytest.raises(NeverHappened, match="waited 0 s in vain for: 497 plans"):
        await until("497 plans", looks(None), within=0.01, pause=0.001)
