"""What may be told of people, looked up together with the managers above them."""

from collections.abc import Iterable

from shared.chassis.clock import Clock

from ..domain.people import MAX_LINE_LEVELS, Disclosure, Person, Profile, managers_above
from .ports import People


class Profiles:
    """Builds profiles for many people with one query per level of the hierarchy."""

    def __init__(self, people: People, disclosure: Disclosure, clock: Clock) -> None:
        self._people = people
        self._disclosure = disclosure
        self._clock = clock

    async def of(self, people: Iterable[Person]) -> dict[str, Profile]:
        """The profile of each of these people of one tenant, by reference."""
        people = list(people)
        manager_of = await self._managers(people)
        today = self._clock.now().date()
        return {
            person.id: self._disclosure.profile(person, managers_above(person.id, manager_of), today=today)
            for person in people
        }

    async def managers_above(self, person: Person) -> tuple[str, ...]:
        """The managers above one person, the nearest first."""
        return managers_above(person.id, await self._managers([person]))

    async def _managers(self, people: list[Person]) -> dict[str, str | None]:
        manager_of = {person.id: person.manager_ref for person in people}
        # The last level is told by its own reference, which the level below it already names.
        for _ in range(MAX_LINE_LEVELS - 1):
            unseen = {ref for ref in manager_of.values() if ref is not None and ref not in manager_of}
            if not unseen:
                break
            found = await self._people.by_refs(people[0].tenant, unseen)
            manager_of |= {ref: found[ref].manager_ref if ref in found else None for ref in unseen}
        return manager_of
