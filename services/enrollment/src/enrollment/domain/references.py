"""Opaque references: what leaves this service says that two things are the same, and nothing else."""

import hmac
import unicodedata
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID, uuid4, uuid5

_HEX_DIGITS = 24  # 96 bits: no accidental clash among millions of units, and short enough for a message key
_VOLUNTEERS = UUID("2f0f7c1e-2b5a-4b0c-9a55-0d9f6b1d8f21")
_COMMANDS = UUID("6c9e3c0a-54a1-4f0e-8d39-6fb0c6a4e7b7")


@dataclass(frozen=True)
class References:
    """Turns names of units, sites and places in the hierarchy into references that only this service can relate.

    A keyed digest: without the key nobody can try out unit names, and a new key makes every old reference useless.
    """

    key: bytes = field(repr=False)

    def unit(self, tenant: str, name: str | None) -> str | None:
        """The reference of an organisational unit."""
        return self._of("unit", tenant, name)

    def site(self, tenant: str, name: str | None) -> str | None:
        """The reference of a place of work."""
        return self._of("site", tenant, name)

    def line(self, tenant: str, person_ref: str) -> str:
        """The reference of a person's place in the hierarchy."""
        return f"line_{self._digest('line', tenant, person_ref)}"

    def _of(self, kind: str, tenant: str, name: str | None) -> str | None:
        if name is None:
            return None
        # Two spellings of a unit that differ by case or spacing only are one unit.
        same = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
        return f"{kind}_{self._digest(kind, tenant, same)}"

    def _digest(self, kind: str, tenant: str, value: str) -> str:
        message = f"{kind}\x00{tenant}\x00{value}".encode()
        return hmac.new(self.key, message, sha256).hexdigest()[:_HEX_DIGITS]


def new_person_ref() -> str:
    """A random reference: nothing about the person can be derived from it."""
    return f"per_{uuid4().hex}"


def volunteer_id(tenant: str, programme_id: str, person_ref: str, role: str) -> str:
    """One volunteer per programme, person and role: repeating the request names the same document."""
    return f"vol_{uuid5(_VOLUNTEERS, f'{tenant}/{programme_id}/{person_ref}/{role}').hex}"


def command_id(prefix: str, tenant: str, key: str | None) -> str:
    """The identifier of what a command creates: the same for a repeated key, random without one."""
    unique = uuid4() if key is None else uuid5(_COMMANDS, f"{prefix}/{tenant}/{key}")
    return f"{prefix}_{unique.hex}"
