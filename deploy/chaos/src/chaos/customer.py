"""A client of the platform as integrators write them: it repeats what was not answered, with the same key.

Whatever is acknowledged is noted in the ledger. Any replica of a service may be asked.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from itertools import count
from typing import Any, TypeVar

import httpx2

from .ledger import ACKNOWLEDGED, REFUSED, UNKNOWN, Ledger, Owed

T = TypeVar("T")
Json = dict[str, Any]

ANSWER_SECONDS = 15.0
PATIENCE_SECONDS = 150.0
"""For so long one command is repeated before the driver gives up and calls its outcome unknown."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
AGAIN = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


class Refused(Exception):
    """The platform says no, and repeating the request would not change that."""

    def __init__(self, what: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.tries = 1
        """How often it was asked for: an earlier try, never answered, may have had an effect."""
        self.problem = problem
        self.name = str(problem.get("type", "")).rsplit(":", maxsplit=1)[-1] or str(status)
        super().__init__(f"{what}: {status} {self.name}: {problem.get('detail')}")


class NoAnswer(Exception):
    """Nobody answered in all the time that a client has."""


class Customer:
    """One organisation's client.

    ``replicas`` gives the base addresses of a service that may be asked now; ``attempted`` is told the status (0: no
    answer) and the seconds of every single request.
    """

    def __init__(
        self,
        http: httpx2.AsyncClient,
        replicas: Callable[[str], Sequence[str]],
        ledger: Ledger,
        *,
        tenant: str,
        at_once: int,
        patience: float = PATIENCE_SECONDS,
        attempted: Callable[[int, float], object] = lambda _status, _seconds: None,
    ) -> None:
        self._http = http
        self._attempted = attempted
        self._replicas = replicas
        self._ledger = ledger
        self._tenant = tenant
        self._patience = patience
        self._gate = asyncio.Semaphore(at_once)
        self._turn = count()

    async def get(self, service: str, path: str, *, person: str = "", **query: object) -> Json:
        """One representation. Raises: Refused, NoAnswer."""
        answer, _ = await self._ask("GET", service, path, person=person, query=query)
        return answer

    async def every(self, service: str, path: str, **query: object) -> list[Json]:
        """All items of a list, page by page."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            asked = {**query, "limit": 200, "cursor": cursor}
            page, _ = await self._ask("GET", service, path, person="", query=asked)
            items += page["items"]
            if (cursor := page["next_cursor"]) is None:
                return items

    async def do(
        self,
        kind: str,
        service: str,
        path: str,
        body: object = None,
        *,
        key: str,
        person: str = "",
        method: str = "POST",
        owes: Sequence[Owed] | Callable[[Json], Sequence[Owed]] = (),
        **query: object,
    ) -> Json:
        """Have something done once, however often it is asked for, and note how it ended.

        Args:
            kind: What is asked for, for the counts.
            service: Whom to ask.
            path: Below ``/v1``.
            body: JSON, or the bytes of a CSV.
            key: Idempotency-Key, unlike any other of the run.
            person: The reference of who asks; a programme manager by default.
            method: HTTP's.
            owes: Which events must follow; may depend on the answer.
            **query: The query string.

        Raises: Refused, NoAnswer.
        """
        known = () if callable(owes) else owes
        try:
            answer, tries = await self._ask(method, service, path, person=person, query=query, body=body, key=key)
        except Refused as refused:
            perhaps = known if refused.tries > 1 else ()
            self._ledger.note(REFUSED, kind=kind, key=key, tries=refused.tries, owes=perhaps, why=refused.name)
            raise
        except NoAnswer:
            self._ledger.note(UNKNOWN, kind=kind, key=key, tries=0, owes=known)
            raise
        self._ledger.note(ACKNOWLEDGED, kind=kind, key=key, tries=tries, owes=owes(answer) if callable(owes) else owes)
        return answer

    async def _ask(
        self,
        method: str,
        service: str,
        path: str,
        *,
        person: str,
        query: Mapping[str, object],
        body: object = None,
        key: str = "",
    ) -> tuple[Json, int]:
        """The answer's body, and how often it had to be asked for."""
        headers = {"X-Telemachus-Tenant": self._tenant} | _principal(person)
        if key:
            headers["Idempotency-Key"] = key
        content: bytes | None = None
        if isinstance(body, bytes):
            content, headers["Content-Type"] = body, "text/csv"
        elif body is not None:
            content, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        given_up, pause = time.monotonic() + self._patience, FIRST_PAUSE
        for tries in count(1):
            answer = await self._once(method, service, path, query=query, headers=headers, content=content)
            if answer is not None and not _passes(answer):
                return _body(f"{method} {service}{path}", answer, tries), tries
            if time.monotonic() > given_up:
                raise NoAnswer(f"{method} {service}{path}: no answer for {self._patience:.0f} s")
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 2)
        raise AssertionError("counting never ends")

    async def _once(
        self,
        method: str,
        service: str,
        path: str,
        *,
        query: Mapping[str, object],
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> httpx2.Response | None:
        replicas = self._replicas(service)
        base = replicas[next(self._turn) % len(replicas)]
        params = {name: str(value) for name, value in query.items() if value is not None}
        async with self._gate:
            began = time.monotonic()
            try:
                answer = await self._http.request(
                    method, f"{base}/v1{path}", params=params, headers=dict(headers), content=content
                )
            except httpx2.TransportError:
                self._attempted(0, time.monotonic() - began)
                return None
            self._attempted(answer.status_code, time.monotonic() - began)
            return answer


def _principal(person: str) -> dict[str, str]:
    if person:
        return {"X-Telemachus-Subject": person, "X-Telemachus-Roles": "participant"}
    return {"X-Telemachus-Subject": "manager", "X-Telemachus-Roles": "programme_manager"}


def _passes(answer: httpx2.Response) -> bool:
    if answer.status_code == HTTPStatus.CONFLICT:
        return str(answer.json().get("type", "")).endswith("request-in-progress")
    return answer.status_code in AGAIN


def _body(what: str, answer: httpx2.Response, tries: int) -> Json:
    if answer.is_error:
        try:
            problem: Json = dict(answer.json())
        except ValueError:
            problem = {"detail": answer.text[:200]}
        refused = Refused(what, answer.status_code, problem)
        refused.tries = tries
        raise refused
    return dict(answer.json()) if answer.content else {}


async def until(
    look: Callable[[], Awaitable[T | None]], *, within: float = PATIENCE_SECONDS, pause: float = 0.2
) -> T | None:
    """What ``look`` sees in the end; None when it never saw anything."""
    given_up = time.monotonic() + within
    while (seen := await look()) is None and time.monotonic() < given_up:
        await asyncio.sleep(pause)
        pause = min(LONGEST_PAUSE, pause * 1.5)
    return seen
