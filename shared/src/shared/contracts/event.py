"""The base of every event, and the small value types that events share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

MAX_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exact (RFC 8259, section 6)."""


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999 in UTC") from error


UtcDatetime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in time, always carried in UTC (RFC 3339 on the wire)."""

Ref = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,95}$")]
"""An opaque reference: says that two things are the same, and nothing else."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.:-]{0,63}$")]
"""A coarse code from a published catalogue: a skill, a goal, an objective, an interest."""

LanguageTag = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
"""A BCP 47 language, such as ``fr`` or ``pt-BR``."""

TimeZoneName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{1,63}$")]
"""An IANA time zone name. Services check at their border that the zone exists."""

AggregateVersion = Annotated[int, Field(ge=1, le=MAX_INTEGER)]


class TolerantEnum(StrEnum):
    """Codes that may gain members in a minor version: a reader takes a new one as ``unknown``.

    Writers never emit ``unknown``; subclasses must define ``UNKNOWN = "unknown"``.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls("unknown") if isinstance(value, str) and value != "unknown" else None


class Part(BaseModel):
    """A value inside an event. Frozen; readers ignore fields of newer minor versions."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Part):
    """Something that happened to one aggregate, told with the aggregate's full public state.

    The transport envelope (identifier, correlation, trace) is :class:`~shared.contracts.envelope.Envelope`:
    an event's identifier is given when it is written to the outbox, in the same write as the state it tells of.
    """

    name: ClassVar[str]
    """Past-tense name; with the major version it gives the topic and the CloudEvents type."""
    major: ClassVar[int] = 1
    """A breaking change is a new major version on a new topic beside the old one."""
    minor: ClassVar[int] = 0
    """An added optional field is a new minor version on the same topic."""
    emitter: ClassVar[str]
    """The one service that emits this event."""
    aggregate_field: ClassVar[str]
    """The field that names the aggregate the event tells of."""
    key_field: ClassVar[str]
    """The field used as the Kafka key: events with the same key stay in order."""
    personal_data: ClassVar[tuple[str, ...]] = ()
    """Fields that are pseudonymous personal data while the identity map exists (EDPB 01/2025)."""

    version: AggregateVersion
    """The aggregate's version after this change; a reader keeps the newest it has seen."""
    occurred_at: UtcDatetime

    @property
    def aggregate_id(self) -> str:
        """The aggregate that this event tells of."""
        return str(getattr(self, self.aggregate_field))

    @property
    def key(self) -> str:
        """The Kafka key (and CloudEvents ``partitionkey``)."""
        return str(getattr(self, self.key_field))


def all_event_classes(base: type[Event] = Event) -> Iterator[type[Event]]:
    """Every concrete event class that has been imported."""
    for cls in base.__subclasses__():
        if "name" in cls.__dict__:
            yield cls
        yield from all_event_classes(cls)
