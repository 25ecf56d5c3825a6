"""Traces of OpenTelemetry: one from the request that began it all to the last effect in another service.

Off by default, and then each span costs one call: nothing of OpenTelemetry is even imported. What ties spans together
travels with the events in any case, as the W3C ``traceparent`` (:func:`shared.chassis.logging.followed`): an event
carries the span of the write that stored it, so an event that is sent twice has one parent.

No message of an exception is ever recorded, since it may quote what a person wrote: only its class.
"""

import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from uuid import uuid4

from .settings import ServiceSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

Kind = Literal["internal", "server", "producer", "consumer"]
Attributes = Mapping[str, str | int | bool]

CLOSING_SECONDS = 3.0
"""What a stopping service gives its last spans; a collector that does not answer holds nobody up for longer."""

_running: ContextVar[str | None] = ContextVar("traceparent_of_running_span", default=None)


def running() -> str | None:
    """The ``traceparent`` of the span that this task is in; None outside of any, and always when traces are off."""
    return _running.get()


def on_kafka(operation: Literal["send", "process"], topic: str) -> dict[str, str | int | bool]:
    """The attributes of a span about one record."""
    return {
        "messaging.system": "kafka",
        "messaging.operation.type": operation,
        "messaging.destination.name": topic,
    }


class Span:
    """What a piece of work may say about itself while it runs. This one tells nobody."""

    def note(self, **attributes: str | int | bool) -> None:
        """Add attributes; a double underscore stands for the dot in a name."""

    def rename(self, name: str) -> None:
        """The name was not known at the start."""

    def fail(self, kind: str) -> None:
        """It did not succeed; ``kind`` is a class of errors, never a message."""


_NOTHING = nullcontext(Span())


class Traces:
    """The spans of one service; off without a provider."""

    def __init__(self, provider: "TracerProvider | None" = None, *, exporter: Any = None) -> None:
        self._recorder = None if provider is None else _Recorder(provider)
        self._exporter = exporter

    @classmethod
    def of(cls, settings: ServiceSettings) -> Self:
        """As the setting ``TELEMACHUS_TRACES`` says.

        ``otlp`` is OTLP over HTTP. Where to, how often, and which share of traces is what the standard variables say:
        ``OTEL_EXPORTER_OTLP_ENDPOINT``, ``OTEL_BSP_*``, ``OTEL_TRACES_SAMPLER``, ``OTEL_RESOURCE_ATTRIBUTES``.
        """
        if settings.traces == "off":
            return cls()
        exporter = _exporter(settings)
        return cls(_provider(settings, exporter), exporter=exporter)

    def span(
        self,
        name: str,
        kind: Kind = "internal",
        *,
        parent: str | None = None,
        attributes: Attributes | None = None,
    ) -> AbstractContextManager[Span]:
        """Something that begins now and ends with the ``with`` block.

        Args:
            name: What is done, to what kind of thing; no ids.
            kind: Its side of a call or message.
            parent: The ``traceparent`` that it belongs to; by default the span that is running, else none.
            attributes: By the semantic conventions of OpenTelemetry where they have a name.
        """
        if self._recorder is None:
            return _NOTHING
        return self._recorder.start(name, kind, parent, attributes)

    def close(self) -> None:
        """Send what is left, within three seconds. Blocks: run it beside the event loop."""
        if self._recorder is None:
            return
        giving_up = threading.Timer(CLOSING_SECONDS, self._stop_exporter)
        giving_up.start()
        try:
            self._recorder.close()
        finally:
            giving_up.cancel()

    def _stop_exporter(self) -> None:
        if self._exporter is not None:
            self._exporter.shutdown()


class _Recorder:
    """The SDK of OpenTelemetry, which takes a second to import: only here and below."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.context import Context  # noqa: PLC0415
        from opentelemetry.trace import SpanKind  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

        self._provider = provider
        self._tracer = provider.get_tracer("telemachus")
        self._kinds = {kind: SpanKind[kind.upper()] for kind in ("internal", "server", "producer", "consumer")}
        self._nothing = Context()
        self._propagator = TraceContextTextMapPropagator()

    def start(self, name: str, kind: Kind, parent: str | None, attributes: Attributes | None) -> "_Recording":
        within = self._propagator.extract({"traceparent": parent or running() or ""}, self._nothing)
        return _Recording(self._tracer.start_span(name, context=within, kind=self._kinds[kind], attributes=attributes))

    def close(self) -> None:
        self._provider.shutdown()


class _Recording(Span):
    """A span of the SDK, running as long as its ``with`` block."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._before: Token[str | None] | None = None

    def __enter__(self) -> Self:
        context = self._inner.get_span_context()
        self._before = _running.set(f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.fail(kind.__name__)
        if self._before is not None:
            _running.reset(self._before)
        self._inner.end()

    def note(self, **attributes: str | int | bool) -> None:
        for name, value in attributes.items():
            self._inner.set_attribute(name.replace("__", "."), value)

    def rename(self, name: str) -> None:
        self._inner.update_name(name)

    def fail(self, kind: str) -> None:
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 - imported already; a look-up from here on

        self._inner.set_attribute("error.type", kind)
        self._inner.set_status(StatusCode.ERROR)


def _provider(settings: ServiceSettings, exporter: Any) -> "TracerProvider":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create(
        {
            "service.namespace": "telemachus",
            "service.name": settings.service_name,
            "service.instance.id": uuid4().hex,
        }
    )
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _exporter(settings: ServiceSettings) -> Any:
    if settings.traces == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter(out=sys.stdout, formatter=lambda span: span.to_json(indent=None) + "\n")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

    return OTLPSpanExporter()
