"""What every HTTP interface shares: the acting principal, inbound models, pages, and the limits around a request."""

import time
import unicodedata
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, ClassVar, Generic, TypeVar

from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts import AccessRole, Principal

from .logging import follow
from .metrics import Metrics
from .problems import Problem, problem_response
from .settings import ServiceSettings
from .telemetry import Span, Traces, running

T = TypeVar("T")

DEFAULT_BODY_LIMIT = 64 * 1024
_NO_TRACES = Traces()
_ROLES = "|".join(sorted(role for role in AccessRole if role is not AccessRole.SERVICE))
API_PREFIX = "/v1"
UNSAFE_METHODS = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Body(BaseModel):
    """Base of every inbound model: no unknown field, no control character."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    multiline: ClassVar[frozenset[str]] = frozenset()
    """Fields in which line breaks and tabs are allowed."""

    @field_validator("*", mode="before")
    @classmethod
    def _no_control_characters(cls, value: object, info: ValidationInfo) -> object:
        allowed = "\n\r\t" if info.field_name in cls.multiline else ""
        if _has_control_characters(value, allowed):
            raise ValueError("control characters are not allowed")
        return value


def _has_control_characters(value: object, allowed: str) -> bool:
    if isinstance(value, str):
        return any(unicodedata.category(character) in {"Cc", "Cs"} and character not in allowed for character in value)
    if isinstance(value, list | tuple):
        return any(_has_control_characters(part, allowed) for part in value)
    return False


class PageOut(BaseModel, Generic[T]):
    """One page of a list; pass ``next_cursor`` as ``cursor`` to get the next."""

    items: list[T]
    next_cursor: str | None = None


Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str | None,
    Query(max_length=200, pattern=r"^[A-Za-z0-9_.:@-]+$", description="The previous page's next_cursor."),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key gives the stored answer and has no second effect.",
    ),
]


async def acting_principal(
    request: Request,
    tenant: Annotated[
        str,
        Header(alias="X-Telemachus-Tenant", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$", description="Organisation."),
    ] = "default",
    subject: Annotated[
        str | None,
        Header(
            alias="X-Telemachus-Subject",
            pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,95}$",
            description="Who acts: a person_ref or a client's name.",
        ),
    ] = None,
    roles: Annotated[
        str | None,
        Header(
            alias="X-Telemachus-Roles",
            max_length=200,
            description="Comma list of programme_manager, programme_officer, participant, operator.",
            json_schema_extra={"pattern": f"^(({_ROLES})(,({_ROLES}))*)?$"},
        ),
    ] = None,
) -> Principal:
    """The principal that the gateway in front of the service has authenticated.

    Raises:
        Problem: 401 without a principal in the cluster profile; 422 for an unknown role.
    """
    settings: ServiceSettings = request.app.state.settings
    if subject is None and roles is None:
        if not settings.anonymous_roles:
            raise Problem(
                401,
                "no-principal",
                "send X-Telemachus-Subject and X-Telemachus-Roles; the gateway sets them",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return Principal(tenant=tenant, subject="local", roles=settings.anonymous_roles)
    try:
        held = frozenset(AccessRole(role.strip()) for role in (roles or "").split(",") if role.strip())
    except ValueError as error:
        raise Problem(422, "unknown-role", str(error), field="X-Telemachus-Roles") from error
    if AccessRole.SERVICE in held:
        raise Problem(403, "forbidden", "the role service is for the platform itself", field="X-Telemachus-Roles")
    return Principal(tenant=tenant, subject=subject or "local", roles=held)


Acting = Annotated[Principal, Depends(acting_principal)]


class BodyTooLarge(HTTPException):
    """More bytes came than the route takes. An HTTPException, since FastAPI hides any other from the body's reader."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"the body may have at most {limit} bytes")


class RequestEdge:
    """The outermost layer: correlation, traces, metrics and the limit on bodies.

    The limit is enforced on the bytes that really arrive; ``Content-Length`` only refuses earlier.
    """

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, limits: Mapping[str, int], traces: Traces | None = None
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces or Traces()
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        traceparent = _plain(headers.get("traceparent"))
        ours = scope["path"].startswith(f"{API_PREFIX}/")  # probes are nobody's stimulus
        traces = self._traces if ours else _NO_TRACES
        with traces.span(scope["method"], "server", parent=traceparent) as span:
            follow(correlation_id=_plain(headers.get("x-correlation-id")), traceparent=running() or traceparent)
            await self._watched(scope, receive, send, headers, span)

    async def _watched(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str], span: Span
    ) -> None:
        limit = self._limits.get(scope["path"].rstrip("/"), DEFAULT_BODY_LIMIT)
        started = time.perf_counter()
        status = 500

        async def watching(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        declared = headers.get("content-length", "")
        try:
            if declared.isdigit() and int(declared[:12]) > limit:
                raise BodyTooLarge(limit)
            await self._app(scope, _limited(receive, limit), watching)
        except BodyTooLarge as error:
            response = problem_response(413, "body-too-large", error.detail, field="body")
            await response(scope, receive, watching)
        finally:
            route = _route(scope)
            self._metrics.requests.labels(scope["method"], route, str(status)).observe(time.perf_counter() - started)
            span.rename(f"{scope['method']} {route}")
            span.note(http__request__method=scope["method"], http__route=route, http__response__status_code=status)
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.fail(str(status))


def _route(scope: Scope) -> str:
    """The path of the route that answers; FastAPI tells it without the prefix under which its router hangs."""
    path: str | None = getattr(scope.get("route"), "path", None)
    if path is None:
        return "unmatched"
    return API_PREFIX + path if scope["path"].startswith(f"{API_PREFIX}/") else path


def _limited(receive: Receive, limit: int) -> Receive:
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit:
            raise BodyTooLarge(limit)
        return message

    return counting


def _plain(text: str | None) -> str | None:
    """A client's correlation id goes into logs and headers: keep it short and plain, or make a new one."""
    if text is None or not text.isascii() or not text.isprintable() or len(text) > 100:  # noqa: PLR2004
        return None
    return text
