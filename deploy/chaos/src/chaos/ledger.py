"""What the platform has acknowledged, on disk: one line of JSON for each command, written when its answer arrived.

The checker reads the file and nothing else of the driver's.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

ACKNOWLEDGED, UNKNOWN, REFUSED = "acknowledged", "unknown", "refused"


@dataclass(frozen=True)
class Owed:
    """An event that must follow from a command: so many times, or at least so often."""

    event: str
    """Its name, such as ``session_completed``."""
    subject: str
    """The aggregate it tells of."""
    exactly: bool = True
    """False where the platform may emit the same by itself."""


class Ledger:
    """The file, and running counts of what is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.outcomes: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        """Acknowledged commands by what they asked for."""
        self.refusals: Counter[str] = Counter()
        """By the problem's name."""
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("w", buffering=1, encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def note(self, outcome: str, *, kind: str, key: str, tries: int, owes: Sequence[Owed] = (), why: str = "") -> None:
        """Write down how a command ended. ``unknown``: it was never answered, and may have happened or not."""
        self.outcomes[outcome] += 1
        if outcome == ACKNOWLEDGED:
            self.kinds[kind] += 1
        if outcome == REFUSED:
            self.refusals[why] += 1
        line: Mapping[str, object] = {
            "outcome": outcome,
            "kind": kind,
            "key": key,
            "tries": tries,
            "owes": [[one.event, one.subject, one.exactly] for one in owes],
            **({"why": why} if why else {}),
        }
        assert self._file is not None, "the ledger is closed"
        self._file.write(json.dumps(line) + "\n")
