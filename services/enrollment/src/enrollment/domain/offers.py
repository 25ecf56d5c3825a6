"""What somebody offers and asks for, and what nobody could be paired by."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts import Invalid, OfferedSkill, Role, WantedSkill, WeeklyWindow

from .catalogue import Catalogue
from .people import Profile


class NoSkillsOffered(Invalid):
    """A mentor brings at least one skill."""


class NoSkillsWanted(Invalid):
    """A mentee wants at least one skill."""


class UnusableOffer(Invalid):
    """The offer contradicts itself, or lacks what the directory does not know either."""


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What somebody offers and asks for. ``None``: as the directory says."""

    capacity: int = 1
    skills_offered: tuple[OfferedSkill, ...] = ()
    skills_wanted: tuple[WantedSkill, ...] = ()
    interests: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    languages: tuple[str, ...] | None = None
    time_zone: str | None = None
    availability: tuple[WeeklyWindow, ...] = ()
    motivation: int = 3


def check(offer: Offer, role: Role, profile: Profile) -> None:
    """Refuse an offer nobody could be paired by, naming the field."""
    if role is Role.MENTOR and not offer.skills_offered:
        raise NoSkillsOffered("a mentor offers at least one skill", field="skills_offered")
    if role is Role.MENTEE and not offer.skills_wanted:
        raise NoSkillsWanted("a mentee wants at least one skill", field="skills_wanted")
    languages = profile.languages if offer.languages is None else offer.languages
    if not languages:
        raise UnusableOffer("the directory knows no language of this person: give one", field="languages")
    if not (offer.time_zone or profile.time_zone):
        raise UnusableOffer("the directory knows no time zone of this person: give one", field="time_zone")
    _all_different([skill.skill for skill in offer.skills_offered], field="skills_offered", part=".skill")
    _all_different([skill.skill for skill in offer.skills_wanted], field="skills_wanted", part=".skill")
    _all_different(offer.interests, field="interests")
    _all_different(offer.goals, field="goals")
    _all_different(offer.languages or (), field="languages")
    for index, window in enumerate(offer.availability):
        for other in offer.availability[:index]:
            if window.day == other.day and window.start < other.end and other.start < window.end:
                raise UnusableOffer("overlaps an earlier window", field=f"availability.{index}")


def check_codes(offer: Offer, catalogue: Catalogue) -> None:
    """Refuse skills and goals that are in no catalogue, naming their place. Raises: UnknownSkill, UnknownGoal."""
    catalogue.require_skills((skill.skill for skill in offer.skills_offered), field="skills_offered")
    catalogue.require_skills((skill.skill for skill in offer.skills_wanted), field="skills_wanted")
    for index, goal in enumerate(offer.goals):
        catalogue.require_goal(goal, field=f"goals.{index}")


def _all_different(values: Sequence[str], *, field: str, part: str = "") -> None:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise UnusableOffer("stands in the list already", field=f"{field}.{index}{part}")
