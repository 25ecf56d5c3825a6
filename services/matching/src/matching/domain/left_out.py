"""The reason for which somebody was left out, told so that it can be acted upon."""

from collections.abc import Mapping

from shared.contracts import Role

from .candidate import Candidate
from .proposal import LeftOut, LeftOutReason, RuleCount
from .rules import HardRule


def not_ready(person: Candidate) -> LeftOut:
    """The person has not done what the programme asks before pairing."""
    return _left_out(person, LeftOutReason.NOT_READY, "the charter, the training or the grid is still open")


def without_partner(person: Candidate, *, others: int, possible: int, forbidden: Mapping[HardRule, int]) -> LeftOut:
    """A ready person whom the run did not pair.

    ``others``: ready people with a place on the other side; ``possible``: those whom no hard rule forbids;
    ``forbidden``: how many each rule forbids.
    """
    other_side = "mentees" if person.role is Role.MENTOR else "mentors"
    counts = tuple(RuleCount(rule=rule, partners=forbidden[rule]) for rule in HardRule if forbidden.get(rule, 0) > 0)
    if others == 0:
        reason, detail = LeftOutReason.NOBODY_ON_THE_OTHER_SIDE, f"no {other_side} are ready with a free place"
    elif possible == 0:
        told = ", ".join(f"{count.rule} {count.partners}" for count in counts)
        reason, detail = LeftOutReason.RULES, f"none of {others} {other_side} is possible: {told}"
    else:
        reason, detail = LeftOutReason.CAPACITY, f"all {possible} possible {other_side} went to others"
    return _left_out(person, reason, detail, possible, counts)


def _left_out(
    person: Candidate,
    reason: LeftOutReason,
    detail: str,
    possible: int = 0,
    counts: tuple[RuleCount, ...] = (),
) -> LeftOut:
    return LeftOut(
        volunteer_id=person.id,
        person_ref=person.person_ref,
        role=person.role,
        reason=reason,
        detail=detail,
        possible_partners=possible,
        shut_out_by=counts,
    )
