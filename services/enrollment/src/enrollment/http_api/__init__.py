"""In: HTTP -> use case. The surface is the same for people, for the web front end and for integrators."""

from fastapi import APIRouter
from shared.chassis.clock import Clock

from ..domain.catalogue import Catalogue
from ..use_cases import Directory, PeopleImports, Programmes, Volunteers
from . import catalogue as catalogue_api
from . import grids, people, people_imports
from . import programmes as programmes_api
from . import volunteers as volunteers_api


def routers(
    *,
    directory: Directory,
    imports: PeopleImports,
    programmes: Programmes,
    volunteers: Volunteers,
    catalogue: Catalogue,
    clock: Clock,
) -> list[APIRouter]:
    """Every route of the service. Imports come before people: their path would else be taken for a person."""
    return [
        people_imports.router(imports),
        people.router(directory),
        programmes_api.router(programmes),
        volunteers_api.router(volunteers, clock),
        grids.router(volunteers, clock),
        catalogue_api.router(catalogue),
    ]
