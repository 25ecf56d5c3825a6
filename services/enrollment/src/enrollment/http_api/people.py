"""The directory over HTTP."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict
from shared.chassis.http import Acting, Cursor, Limit, PageOut

from ..use_cases import Directory
from .inbound import PathId

Text = Annotated[str | None, Query(min_length=1, max_length=100)]


class PersonOut(BaseModel):
    """A person, for programme managers and for themself."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    version: int
    staff_number: str
    first_name: str
    last_name: str
    email: str | None
    hire_date: date | None
    birth_year: int | None
    grade: str | None
    unit: str | None
    site: str | None
    manager_ref: str | None
    time_zone: str | None
    languages: tuple[str, ...]


def router(directory: Directory) -> APIRouter:
    """Who works here."""
    routes = APIRouter(prefix="/people", tags=["people"])

    @routes.get("")
    async def find_people(
        *,
        acting: Acting,
        unit: Text = None,
        site: Text = None,
        staff_number: Text = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> PageOut[PersonOut]:
        """People by unit, site or staff number."""
        asked = {"unit": unit, "site": site, "staff_number": staff_number}
        where = {field: value for field, value in asked.items() if value is not None}
        page = await directory.everybody(acting, where, limit=limit, cursor=cursor)
        return PageOut(items=[PersonOut.model_validate(one) for one in page.items], next_cursor=page.next_cursor)

    @routes.get("/{person_ref}")
    async def get_person(acting: Acting, person_ref: PathId) -> PersonOut:
        """One person."""
        return PersonOut.model_validate(await directory.person(acting, person_ref))

    return routes
