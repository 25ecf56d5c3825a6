"""Refusals and faults as RFC 9457 problem documents: named, with the field at fault, without a stack trace."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from shared.contracts import Refusal

from .aggregates import WriteConflict
from .logging import get_logger
from .mongo import DatabaseUnavailable
from .outbox import OutboxFull
from .reservations import TooManyClaimants

log = get_logger(__name__)

TYPE_PREFIX = "urn:telemachus:problem:"
STATUS = {"invalid": 422, "conflict": 409, "not_found": 404, "forbidden": 403}
KINDS = {413: "body-too-large"}
RETRY_AFTER_SECONDS = 2
MAX_ERRORS = 50


DESCRIBED = {
    400: "The body is no JSON.",
    401: "No principal, and the profile lets nobody in without one.",
    403: "The principal may not do this.",
    404: "There is no such thing, or it is somebody else's.",
    409: "The present state forbids it, or the same Idempotency-Key is being worked on.",
    413: "The body has more bytes than the route takes.",
    422: "A field is not valid; `field` names it.",
    503: "Not possible right now; nothing is lost. Try again after `Retry-After` seconds.",
}
_SCHEMA: dict[str, Any] = {
    "title": "Problem",
    "description": "RFC 9457. `type` is stable and for programs to compare; `field` names what is at fault.",
    "type": "object",
    "properties": {
        "type": {"type": "string", "pattern": f"^{TYPE_PREFIX}[a-z0-9-]+$"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "errors": {
            "type": "array",
            "maxItems": MAX_ERRORS,
            "items": {
                "type": "object",
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                "required": ["field", "message"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in DESCRIBED.items()
}
"""For the OpenAPI document: what every route may answer beside its own. Needs :func:`describe`."""


class Problem(Exception):
    """An answer that is not about the domain: a header missing, a body too large."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        field: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.field = field


def problem_response(
    status: int,
    kind: str,
    detail: str,
    *,
    field: str | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> JSONResponse:
    """Build the document."""
    body: dict[str, Any] = {
        "type": f"{TYPE_PREFIX}{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": _printable(detail),
    }
    if field:
        body["field"] = _printable(field)
    if errors:
        body["errors"] = [dict(error) for error in errors]
    body |= extra or {}
    return JSONResponse(body, status, dict(headers or {}), media_type="application/problem+json")


def register(app: FastAPI) -> None:
    """Answer every exception with a problem document."""
    app.add_exception_handler(Refusal, _refusal)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for unavailable in (DatabaseUnavailable, OutboxFull, WriteConflict, TooManyClaimants):
        app.add_exception_handler(unavailable, _unavailable)
    app.add_exception_handler(Exception, _fault)


def describe(app: FastAPI) -> None:
    """Let the OpenAPI document hold the schema to which :data:`RESPONSES` refer."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {}).setdefault("schemas", {}).setdefault("Problem", _SCHEMA)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's documented way to extend the document


def name_of(refusal: type[Refusal]) -> str:
    """``AlreadyWithdrawn`` becomes ``already-withdrawn``: stable, for programs to compare."""
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in refusal.__name__).lstrip("-")


async def _refusal(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    extra = getattr(error, "extra", None)
    return problem_response(STATUS[error.kind], name_of(type(error)), error.detail, field=error.field, extra=extra)


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error.status, error.kind, error.detail, headers=error.headers, field=error.field)


async def _validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"field": _printable(_path(problem["loc"])), "message": _printable(str(problem["msg"]))}
        for problem in error.errors()[:MAX_ERRORS]
    ]
    malformed = any(problem["type"] == "json_invalid" for problem in error.errors())
    status, kind = (400, "malformed-json") if malformed else (422, "invalid-input")
    first = errors[0] if errors else {"field": "", "message": "the input is not valid"}
    return problem_response(status, kind, f"{first['field']}: {first['message']}", field=first["field"], errors=errors)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
    kind = KINDS.get(error.status_code, HTTPStatus(error.status_code).phrase.lower().replace(" ", "-"))
    field = "body" if error.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else None
    return problem_response(error.status_code, kind, str(error.detail), field=field, headers=headers)


def _methods(request: Request) -> set[str]:
    """What the path takes in all; the router itself names those of the first route only."""
    fitting = (
        route
        for route in iter_route_contexts(request.app.routes)
        if route.path and compile_path(route.path)[0].match(request.scope["path"])
    )
    return {method for route in fitting for method in route.methods or ()}


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.warning("request postponed", error=type(error).__name__)
    kind = name_of(type(error))  # type: ignore[arg-type] # any exception class has a name
    return problem_response(
        503,
        kind,
        "the service cannot do this right now; nothing is lost, try again",
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


async def _fault(_request: Request, error: Exception) -> JSONResponse:
    log.error("request failed", error=type(error).__name__, exc_info=error)
    return problem_response(500, "internal-error", "an unexpected error; it has been logged")


def _path(parts: Sequence[Any]) -> str:
    """``("body", "skills_wanted", 0, "level")`` becomes ``skills_wanted.0.level``."""
    shown = parts[1:] if parts and parts[0] in {"body", "query", "path", "header"} and len(parts) > 1 else parts
    return ".".join(str(part)[:100] for part in shown)


def _printable(text: str) -> str:
    """Lone surrogates cannot be written as UTF-8."""
    return text.encode("utf-8", errors="replace").decode()[:1000]
