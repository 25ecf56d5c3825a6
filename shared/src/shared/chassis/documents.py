"""How a frozen state becomes a document, and back."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from .mongo import Document

Scalar = str | int | bool | None

_STORED_APART = frozenset({"id", "tenant", "version"})
_AS_THEY_ARE = frozenset({str, int, bool, float, type(None), datetime})
_RESERVED = frozenset({"v", "seq", "outbox", "inbox", "cmds", "ob", "claims"})


class State(Protocol):
    """What every stored state has."""

    @property
    def id(self) -> str:
        """The document's ``_id``."""
        ...

    @property
    def tenant(self) -> str:
        """Whose it is."""
        ...

    @property
    def version(self) -> int:
        """Grows by one with every change; stored as ``v``."""
        ...


S = TypeVar("S", bound=State)


class StateCodec(Generic[S]):
    """Maps a frozen dataclass to a document: field names are kept, ``id`` is ``_id``, ``version`` is ``v``.

    Raises:
        TypeError: At build time, for a state that is no dataclass or uses a reserved field name.
    """

    def __init__(self, state: type[S]) -> None:
        if not is_dataclass(state):
            raise TypeError(f"{state.__name__} must be a dataclass")
        names = {field.name for field in fields(state)}
        if missing := _STORED_APART - names:
            raise TypeError(f"{state.__name__} lacks {', '.join(sorted(missing))}")
        if reserved := names & _RESERVED:
            raise TypeError(f"{state.__name__} uses reserved names: {', '.join(sorted(reserved))}")
        self.name: str = state.__name__.lower()
        self._names: set[str] = names
        self._adapter: TypeAdapter[S] = TypeAdapter(state)

    def encode(self, state: S) -> Document:
        """The document's domain part."""
        values = self._adapter.dump_python(state, mode="python")
        return {name: _to_bson(value) for name, value in values.items() if name not in _STORED_APART}

    def decode(self, document: Document) -> S:
        """The state inside a document."""
        values = {name: document[name] for name in self._names & document.keys()}
        values |= {"id": document["_id"], "tenant": document["tenant"], "version": document["v"]}
        return self._adapter.validate_python(values)


def _to_bson(value: Any) -> Any:
    """Replace what BSON lacks: enums by their values, dates by ISO strings, sets by sorted lists."""
    if type(value) in _AS_THEY_ARE:  # by far the most
        return value
    plain: Any
    match value:
        case Enum():
            plain = value.value
        case datetime():
            plain = value
        case date() | time():
            plain = value.isoformat()
        case Mapping():
            plain = {str(_to_bson(key)): _to_bson(part) for key, part in value.items()}
        case set() | frozenset():
            plain = sorted(_to_bson(part) for part in value)
        case list() | tuple():
            plain = [_to_bson(part) for part in value]
        case _:
            plain = value
    return plain
