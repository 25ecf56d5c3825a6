"""What one service reads from and writes to the bus, as an AsyncAPI 3.0 document.

Written from the published schemas and examples rather than from the broker's subscriptions: the result is the same on
every machine, names the CloudEvents headers, and says nothing of any deployment but its topic names.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from shared.contracts import Event
from shared.contracts.cloud_events import SOURCE_PREFIX, SPEC_VERSION, event_type

from .topics import TopicNames

Json = dict[str, Any]

BINDING = "0.5.0"
_NOT_IN_A_COMPONENT = frozenset({"$schema", "$id", "$defs"})


def asyncapi_document(
    *,
    service: str,
    title: str,
    description: str,
    topics: TopicNames,
    reads: Mapping[type[Event], str],
    emits: Sequence[type[Event]],
) -> Json:
    """Describe a service's events.

    Args:
        service: The service's name.
        title: Its name as people read it.
        description: One sentence on what it decides.
        topics: The names of topics and groups.
        reads: The events subscribed to, with what the service does about each.
        emits: The events published.
    """
    events = sorted({*reads, *emits}, key=lambda event: event.name)
    channels = {event.name: _channel(topics.event(event), event.name) for event in events}
    operations = {f"send_{event.name}": _send(event) for event in sorted(emits, key=lambda event: event.name)}
    for event in sorted(reads, key=lambda event: event.name):
        group = topics.group(service, event.name)
        operations[f"receive_{event.name}"] = _receive(event.name, group, reads[event])
    messages = {event.name: _message(event) for event in events}
    if reads:
        channels["dead_letters"] = _channel(topics.dead_letter(service), "dead_letter")
        channels["redriven"] = _channel(topics.retry(service), "dead_letter")
        operations["send_dead_letter"] = _operation("send", "dead_letters", "dead_letter", _DEAD_LETTERS)
        operations["receive_redriven"] = _receive("redriven", topics.group(service, "retry"), _REDRIVEN, "dead_letter")
        messages["dead_letter"] = _DEAD_LETTER
    schemas: Json = {"cloud_event_headers": _HEADERS}
    for event in events:
        schemas |= _schemas(event)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": title,
            "version": "1",
            "description": description,
            "license": {"name": "Apache 2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


_DEAD_LETTERS = "Put aside what cannot be applied, bytes and headers unchanged, with the reason beside them."
_REDRIVEN = "Apply dead letters again after a repair. Only this service reads them."
_DEAD_LETTER: Json = {
    "name": "dead_letter",
    "title": "dead_letter",
    "summary": "A record of any kind, as it was, with headers that say why it was put aside.",
    "headers": {
        "type": "object",
        "properties": {
            name: {"type": "string"}
            for name in (
                "dlq-reason",
                "dlq-error-class",
                "dlq-error-message",
                "dlq-original-topic",
                "dlq-original-partition",
                "dlq-original-offset",
                "dlq-original-timestamp",
                "dlq-group",
                "dlq-attempts",
                "dlq-first-failed-at",
                "dlq-service-version",
                "dlq-redrives",
            )
        },
    },
    "payload": {"description": "The record's value, unchanged."},
}
_HEADERS: Json = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka protocol binding, binary mode.",
    "properties": {
        "content-type": {"type": "string", "const": "application/json"},
        "ce_specversion": {"type": "string", "const": SPEC_VERSION},
        "ce_id": {"type": "string", "description": "The n-th event of its aggregate; the same when sent again."},
        "ce_source": {"type": "string", "description": f"{SOURCE_PREFIX}<service>; unique together with ce_id."},
        "ce_type": {"type": "string", "description": "Reverse-DNS name with the major version."},
        "ce_time": {"type": "string", "format": "date-time"},
        "ce_subject": {"type": "string", "description": "The aggregate."},
        "ce_dataschema": {"type": "string", "description": "Names the schema and its minor version."},
        "ce_partitionkey": {"type": "string", "description": "The record's key."},
        "ce_sequence": {"type": "string", "description": "Sorts the events of one aggregate."},
        "ce_tenant": {"type": "string"},
        "ce_correlationid": {"type": "string", "description": "Follows one stimulus through every service."},
        "traceparent": {"type": "string", "description": "W3C trace context."},
    },
    "required": ["content-type", "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time"],
}


def _channel(address: str, message: str) -> Json:
    return {
        "address": address,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": {"topic": address, "bindingVersion": BINDING}},
    }


def _operation(action: str, channel: str, message: str, summary: str) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _send(event: type[Event]) -> Json:
    return _operation("send", event.name, event.name, _first_line(event))


def _receive(channel: str, group: str, summary: str, message: str | None = None) -> Json:
    bindings = {"kafka": {"groupId": {"type": "string", "const": group}, "bindingVersion": BINDING}}
    return {**_operation("receive", channel, message or channel, summary), "bindings": bindings}


def _message(event: type[Event]) -> Json:
    return {
        "name": event_type(event),
        "title": event.name,
        "summary": _first_line(event),
        "contentType": "application/json",
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "headers": {"$ref": "#/components/schemas/cloud_event_headers"},
        "payload": {"$ref": f"#/components/schemas/{event.name}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": event.key_field}, "bindingVersion": BINDING}},
        "examples": [
            {"name": f"{event.name}_{number}", "headers": example["headers"], "payload": example["value"]}
            for number, example in enumerate(_published("examples", event), start=1)
        ],
    }


def _schemas(event: type[Event]) -> Json:
    """The event's schema and its parts, side by side, as AsyncAPI wants them."""
    whole = _published("schemas", event)
    parts = {name: _pointing_at_components(part) for name, part in whole.get("$defs", {}).items()}
    body = {name: _pointing_at_components(part) for name, part in whole.items() if name not in _NOT_IN_A_COMPONENT}
    return {event.name: body, **parts}


def _pointing_at_components(part: Any) -> Any:
    match part:
        case {"$ref": str(reference), **others}:
            return {**others, "$ref": reference.replace("#/$defs/", "#/components/schemas/")}
        case dict():
            return {name: _pointing_at_components(value) for name, value in part.items()}
        case list():
            return [_pointing_at_components(value) for value in part]
        case _:
            return part


def _published(folder: str, event: type[Event]) -> Any:
    path = files("shared.contracts") / folder / f"{event.name}.v{event.major}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def _first_line(event: type[Event]) -> str:
    return (event.__doc__ or event.name).strip().splitlines()[0]
