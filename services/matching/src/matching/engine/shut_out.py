"""Whom hard rules keep apart from one person: counted for those whom a run could not pair."""

from collections.abc import Iterator

import numpy as np
from shared.contracts import Role

from ..domain import left_out
from ..domain.candidate import Candidate
from ..domain.proposal import LeftOut
from ..domain.rules import Charter, HardRule, History
from .encode import partners
from .side import Flags, Side


class ShutOut:
    """Why somebody of one side got nobody of the other."""

    def __init__(self, others: Side, charter: Charter, history: History) -> None:
        self._others = others
        self._charter = charter
        self._mentors_of = {"person": partners(history.previous), "volunteer": partners(history.excluded)}
        self._mentees_of = {
            "person": partners((mentee, mentor) for mentor, mentee in history.previous),
            "volunteer": partners((mentee, mentor) for mentor, mentee in history.excluded),
        }

    def tell(self, person: Candidate) -> LeftOut:
        """Why this ready person has no partner, with how many each rule forbids; one partner may break several."""
        others, policy = self._others, self._charter.policy
        known = self._mentors_of if person.role is Role.MENTEE else self._mentees_of
        taught = (
            others.teaches(person.skills_wanted)
            if person.role is Role.MENTEE
            else others.taught_by(person.skills_offered)
        )
        forbidden = {
            HardRule.SAME_PERSON: self._flags(others.persons((person.person_ref,))),
            HardRule.EXCLUDED: self._flags(others.volunteers(known["volunteer"].get(person.id, ()))),
            HardRule.PREVIOUS_PAIRING: self._flags(others.persons(known["person"].get(person.person_ref, ()))),
        }
        if policy.forbid_same_line:
            forbidden[HardRule.SAME_LINE] = self._flags(others.in_line_with(person))
        if policy.forbid_same_unit:
            forbidden[HardRule.SAME_UNIT] = others.of_unit(person)
        if policy.require_shared_language:
            forbidden[HardRule.SHARED_LANGUAGE] = ~others.speaks_with(person)
        if policy.require_shared_hour:
            forbidden[HardRule.SHARED_HOUR] = ~others.can_meet(person)
        if policy.require_wanted_skill:
            forbidden[HardRule.WANTED_SKILL] = ~taught
        shut = np.zeros(others.count, dtype=np.bool_)
        for flags in forbidden.values():
            shut |= flags
        return left_out.without_partner(
            person,
            others=others.count,
            possible=int((~shut).sum()),
            forbidden={rule: int(flags.sum()) for rule, flags in forbidden.items()},
        )

    def _flags(self, positions: Iterator[int]) -> Flags:
        flags = np.zeros(self._others.count, dtype=np.bool_)
        flags[list(positions)] = True
        return flags
