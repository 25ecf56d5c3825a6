"""Taking part: volunteer, sign, train, change, withdraw; and following what happens elsewhere."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from shared.chassis.aggregates import Aggregates, Cause, Change, Page
from shared.chassis.clock import Clock
from shared.chassis.documents import Scalar
from shared.contracts import AccessRole, NotFound, Paired, Principal, Role, Unpaired, WithdrawalReason

from ..domain import volunteers as domain
from ..domain.catalogue import Catalogue
from ..domain.grids import GridResult
from ..domain.offers import Offer, UnusableOffer, check_codes
from ..domain.people import Person, Profile, UnknownPerson
from ..domain.programmes import Programme, Requirements, UnknownProgramme, checked
from ..domain.ranked_wishes import rank_wishes
from ..domain.references import volunteer_id
from ..domain.volunteers import (
    Application,
    PairingSeen,
    Training,
    UnknownVolunteer,
    Volunteer,
)
from .ports import People, UncheckedProgrammes
from .profiles import Profiles

T = TypeVar("T")
Decide = Callable[[Volunteer], Change[Volunteer]]
_BATCH = 500
_EVALUATORS = (AccessRole.PROGRAMME_MANAGER, AccessRole.PROGRAMME_OFFICER)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Somebody's wish to take part, as it was asked for."""

    programme_id: str
    person_ref: str
    role: Role
    offer: Offer
    charter_signed: bool = False
    nominated_by: str | None = None


