"""What was wrong with a file, a row or a cell, told so that somebody can correct it."""

from dataclasses import dataclass

from shared.contracts import Invalid

_EXCERPT = 60
_UNDECODED = range(0xDC80, 0xDD00)
"""A byte that could not be decoded is kept as a lone surrogate (PEP 383)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fault. ``code`` is stable, for programs; ``message`` is for people."""

    line: int
    """The physical line in the file, counted from 1."""
    column: str | None
    """The column as the file calls it; ``None`` when the whole line is at fault."""
    value_excerpt: str
    code: str
    message: str


class UnusableFile(Invalid):
    """Nothing can be read from the file as a whole. No row of it is taken, whatever was asked."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__(findings[0].message, field="body")
        self.findings = findings


def excerpt(value: str) -> str:
    """The beginning of a value, safe to show: what cannot be printed is escaped."""
    shown = "".join(one if one.isprintable() else _escaped(ord(one)) for one in value[: _EXCERPT + 1])
    return shown if len(shown) <= _EXCERPT else shown[: _EXCERPT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _escaped(code: int) -> str:
    if code in _UNDECODED:
        code -= 0xDC00
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - two digits are enough up to here
