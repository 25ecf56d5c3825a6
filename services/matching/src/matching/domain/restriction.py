"""What a manager settles before a run: two people who must be paired, or who must never be."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from .candidate import Candidate, Programme
from .refusals import LockedPair, NoPlaceLeft, RuleForbidsPair, WrongRole
from .rules import Charter, HardRule, History, broken_rules


class RestrictionKind(StrEnum):
    """A lock holds two people together in the next run; an exclusion keeps them apart for good."""

    LOCK = "lock"
    EXCLUSION = "exclusion"


@dataclass(frozen=True, kw_only=True)
class Restriction:
    """A lock or an exclusion of one mentor and one mentee."""

    id: str
    tenant: str
    version: int
    programme_id: str
    kind: RestrictionKind
    mentor_volunteer_id: str
    mentee_volunteer_id: str
    removed: bool = False

    @property
    def pair(self) -> tuple[str, str]:
        """The two, the mentor first."""
        return self.mentor_volunteer_id, self.mentee_volunteer_id


def restriction_id(kind: RestrictionKind, programme_id: str, mentor_id: str, mentee_id: str) -> str:
    """The same two have one lock and one exclusion at most, so setting one again finds the first."""
    digest = hashlib.sha256(f"{programme_id}\0{mentor_id}\0{mentee_id}".encode()).hexdigest()
    return f"{kind}_{digest[:26]}"


def restrict(
    present: Restriction | None, kind: RestrictionKind, programme: Programme, mentor: Candidate, mentee: Candidate
) -> Restriction:
    """Set a lock or an exclusion; one that stands already stays as it is."""
    if present is not None:
        return replace(present, removed=False, version=present.version + 1) if present.removed else present
    return Restriction(
        id=restriction_id(kind, programme.id, mentor.id, mentee.id),
        tenant=programme.tenant,
        version=1,
        programme_id=programme.id,
        kind=kind,
        mentor_volunteer_id=mentor.id,
        mentee_volunteer_id=mentee.id,
    )


def lift_restriction(restriction: Restriction) -> Restriction:
    """Take a lock or an exclusion back; the document stays, as the trace of a decision."""
    if restriction.removed:
        return restriction
    return replace(restriction, removed=True, version=restriction.version + 1)


def check_roles(mentor: Candidate, mentee: Candidate) -> None:
    """Refuse two people named the wrong way round. Raises: WrongRole."""
    for person, role, field in (
        (mentor, "mentor", "mentor_volunteer_id"),
        (mentee, "mentee", "mentee_volunteer_id"),
    ):
        if person.role != role:
            raise WrongRole(f"{person.id} is not a {role}", field=field)


def check_lock(
    mentor: Candidate,
    mentee: Candidate,
    *,
    charter: Charter,
    history: History,
    locks: Iterable[Restriction],
    places: dict[str, int],
) -> None:
    """Refuse a lock that no run could keep. ``places``: free places by volunteer.

    Raises: RuleForbidsPair, NoPlaceLeft.
    """
    broken = broken_rules(mentor, mentee, charter, history)
    if broken:
        rules = ", ".join(broken)
        raise RuleForbidsPair(f"the programme's rules forbid this pair: {rules}", field=_field_of(broken[0]))
    others = [lock.pair for lock in locks if lock.pair != (mentor.id, mentee.id)]
    for position, person, field in ((0, mentor, "mentor_volunteer_id"), (1, mentee, "mentee_volunteer_id")):
        taken = sum(pair[position] == person.id for pair in others)
        if taken >= places[person.id]:
            raise NoPlaceLeft(f"{person.id} has no place left: {taken} locked already", field=field)


def check_exclusion(mentor: Candidate, mentee: Candidate, locks: Iterable[Restriction]) -> None:
    """Refuse to exclude two people who are locked together. Raises: LockedPair."""
    if any(lock.pair == (mentor.id, mentee.id) for lock in locks):
        raise LockedPair("the two are locked together: remove the lock first")


def _field_of(rule: HardRule) -> str | None:
    return None if rule in {HardRule.NOT_READY, HardRule.EXCLUDED} else "mentee_volunteer_id"
