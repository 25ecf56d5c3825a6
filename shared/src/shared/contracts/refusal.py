from typing import ClassVar, Literal


class Refusal(Exception):
    """The domain says no, by name. Subclass it once per reason; the name becomes the problem's type.

    ``kind`` tells a caller what to do: ``invalid`` correct the input, ``conflict`` look at the present state,
    ``not_found`` there is no such thing for you, ``forbidden`` somebody else may.
    """

    kind: ClassVar[Literal["invalid", "conflict", "not_found", "forbidden"]] = "conflict"

    def __init__(self, detail: str, *, field: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        """The input field at fault, as a dotted path, where one is."""


class Invalid(Refusal):
    """The input itself cannot be accepted."""

    kind = "invalid"


class NotFound(Refusal):
    """There is no such thing, or it belongs to somebody else (OWASP API1: the answer is the same)."""

    kind = "not_found"


class Forbidden(Refusal):
    """The acting principal lacks the role for this."""

    kind = "forbidden"
