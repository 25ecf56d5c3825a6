from typing import ClassVar

from .event import Code, Event, Ref


class PersonErased(Event):
    """A person's identity was deleted; every reader scrubs this reference (B-12).

    Emitted by enrollment, keyed by person, read by all.
    """

    name: ClassVar[str] = "person_erased"
    emitter: ClassVar[str] = "enrollment"
    aggregate_field: ClassVar[str] = "person_ref"
    key_field: ClassVar[str] = "person_ref"
    personal_data: ClassVar[tuple[str, ...]] = ("person_ref",)

    person_ref: Ref


class ErasureApplied(Event):
    """A service has scrubbed what it held about an erased person (B-12).

    Emitted by every service but enrollment, keyed by person, read by enrollment.
    """

    name: ClassVar[str] = "erasure_applied"
    emitter: ClassVar[str] = "any"
    aggregate_field: ClassVar[str] = "person_ref"
    key_field: ClassVar[str] = "person_ref"
    personal_data: ClassVar[tuple[str, ...]] = ("person_ref",)

    person_ref: Ref
    service: Code
