"""One person's best partners, by the plain scorer: what a cohort run proves for many needs no proof for one."""

from collections.abc import Iterable

from shared.contracts import Role

from .candidate import Candidate
from .rules import Charter, History, broken_rules
from .scoring import total_of


def best_partners(
    person: Candidate, others: Iterable[Candidate], charter: Charter, history: History
) -> list[Candidate]:
    """Of these people of the other side, all with whom the person scores highest and no hard rule forbids the pair.

    About ten microseconds a head: rules are looked at only where the score is good enough.
    """
    highest, equals = -1, list[Candidate]()
    for other in others:
        mentor, mentee = in_roles(person, other)
        total = total_of(mentor, mentee, charter)
        if total < highest or broken_rules(mentor, mentee, charter, history):
            continue
        if total > highest:
            highest, equals = total, []
        equals.append(other)
    return equals


def in_roles(person: Candidate, other: Candidate) -> tuple[Candidate, Candidate]:
    """The two, the mentor first."""
    return (person, other) if person.role is Role.MENTOR else (other, person)
