"""Who may see and change what: people their own sessions and plans, programme managers all of their tenant's."""

from shared.chassis.aggregates import Aggregates
from shared.contracts import AccessRole, Principal

from ..domain.plans import Plan
from ..domain.refusals import NoSuchPerson, NoSuchPlan, NoSuchSession
from ..domain.sessions import Session


def sees(principal: Principal, people: tuple[str, str]) -> bool:
    """Whether these people's meetings are this principal's business."""
    return principal.subject in people or principal.has(AccessRole.PROGRAMME_MANAGER, AccessRole.SERVICE)


async def own_session(sessions: Aggregates[Session], principal: Principal, session_id: str) -> Session:
    """An announced session. Raises: NoSuchSession, also for somebody else's."""
    session = await sessions.find(principal.tenant, session_id)
    if session is None or not session.announced or not sees(principal, session.people):
        raise NoSuchSession("there is no such session")
    return session


async def own_plan(plans: Aggregates[Plan], principal: Principal, pairing_id: str) -> Plan:
    """A plan. Raises: NoSuchPlan, also for somebody else's."""
    plan = await plans.find(principal.tenant, pairing_id)
    if plan is None or not sees(principal, plan.people):
        raise NoSuchPlan("there is no such plan")
    return plan


def seen_person(principal: Principal, person_ref: str | None) -> str | None:
    """Whose records a list shows: everybody's for a manager who names nobody. Raises: NoSuchPerson."""
    if principal.has(AccessRole.PROGRAMME_MANAGER, AccessRole.SERVICE):
        return person_ref
    if person_ref not in (None, principal.subject):
        raise NoSuchPerson("there is no such person")
    return principal.subject
