"""Our codec against the CloudEvents project's own: neither may be alone in what it understands."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings import kafka as oracle
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from shared.contracts import EVENTS, Delivery, Envelope, Event, FeedbackSubmitted, PersonErased
from shared.contracts.cloud_events import Undecodable, event_type, from_record, to_headers
from shared.contracts.example_messages import example_events, example_messages

KNOWN = {event_type(event): event for event in EVENTS}
MESSAGES = [
    pytest.param(message, id=f"{event.name}-{number}")
    for event in EVENTS
    for number, message in enumerate(example_messages(event))
]
each_example = pytest.mark.parametrize("message", MESSAGES)

OF_THE_RECORD = {"specversion", "datacontenttype"}


def attributes_of(envelope: Envelope) -> dict[str, Any]:
    """What CloudEvents calls the fields of an envelope; the trace context is a header of its own."""
    named = {
        "id": envelope.event_id,
        "source": envelope.source,
        "type": envelope.type,
        "time": envelope.time,
        "subject": envelope.subject,
        "dataschema": envelope.dataschema,
        "partitionkey": envelope.partition_key,
        "sequence": envelope.sequence,
        "tenant": envelope.tenant,
        "correlationid": envelope.correlation_id,
    }
    return {name: value for name, value in named.items() if value is not None}


def written_by_us(envelope: Envelope, event: Event) -> oracle.KafkaMessage:
    return oracle.KafkaMessage(
        headers=dict(to_headers(envelope)),
        key=envelope.partition_key.encode() if envelope.partition_key else None,
        value=event.model_dump_json().encode(),
    )


def read_by_us(message: oracle.KafkaMessage) -> Delivery[Event]:
    return from_record(message.value, list(message.headers.items()), KNOWN)


def written_by_the_oracle(envelope: Envelope, event: Event) -> CloudEvent:
    attributes = attributes_of(envelope) | {"datacontenttype": "application/json"}
    if envelope.traceparent:
        attributes["traceparent"] = envelope.traceparent
    return CloudEvent(attributes, event.model_dump(mode="json"))


def delivery(message: dict[str, Any]) -> Delivery[Event]:
    headers = [(name, text.encode()) for name, text in message["headers"].items()]
    return from_record(json.dumps(message["value"]).encode(), headers, KNOWN)


@each_example
def test_the_oracle_reads_what_we_write_with_equal_attributes_and_data(message: dict[str, Any]) -> None:
    ours = delivery(message)
    theirs = oracle.from_kafka_event(written_by_us(ours.envelope, ours.event))
    attributes = {name: value for name, value in theirs.get_attributes().items() if name not in OF_THE_RECORD}
    assert attributes == attributes_of(ours.envelope)
    assert theirs.get_specversion() == "1.0"
    assert theirs.get_datacontenttype() == "application/json"
    assert theirs.get_data() == message["value"]


@each_example
@pytest.mark.parametrize("write", [oracle.to_binary_event, oracle.to_structured_event])
def test_we_read_what_the_oracle_writes_in_both_modes(message: dict[str, Any], write: Any) -> None:
    ours = delivery(message)
    again = read_by_us(write(written_by_the_oracle(ours.envelope, ours.event)))
    assert again == ours


@each_example
def test_both_write_the_same_headers_in_binary_mode(message: dict[str, Any]) -> None:
    ours = delivery(message)
    theirs = oracle.to_binary_event(written_by_the_oracle(ours.envelope, ours.event)).headers
    mine = dict(to_headers(ours.envelope))
    mine["ce_traceparent"] = mine.pop("traceparent")  # where trace propagators look for it
    assert mine == theirs


# CloudEvents attributes hold no control characters and no lone surrogates (specification 1.0.2, type system).
names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=40)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
envelopes = st.builds(
    Envelope,
    event_id=names,
    source=names,
    type=st.sampled_from(sorted(KNOWN)),
    time=moments,
    subject=st.none() | names,
    dataschema=st.none() | names,
    partition_key=st.none() | names,
    sequence=st.none() | names,
    tenant=names,
    correlation_id=st.none() | names,
    traceparent=st.none() | names,
)


@settings(max_examples=200, deadline=None)
@given(envelope=envelopes)
def test_any_envelope_survives_the_way_through_either_codec(envelope: Envelope) -> None:
    event = next(event for event in example_events() if event_type(event) == envelope.type)
    ours = Delivery(event=event, envelope=envelope)
    assert read_by_us(written_by_us(envelope, event)) == ours

    theirs = oracle.from_kafka_event(written_by_us(envelope, event))
    attributes = {name: value for name, value in theirs.get_attributes().items() if name not in OF_THE_RECORD}
    assert attributes == attributes_of(envelope)

    foreign = written_by_the_oracle(envelope, event)
    assert read_by_us(oracle.to_binary_event(foreign)) == ours
    assert read_by_us(oracle.to_structured_event(foreign)) == ours


@given(offset=st.integers(-14 * 60, 14 * 60))
def test_a_time_with_any_offset_is_read_as_the_same_moment_in_utc(offset: int) -> None:
    local = datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(minutes=offset)))
    event = example_events()[0]
    foreign = CloudEvent({"id": "p.1", "source": "/elsewhere", "type": event_type(event), "time": local}, None)
    message = oracle.to_binary_event(foreign)
    read = read_by_us(oracle.KafkaMessage(message.headers, None, event.model_dump_json().encode()))
    assert read.envelope.time == local
    assert read.envelope.time.tzinfo is UTC


@pytest.mark.parametrize("left_out", ["id", "source", "type", "specversion"])
def test_both_refuse_a_record_without_a_required_attribute(left_out: str) -> None:
    (message,) = example_messages(PersonErased)
    headers = {name: text.encode() for name, text in message["headers"].items() if name != f"ce_{left_out}"}
    record = oracle.KafkaMessage(headers, None, json.dumps(message["value"]).encode())
    with pytest.raises(Undecodable) as refusal:
        read_by_us(record)
    assert refusal.value.reason == "not_a_cloud_event"
    if left_out in {"source", "type"}:  # the oracle makes up the others
        with pytest.raises(Exception, match=left_out):
            oracle.from_kafka_event(record)


def test_the_inbox_id_tells_two_emitters_of_one_event_id_apart() -> None:
    (message,) = example_messages(FeedbackSubmitted)
    one = delivery(message)
    other = delivery({**message, "headers": message["headers"] | {"ce_source": "/mentoring/matching"}})
    assert one.envelope.event_id == other.envelope.event_id
    assert one.inbox_id != other.inbox_id
