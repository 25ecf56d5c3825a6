"""From the text of a cell to a fact about a person, or the reason why not."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import NoReturn
from zoneinfo import available_timezones

Fact = str | int | tuple[str, ...] | None

_SUSPECT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_UNDECODED = re.compile("[\udc80-\udcff]")
# A spreadsheet runs a cell that starts like this; a dash or a plus alone, or before a plain word or number, is text.
_FORMULA = re.compile(r"[=@].|[+-](?=.*[(!|=@])|[+-]\s*[A-Za-z]{1,3}[0-9]+|[+-]\s*[0-9.,]+\s*[-+*/^]", re.DOTALL)
_STAFF_NUMBER = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z ._/-]*[0-9A-Za-z])?")
_EMAIL = re.compile(
    r"[0-9A-Za-z.!#$%&'*/=?^_`{|}~+-]{1,64}@[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?\.[A-Za-z0-9-]{2,63}"
)
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAY_FIRST_DATE = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_YEAR = re.compile(r"[0-9]{4}")
_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]([A-Za-z]{2}))?")
_LANGUAGE_SEPARATORS = re.compile(r"[|,;/\s]+")

_MAX_LENGTH = {
    "staff_number": 64,
    "manager_staff_number": 64,
    "email": 254,
    "hire_date": 10,
    "birth_year": 4,
    "grade": 16,
    "time_zone": 64,
}
_MAX_TEXT = 100
_MAX_LANGUAGES = 10
_REQUIRED = frozenset({"staff_number", "first_name", "last_name"})
_OLDEST_HIRE = date(1950, 1, 1)
_YOUNGEST = 14
_ELDEST = 100


class CellRefused(Exception):
    """This cell cannot be taken over."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def fact(field: str, text: str, today: date) -> Fact:
    """What a cell says; ``None`` when it is empty. Dates come back as ISO text. Raises: CellRefused."""
    value = text.strip()
    if not value:
        if field in _REQUIRED:
            _refuse("missing_value", f"{field} must be given")
        return None
    if not value.isascii() or not value.isprintable():
        value = unicodedata.normalize("NFC", value)
        if _SUSPECT.search(value):
            if _UNDECODED.search(value):
                _refuse("broken_encoding", "some bytes of this cell are not text in the file's encoding")
            _refuse("control_character", "control characters are not accepted")
    if value[0] in "=@+-" and _FORMULA.match(value):
        _refuse("formula", "cells that a spreadsheet would run as a formula are not accepted")
    longest = _MAX_LENGTH.get(field, _MAX_TEXT)
    if len(value) > longest:
        _refuse("too_long", f"at most {longest} characters")
    read = _READERS.get(field)
    return value if read is None else read(value, today)


def _staff_number(value: str, _: date) -> str:
    if not _STAFF_NUMBER.fullmatch(value):
        _refuse("bad_staff_number", "a staff number is made of letters, digits, spaces and . _ / -")
    return value


def _email(value: str, _: date) -> str:
    if not _EMAIL.fullmatch(value) or ".." in value:
        _refuse("bad_email", "this is not an e-mail address")
    return value


@lru_cache(maxsize=4096)
def _hire_date(value: str, today: date) -> str:
    if match := _ISO_DATE.fullmatch(value):
        year, month, day = match.groups()
    elif match := _DAY_FIRST_DATE.fullmatch(value):
        day, month, year = match.groups()
    else:
        _refuse("bad_date", "dates are written 2024-03-31 or 31/03/2024")
    try:
        hired = date(int(year), int(month), int(day))
    except ValueError:
        _refuse("bad_date", "there is no such day in the calendar")
    if not _OLDEST_HIRE <= hired <= today + timedelta(days=366):
        _refuse("bad_date", "people are hired between 1950 and a year from now")
    return hired.isoformat()


def _birth_year(value: str, today: date) -> int:
    if not _YEAR.fullmatch(value):
        _refuse("bad_year", "the year of birth has four digits")
    year = int(value)
    if not today.year - _ELDEST <= year <= today.year - _YOUNGEST:
        _refuse("bad_year", f"people here are {_YOUNGEST} to {_ELDEST} years old")
    return year


@lru_cache(maxsize=4096)
def _time_zone(value: str, _: date) -> str:
    if value not in time_zones():
        _refuse("unknown_time_zone", "this is not an IANA time zone such as Europe/Paris")
    return value


@lru_cache(maxsize=4096)
def _languages(value: str, _: date) -> tuple[str, ...]:
    tags: list[str] = []
    for part in _LANGUAGE_SEPARATORS.split(value):
        if not part:
            continue
        match = _LANGUAGE.fullmatch(part)
        if match is None:
            _refuse("bad_language", "languages are written as codes such as fr or pt-BR, separated by |")
        language, region = match.group(1).lower(), match.group(2)
        tag = f"{language}-{region.upper()}" if region else language
        if tag not in tags:
            tags.append(tag)
    if len(tags) > _MAX_LANGUAGES:
        _refuse("too_many_languages", f"at most {_MAX_LANGUAGES} languages")
    return tuple(tags)


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Every IANA time zone known here."""
    return frozenset(available_timezones())


_READERS: Mapping[str, Callable[[str, date], Fact]] = {
    "staff_number": _staff_number,
    "manager_staff_number": _staff_number,
    "email": _email,
    "hire_date": _hire_date,
    "birth_year": _birth_year,
    "time_zone": _time_zone,
    "languages": _languages,
}


def _refuse(code: str, message: str) -> NoReturn:
    raise CellRefused(code, message)
