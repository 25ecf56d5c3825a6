"""Every way of pairing a handful of people, tried one by one."""

import itertools
from collections import Counter
from collections.abc import Iterator

from matching.domain.proposal import Problem
from matching.domain.rules import broken_rules
from matching.domain.scoring import score_pair
from matching.domain.why_not import Aims
from shared.contracts import MatchPolicy, Objective

LOOSE = MatchPolicy(require_shared_hour=False, require_wanted_skill=False, forbid_same_line=False)
TIGHT = MatchPolicy()
TOTAL_FIRST = LOOSE.model_copy(update={"objective": (Objective.TOTAL,)})

Pairs = dict[str, str]
"""Mentee to mentor."""


class BruteForce:
    """Knows the rules and the scores, and no algorithm. Locks are kept; the aims look at the rest."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        able = {p.id for p in (*problem.mentors, *problem.mentees) if p.takes_part and problem.places[p.id] > 0}
        self.scores = {
            (mentor.id, mentee.id): score_pair(mentor, mentee, problem.charter).total
            for mentor in problem.mentors
            for mentee in problem.mentees
            if {mentor.id, mentee.id} <= able and not broken_rules(mentor, mentee, problem.charter, problem.history)
        }

    def choices(self) -> Iterator[Pairs]:
        """Every choice of pairs that keeps the rules, the places and the locks."""
        mentees = [mentee.id for mentee in self.problem.mentees]
        options = []
        for mentee in mentees:
            locked: list[str | None] = [one for one, other in self.problem.locked if other == mentee]
            options.append(locked or [None, *(one for one, other in self.scores if other == mentee)])
        for chosen in itertools.product(*options):
            taken = Counter(mentor for mentor in chosen if mentor is not None)
            if all(count <= self.problem.places[mentor] for mentor, count in taken.items()):
                yield {mentee: mentor for mentee, mentor in zip(mentees, chosen, strict=True) if mentor is not None}

    def best(self) -> list[Pairs]:
        """Every choice that nothing beats."""
        choices = list(self.choices())
        highest = max(map(self.rank, choices))
        return [choice for choice in choices if self.rank(choice) == highest]

    def rank(self, choice: Pairs) -> tuple[int, ...]:
        """By the programme's aims, in their order."""
        free = [self.scores[one, other] for other, one in choice.items() if (one, other) not in self.problem.locked]
        values = {
            Objective.PARTICIPATION: len(free),
            Objective.WORST_SERVED: min(free, default=0),
            Objective.TOTAL: sum(free),
        }
        order = self.problem.charter.policy.objective
        return tuple(values[aim] for aim in (*order, Objective.TOTAL, Objective.PARTICIPATION))

    def aims(self, choice: Pairs) -> Aims:
        """What a choice reaches, locked pairs included."""
        scores = [self.scores[one, other] for other, one in choice.items()]
        return Aims(pairs=len(scores), worst_score=min(scores, default=0), score=sum(scores))
