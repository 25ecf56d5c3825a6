"""What people look at: plans, sessions and calendars."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from shared.chassis.aggregates import Cause, Page
from shared.contracts import Principal

from ..domain import feeds
from ..domain.feeds import Feed
from ..domain.plans import Plan
from ..domain.refusals import NoSuchFeed, NoSuchPerson
from ..domain.sessions import Session, SessionStatus
from .access import own_plan, own_session, seen_person
from .ports import Stores

MOST_IN_A_FEED = 1000
_SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class CalendarItem:
    """A session with what its calendar entry says around it."""

    session: Session
    plan: Plan
    programme: str | None
    """The programme's title; ``None`` while it is not known yet."""


class Reading:
    """Queries, each bound to what the principal may see."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores

    async def session(self, principal: Principal, session_id: str) -> Session:
        """Raises: NoSuchSession."""
        return await own_session(self._stores.sessions, principal, session_id)

    async def plan(self, principal: Principal, pairing_id: str) -> Plan:
        """Raises: NoSuchPlan."""
        return await own_plan(self._stores.plans, principal, pairing_id)

    async def sessions(
        self,
        principal: Principal,
        *,
        pairing_id: str | None = None,
        programme_id: str | None = None,
        person_ref: str | None = None,
        status: SessionStatus | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Session]:
        """The announced sessions, those of a pairing in the order of their numbers. Raises: NoSuchPerson."""
        where: dict[str, str | int | bool | None] = _given(
            pairing_id=pairing_id,
            programme_id=programme_id,
            people=seen_person(principal, person_ref),
            status=None if status is None else status.value,
        )
        where["announced"] = True
        return await self._stores.sessions.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def plans(
        self,
        principal: Principal,
        *,
        pairing_id: str | None = None,
        programme_id: str | None = None,
        person_ref: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Plan]:
        """Plans. Raises: NoSuchPerson."""
        where = _given(programme_id=programme_id, people=seen_person(principal, person_ref), _id=pairing_id)
        return await self._stores.plans.page(principal.tenant, where, limit=limit, cursor=cursor)

    async def calendar_entry(self, principal: Principal, session_id: str) -> CalendarItem:
        """One session for the calendar. Raises: NoSuchSession."""
        session = await self.session(principal, session_id)
        plan = await self._stores.plans.get(principal.tenant, session.pairing_id)
        programme = await self._stores.programmes.find(principal.tenant, session.programme_id)
        return CalendarItem(session=session, plan=plan, programme=None if programme is None else programme.title)

    async def open_feed(self, person_ref: str, cause: Cause) -> tuple[Feed, str]:
        """A new secret for the person's feed; the one before stops to work. Raises: NoSuchPerson.

        A repeated command makes another new one: the first answer may never have arrived, and is not kept.
        """
        if not cause.principal.acts_for(person_ref):
            raise NoSuchPerson("there is no such person")
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        now = self._stores.clock.now()
        feed = await self._stores.feeds.change(
            feeds.feed_id(cause.tenant, person_ref),
            Cause(principal=cause.principal),
            lambda feed: feeds.opened(feed, tenant=cause.tenant, person_ref=person_ref, secret=secret, now=now),
        )
        return feed, f"{cause.tenant}.{secret}"

    async def feed(self, token: str) -> Sequence[CalendarItem]:
        """The sessions behind a secret; the token names the tenant, which is none. Raises: NoSuchFeed."""
        tenant, _, secret = token.rpartition(".")
        found = await self._stores.feeds.page(tenant, {"secret_hash": feeds.hashed(secret)}, limit=1)
        if not found.items:
            raise NoSuchFeed("there is no such calendar feed")
        return await self._calendar_of(tenant, found.items[0].person_ref)

    async def _calendar_of(self, tenant: str, person_ref: str) -> list[CalendarItem]:
        plans: dict[str, Plan] = {}
        titles: dict[str, str | None] = {}
        items: list[CalendarItem] = []
        async for session in self._stores.sessions.stream(tenant, {"people": person_ref, "announced": True}):
            if len(items) == MOST_IN_A_FEED:
                break
            if session.pairing_id not in plans:
                plans[session.pairing_id] = await self._stores.plans.get(tenant, session.pairing_id)
            if session.programme_id not in titles:
                programme = await self._stores.programmes.find(tenant, session.programme_id)
                titles[session.programme_id] = None if programme is None else programme.title
            items.append(
                CalendarItem(session=session, plan=plans[session.pairing_id], programme=titles[session.programme_id])
            )
        return items


def _given(**filters: str | None) -> dict[str, str | int | bool | None]:
    return {name: value for name, value in filters.items() if value is not None}
