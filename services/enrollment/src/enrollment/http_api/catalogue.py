"""The catalogue over HTTP."""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from shared.chassis.http import Cursor, Limit, PageOut, acting_principal

from ..domain.catalogue import Catalogue, Entry, Language

Lang = Annotated[Language, Query(description="Language of the names.")]


class LevelOut(BaseModel):
    """A step of the scale on which a skill is judged."""

    level: int
    name: str


class SkillOut(BaseModel):
    """A skill that can be offered and wanted."""

    code: str
    name: str
    area: str | None
    area_name: str | None
    levels: list[LevelOut]


class GoalOut(BaseModel):
    """A goal that a programme or a person can have."""

    code: str
    name: str


def router(catalogue: Catalogue) -> APIRouter:
    """Skills and goals, in French and English, for everybody who is known here."""
    routes = APIRouter(tags=["catalogue"], dependencies=[Depends(acting_principal)])

    @routes.get("/skills")
    async def list_skills(lang: Lang = "en", limit: Limit = 200, cursor: Cursor = None) -> PageOut[SkillOut]:
        """The skill catalogue."""
        levels = [LevelOut(level=int(step.code), name=step.name(lang)) for step in catalogue.levels]
        entries, next_cursor = _page(catalogue.skills, limit, cursor)
        return PageOut(
            items=[
                SkillOut(
                    code=entry.code,
                    name=entry.name(lang),
                    area=entry.area,
                    area_name=catalogue.areas[entry.area].name(lang) if entry.area else None,
                    levels=levels,
                )
                for entry in entries
            ],
            next_cursor=next_cursor,
        )

    @routes.get("/goals")
    async def list_goals(lang: Lang = "en", limit: Limit = 200, cursor: Cursor = None) -> PageOut[GoalOut]:
        """The goal catalogue."""
        entries, next_cursor = _page(catalogue.goals, limit, cursor)
        return PageOut(
            items=[GoalOut(code=entry.code, name=entry.name(lang)) for entry in entries], next_cursor=next_cursor
        )

    @routes.get("/goal-metrics")
    async def list_metrics(lang: Lang = "en", limit: Limit = 200, cursor: Cursor = None) -> PageOut[GoalOut]:
        """What goals can be measured by."""
        entries, next_cursor = _page(catalogue.metrics, limit, cursor)
        return PageOut(
            items=[GoalOut(code=entry.code, name=entry.name(lang)) for entry in entries], next_cursor=next_cursor
        )

    return routes


def _page(entries: Mapping[str, Entry], limit: int, cursor: str | None) -> tuple[list[Entry], str | None]:
    """In the order of codes, as every list."""
    following: Iterable[Entry] = (entries[code] for code in sorted(entries) if cursor is None or code > cursor)
    page = list(islice(following, limit + 1))
    return page[:limit], page[limit - 1].code if len(page) > limit else None
