"""Spans on real back-ends: what belongs to what, also when something is sent twice or ends as a dead letter."""

from collections.abc import AsyncIterator, Sequence

import httpx2
import pytest
from aiokafka import AIOKafkaProducer
from harness import Harness, read
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from samples import counted
from shared.chassis.aggregates import Cause
from shared.chassis.settings import ServiceSettings
from shared.chassis.telemetry import Traces
from shared.contracts import Delivery, GoalReached, Principal
from shared.testing.waiting import eventually

pytestmark = pytest.mark.integration

OURS = Cause(principal=Principal.service("test", tenant="default"))
FOREIGN = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
async def traced(settings: ServiceSettings, exporter: InMemorySpanExporter) -> AsyncIterator[Harness]:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    harness = Harness(settings, traces=Traces(provider))
    async with harness.running():
        yield harness
        await harness.chassis.mongo.drop()


async def finished(exporter: InMemorySpanExporter, *names: str) -> list[ReadableSpan]:
    """Wait for as many spans as names are given, and give them in that order."""

    def found() -> list[ReadableSpan]:
        left = sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
        chosen: list[ReadableSpan] = []
        for name in names:
            chosen += [span for span in left if span.name == name and span not in chosen][:1]
        return chosen

    await eventually(lambda: len(found()), equals=len(names))
    return found()


def traceparent(span: ReadableSpan) -> str:
    assert span.context is not None
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


def above(span: ReadableSpan) -> str:
    assert span.parent is not None, f"{span.name} begins a trace of its own"
    return f"00-{span.parent.trace_id:032x}-{span.parent.span_id:016x}-{span.parent.trace_flags:02x}"


async def test_an_event_leads_from_its_write_to_its_send_and_to_its_effect(
    traced: Harness, exporter: InMemorySpanExporter
) -> None:
    await traced.samples.change("a", OURS, counted)
    write, send, process, effect = await finished(
        exporter, "change sample", "send goal_reached", "process goal_reached", "change sample"
    )
    assert above(send) == above(process) == traceparent(write)
    assert above(effect) == traceparent(process)
    (record,) = await read(traced.settings.kafka_bootstrap, traced.source_topic, 1)
    assert dict(record.headers)["traceparent"].decode() == traceparent(write)


async def test_an_event_that_is_sent_twice_has_one_parent(
    traced: Harness, exporter: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender, sent = traced.chassis.sender, []
    really_send = sender.send

    async def lose_the_first_answer(
        topic: str, *, key: str, value: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> None:
        await really_send(topic, key=key, value=value, headers=headers)
        sent.append(dict(headers)["traceparent"].decode())
        if len(sent) == 1:
            raise ConnectionError("stored, but the answer was lost")

    monkeypatch.setattr(sender, "send", lose_the_first_answer)
    await traced.samples.change("a", OURS, counted)
    write, *rest = await finished(
        exporter,
        "change sample",
        *["send goal_reached"] * 2,
        *["process goal_reached"] * 2,
    )
    assert [above(span) for span in rest] == [traceparent(write)] * 4
    assert sent == [traceparent(write)] * 2
    assert [(span.attributes or {})["telemachus.again"] for span in rest[:2]] == [False, True]
    assert not rest[0].status.is_ok
    assert await traced.counted() == 1


async def test_a_dead_letter_belongs_to_what_its_event_came_from(
    traced: Harness, exporter: InMemorySpanExporter, producer: AIOKafkaProducer
) -> None:
    headers = [("traceparent", FOREIGN.encode())]
    await producer.send_and_wait(traced.source_topic, b"{", key=b"k", headers=headers)
    (letter,) = await finished(exporter, "dead letter")
    assert above(letter) == FOREIGN
    assert (letter.attributes or {})["telemachus.reason"] == "not_a_cloud_event"


async def test_every_try_of_a_handler_is_a_span_and_a_failed_one_says_of_what_kind(
    traced: Harness, exporter: InMemorySpanExporter
) -> None:
    tries: list[str] = []

    async def fail_once(delivery: Delivery[GoalReached]) -> None:
        tries.append(delivery.envelope.event_id)
        if len(tries) == 1:
            raise ValueError("Ada Lovelace")

    traced.handler = fail_once
    await traced.samples.change("a", OURS, lambda _: counted(None))
    first, second = await finished(exporter, *["process goal_reached"] * 2)
    assert above(first) == above(second)
    assert (first.attributes or {})["error.type"] == "ValueError"
    assert "Ada" not in first.to_json()
    assert second.status.is_ok or second.status.is_unset


async def test_a_request_stays_in_the_trace_of_its_caller_and_probes_are_left_out(
    traced: Harness, exporter: InMemorySpanExporter
) -> None:
    assert traced.app is not None
    transport = httpx2.ASGITransport(app=traced.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/livez")
        await client.get("/metrics")
        await client.get("/v1/nothing", headers={"traceparent": FOREIGN})
    (span,) = exporter.get_finished_spans()
    assert (span.name, above(span)) == ("GET unmatched", FOREIGN)
    assert (span.attributes or {})["http.response.status_code"] == 404
