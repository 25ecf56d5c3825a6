from dataclasses import dataclass
from enum import StrEnum

from .refusal import Forbidden


class AccessRole(StrEnum):
    """What a principal may do."""

    PROGRAMME_MANAGER = "programme_manager"
    """Sets up programmes, imports people, runs matches, sees figures."""
    PROGRAMME_OFFICER = "programme_officer"
    """May read free-text feedback, in confidence."""
    PARTICIPANT = "participant"
    """Acts for themself: mentor or mentee."""
    OPERATOR = "operator"
    """Sees states and metrics, no people."""
    SERVICE = "service"
    """Another part of the platform, acting on an event."""


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who acts. Every use case takes one, and every query is bound to its tenant."""

    tenant: str
    subject: str
    """The ``person_ref`` of a person, or the name of a service or client."""
    roles: frozenset[AccessRole] = frozenset()

    @classmethod
    def service(cls, name: str, *, tenant: str) -> "Principal":
        """The platform itself, acting on an event it received."""
        return cls(tenant=tenant, subject=name, roles=frozenset({AccessRole.SERVICE}))

    def has(self, *roles: AccessRole) -> bool:
        """Whether the principal has one of these roles."""
        return not self.roles.isdisjoint(roles)

    def require(self, *roles: AccessRole) -> None:
        """Refuse unless the principal has one of these roles. Raises: Forbidden."""
        if not self.has(*roles):
            raise Forbidden(f"this needs one of the roles: {', '.join(sorted(roles))}")

    def acts_for(self, person_ref: str) -> bool:
        """Whether the principal is this person, or manages programmes for everybody."""
        return self.subject == person_ref or self.has(AccessRole.PROGRAMME_MANAGER)
