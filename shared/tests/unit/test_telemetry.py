import json

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from shared.chassis.logging import configure, follow, follow_nothing, followed, get_logger
from shared.chassis.settings import ServiceSettings
from shared.chassis.telemetry import Traces, running

TRACE = "0af7651916cd43dd8448eb211c80319c"
ABOVE = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traces(exporter: InMemorySpanExporter) -> Traces:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traces(provider)


def test_a_span_belongs_to_what_it_is_told_and_what_runs_inside_belongs_to_it(
    traces: Traces, exporter: InMemorySpanExporter
) -> None:
    with traces.span("process volunteered", "consumer", parent=ABOVE), traces.span("change pairing"):
        pass
    inner, outer = exporter.get_finished_spans()
    assert (outer.kind, inner.kind) == (SpanKind.CONSUMER, SpanKind.INTERNAL)
    assert outer.parent is not None
    assert f"{outer.parent.span_id:016x}" == ABOVE.split("-")[2]
    assert inner.parent is not None
    assert outer.context is not None
    assert inner.parent.span_id == outer.context.span_id
    assert f"{inner.parent.trace_id:032x}" == TRACE


def test_what_goes_out_carries_the_span_that_runs(traces: Traces) -> None:
    with traces.span("change pairing", parent=ABOVE):
        follow(correlation_id="corr", traceparent=running())
        assert followed() == ("corr", running())
        assert running() != ABOVE
    assert running() is None
    follow_nothing()


def test_a_failed_span_tells_the_class_of_the_error_and_not_what_it_says(
    traces: Traces, exporter: InMemorySpanExporter
) -> None:
    with pytest.raises(ValueError, match="Ada"), traces.span("change pairing"):
        raise ValueError("Ada Lovelace, E1")
    (span,) = exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes == {"error.type": "ValueError"}
    assert "Ada" not in span.to_json()


def test_a_traceparent_that_is_none_begins_a_new_trace(traces: Traces, exporter: InMemorySpanExporter) -> None:
    with traces.span("process volunteered", "consumer", parent="00-xyz"):
        pass
    (span,) = exporter.get_finished_spans()
    assert span.parent is None


def test_traces_are_off_unless_asked_for_and_then_nothing_runs() -> None:
    traces = Traces.of(ServiceSettings(service_name="matching"))
    with traces.span("change pairing", parent=ABOVE) as span:
        span.rename("another name")
        span.note(http__route="/v1/pairings")
        span.fail("500")
        assert running() is None
    traces.close()


def test_a_log_line_names_the_span_in_which_it_was_written(traces: Traces, capsys: pytest.CaptureFixture[str]) -> None:
    configure(ServiceSettings(service_name="matching"))
    with traces.span("a background job"):
        span = running() or ""
        get_logger("test").warning("something")
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [line["trace_id"], line["span_id"]] == span.split("-")[1:3]


def test_spans_on_the_console_are_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    traces = Traces.of(ServiceSettings(service_name="matching", traces="console"))
    with traces.span("change pairing"):
        pass
    traces.close()
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["name"] == "change pairing"
    assert told["resource"]["attributes"]["service.name"] == "matching"
