"""Documents as they were last seen or written here: a guess that saves a reading before a compare-and-set.

Nothing is ever decided by a guess alone. A write made on it carries the version that was guessed, so it succeeds
only when the guess was right; and whoever wants to refuse, or to do nothing, reads first.
"""

from collections import OrderedDict

from .mongo import Document, packed, unpacked

KEPT = 1000
"""Documents per collection and process."""
LARGEST = 64 * 1024
"""Bytes. Larger documents are read again instead."""


class Recent:
    """The newest documents of one collection that this process knows of, each at some version that was stored."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._documents: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, document: Document) -> None:
        """Remember a document that was read with, or written to, a majority. Of its outbox only the length."""
        content = packed({**document, "outbox": [{}] * len(document.get("outbox", ()))})
        self.forget(document["_id"])
        if len(content) > LARGEST:
            return
        self._documents[document["_id"]] = content
        if len(self._documents) > self._kept:
            self._documents.popitem(last=False)

    def guess(self, id: str) -> Document | None:
        """The document as it probably still is."""
        content = self._documents.get(id)
        return None if content is None else unpacked(content)

    def forget(self, id: str) -> None:
        """The guess was wrong, or the outcome of a write is unknown."""
        self._documents.pop(id, None)
