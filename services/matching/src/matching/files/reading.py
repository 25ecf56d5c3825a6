"""Reading an instance from a file: either it is right, or every fault is named with the field that has it."""

import codecs
import json
from collections.abc import Collection, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from pydantic import ValidationError

from .instance import Instance, Person

MOST_FAULTS = 20
"""More are counted, not listed."""


class Unusable(Exception):
    """The file is no instance. The message names every fault, one per line."""


def read_instance(path: Path) -> tuple[Instance, str]:
    """The instance in a file, and the SHA-256 of the file's bytes. Raises: Unusable."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror}") from error
    return parse_instance(content), sha256(content).hexdigest()


def parse_instance(content: bytes) -> Instance:
    """The instance that is written here, in JSON. Raises: Unusable."""
    text = content.removeprefix(codecs.BOM_UTF8)
    try:
        instance = Instance.model_validate_json(text)
        json.loads(text, object_pairs_hook=_no_name_twice)
    except ValidationError as error:
        faults = [_told(fault["type"], fault["loc"], fault["msg"]) for fault in error.errors(include_url=False)]
    except UnicodeDecodeError as error:
        faults = [f"byte {error.start} is not UTF-8"]
    except _NameTwice as error:
        faults = [str(error)]
    else:
        faults = [*_faults(instance)]
    if not faults:
        return instance
    more = len(faults) - MOST_FAULTS
    raise Unusable("\n".join([*faults[:MOST_FAULTS], *([f"... and {more} more"] if more > 0 else [])]))


class _NameTwice(Exception):
    pass


def _no_name_twice(fields: list[tuple[str, object]]) -> None:
    names = [name for name, _ in fields]
    for name in names:
        if names.count(name) > 1:
            raise _NameTwice(f"an object has two fields named {name!r}; which of them counts?")


def _told(kind: str, where: Sequence[str | int], message: str) -> str:
    """A fault in words, behind the path of the field: ``mentees[3].availability[0].start: ...``."""
    message = message.removeprefix("Value error, ")
    if kind == "json_invalid":
        return f"not JSON: {message.removeprefix('Invalid JSON: ')}"
    if kind == "extra_forbidden":
        message = "there is no such field"
    elif kind == "missing":
        message = "this field is required"
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")
    return f"{path}: {message}" if path else message


def _faults(instance: Instance) -> Iterator[str]:
    """What no single field can know: names that meet twice, and names that nobody has."""
    sides = {"mentor": instance.mentors, "mentee": instance.mentees}
    first: dict[str, str] = {}
    for role, people in sides.items():
        if not people:
            yield f"{role}s: nobody is there to be paired"
        for at, person in enumerate(people):
            if person.id in first:
                yield f"{role}s[{at}].id: {person.id!r} is the id of {first[person.id]} already"
            first.setdefault(person.id, f"{role}s[{at}]")
            if person.free_places > person.capacity:
                yield f"{role}s[{at}].places: {person.free_places} are more than the capacity of {person.capacity}"
    known = {role: {person.id for person in people} for role, people in sides.items()}
    yield from _wishes_for_nobody("mentor", instance.mentors, "mentee", known["mentee"])
    yield from _wishes_for_nobody("mentee", instance.mentees, "mentor", known["mentor"])
    for name, pairs in (("excluded", instance.excluded), ("locked", instance.locked)):
        for at, pair in enumerate(pairs):
            for role, id_ in (("mentor", pair.mentor), ("mentee", pair.mentee)):
                if id_ not in known[role]:
                    yield f"{name}[{at}].{role}: no {role} has the id {id_!r}"


def _wishes_for_nobody(role: str, people: Sequence[Person], other: str, known: Collection[str]) -> Iterator[str]:
    for at, person in enumerate(people):
        for rank, id_ in enumerate(person.ranked_wishes):
            if id_ not in known:
                yield f"{role}s[{at}].ranked_wishes[{rank}]: no {other} has the id {id_!r}"