class Volunteers:
    """What can be done with volunteers. Everybody acts for themself; programme managers act for everybody."""

    def __init__(
        self,
        *,
        volunteers: Aggregates[Volunteer],
        programmes: Aggregates[Programme],
        unchecked: UncheckedProgrammes,
        people: People,
        profiles: Profiles,
        catalogue: Catalogue,
        clock: Clock,
    ) -> None:
        self._volunteers = volunteers
        self._programmes = programmes
        self._unchecked = unchecked
        self._people = people
        self._profiles = profiles
        self._catalogue = catalogue
        self._clock = clock

    async def volunteer(self, wish: Wish, cause: Cause) -> tuple[Volunteer, bool]:
        """Take somebody into a programme, or back; whether that is new. The same wish again changes nothing.

        Raises: UnknownPerson, UnknownProgramme, ProgrammeNotPublished, UnknownSkill, UnknownGoal, and what
        :func:`enrollment.domain.volunteers.volunteer` refuses.
        """
        person = await self._person(wish, cause.principal)
        requirements = await self._requirements(cause.tenant, wish.programme_id)
        check_codes(wish.offer, self._catalogue)
        application = Application(
            id=volunteer_id(cause.tenant, wish.programme_id, wish.person_ref, wish.role),
            tenant=cause.tenant,
            programme_id=wish.programme_id,
            person_ref=wish.person_ref,
            role=wish.role,
            offer=wish.offer,
            profile=(await self._profiles.of([person]))[person.id],
            requirements=requirements,
            nominated_by=wish.nominated_by,
            charter_signed=wish.charter_signed,
        )
        now, is_new = self._clock.now(), False

        def decide(present: Volunteer | None) -> Change[Volunteer]:
            nonlocal is_new
            is_new = present is None or not present.live
            return domain.volunteer(present, application, at=now)

        taken_in = await self._volunteers.change(application.id, cause, decide)
        # Published anew meanwhile: the round over all volunteers may have missed this one.
        latest = await self._requirements(cause.tenant, wish.programme_id)
        if latest.version > taken_in.requirements.version:
            taken_in = await self._judge(taken_in, latest)
        return taken_in, is_new

    async def get(self, principal: Principal, id: str) -> Volunteer:
        """A volunteer. Raises: UnknownVolunteer, also for somebody else's record."""
        return _visible(await self._volunteers.find(principal.tenant, id), principal)

    async def all(
        self, principal: Principal, where: Mapping[str, str], *, limit: int, cursor: str | None
    ) -> Page[Volunteer]:
        """Volunteers by programme, role, status or person; people other than managers find themself only."""
        if not principal.has(AccessRole.PROGRAMME_MANAGER):
            if where.get("person_ref", principal.subject) != principal.subject:
                return Page((), None)
            where = {**where, "person_ref": principal.subject}
        return await self._volunteers.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def waiting_list(
        self, principal: Principal, programme_id: str, *, limit: int, cursor: str | None
    ) -> Page[Volunteer]:
        """Who takes part and has no pairing. Raises: Forbidden, UnknownProgramme."""
        principal.require(AccessRole.PROGRAMME_MANAGER)
        if await self._programmes.find(principal.tenant, programme_id) is None:
            raise UnknownProgramme("there is no such programme")
        where: dict[str, Scalar] = {"programme_id": programme_id, "on_waiting_list": True}
        return await self._volunteers.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def change_offer(self, id: str, changes: Mapping[str, Any], cause: Cause) -> Volunteer:
        """Change what somebody offers or asks for. Raises: UnknownVolunteer, HasWithdrawn, refusals of an offer."""
        now = self._clock.now()

        def decide(present: Volunteer) -> Change[Volunteer]:
            offer = replace(present.offer, **changes)
            check_codes(offer, self._catalogue)
            return domain.change_offer(present, offer, at=now)

        return await self._change(id, cause, decide)

    async def sign_charter(self, id: str, cause: Cause) -> Volunteer:
        """Record that the code of conduct was signed. Raises: UnknownVolunteer, HasWithdrawn, OwnSignatureNeeded."""
        now, signer = self._clock.now(), cause.principal.subject
        return await self._change(id, cause, lambda present: domain.sign_charter(present, by=signer, at=now))

    async def record_training(self, id: str, training: Training, cause: Cause) -> Volunteer:
        """Record a training. Raises: Forbidden for all but programme managers, UnknownVolunteer, HasWithdrawn."""
        cause.principal.require(AccessRole.PROGRAMME_MANAGER)
        now = self._clock.now()
        return await self._change(id, cause, lambda present: domain.record_training(present, training, at=now))

    async def rank_wishes(self, id: str, wished: Sequence[str], cause: Cause) -> Volunteer:
        """Replace somebody's ranked wishes. Raises: UnknownVolunteer, HasWithdrawn, UnusableWish."""
        now = self._clock.now()
        found = [await self._volunteers.find(cause.tenant, one) for one in dict.fromkeys(wished)]
        others = {other.id: other for other in found if other is not None}
        return await self._change(id, cause, lambda present: rank_wishes(present, wished, others, at=now))

    async def record_grid_result(self, id: str, result: GridResult, cause: Cause) -> Volunteer:
        """Record a mentor's result on the competence grid.

        Raises: Forbidden for all but programme managers and officers, UnknownPerson for an evaluator whom the directory
        does not have, UnknownVolunteer, HasWithdrawn, UnusableGridResult.
        """
        cause.principal.require(*_EVALUATORS)
        if result.evaluated_by != cause.principal.subject:
            await self._require_person(cause.tenant, result.evaluated_by, field="evaluated_by")
        now = self._clock.now()
        return await self._change(
            id, cause, lambda present: domain.record_grid_result(present, result, at=now), also=_EVALUATORS
        )

    async def grid_results(self, principal: Principal, id: str) -> Volunteer:
        """A volunteer with their results: for themself, managers and officers. Raises: UnknownVolunteer."""
        return _visible(await self._volunteers.find(principal.tenant, id), principal, also=_EVALUATORS)

    async def withdraw(self, id: str, reason: WithdrawalReason, cause: Cause) -> Volunteer:
        """Leave, at any time. Raises: UnknownVolunteer."""
        now = self._clock.now()
        return await self._change(id, cause, lambda present: domain.withdraw(present, reason, at=now))

    async def note_paired(self, event: Paired, cause: Cause) -> None:
        """Both sides of a pairing are taken. Raises: UnknownVolunteer."""
        seen = PairingSeen(pairing_id=event.pairing_id, version=event.version, active=True)
        for side in (event.mentor, event.mentee):
            await self._note(side.volunteer_id, seen, cause)

    async def note_unpaired(self, event: Unpaired, cause: Cause) -> None:
        """Both sides of a pairing are free of it. Raises: UnknownVolunteer."""
        seen = PairingSeen(pairing_id=event.pairing_id, version=event.version, active=False)
        for volunteer in (event.mentor_volunteer_id, event.mentee_volunteer_id):
            await self._note(volunteer, seen, cause)

    async def follow_directory(self, tenant: str) -> int:
        """Bring every live volunteer up to what the directory says; how many changed. May be repeated."""
        changed = 0
        async for batch in _batches(self._volunteers.stream(tenant, {"live": True})):
            people = await self._people.by_refs(tenant, {volunteer.person_ref for volunteer in batch})
            profiles = await self._profiles.of(people.values())
            for volunteer in batch:
                if profile := profiles.get(volunteer.person_ref):
                    changed += await self._follow(volunteer, profile)
        return changed

    async def judge_by_latest_charters(self) -> None:
        """Judge every volunteer of a programme that was published anew by what it asks now. May be repeated."""
        for tenant, programme_id in await self._unchecked.unchecked():
            requirements = await self._requirements(tenant, programme_id)
            where: dict[str, Scalar] = {"programme_id": programme_id, "live": True}
            async for volunteer in self._volunteers.stream(tenant, where):
                if volunteer.requirements.version < requirements.version:
                    await self._judge(volunteer, requirements)
            await self._note_checked(tenant, programme_id, requirements.version)

    async def _follow(self, volunteer: Volunteer, profile: Profile) -> bool:
        now = self._clock.now()
        if domain.follow_directory(volunteer, profile, at=now)[0] is volunteer:
            return False
        await self._volunteers.change(
            volunteer.id,
            _own_cause(volunteer.tenant),
            lambda present: domain.follow_directory(_known(present), profile, at=now),
        )
        return True

    async def _note_checked(self, tenant: str, programme_id: str, published_version: int) -> None:
        await self._programmes.change(
            programme_id,
            _own_cause(tenant),
            lambda present: (checked(_programme(present), published_version=published_version), ()),
        )

    async def _judge(self, volunteer: Volunteer, requirements: Requirements) -> Volunteer:
        now = self._clock.now()
        return await self._volunteers.change(
            volunteer.id,
            _own_cause(volunteer.tenant),
            lambda present: domain.judge_by(_known(present), requirements, at=now),
        )

    async def _note(self, id: str, seen: PairingSeen, cause: Cause) -> None:
        await self._volunteers.change(id, cause, lambda present: domain.note_pairing(_known(present), seen))

    async def _change(self, id: str, cause: Cause, decide: Decide, *, also: Sequence[AccessRole] = ()) -> Volunteer:
        try:
            return await self._volunteers.change(
                id, cause, lambda present: decide(_visible(present, cause.principal, also=also))
            )
        except NotFound:
            # One answer for what is not there and for what is another tenant's.
            raise _unknown() from None

    async def _requirements(self, tenant: str, programme_id: str) -> Requirements:
        return _programme(await self._programmes.find(tenant, programme_id)).requirements

    async def _person(self, wish: Wish, principal: Principal) -> Person:
        """Who is meant; somebody else's record does not exist for those who may not act for them."""
        may_nominate = wish.nominated_by is not None and wish.nominated_by == principal.subject
        unknown = UnknownPerson("there is no such person", field="person_ref")
        if not (principal.acts_for(wish.person_ref) or may_nominate):
            raise unknown
        person = await self._people.find(principal.tenant, wish.person_ref)
        if person is None:
            raise unknown
        if wish.nominated_by is not None:
            await self._check_nomination(person, wish.nominated_by, principal, unknown)
        return person

    async def _check_nomination(
        self, person: Person, nominator: str, principal: Principal, unknown: UnknownPerson
    ) -> None:
        """A programme manager nominates in anybody's name; a line manager those who report to them (2-04)."""
        if nominator == person.id:
            raise UnusableOffer("nobody nominates themself: leave this out", field="nominated_by")
        if principal.has(AccessRole.PROGRAMME_MANAGER):
            await self._require_person(principal.tenant, nominator, field="nominated_by")
        elif nominator not in await self._profiles.managers_above(person):
            raise unknown

    async def _require_person(self, tenant: str, ref: str, *, field: str) -> None:
        if await self._people.find(tenant, ref) is None:
            raise UnknownPerson("there is no such person", field=field)


def _own_cause(tenant: str) -> Cause:
    """The service acts by itself, to bring records up to date."""
    return Cause(principal=Principal.service("enrollment", tenant=tenant))


def _visible(volunteer: Volunteer | None, principal: Principal, *, also: Sequence[AccessRole] = ()) -> Volunteer:
    """``also``: roles that see everybody, beside programme managers."""
    known = _known(volunteer)
    if not (principal.acts_for(known.person_ref) or principal.has(*also)):
        raise _unknown()
    return known


def _known(volunteer: Volunteer | None) -> Volunteer:
    if volunteer is None:
        raise _unknown()
    return volunteer


def _unknown() -> UnknownVolunteer:
    return UnknownVolunteer("there is no such volunteer")


def _programme(programme: Programme | None) -> Programme:
    if programme is None:
        raise UnknownProgramme("there is no such programme", field="programme_id")
    return programme


async def _batches(items: AsyncIterator[T]) -> AsyncIterator[Sequence[T]]:
    batch: list[T] = []
    async for item in items:
        batch.append(item)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
