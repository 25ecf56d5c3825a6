"""Copies built from events: the newest version wins, whatever the order of arrival."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol, TypeVar

from .aggregates import Page, StoredStates
from .documents import Scalar, State
from .metrics import Metrics
from .mongo import Collection, DuplicateKey
from .telemetry import Traces

P = TypeVar("P", bound=State)


class Projections(Protocol[P]):
    """The port through which use cases keep and read copies."""

    async def keep_newest(self, projection: P) -> bool:
        """Store the copy unless the same or a newer version is there; whether it was stored."""
        ...

    async def find(self, tenant: str, id: str) -> P | None:
        """The copy, or None."""
        ...

    async def get(self, tenant: str, id: str) -> P:
        """The copy. Raises: NotFound."""
        ...

    async def page(
        self,
        tenant: str,
        where: Mapping[str, Scalar] | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[P]:
        """One page in the order of ids."""
        ...

    def stream(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> AsyncIterator[P]:
        """All of them, batch by batch."""
        ...

    async def count(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> int:
        """How many there are."""
        ...


class MongoProjections(StoredStates[P]):
    """The port on MongoDB: one atomic upsert per event."""

    def __init__(
        self,
        collection: Collection,
        state: type[P],
        *,
        metrics: Metrics | None = None,
        traces: Traces | None = None,
    ) -> None:
        super().__init__(collection, state)
        self._metrics = metrics
        self._traces = traces or Traces()

    async def keep_newest(self, projection: P) -> bool:
        """See :meth:`Projections.keep_newest`."""
        with self._traces.span(f"keep {self.codec.name}", attributes={"telemachus.id": projection.id}):
            kept = await self._keep_newest(projection)
        if not kept and self._metrics:
            self._metrics.unchanged.labels("version").inc()
        return kept

    async def _keep_newest(self, projection: P) -> bool:
        try:
            return await self.collection.update_one(
                {
                    "_id": {"$eq": projection.id},
                    "tenant": {"$eq": projection.tenant},
                    "v": {"$lt": projection.version},
                },
                {"$set": {**self.codec.encode(projection), "v": projection.version}},
                upsert=True,
            )
        except DuplicateKey:
            # The document exists but did not match: its version is the same or newer. Two first
            # inserts can also meet here; the loser looks again.
            stored = await self.collection.find_one(
                {"_id": {"$eq": projection.id}, "tenant": {"$eq": projection.tenant}}, fields=["v"]
            )
            if stored is None or stored["v"] >= projection.version:
                return False
            return await self._keep_newest(projection)
