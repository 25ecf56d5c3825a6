"""``Idempotency-Key``: the same unsafe request sent again gets the stored answer (blueprint of the HTTP conventions).

The stored answer is a convenience of the edge. That the *effect* happens once is the aggregate's own business: it
remembers the key in the document it changes, so a crash between effect and stored answer is harmless.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .clock import Clock
from .failpoints import Failpoint, reach
from .gathering import Gathered
from .http import UNSAFE_METHODS
from .mongo import Collection, DatabaseUnavailable, Document
from .problems import RETRY_AFTER_SECONDS, problem_response

Change = tuple[Document, Document]

LEASE = timedelta(seconds=10)
KEPT = timedelta(days=7)
MAX_STORED_ANSWER = 1024 * 1024
MAX_KEY = 200
REPLAYED = "idempotent-replayed"


async def ensure_indexes(answers: Collection) -> None:
    """Old answers go away by themselves; correctness does not depend on it."""
    await answers.ensure_index([("at", 1)], expire_after_seconds=int(KEPT.total_seconds()))


class IdempotentRequests:
    """ASGI middleware in front of every route. Only successful answers are stored: a refusal had no effect."""

    def __init__(self, app: ASGIApp, *, answers: Collection, clock: Clock) -> None:
        self._app = app
        self._answers = answers
        self._clock = clock
        # both may wait for company: they happen for every unsafe request, and cost the database as much as its effect
        self._begun = Gathered(answers.insert_all)
        self._done = Gathered(self._store_all)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        key = Headers(scope=scope).get("idempotency-key") if scope["type"] == "http" else None
        if key is None or scope["method"] not in UNSAFE_METHODS:
            await self._app(scope, receive, send)
            return
        if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
            response: Response = problem_response(
                422,
                "invalid-input",
                f"Idempotency-Key: 1 to {MAX_KEY} printable ASCII characters",
                field="Idempotency-Key",
            )
            await response(scope, receive, send)
            return
        try:
            await self._once(scope, receive, send, _identity(scope, key))
        except DatabaseUnavailable:
            response = problem_response(
                503,
                "database-unavailable",
                "the service cannot do this right now; nothing is lost, try again",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
            await response(scope, receive, send)

    async def _once(self, scope: Scope, receive: Receive, send: Send, identity: str) -> None:
        stored = await self._begin(identity)
        if stored is not None:
            await (await self._replay(stored, receive))(scope, receive, send)
            return
        reach(Failpoint.REQUEST_BEGUN)
        body = _HashedBody(receive)
        answer = _Answer()

        async def recording(message: Message) -> None:
            answer.take(message)
            if answer.worth_storing:
                # before the last byte leaves: a client that saw the answer can rely on its replay
                reach(Failpoint.REQUEST_DONE)
                with contextlib.suppress(DatabaseUnavailable):  # the aggregate remembers the key itself
                    await self._store(identity, answer, await body.digest())
                    reach(Failpoint.REQUEST_STORED)
            await send(message)

        renewal = asyncio.create_task(self._renew(identity))
        try:
            await self._app(scope, body.receive, recording)
        finally:
            renewal.cancel()
            if not answer.worth_storing:
                with contextlib.suppress(DatabaseUnavailable):  # the lease ends by itself
                    await self._answers.delete_one({"_id": identity, "state": "running"})

    async def _begin(self, identity: str) -> dict[str, Any] | None:
        """None when this request may run; else what is stored about the same key."""
        now = self._clock.now()
        if await self._begun({"_id": identity, "state": "running", "until": now + LEASE, "at": now}):
            return None
        taken_over = await self._answers.update_one(
            {"_id": identity, "state": "running", "until": {"$lte": now}}, {"$set": {"until": now + LEASE}}
        )
        return None if taken_over else await self._answers.find_one({"_id": identity}) or {"state": "running"}

    async def _renew(self, identity: str) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with contextlib.suppress(DatabaseUnavailable):
                await self._answers.update_one(
                    {"_id": identity, "state": "running"}, {"$set": {"until": self._clock.now() + LEASE}}
                )

    async def _store_all(self, changes: Sequence[Change]) -> list[None]:
        await self._answers.bulk_update(changes, upsert=True)
        return [None] * len(changes)

    async def _store(self, identity: str, answer: "_Answer", digest: str) -> None:
        done = {
            "state": "done",
            "status": answer.status,
            "type": answer.content_type,
            "body": bytes(answer.body),
            "digest": digest,
        }
        # `at` once written stays: its index is not touched again
        await self._done(({"_id": identity}, {"$set": done, "$setOnInsert": {"at": self._clock.now()}}))

    async def _replay(self, stored: dict[str, Any], receive: Receive) -> Response:
        if stored["state"] == "running":
            return problem_response(
                409,
                "request-in-progress",
                "a request with this Idempotency-Key is being worked on",
                headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
            )
        if await _HashedBody(receive).digest() != stored["digest"]:
            return problem_response(
                422,
                "idempotency-key-reused",
                "this Idempotency-Key was used with another body",
                field="Idempotency-Key",
            )
        return Response(stored["body"], stored["status"], headers={REPLAYED: "true"}, media_type=stored["type"])


class _HashedBody:
    """The request's body on its way through, without keeping it."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._hash = hashlib.sha256()
        self._more = True

    async def receive(self) -> Message:
        message = await self._receive()
        self._hash.update(message.get("body", b""))
        self._more = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def digest(self) -> str:
        """Of the whole body: what the application left unread is read now."""
        while self._more:
            await self.receive()
        return self._hash.hexdigest()


class _Answer:
    """What the application sends, as far as it can be stored."""

    def __init__(self) -> None:
        self.status = 500
        self.content_type = "application/json"
        self.body = bytearray()
        self.complete = False
        self.may_be_stored = True  # an answer with a secret in it says no-store

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = Headers(raw=message["headers"])
            self.content_type = headers.get("content-type", self.content_type)
            self.may_be_stored = "no-store" not in headers.get("cache-control", "")
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)

    @property
    def worth_storing(self) -> bool:
        return self.may_be_stored and self.complete and 200 <= self.status < 300 and len(self.body) <= MAX_STORED_ANSWER  # noqa: PLR2004


def _identity(scope: Scope, key: str) -> str:
    """Who, what and which key; a hash, since a key may be long and a subject personal."""
    headers = Headers(scope=scope)
    parts = (
        headers.get("x-telemachus-tenant", ""),
        headers.get("x-telemachus-subject", ""),
        scope["method"],
        scope["path"],
        scope.get("query_string", b"").decode("latin-1"),
        key,
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
