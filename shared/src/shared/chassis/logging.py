"""One JSON object per log line, with what ties the lines of one stimulus together."""

import logging
import random
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from typing import Any

import structlog

from .settings import ServiceSettings
from .telemetry import running

_TRACEPARENT_PARTS = 4
_NOTHING: Mapping[str, str] = {}
# one variable: structlog's own are one for each name, and emptying them looks at every variable of the task
_followed: ContextVar[Mapping[str, str]] = ContextVar("followed", default=_NOTHING)


def configure(settings: ServiceSettings) -> None:
    """Send structlog and the standard library's loggers through one formatter to standard output."""
    shared_steps: list[Any] = [
        _name_what_is_followed,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _name_the_span,
        _name_the_service(settings.service_name),
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared_steps,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for chatty in ("aiokafka", "faststream", "pymongo", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for own in ("uvicorn", "uvicorn.error"):
        logging.getLogger(own).handlers[:] = []
    structlog.configure(
        processors=[*shared_steps, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _name_the_service(service: str) -> Any:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _name_what_is_followed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name, value in _followed.get().items():
        event.setdefault(name, value)
    return event


def _name_the_span(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Where traces are on: the line belongs to this span. Work that no stimulus set off has its trace from it, too."""
    if span := running():
        _, trace_id, event["span_id"], _ = span.split("-")
        event.setdefault("trace_id", trace_id)
    return event


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger of the standard shape."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def follow(*, correlation_id: str | None, traceparent: str | None, **more: str) -> None:
    """Bind what this task works for; log lines and outgoing events carry it from here on."""
    trace_id = trace_id_of(traceparent) or _new_id(128)
    _followed.set({"correlation_id": correlation_id or _new_id(128), "trace_id": trace_id, **more})


def follow_nothing() -> None:
    """What this task worked for is over."""
    _followed.set(_NOTHING)


def followed() -> tuple[str | None, str | None]:
    """Correlation id and W3C ``traceparent`` for what this task sends out.

    With traces on it is that of the span that is running; else a span that nobody records, of the same trace.
    """
    bound = _followed.get()
    if span := running():
        return bound.get("correlation_id"), span
    trace_id = bound.get("trace_id")
    traceparent = f"00-{trace_id}-{_new_id(64)}-01" if trace_id else None
    return bound.get("correlation_id"), traceparent


def _new_id(bits: int) -> str:
    """A name for logs and traces, which nobody needs to guess: the system's randomness would cost a call each time."""
    return f"{random.getrandbits(bits):0{bits // 4}x}"


def trace_id_of(traceparent: str | None) -> str | None:
    """The trace id inside a W3C ``traceparent``, or None when it is none."""
    parts = (traceparent or "").split("-")
    hex_digits = 32
    if len(parts) != _TRACEPARENT_PARTS or len(parts[1]) != hex_digits or not parts[1].isalnum():
        return None
    return parts[1].lower()
