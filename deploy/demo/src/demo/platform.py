"""The platform as a client sees it: four HTTP APIs, any of which may be restarting just now."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from copy import copy
from http import HTTPStatus
from typing import Any, TypeVar

import httpx2

T = TypeVar("T")
Json = dict[str, Any]

AT_ONCE = 16
"""So many requests are under way at the same time."""
PATIENCE_SECONDS = 120.0
"""For so long a service may be away before the player gives up."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0
TRANSIENT = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class Refused(Exception):
    """The platform answered with a problem that repeating the request does not cure."""

    def __init__(self, request: str, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{request}: {status} {problem.get('detail') or problem.get('title') or problem}")
        self.status = status
        self.problem = problem

    @property
    def name(self) -> str:
        """The last part of the problem's type."""
        return _name(self.problem)


class Unreachable(Exception):
    """A service did not come back in time."""


class NeverHappened(Exception):
    """What was waited for did not come about in time."""


class Platform:
    """Requests to the four services, repeated until they are answered.

    Every unsafe request carries an Idempotency-Key made of what it is about: repeating it changes nothing.
    """

    def __init__(
        self, http: httpx2.AsyncClient, urls: Mapping[str, str], *, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._http = http
        self.urls = dict(urls)
        self._patience = patience
        self.principal: dict[str, str] = {}
        """Headers that say who asks; none for the programme manager of a local stack."""
        self._run = secrets.token_hex(4)
        self._gate = asyncio.Semaphore(AT_ONCE)

    def asked_by(self, principal: Mapping[str, str]) -> "Platform":
        """The same platform, asked by somebody else."""
        other = copy(self)
        other.principal = dict(principal)
        return other

    def acting_as(self, person_ref: str) -> "Platform":
        """The same platform, asked by one of the people who take part; otherwise a programme manager asks."""
        participant = {"X-Telemachus-Subject": person_ref, "X-Telemachus-Roles": "participant"}
        return self.asked_by(self.principal | participant)

    async def get(self, service: str, path: str, **query: object) -> Json:
        """One representation, or one page. Raises: Refused, Unreachable."""
        return await self._ask("GET", service, path, query=query)

    async def every(self, service: str, path: str, **query: object) -> list[Json]:
        """All items of a list, page by page."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            page = await self.get(service, path, limit=200, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return items

    async def post(self, service: str, path: str, body: object = None, *, key: str, **query: object) -> Json:
        """Do something once, however often it is asked. ``key`` says what, uniquely within this play."""
        return await self._ask("POST", service, path, query=query, body=body, key=key)

    async def patch(self, service: str, path: str, body: object, *, key: str) -> Json:
        """Change something once."""
        return await self._ask("PATCH", service, path, query={}, body=body, key=key)

    async def outbox_pending(self) -> int:
        """Events that the services have written and not yet published."""
        requests = {name: self._http.build_request("GET", f"{url}/status") for name, url in self.urls.items()}
        answers = [await self._repeated(service, request) for service, request in requests.items()]
        return sum(answer.json()["outbox_pending"] for answer in answers)

    async def _ask(
        self,
        method: str,
        service: str,
        path: str,
        *,
        query: Mapping[str, object],
        body: object = None,
        key: str = "",
    ) -> Json:
        headers = self.principal | ({"Idempotency-Key": f"{self._run}-{key}"} if key else {})
        content: bytes | None = None
        if isinstance(body, bytes):
            content, headers["Content-Type"] = body, "text/csv"
        elif body is not None:
            content, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = self._http.build_request(
            method,
            f"{self.urls[service]}/v1{path}",
            params={name: str(value) for name, value in query.items() if value is not None},
            headers=headers,
            content=content,
        )
        return _body(request, await self._repeated(service, request))

    async def _repeated(self, service: str, request: httpx2.Request) -> httpx2.Response:
        given_up, pause = time.monotonic() + self._patience, FIRST_PAUSE_SECONDS
        while True:
            answer = await self._once(request)
            if isinstance(answer, httpx2.Response) and not _passes(answer):
                return answer
            if time.monotonic() > given_up:
                why = answer.status_code if isinstance(answer, httpx2.Response) else answer
                raise Unreachable(f"{service} at {request.url} did not answer for {self._patience:.0f} s: {why!r}")
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _once(self, request: httpx2.Request) -> httpx2.Response | httpx2.TransportError:
        async with self._gate:
            try:
                return await self._http.send(request)
            except httpx2.TransportError as fault:
                return fault


def _passes(answer: httpx2.Response) -> bool:
    """Whether the same request may well succeed in a moment."""
    if answer.status_code == HTTPStatus.CONFLICT:
        return _name(answer.json()) == "request-in-progress"
    return answer.status_code in TRANSIENT


def _name(problem: Mapping[str, Any]) -> str:
    return str(problem.get("type", "")).rsplit(":", maxsplit=1)[-1]


def _body(request: httpx2.Request, answer: httpx2.Response) -> Json:
    body: Any = answer.json() if answer.content else {}
    if answer.is_error:
        raise Refused(f"{request.method} {request.url}", answer.status_code, body)
    return dict(body)


@asynccontextmanager
async def connected(urls: Mapping[str, str]) -> AsyncIterator[Platform]:
    """The platform at these addresses, by service name."""
    limits = httpx2.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
    # a pool looks at all of its idle connections before each request: a pool for each service has few
    pools = {url: httpx2.AsyncHTTPTransport(limits=limits) for url in urls.values()}
    async with httpx2.AsyncClient(timeout=30, mounts=pools) as http:
        yield Platform(http, urls)


async def each(
    items: Iterable[T], do: Callable[[T], Awaitable[object]], *, done: Callable[[], object] = lambda: None
) -> None:
    """Do the same for all, some of them at once. The first failure ends it."""
    waiting = iter(items)

    async def work() -> None:
        for item in waiting:
            await do(item)
            done()

    try:
        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(work())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures


async def until(
    what: str,
    look: Callable[[], Awaitable[T | None]],
    *,
    within: float = PATIENCE_SECONDS,
    pause: float = 0.2,
) -> T:
    """Look again and again, less and less often, until there is something to see; ``None`` is nothing yet.

    Raises:
        NeverHappened: When the time is over. It says what was waited for.
    """
    given_up = time.monotonic() + within
    while True:
        seen = await look()
        if seen is not None:
            return seen
        if time.monotonic() > given_up:
            raise NeverHappened(f"waited {within:.0f} s in vain for: {what}")
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE_SECONDS, pause * 1.5)
