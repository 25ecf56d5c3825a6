"""What every act of the play needs: the platform, the people, and somebody to tell how far it is."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from .conduct import Pair
from .offers import Person
from .platform import Platform

Tick = Callable[[], object]
"""Tells that one more thing is done."""


class Stages(Protocol):
    """Shows the progress of the play, stage by stage."""

    def stage(self, title: str, total: int | None = None) -> AbstractContextManager[Tick]:
        """One stage, of so many things, or of one thing that takes its time."""
        ...


@dataclass
class Scene:
    """The play so far."""

    platform: Platform
    stages: Stages
    at_rest: Callable[[], Awaitable[object]]
    """Waits until nothing is on its way between the services any more."""
    programme_id: str = ""
    goals: tuple[str, ...] = ()
    people: dict[str, Person] = field(default_factory=dict)
    """By the reference that enrollment gave them."""
    volunteers: dict[str, Person] = field(default_factory=dict)
    """By volunteer."""
    pairs: dict[str, Pair] = field(default_factory=dict)
    """By pairing."""

    def staff_number(self, person_ref: str) -> str:
        """The staff number of a person, which stays the same from play to play."""
        return self.people[person_ref].staff_number

    def pair_of(self, pairing: Mapping[str, object]) -> Pair:
        """The pair of a pairing as matching tells of it."""
        mentor, mentee = pairing["mentor"], pairing["mentee"]
        assert isinstance(mentor, dict)
        assert isinstance(mentee, dict)
        skills = pairing["shared_skills"]
        assert isinstance(skills, list)
        return Pair(
            mentor=self.staff_number(mentor["person_ref"]),
            mentee=self.staff_number(mentee["person_ref"]),
            skills=tuple(skills),
        )
