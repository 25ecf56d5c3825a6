"""A collector of spans as small as one can be: takes OTLP over HTTP, and remembers."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Seen:
    """One span, as it was exported."""

    service: str
    name: str
    trace: str
    id: str
    parent: str | None


class Collector:
    """Listens on loopback while it is used."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._seen: list[Seen] = []
        self._lock = threading.Lock()

    def take(self, body: bytes) -> None:
        """One export of one service."""
        request = ExportTraceServiceRequest.FromString(body)
        spans = [
            Seen(
                service=next(a.value.string_value for a in of.resource.attributes if a.key == "service.name"),
                name=span.name,
                trace=span.trace_id.hex(),
                id=span.span_id.hex(),
                parent=span.parent_span_id.hex() or None,
            )
            for of in request.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._seen += spans

    def trace(self, trace: str) -> list[Seen]:
        """The spans of one trace that have come so far."""
        with self._lock:
            return [span for span in self._seen if span.trace == trace]


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector = Collector(server.server_port)
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        try:
            yield collector
        finally:
            server.shutdown()
            serving.join()
