"""Looking people up: the programme managers everybody, everybody themself."""

from shared.chassis.aggregates import Page
from shared.contracts import AccessRole, Principal

from ..domain.people import Person, UnknownPerson
from .ports import People


class Directory:
    """Reads the identity map. Nobody else's record is ever shown: it does not exist for them."""

    def __init__(self, people: People) -> None:
        self._people = people

    async def person(self, principal: Principal, person_ref: str) -> Person:
        """One person. Raises: UnknownPerson, also for somebody else's record."""
        person = await self._people.find(principal.tenant, person_ref) if principal.acts_for(person_ref) else None
        if person is None:
            raise UnknownPerson("there is no such person", field="person_ref")
        return person

    async def everybody(
        self, principal: Principal, where: dict[str, str], *, limit: int, cursor: str | None
    ) -> Page[Person]:
        """People by unit, site or staff number. Raises: Forbidden for all but programme managers."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        return await self._people.page(principal.tenant, where, limit=limit, cursor=cursor)
