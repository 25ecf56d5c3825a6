"""The short list from which a mentee chooses a mentor (requirement 1-05).

The order tells nothing in confidence: it is that of the score as the mentee may know it, without anybody's ranked
wishes and without the competence grid. Pure functions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.contracts import MatchMode

from .candidate import Candidate, Programme
from .refusals import NoPlaceLeft, NotByChoice, NotOnShortList, NotReady
from .rules import Charter, History, MentorMentee, broken_rules
from .scoring import PairScore, score_pair, told_to_the_two, told_total_of

LENGTH = 5


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A mentor who could be chosen, and why."""

    mentor: Candidate
    points: PairScore
    """As the mentee may know them."""


@dataclass(frozen=True, kw_only=True)
class ShortList:
    """The mentors among whom a mentee may choose, the best first."""

    mentee: Candidate
    offers: tuple[Offer, ...]


def require_choice(programme: Programme, mentee: Candidate) -> None:
    """Refuse where the mentee has nothing to choose. Raises: NotByChoice, NotReady."""
    if programme.policy.mode is not MatchMode.CHOICE:
        raise NotByChoice(f"in this programme pairs come about by {programme.policy.mode}: wait to be paired")
    if not mentee.ready:
        raise NotReady("sign the charter and finish the training first: then choose")


def require_place(places: int) -> None:
    """Refuse a mentee who is paired already. Raises: NoPlaceLeft."""
    if places <= 0:
        raise NoPlaceLeft("you have a mentor already; a manager can end that pairing")


def unless_locked(
    mentee: Candidate, mentors: Iterable[Candidate], places: Mapping[str, int], locks: Iterable[MentorMentee]
) -> list[Candidate]:
    """Those with a place that no lock holds for somebody else; with a lock of the mentee's own, that mentor alone."""
    held: Counter[str] = Counter()
    mine = set()
    for mentor_id, mentee_id in locks:
        if mentee_id == mentee.id:
            mine.add(mentor_id)
        else:
            held[mentor_id] += 1
    return [mentor for mentor in mentors if places[mentor.id] > held[mentor.id] and (not mine or mentor.id in mine)]


def best_mentors(
    mentee: Candidate, mentors: Iterable[Candidate], charter: Charter, history: History
) -> list[Candidate]:
    """The best of these whom no hard rule forbids, as many as the short list is long; equals in the order of ids."""
    scored = sorted(mentors, key=lambda mentor: (-told_total_of(mentor, mentee, charter), mentor.id))
    best: list[Candidate] = []
    for mentor in scored:
        if len(best) == LENGTH:
            break
        if not broken_rules(mentor, mentee, charter, history):
            best.append(mentor)
    return best


def offers(mentee: Candidate, mentors: Iterable[Candidate], charter: Charter) -> tuple[Offer, ...]:
    """With their scores."""
    return tuple(
        Offer(mentor=mentor, points=told_to_the_two(score_pair(mentor, mentee, charter))) for mentor in mentors
    )


def chosen(found: ShortList, mentor_id: str) -> Candidate:
    """The mentor of this name. Raises: NotOnShortList."""
    for offer in found.offers:
        if offer.mentor.id == mentor_id:
            return offer.mentor
    raise NotOnShortList(
        f"{mentor_id} is not on your short list, or not any more: look at it again and choose from it",
        field="mentor_volunteer_id",
    )
