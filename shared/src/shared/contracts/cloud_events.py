"""CloudEvents 1.0 over Kafka: how an event becomes a record, and how any record becomes an event or a reason.

Source: CloudEvents 1.0.2, Kafka protocol binding. Binary mode goes out; binary and structured mode are accepted.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .envelope import Delivery, Envelope
from .event import Event, UtcDatetime

SPEC_VERSION = "1.0"
TYPE_PREFIX = "io.telemachus.mentoring."
"""Reverse-DNS start of every event type."""
SOURCE_PREFIX = "/mentoring/"
MAX_VALUE_BYTES = 512 * 1024
"""Values above this are refused unread."""

_STRUCTURED = "application/cloudevents"
_CONFLUENT_MAGIC = b"\x00"
_CONFLUENT_PREFIX_BYTES = 5
_TIME: TypeAdapter[datetime] = TypeAdapter(UtcDatetime)

Headers = Sequence[tuple[str, bytes | None]]


class Undecodable(Exception):
    """A record that no version of this software can apply. ``reason`` is stable: dashboards key on it."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def event_type(event: Event | type[Event]) -> str:
    """The CloudEvents ``type``, with the major version."""
    return f"{TYPE_PREFIX}{event.name}.v{event.major}"


def data_schema(event: Event | type[Event]) -> str:
    """The CloudEvents ``dataschema``: names the schema file and its minor version."""
    return f"urn:telemachus:event:{event.name}:{event.major}.{event.minor}"


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The record headers of binary mode. ``traceparent`` stands unprefixed, where trace propagators look for it."""
    attributes = {
        "content-type": "application/json",
        "ce_specversion": SPEC_VERSION,
        "ce_id": envelope.event_id,
        "ce_source": envelope.source,
        "ce_type": envelope.type,
        "ce_time": envelope.time.isoformat().replace("+00:00", "Z"),
        "ce_subject": envelope.subject,
        "ce_dataschema": envelope.dataschema,
        "ce_partitionkey": envelope.partition_key,
        "ce_sequence": envelope.sequence,
        "ce_tenant": envelope.tenant,
        "ce_correlationid": envelope.correlation_id,
        "traceparent": envelope.traceparent,
    }
    return [(name, value.encode()) for name, value in attributes.items() if value is not None]


def from_record(value: bytes | None, headers: Headers, known: Mapping[str, type[Event]]) -> Delivery[Event]:
    """Read a record in binary or structured mode, with or without a schema registry's prefix.

    Args:
        value: The record's value.
        headers: The record's headers; null and non-UTF-8 values are tolerated.
        known: The event classes that the reader understands, by CloudEvents type.

    Raises:
        Undecodable: With the reason, for every record that cannot be applied.
    """
    if not value:
        raise Undecodable("tombstone", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise Undecodable("oversized", f"the value has {len(value)} bytes, more than {MAX_VALUE_BYTES}")
    plain = {name.lower(): _text(raw) for name, raw in headers}
    if plain.get("content-type", "").startswith(_STRUCTURED):
        attributes, data = _structured(value)
    else:
        attributes = {name.removeprefix("ce_"): text for name, text in plain.items() if name.startswith("ce_")}
        data = _without_registry_prefix(value)
    envelope = _envelope(attributes, traceparent=plain.get("traceparent"))
    return Delivery(event=_event(data, envelope.type, known), envelope=envelope)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", errors="replace")


def _without_registry_prefix(value: bytes) -> bytes:
    """Drop the magic byte and schema id that registry-aware producers put before JSON."""
    return value[_CONFLUENT_PREFIX_BYTES:] if value[:1] == _CONFLUENT_MAGIC else value


def _structured(value: bytes) -> tuple[dict[str, str], bytes]:
    try:
        whole = json.loads(_without_registry_prefix(value))
    except (ValueError, RecursionError) as error:
        raise Undecodable("invalid_json", f"structured mode: {type(error).__name__}") from error
    if not isinstance(whole, dict) or "data" not in whole:
        raise Undecodable("not_a_cloud_event", "structured mode needs an object with data")
    attributes = {name: str(part) for name, part in whole.items() if isinstance(part, str | int | bool)}
    return attributes, json.dumps(whole["data"]).encode()


def _envelope(attributes: Mapping[str, str], *, traceparent: str | None) -> Envelope:
    if attributes.get("specversion") != SPEC_VERSION:
        raise Undecodable("not_a_cloud_event", "specversion is missing or not 1.0")
    missing = [name for name in ("id", "source", "type") if not attributes.get(name)]
    if missing:
        raise Undecodable("not_a_cloud_event", f"missing attributes: {', '.join(missing)}")
    try:
        time = _TIME.validate_python(attributes.get("time"))
    except ValidationError as error:
        raise Undecodable("not_a_cloud_event", "time is missing or not RFC 3339 with an offset") from error
    return Envelope(
        event_id=attributes["id"],
        source=attributes["source"],
        type=attributes["type"],
        time=time,
        subject=attributes.get("subject"),
        dataschema=attributes.get("dataschema"),
        partition_key=attributes.get("partitionkey"),
        sequence=attributes.get("sequence"),
        tenant=attributes.get("tenant", "default"),
        correlation_id=attributes.get("correlationid"),
        traceparent=traceparent or attributes.get("traceparent"),
    )


def _event(data: bytes, type_: str, known: Mapping[str, type[Event]]) -> Event:
    event_class = known.get(type_)
    if event_class is None:
        family = {name.rpartition(".v")[0] for name in known}
        reason = "unknown_version" if type_.rpartition(".v")[0] in family else "unknown_type"
        raise Undecodable(reason, f"no reader for the type {type_[:200]!r}")
    try:
        return event_class.model_validate_json(data, strict=True)
    except ValidationError as error:
        fields = "; ".join(_field(problem) for problem in error.errors(include_input=False, include_url=False)[:5])
        reason = "invalid_json" if error.errors(include_input=False)[0]["type"] == "json_invalid" else "schema"
        raise Undecodable(reason, fields) from error


def _field(problem: Any) -> str:
    """Say what is wrong and where, without the value: it may be personal data."""
    where = ".".join(str(part)[:64] for part in problem["loc"]) or "value"
    return f"{where}: {problem['msg']}"
