"""The pool of a programme as one question to the engine."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from shared.contracts import Role

from ..domain.candidate import Candidate, Programme
from ..domain.pairing import PairingStatus
from ..domain.proposal import Problem
from ..domain.refusals import UnknownProgramme, UnknownVolunteer
from ..domain.restriction import Restriction, RestrictionKind
from ..domain.rules import Charter, History, MentorMentee
from .ports import Stores

HOLDING = frozenset({PairingStatus.PROPOSED, PairingStatus.ACTIVE})


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Everything about one pool that bears on who can be paired, read once."""

    people: dict[str, Candidate]
    """Everybody who has not withdrawn."""
    places: dict[str, int]
    """Free places of each of them."""
    paired: frozenset[str]
    paired_now: frozenset[tuple[str, str]]
    """Mentor and mentee, by volunteer, who are a pair at present."""
    history: History
    locks: tuple[Restriction, ...]

    def problem(self, charter: Charter, *, seed: int = 0) -> Problem:
        """The whole pool as a question."""
        everybody = self.people.values()
        return Problem(
            charter=charter,
            history=self.history,
            mentors=tuple(person for person in everybody if person.role is Role.MENTOR),
            mentees=tuple(person for person in everybody if person.role is Role.MENTEE),
            places=self.places,
            paired=self.paired,
            locked=frozenset(lock.pair for lock in self.locks) - self.paired_now,
            seed=seed,
        )


async def read_programme(stores: Stores, tenant: str, programme_id: str) -> Programme:
    """The programme's charter. Raises: UnknownProgramme."""
    programme = await stores.programmes.find(tenant, programme_id)
    if programme is None:
        raise UnknownProgramme(f"no programme {programme_id!r} was published")
    return programme


async def read_volunteer(stores: Stores, tenant: str, programme_id: str, volunteer_id: str, *, field: str) -> Candidate:
    """A volunteer of this programme. Raises: UnknownVolunteer."""
    person = await stores.candidates.find(tenant, volunteer_id)
    if person is None or person.programme_id != programme_id:
        raise UnknownVolunteer(f"no volunteer {volunteer_id!r} takes part in {programme_id}", field=field)
    return person


async def read_pool(stores: Stores, tenant: str, programme_id: str, *, without_run: str | None = None) -> Snapshot:
    """Read a pool. It may change while it is read: the claims decide when a pair is made, not this picture.

    ``without_run``: as if the pairings of this run had never been made.
    """
    of_programme = {"programme_id": programme_id}
    people = {
        person.id: person async for person in stores.candidates.stream(tenant, {**of_programme, "withdrawn": False})
    }
    restrictions = [
        restriction async for restriction in stores.restrictions.stream(tenant, {**of_programme, "removed": False})
    ]
    held: Counter[str] = Counter()
    previous, paired_now = set(), set()
    async for pairing in stores.pairings.stream(tenant, of_programme):
        if pairing.status is PairingStatus.ABORTED or (without_run and pairing.run_id == without_run):
            continue
        previous.add(pairing.people)
        if pairing.status in HOLDING:
            held.update(pairing.volunteers)
            paired_now.add(pairing.volunteers)
    return Snapshot(
        people=people,
        places={id_: max(person.capacity - held[id_], 0) for id_, person in people.items()},
        paired=frozenset(held),
        paired_now=frozenset(paired_now),
        history=History(
            previous=frozenset(previous),
            excluded=frozenset(
                restriction.pair for restriction in restrictions if restriction.kind is RestrictionKind.EXCLUSION
            ),
        ),
        locks=tuple(restriction for restriction in restrictions if restriction.kind is RestrictionKind.LOCK),
    )


async def read_partners(stores: Stores, person: Candidate, charter: Charter) -> Problem:
    """One person and whoever is free on the other side, as one question: all that the best partner depends on.

    It tells nothing of partners who are taken, so it cannot say why somebody is left out: :func:`read_pool` can.
    """
    tenant, programme_id = person.tenant, person.programme_id
    other = Role.MENTEE if person.role is Role.MENTOR else Role.MENTOR
    async with asyncio.TaskGroup() as group:
        everybody = group.create_task(stores.ready.of_role(tenant, programme_id, other))
        holding = group.create_task(stores.backlog.places_taken(tenant, programme_id))
        previous = group.create_task(_previous(stores, person))
        excluded = group.create_task(_excluded(stores, person))
    taken = holding.result()
    free = {
        partner.id: partner.capacity - taken.get(partner.id, 0)
        for partner in everybody.result()
        if taken.get(partner.id, 0) < partner.capacity
    }
    alone, others = (person,), tuple(partner for partner in everybody.result() if partner.id in free)
    return Problem(
        charter=charter,
        history=History(previous=previous.result(), excluded=excluded.result()),
        mentors=alone if person.role is Role.MENTOR else others,
        mentees=alone if person.role is Role.MENTEE else others,
        places={**free, person.id: min(max(person.capacity - taken.get(person.id, 0), 0), 1)},
    )


async def _previous(stores: Stores, person: Candidate) -> frozenset[MentorMentee]:
    """By person, whatever their role was."""
    where = {"programme_id": person.programme_id, "people": person.person_ref}
    pairings = stores.pairings.stream(person.tenant, where)
    return frozenset([pairing.people async for pairing in pairings if pairing.status is not PairingStatus.ABORTED])


async def _excluded(stores: Stores, person: Candidate) -> frozenset[MentorMentee]:
    where: dict[str, str | int | bool | None] = {
        "programme_id": person.programme_id,
        "kind": RestrictionKind.EXCLUSION.value,
        f"{person.role.value}_volunteer_id": person.id,
        "removed": False,
    }
    return frozenset([restriction.pair async for restriction in stores.restrictions.stream(person.tenant, where)])
