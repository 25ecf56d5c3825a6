"""The calendar feed of a person: whoever knows its secret may read it, so the secret itself is never stored."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from shared.contracts import Event


@dataclass(frozen=True, kw_only=True)
class Feed:
    """A person's feed; a new secret replaces the old one."""

    id: str
    tenant: str
    version: int
    person_ref: str
    secret_hash: str
    created_at: datetime


def feed_id(tenant: str, person_ref: str) -> str:
    """One feed per person; people of two tenants never share one, even under equal references."""
    return f"feed_{uuid5(NAMESPACE_URL, f'telemachus:{tenant}:feed:{person_ref}').hex}"


def hashed(secret: str) -> str:
    """What is stored. The secret has 256 random bits, so a plain hash cannot be guessed backwards."""
    return hashlib.sha256(secret.encode()).hexdigest()


def opened(feed: Feed | None, *, tenant: str, person_ref: str, secret: str, now: datetime) -> tuple[Feed, list[Event]]:
    """A feed with this secret; the one before stops to work."""
    return Feed(
        id=feed_id(tenant, person_ref),
        tenant=tenant,
        version=1 if feed is None else feed.version + 1,
        person_ref=person_ref,
        secret_hash=hashed(secret),
        created_at=now,
    ), []
