from datetime import datetime
from typing import Annotated, ClassVar

from fastapi import Path, Query
from pydantic import Field
from shared.chassis.http import Body
from shared.contracts import Code, Ref

from ..domain import Answer, SkillRating

Id = Annotated[Ref, Path()]
RefFilter = Annotated[Ref | None, Query()]
Rating = Annotated[int, Field(strict=True, ge=1, le=5, description="1 is low, 5 is high.")]
Level = Annotated[int, Field(strict=True, ge=0, le=5, description="0 is none, 5 is expert.")]
Flag = Annotated[bool, Field(strict=True)]

MAX_TEXT = 4000


class SkillIn(Body):
    """One skill before and after the session, in the answerer's own view."""

    skill: Code
    before: Level
    after: Level


class AnswerIn(Body):
    """What one side says about a session. Only ``text`` is shown to anybody, and only to the programme officer."""

    multiline: ClassVar[frozenset[str]] = frozenset({"text"})

    person_ref: Ref
    satisfaction: Rating
    quality: Rating
    trust: Rating
    skills: Annotated[tuple[SkillIn, ...], Field(max_length=40)] = ()
    goals_reached: Annotated[tuple[Code, ...], Field(max_length=20)] = ()
    practice_adopted: Flag | None = None
    text: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    wants_re_match: Flag = False

    def at(self, moment: datetime) -> Answer:
        """The answer as it was given at this moment."""
        return Answer(
            satisfaction=self.satisfaction,
            quality=self.quality,
            trust=self.trust,
            skills=tuple(SkillRating(skill=one.skill, before=one.before, after=one.after) for one in self.skills),
            goals_reached=self.goals_reached,
            practice_adopted=self.practice_adopted,
            text=self.text or None,
            wants_re_match=self.wants_re_match,
            submitted_at=moment,
        )
