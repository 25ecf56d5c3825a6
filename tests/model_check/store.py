"""A document store as far as it can be trusted: a write to one document is atomic, a failover may undo it."""

from collections.abc import Callable
from typing import Any

Ticket = tuple[int, int]
"""Where a write stands: the epoch it was made in, and its place in the log."""


class Store:
    """Documents by key. Values are immutable, so handing one out is a read at one moment.

    Replicated, a write shows at once in ``docs`` and is ``durable`` once a majority has it, in log order; a
    failover keeps a random part of what was still on the way. Standalone, every write is durable at once.
    """

    __slots__ = ("_base", "_epoch", "_pending", "docs", "durable", "replicated")

    def __init__(self, *, replicated: bool) -> None:
        self.replicated = replicated
        self.docs: dict[str, Any] = {}
        self.durable: dict[str, Any] = {} if replicated else self.docs
        self._pending: list[tuple[str, Any]] = []
        self._base = 0
        self._epoch = 0

    def write(self, key: str, doc: Any) -> Ticket:
        """Apply a write on the primary. It is not acknowledged yet."""
        self.docs[key] = doc
        if not self.replicated:
            return (0, 0)
        self._pending.append((key, doc))
        return (self._epoch, self._base + len(self._pending))

    def acknowledged(self, ticket: Ticket) -> bool:
        """Wait for the majority. False: the outcome is unknown to the client."""
        epoch, place = ticket
        if epoch != self._epoch:
            return False
        if place > self._base:
            self._settle(place - self._base)
        return True

    def replicate(self) -> None:
        """Let the secondaries catch up."""
        if self._pending:
            self._settle(len(self._pending))

    def fail_over(self, random: Callable[[], float]) -> None:
        """Lose the primary: a prefix of what was on the way survives, and whoever waits gets an error."""
        if not self.replicated:
            return
        self._settle(int(random() * (len(self._pending) + 1)))
        self._pending.clear()
        self.docs = dict(self.durable)
        self._epoch += 1

    def _settle(self, count: int) -> None:
        for key, doc in self._pending[:count]:
            self.durable[key] = doc
        del self._pending[:count]
        self._base += count
