from dataclasses import dataclass
from typing import Generic, TypeVar

from .event import Event, UtcDatetime
from .principal import Principal

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What travels around an event: the CloudEvents 1.0 context attributes, decoded."""

    event_id: str
    """``<aggregate>.<n>``: the n-th event of its aggregate. Stable when it is sent again."""
    source: str
    """URI reference of the emitting service."""
    type: str
    """Reverse-DNS event type with its major version."""
    time: UtcDatetime
    subject: str | None = None
    """The aggregate."""
    dataschema: str | None = None
    partition_key: str | None = None
    sequence: str | None = None
    tenant: str = "default"
    correlation_id: str | None = None
    """Follows one stimulus through every service."""
    traceparent: str | None = None
    """W3C trace context."""


@dataclass(frozen=True)
class Delivery(Generic[E_co]):
    """An event as a consumer gets it: at least once, in order per key, in no order across topics."""

    event: E_co
    envelope: Envelope

    @property
    def inbox_id(self) -> str:
        """Unique over all sources: CloudEvents makes ``source`` + ``id`` unique."""
        return f"{self.envelope.source}#{self.envelope.event_id}"

    def principal(self, service: str) -> Principal:
        """The principal under which ``service`` acts on this event."""
        return Principal.service(service, tenant=self.envelope.tenant)
