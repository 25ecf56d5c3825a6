"""What the service can do. Each use case takes the acting principal, decides by the domain, and saves."""

from .people import Directory
from .people_imports import ImportRequest, PeopleImports
from .ports import ImportStore, People, UncheckedProgrammes
from .profiles import Profiles
from .programmes import Programmes
from .volunteers import Volunteers, Wish

__all__ = [
    "Directory",
    "ImportRequest",
    "ImportStore",
    "People",
    "PeopleImports",
    "Profiles",
    "Programmes",
    "UncheckedProgrammes",
    "Volunteers",
    "Wish",
]
