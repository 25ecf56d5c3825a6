"""Claims of one document on several others: how two people are booked without a transaction.

A holder (a pairing, a session) first writes itself as *proposed*; then claims each participant by compare-and-set;
then confirms itself, if it is still proposed. To abort, the holder is decided first and the claims are released
afterwards: the other way round, a slow confirmer double-books (shown by the model check in the tests).
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from .failpoints import Failpoint, reach
from .metrics import Metrics
from .mongo import Collection, Document, DuplicateKey

TRIES = 20


@dataclass(frozen=True, kw_only=True)
class Claim:
    """``holder`` claims a place on the participant ``on``, for an interval where time matters."""

    holder: str
    on: str
    start: datetime | None = None
    end: datetime | None = None


Fits = Callable[[Sequence[Claim], Claim], bool]
"""May this claim stand beside those? Pure: a capacity, or no overlap."""


class TooManyClaimants(Exception):
    """Other claimants won every try."""


class Reservations(Protocol):
    """The port through which use cases claim."""

    async def acquire(self, tenant: str, claims: Sequence[Claim], fits: Fits) -> Claim | None:
        """Claim every participant; None when all are held, else the first claim that does not fit.

        Claiming again for the same holder succeeds. Claims made before the one that did not fit stay: decide
        the abort on the holder's own document, then release.
        """
        ...

    async def release(self, tenant: str, holder: str, on: Sequence[str]) -> None:
        """Drop the holder's claims on these participants; harmless when there are none."""
        ...

    async def claims(self, tenant: str, on: str) -> tuple[Claim, ...]:
        """The claims on a participant."""
        ...


class MongoReservations:
    """The port on MongoDB: one document per participant, changed by compare-and-set on its version."""

    def __init__(self, collection: Collection, *, metrics: Metrics | None = None) -> None:
        self._collection = collection
        self._metrics = metrics

    async def acquire(self, tenant: str, claims: Sequence[Claim], fits: Fits) -> Claim | None:
        """See :meth:`Reservations.acquire`. One write per participant, however many claims there are on it.

        Raises: TooManyClaimants, DatabaseUnavailable.
        """
        for participant in dict.fromkeys(claim.on for claim in claims):
            wanted = [claim for claim in claims if claim.on == participant]
            reach(Failpoint.RESERVATION_BEFORE_CLAIM)
            refused = await self._claim(tenant, participant, wanted, fits)
            if refused is not None:
                return refused
            reach(Failpoint.RESERVATION_AFTER_CLAIM)
        return None

    async def release(self, tenant: str, holder: str, on: Sequence[str]) -> None:
        """See :meth:`Reservations.release`."""
        for participant in on:
            await self._collection.update_one(
                {"_id": {"$eq": _key(tenant, participant)}, "claims.holder": {"$eq": holder}},
                {"$pull": {"claims": {"holder": holder}}, "$inc": {"v": 1}},
            )
            reach(Failpoint.RESERVATION_AFTER_RELEASE)

    async def claims(self, tenant: str, on: str) -> tuple[Claim, ...]:
        """See :meth:`Reservations.claims`."""
        document = await self._collection.find_one({"_id": {"$eq": _key(tenant, on)}})
        return () if document is None else _claims(document)

    async def _claim(self, tenant: str, participant: str, wanted: Sequence[Claim], fits: Fits) -> Claim | None:
        """Write every claim up to the first that does not fit; that one, or None."""
        for attempt in range(TRIES):
            if attempt:
                if self._metrics:
                    self._metrics.cas_retries.inc()
                await asyncio.sleep(random.uniform(0, 0.005 * attempt))  # noqa: S311 - jitter
            document = await self._collection.find_one({"_id": {"$eq": _key(tenant, participant)}})
            fitting, refused = _fitting(wanted, () if document is None else _claims(document), fits)
            if not fitting or await self._write(tenant, participant, document, fitting):
                return refused
        raise TooManyClaimants(f"{participant}: {TRIES} claimants in a row were faster")

    async def _write(self, tenant: str, participant: str, document: Document | None, claims: Sequence[Claim]) -> bool:
        stored = [_stored(claim) for claim in claims]
        if document is None:
            first = {"_id": _key(tenant, participant), "tenant": tenant, "participant": participant, "v": 1}
            try:
                await self._collection.insert_one({**first, "claims": stored})
            except DuplicateKey:
                return False
            return True
        return await self._collection.update_one(
            {"_id": document["_id"], "v": document["v"]},
            {"$push": {"claims": {"$each": stored}}, "$inc": {"v": 1}},
        )


def _fitting(wanted: Sequence[Claim], held: Sequence[Claim], fits: Fits) -> tuple[list[Claim], Claim | None]:
    """The wanted claims that are not held yet, up to the first that does not fit; and that one, or None."""
    fitting: list[Claim] = []
    for claim in wanted:
        if claim in held:
            continue
        if not fits([other for other in (*held, *fitting) if other.holder != claim.holder], claim):
            return fitting, claim
        fitting.append(claim)
    return fitting, None


def _key(tenant: str, participant: str) -> str:
    return f"{tenant}/{participant}"


def _stored(claim: Claim) -> dict[str, Any]:
    return {name: value for name, value in asdict(claim).items() if value is not None}


def _claims(document: Document) -> tuple[Claim, ...]:
    return tuple(Claim(**claim) for claim in document.get("claims", ()))
