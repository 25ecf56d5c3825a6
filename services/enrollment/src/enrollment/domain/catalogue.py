"""The published list of skills, goals and measures that offers and charters choose from."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.contracts import Invalid

Language = Literal["en", "fr"]
_CODE = re.compile(r"[a-z0-9][a-z0-9_.:-]{0,63}")


class BrokenCatalogue(ValueError):
    """A catalogue file that cannot be used. Raised when a process starts, never later."""


class UnknownSkill(Invalid):
    """The skill is in no catalogue of this installation."""


class UnknownGoal(Invalid):
    """The goal is in no catalogue of this installation."""


class UnknownMetric(Invalid):
    """Nothing measures a goal this way."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A code with its name in each language."""

    code: str
    en: str
    fr: str
    area: str | None = None

    def name(self, lang: Language) -> str:
        """The name to show."""
        return self.fr if lang == "fr" else self.en


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """What may be offered, wanted, aimed at and measured. Codes are unique within their kind."""

    version: str
    areas: Mapping[str, Entry] = field(default_factory=dict)
    skills: Mapping[str, Entry] = field(default_factory=dict)
    goals: Mapping[str, Entry] = field(default_factory=dict)
    metrics: Mapping[str, Entry] = field(default_factory=dict)
    levels: tuple[Entry, ...] = ()
    """The scale on which skills are judged; the code is the level."""

    @classmethod
    def parse(cls, text: str) -> "Catalogue":
        """Read a catalogue written in TOML. Raises: BrokenCatalogue, naming the entry at fault."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as fault:
            raise BrokenCatalogue(f"not valid TOML: {fault}") from fault
        return cls(
            version=str(document.get("version", "")),
            areas=_by_code("areas", document),
            skills=_by_code("skills", document),
            goals=_by_code("goals", document),
            metrics=_by_code("metrics", document),
            levels=tuple(_entry("levels", raw | {"code": str(raw.get("level"))}) for raw in document.get("levels", ())),
        )

    def extended_by(self, other: "Catalogue") -> "Catalogue":
        """This catalogue with an organisation's own entries. Raises: BrokenCatalogue when a code is taken."""
        extended = Catalogue(
            version=f"{self.version}+{other.version}",
            areas=_merged("areas", self.areas, other.areas),
            skills=_merged("skills", self.skills, other.skills),
            goals=_merged("goals", self.goals, other.goals),
            metrics=_merged("metrics", self.metrics, other.metrics),
            levels=other.levels or self.levels,
        )
        for skill in extended.skills.values():
            if skill.area is not None and skill.area not in extended.areas:
                raise BrokenCatalogue(f"skills: {skill.code} names the unknown area {skill.area}")
        return extended

    def require_skills(self, codes: Iterable[str], *, field: str) -> None:
        """Refuse the first skill that is not in the catalogue, naming its place. Raises: UnknownSkill."""
        for index, code in enumerate(codes):
            if code not in self.skills:
                raise UnknownSkill(f"{code!r} is not in the skill catalogue", field=f"{field}.{index}.skill")

    def require_goal(self, code: str, *, field: str) -> None:
        """Refuse a goal that is not in the catalogue. Raises: UnknownGoal."""
        if code not in self.goals:
            raise UnknownGoal(f"{code!r} is not in the goal catalogue", field=field)

    def require_metric(self, code: str, *, field: str) -> None:
        """Refuse a measure that nothing computes. Raises: UnknownMetric."""
        if code not in self.metrics:
            known = ", ".join(self.metrics)
            raise UnknownMetric(f"{code!r} is not measured; these are: {known}", field=field)


def _by_code(kind: str, document: Mapping[str, Any]) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for raw in document.get(kind, ()):
        entry = _entry(kind, raw)
        if entry.code in entries:
            raise BrokenCatalogue(f"{kind}: {entry.code} stands twice")
        entries[entry.code] = entry
    return entries


def _entry(kind: str, raw: Mapping[str, Any]) -> Entry:
    code = raw.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise BrokenCatalogue(f"{kind}: {code!r} is not a code")
    for lang in ("en", "fr"):
        if not isinstance(raw.get(lang), str) or not raw[lang].strip():
            raise BrokenCatalogue(f"{kind}: {code} has no name in {lang}")
    return Entry(code=code, en=raw["en"], fr=raw["fr"], area=raw.get("area"))


def _merged(kind: str, ours: Mapping[str, Entry], theirs: Mapping[str, Entry]) -> dict[str, Entry]:
    taken = sorted(ours.keys() & theirs.keys())
    if taken:
        raise BrokenCatalogue(f"{kind}: {taken[0]} is already in the catalogue")
    return {**ours, **theirs}
