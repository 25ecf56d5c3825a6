"""Setting up programmes: draft, edit, publish, clone (0-11, 0-20, 1-35, 4-01)."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared.chassis.aggregates import Aggregates, Cause, Change, Decide, Page
from shared.chassis.clock import Clock
from shared.contracts import AccessRole, NotFound, Principal

from ..domain import programmes as domain
from ..domain.catalogue import Catalogue
from ..domain.programmes import Charter, Programme, UnknownProgramme
from ..domain.references import command_id


class Programmes:
    """What can be done with programmes. Changing one needs a programme manager; reading a published one does not."""

    def __init__(self, *, programmes: Aggregates[Programme], catalogue: Catalogue, clock: Clock) -> None:
        self._programmes = programmes
        self._catalogue = catalogue
        self._clock = clock

    async def draft(self, charter: Charter, cause: Cause, key: str | None) -> Programme:
        """A new draft. Raises: Forbidden, UnusableCharter, UnknownGoal, UnknownMetric."""
        cause.principal.require(AccessRole.PROGRAMME_MANAGER)
        return await self._create(_new_id(cause, "draft", key), charter, cause, cloned_from=None)

    async def clone(self, programme_id: str, title: str, starts_on: date, cause: Cause, key: str | None) -> Programme:
        """A new draft with another programme's working charter. Raises: UnknownProgramme, UnusableCharter."""
        cause.principal.require(AccessRole.PROGRAMME_MANAGER)
        original = await self.get(cause.principal, programme_id)
        charter = domain.copied(original.charter, title=title, starts_on=starts_on)
        copy_id = _new_id(cause, f"clone of {original.id}", key)
        return await self._create(copy_id, charter, cause, cloned_from=original.id)

    async def edit(self, programme_id: str, changes: Mapping[str, Any], cause: Cause) -> Programme:
        """Change the working charter. Raises: Forbidden, UnknownProgramme, UnusableCharter, UnknownGoal."""
        cause.principal.require(AccessRole.PROGRAMME_MANAGER)

        def decide(present: Programme | None) -> Change[Programme]:
            known = _known(present)
            return domain.edit(known, domain.changed(known.charter, changes), catalogue=self._catalogue), ()

        return await self._change(programme_id, cause, decide)

    async def publish(self, programme_id: str, cause: Cause) -> Programme:
        """Let the working charter hold; its volunteers are judged by it soon after. Raises: UnknownProgramme."""
        cause.principal.require(AccessRole.PROGRAMME_MANAGER)
        now = self._clock.now()
        return await self._change(programme_id, cause, lambda present: domain.publish(_known(present), at=now))

    async def get(self, principal: Principal, programme_id: str) -> Programme:
        """A programme; a draft exists for managers only. Raises: UnknownProgramme."""
        programme = _known(await self._programmes.find(principal.tenant, programme_id))
        if programme.published is None and not principal.has(AccessRole.PROGRAMME_MANAGER):
            raise UnknownProgramme("there is no such programme")
        return programme

    async def all(self, principal: Principal, *, limit: int, cursor: str | None) -> Page[Programme]:
        """Every programme for managers, the published ones for everybody else."""
        published_only = not principal.has(AccessRole.PROGRAMME_MANAGER)
        where = {"is_published": True} if published_only else {}
        return await self._programmes.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def _change(self, programme_id: str, cause: Cause, decide: Decide[Programme]) -> Programme:
        try:
            return await self._programmes.change(programme_id, cause, decide)
        except NotFound:
            # One answer for what is not there and for what is another tenant's.
            raise UnknownProgramme("there is no such programme") from None

    async def _create(self, programme_id: str, charter: Charter, cause: Cause, *, cloned_from: str | None) -> Programme:
        now = self._clock.now()

        def decide(present: Programme | None) -> Change[Programme]:
            if present is not None:
                return present, ()
            programme = domain.draft(
                programme_id, cause.tenant, charter, catalogue=self._catalogue, at=now, cloned_from=cloned_from
            )
            return programme, ()

        return await self._programmes.change(programme_id, cause, decide)


def _new_id(cause: Cause, asked: str, key: str | None) -> str:
    return command_id("prg", cause.tenant, None if key is None else f"{cause.principal.subject}:{key}:{asked}")


def _known(programme: Programme | None) -> Programme:
    if programme is None:
        raise UnknownProgramme("there is no such programme")
    return programme
