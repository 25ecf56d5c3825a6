"""The ports in memory, for fast tests of use cases. One behaviour suite holds them to what MongoDB does."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from shared.chassis.aggregates import Cause, Decide, Page
from shared.chassis.documents import Scalar, State, StateCodec
from shared.chassis.reservations import Claim, Fits
from shared.contracts import Event, NotFound

S = TypeVar("S", bound=State)


class _InMemoryStates(Generic[S]):
    def __init__(self, state: type[S]) -> None:
        self._codec = StateCodec(state)
        self.states: dict[str, S] = {}

    async def find(self, tenant: str, id: str) -> S | None:
        state = self.states.get(id)
        return state if state is not None and state.tenant == tenant else None

    async def get(self, tenant: str, id: str) -> S:
        state = await self.find(tenant, id)
        if state is None:
            raise NotFound(f"there is no {self._codec.name} {id[:100]!r}")
        return state

    async def page(
        self,
        tenant: str,
        where: Mapping[str, Scalar] | None = None,
        *,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[S]:
        found = [state for state in self._matching(tenant, where) if cursor is None or state.id > cursor]
        items = tuple(found[:limit])
        return Page(items, items[-1].id if len(found) > limit else None)

    async def stream(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> AsyncIterator[S]:
        for state in self._matching(tenant, where):
            yield state

    async def count(self, tenant: str, where: Mapping[str, Scalar] | None = None) -> int:
        return len(self._matching(tenant, where))

    def _matching(self, tenant: str, where: Mapping[str, Scalar] | None) -> list[S]:
        return [
            state
            for id_, state in sorted(self.states.items())
            if state.tenant == tenant
            and all(
                _equals(self._document(id_, state), name.split("."), value) for name, value in (where or {}).items()
            )
        ]

    def _document(self, id_: str, state: S) -> dict[str, Any]:
        return {"_id": id_, **self._codec.encode(state)}


def _equals(document: Any, path: Sequence[str], value: Scalar) -> bool:
    """MongoDB's equality: a list matches when it holds the value, and a missing field equals null."""
    if isinstance(document, list):
        return any(_equals(part, path, value) for part in document)
    if not path:
        return bool(document == value)
    if not isinstance(document, dict):
        return value is None
    return _equals(document.get(path[0]), path[1:], value)


class InMemoryAggregates(_InMemoryStates[S]):
    """:class:`~shared.chassis.aggregates.Aggregates` in a dictionary; ``events`` holds what was published, in order."""

    def __init__(self, state: type[S]) -> None:
        super().__init__(state)
        self.events: list[Event] = []
        self._causes: set[tuple[str, str]] = set()

    async def change(self, id: str, cause: Cause, decide: Decide[S]) -> S:
        old = self.states.get(id)
        if old is not None and old.tenant != cause.tenant:
            raise NotFound(f"there is no {self._codec.name} {id[:100]!r}")
        remembered = (id, cause.event_id or cause.command_key)
        if old is not None and remembered in self._causes:
            return old
        new, events = decide(old)
        if new is old and not events:
            return new
        expected = 1 if old is None else old.version + 1
        wrong = [event.name for event in events if event.version != expected]
        if new.version != expected or wrong:
            raise ValueError(f"a change must make version {expected}: {new.id}, {wrong}")
        self.states[id] = self._codec.decode(
            {"_id": id, "tenant": cause.tenant, "v": new.version, **self._codec.encode(new)}
        )
        self._causes.add(remembered)
        self.events += events
        return self.states[id]


class InMemoryProjections(_InMemoryStates[S]):
    """:class:`~shared.chassis.projections.Projections` in a dictionary."""

    async def keep_newest(self, projection: S) -> bool:
        stored = self.states.get(projection.id)
        if stored is not None and stored.version >= projection.version:
            return False
        self.states[projection.id] = projection
        return True


@dataclass
class InMemoryReservations:
    """:class:`~shared.chassis.reservations.Reservations` in a dictionary."""

    held: dict[tuple[str, str], tuple[Claim, ...]] = field(default_factory=dict)

    async def acquire(self, tenant: str, claims: Sequence[Claim], fits: Fits) -> Claim | None:
        for claim in claims:
            key = (tenant, claim.on)
            held = self.held.get(key, ())
            if claim in held:
                continue
            if not fits([other for other in held if other.holder != claim.holder], claim):
                return claim
            self.held[key] = (*held, replace(claim))
        return None

    async def release(self, tenant: str, holder: str, on: Sequence[str]) -> None:
        for participant in on:
            key = (tenant, participant)
            self.held[key] = tuple(claim for claim in self.held.get(key, ()) if claim.holder != holder)

    async def claims(self, tenant: str, on: str) -> tuple[Claim, ...]:
        return self.held.get((tenant, on), ())
