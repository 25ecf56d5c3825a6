"""The composition root: the only module that builds things."""

from functools import partial
from importlib.resources import files

from fastapi import FastAPI
from shared.chassis.clock import Clock
from shared.chassis.logging import get_logger
from shared.chassis.service import Chassis
from shared.contracts import ProgrammePublished, Volunteered, VolunteerUpdated, VolunteerWithdrawn

from . import http_api, repository
from .consumers import consumers
from .domain.catalogue import Catalogue
from .domain.imports import ImportReport
from .domain.people import Disclosure
from .domain.programmes import Programme
from .domain.references import References
from .domain.volunteers import Volunteer
from .settings import Settings
from .use_cases import Directory, PeopleImports, Profiles, Programmes, Volunteers

MAX_UPLOAD = 64 * 2**20


def build(settings: Settings | None = None, *, clock: Clock | None = None) -> FastAPI:
    """The enrollment service as an ASGI application."""
    settings = settings or Settings()
    chassis = Chassis(settings, clock=clock)
    catalogue = load_catalogue(settings)
    programmes = chassis.aggregates("programmes", Programme)
    volunteers = chassis.aggregates("volunteers", Volunteer)
    reports = chassis.projections("people_imports", ImportReport)
    people = repository.MongoPeople(chassis.collection("people"))
    parts = chassis.collection("people_import_parts")
    store = repository.MongoImportStore(chassis.collection("people_import_turns"), parts, chassis.clock)
    disclosure = Disclosure(
        references=References(settings.reference_secret),
        grade_bands={grade.upper(): band for grade, band in settings.grade_bands.items()},
    )
    profiles = Profiles(people, disclosure, chassis.clock)
    programme_desk = Programmes(programmes=programmes, catalogue=catalogue, clock=chassis.clock)
    volunteer_desk = Volunteers(
        volunteers=volunteers,
        programmes=programmes,
        unchecked=repository.MongoUncheckedProgrammes(programmes.collection),
        people=people,
        profiles=profiles,
        catalogue=catalogue,
        clock=chassis.clock,
    )
    imports = PeopleImports(reports=reports, store=store, people=people, followers=volunteer_desk, clock=chassis.clock)
    consumers(chassis.bus, volunteer_desk)
    app = chassis.app(
        title="Telemachus enrollment",
        description="Who may take part, in which programme, as what.",
        routers=http_api.routers(
            directory=Directory(people),
            imports=imports,
            programmes=programme_desk,
            volunteers=volunteer_desk,
            catalogue=catalogue,
            clock=chassis.clock,
        ),
        emits=[ProgrammePublished, Volunteered, VolunteerUpdated, VolunteerWithdrawn],
        indexes=[
            partial(
                repository.ensure_indexes,
                people=people.collection,
                parts=parts,
                reports=reports,
                volunteers=volunteers,
                programmes=programmes,
            )
        ],
        background=[imports.finish_abandoned, volunteer_desk.judge_by_latest_charters],
        body_limits={"/v1/people/imports": MAX_UPLOAD},
    )
    if not settings.has_own_reference_key:
        get_logger(__name__).warning("references use the key that everybody knows; set TELEMACHUS_REFERENCE_KEY")
    return app


def load_catalogue(settings: Settings) -> Catalogue:
    """The catalogue that comes along, with the organisation's own entries. Raises: BrokenCatalogue, OSError."""
    shipped = Catalogue.parse(files(__package__ or "enrollment").joinpath("catalogue.toml").read_text("utf-8"))
    if settings.catalogue is None:
        return shipped
    return shipped.extended_by(Catalogue.parse(settings.catalogue.read_text("utf-8")))
