"""Which column of the file holds what."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.contracts import Invalid

from .findings import Finding, UnusableFile, excerpt

MAX_COLUMNS = 200

ALIASES: Mapping[str, tuple[str, ...]] = {
    "staff_number": ("matricule", "numero_matricule", "n_matricule", "staff_id", "employee_number", "employee_id"),
    "first_name": ("prenom", "firstname", "given_name"),
    "last_name": ("nom", "nom_de_famille", "lastname", "surname", "family_name"),
    "email": ("courriel", "mail", "e_mail", "email_address", "adresse_mail", "adresse_electronique"),
    "hire_date": ("date_embauche", "date_d_embauche", "date_entree", "hired_on", "start_date"),
    "birth_year": ("annee_naissance", "annee_de_naissance", "year_of_birth"),
    "grade": ("niveau", "level"),
    "unit": ("unite", "departement", "department", "service", "direction", "business_unit"),
    "manager_staff_number": (
        "matricule_manager",
        "matricule_du_manager",
        "matricule_du_responsable",
        "matricule_responsable",
        "manager",
        "manager_id",
        "manager_number",
        "responsable",
    ),
    "site": ("lieu", "lieu_de_travail", "location", "etablissement"),
    "time_zone": ("fuseau_horaire", "fuseau", "timezone"),
    "languages": ("langues", "langue", "language"),
}
"""Each field with the headers it goes by beside its own name; case, accents and spacing do not matter."""

REQUIRED = ("staff_number", "first_name", "last_name", "email")
"""A file without one of these columns is a mistake of the export; an empty e-mail cell is a fact about a person."""


class UnknownField(Invalid):
    """The mapping names something that people do not have."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column that is read: which field it holds, where it stands, and what the file calls it."""

    field: str
    index: int
    header: str


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse a mapping of fields that people do not have. Raises: UnknownField, naming it."""
    for field in mapping:
        if field not in ALIASES:
            known = ", ".join(ALIASES)
            raise UnknownField(f"people have no such field; these are: {known}", field=f"mapping.{field}")


def plan(header: Sequence[str], mapping: Mapping[str, str], *, line: int) -> tuple[Column, ...]:
    """The columns to read. Raises: UnusableFile, with every missing or doubtful column at once."""
    if len(header) > MAX_COLUMNS:
        raise UnusableFile(_finding(line, None, "too_many_columns", f"at most {MAX_COLUMNS} columns are read"))
    places: dict[str, list[int]] = {}
    for index, name in enumerate(header):
        places.setdefault(_plain(name), []).append(index)
    mapped = {_plain(column) for column in mapping.values()}
    columns: list[Column] = []
    findings: list[Finding] = []
    for field, aliases in ALIASES.items():
        wanted = [_plain(mapping[field])] if field in mapping else [field, *aliases]
        found = [index for name in wanted if field in mapping or name not in mapped for index in places.get(name, ())]
        if len(found) == 1:
            columns.append(Column(field=field, index=found[0], header=header[found[0]].strip()))
        elif found:
            names = ", ".join(repr(excerpt(header[index].strip())) for index in found)
            message = f"{field} could be any of the columns {names}: say which one with the mapping"
            findings.append(_finding(line, header[found[0]].strip(), "ambiguous_column", message))
        elif field in mapping:
            message = f"the mapping asks for this column as {field}, and the file has none of this name"
            findings.append(_finding(line, mapping[field], "missing_column", message))
        elif field in REQUIRED:
            findings.append(_finding(line, field, "missing_column", f"the file has no column for {field}"))
    if findings:
        raise UnusableFile(*findings)
    return tuple(columns)


def _plain(header: str) -> str:
    """A header without accents, case and punctuation: ``Année de naissance`` is ``annee_de_naissance``."""
    letters = unicodedata.normalize("NFKD", header.strip().casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return re.sub(r"[^0-9a-z]+", "_", bare).strip("_")


def _finding(line: int, column: str | None, code: str, message: str) -> Finding:
    shown = None if column is None else excerpt(column)
    return Finding(line=line, column=shown, value_excerpt="", code=code, message=message)
