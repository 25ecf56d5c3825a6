"""Whom somebody would like best on the other side, in order (1-05). A wish is a preference and promises nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from shared.contracts import Invalid

from .volunteers import Decision, Volunteer, require_live, updated


class UnusableWish(Invalid):
    """A wish is for somebody of the other role who takes part in the same programme, and for each of them once."""


def rank_wishes(
    present: Volunteer, wished: Sequence[str], others: Mapping[str, Volunteer], *, at: datetime
) -> Decision:
    """Let these wishes, the first choice first, take the place of the earlier ones; none is an answer too.

    ``others``: those of the wished who are known to the organisation. Somebody who withdraws later keeps their place
    in the lists of others, where they count for nothing. Raises: HasWithdrawn, UnusableWish with the index of the wish.
    """
    require_live(present)
    for index, id_ in enumerate(wished):
        if fault := _fault(present, id_, wished[:index], others.get(id_)):
            raise UnusableWish(fault, field=f"ranked_wishes.{index}")
    return updated(present, replace(present, ranked_wishes=tuple(wished)), at)


def _fault(present: Volunteer, id_: str, before: Sequence[str], other: Volunteer | None) -> str | None:
    if id_ in before:
        return "stands in the list already"
    if id_ == present.id or (other is not None and other.person_ref == present.person_ref):
        return "nobody wishes for themself: name somebody else"
    # One answer for whoever is unknown, elsewhere or gone: who takes part in another programme is not to be found out.
    if other is None or other.programme_id != present.programme_id or not other.live:
        return "nobody with this reference takes part in the programme: take it out"
    if other.role is present.role:
        return f"is a {other.role} too: a {present.role} wishes for somebody of the other role"
    return None
