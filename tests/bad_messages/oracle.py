"""What a record is, by the specifications and the published schemas alone: nothing of the product is imported here.

CloudEvents 1.0.2 (Kafka binding), RFC 8259, RFC 3339, docs/asyncapi for the types; and the published promises: values
above 512 KiB are refused, fields that a reader does not know are ignored, a code list with ``unknown`` may grow.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

SCHEMAS = Path("shared/src/shared/contracts/schemas")
EXAMPLES = Path("shared/src/shared/contracts/examples")
TYPE = "io.telemachus.mentoring."
MOST_BYTES = 512 * 1024
DEEPEST = 100
"""RFC 8259 lets a reader limit nesting; deeper records are sent very deep only."""
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Verdict:
    """Whether a reader must take the record; ``None`` where the specifications leave it open."""

    good: bool | None
    reasons: frozenset[str] = frozenset()
    """What its dead letter may say, if there is one."""


GOOD, OPEN = Verdict(True), Verdict(None)


def bad(*reasons: str) -> Verdict:
    """It must be refused, for one of these reasons."""
    return Verdict(False, frozenset(reasons))


class _Open(Exception):
    """The specifications leave it open."""


def judge(value: bytes | None, headers: Headers, known: frozenset[str]) -> Verdict:
    """``known``: names and major versions of the events that the reader understands, such as ``paired.v1``."""
    if not value:
        return bad("tombstone")
    if len(value) > MOST_BYTES:
        return bad("oversized")
    plain = {name.lower(): (raw or b"").decode("utf-8", "replace") for name, raw in headers}
    payload = value[5:] if value.startswith(b"\x00") else value  # the prefix of a schema registry
    try:
        if plain.get("content-type", "").startswith("application/cloudevents"):
            return _structured(payload, known)
        attributes = {name[3:]: text for name, text in plain.items() if name.startswith("ce_")}
        return _envelope(attributes, known) or _data(payload, attributes["type"])
    except _Open:
        return OPEN


def _structured(payload: bytes, known: frozenset[str]) -> Verdict:
    try:
        whole = _parsed(payload)
    except ValueError:
        return bad("invalid_json")
    if not isinstance(whole, dict) or "data" not in whole:
        return bad("not_a_cloud_event")
    attributes = {name: part for name, part in whole.items() if isinstance(part, str)}
    return _envelope(attributes, known) or _conforms(whole["data"], attributes["type"])


def _envelope(attributes: Mapping[str, str], known: frozenset[str]) -> Verdict | None:
    """Why it cannot be applied, or None."""
    required = all(attributes.get(name) for name in ("id", "source", "type"))
    if attributes.get("specversion") != "1.0" or not required or not _is_moment(attributes.get("time", "")):
        return bad("not_a_cloud_event")
    name = attributes["type"].removeprefix(TYPE) if attributes["type"].startswith(TYPE) else ""
    if name in known:
        return None
    same_event = name.rpartition(".v")[0] in {one.rpartition(".v")[0] for one in known}
    return bad("unknown_version" if same_event else "unknown_type")


def _data(payload: bytes, type_: str) -> Verdict:
    try:
        return _conforms(_parsed(payload), type_)
    except ValueError:
        return bad("invalid_json", "schema")  # a parser may meet a wrong field before the broken syntax behind it


def _conforms(data: Any, type_: str) -> Verdict:
    name = type_.removeprefix(TYPE)
    if list(_validator(name).iter_errors(data)):
        return bad("schema")
    if name == "feedback_submitted.v1" and data["pairing_id"] not in _pairings():
        # an answer within a pairing that none of the examples tells of: unless another message did, it is put aside
        return Verdict(None, frozenset({"not_yet_known"}))
    return GOOD


def _parsed(payload: bytes) -> Any:
    """Strict JSON. Raises: ValueError."""
    if payload.count(b"[" * DEEPEST) or payload.count(b'{"a":' * DEEPEST):
        raise ValueError("too deep")

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is no JSON")

    def number(digits: str) -> int | float:
        return int(digits) if len(digits) < 30 else float("inf")

    parsed = json.loads(payload.decode("utf-8"), parse_constant=refuse, parse_int=number)
    json.dumps(parsed, ensure_ascii=False).encode("utf-8")  # a lone surrogate is no character
    return parsed


def _is_moment(text: object) -> bool:
    """RFC 3339. Raises: _Open for what some readers take as a time although it is spelled otherwise."""
    if not isinstance(text, str):
        return True  # the type is another rule's business
    if not _MOMENT.fullmatch(text):
        if sum(character.isdigit() for character in text) >= 1:
            raise _Open
        return False
    try:
        datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        if ":60" in text or "T24" in text:
            raise _Open from None
        return False
    return True


def _is_day(text: object) -> bool:
    if not isinstance(text, str):
        return True
    if not _DAY.fullmatch(text):
        if any(character.isdigit() for character in text):
            raise _Open
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


@cache
def _pairings() -> frozenset[str]:
    """The pairings that the examples tell of."""
    return frozenset(
        example["value"]["pairing_id"] for example in json.loads((EXAMPLES / "paired.v1.json").read_text())
    )


@cache
def _validator(name: str) -> Draft202012Validator:
    formats = FormatChecker(formats=())
    formats.checks("date-time")(_is_moment)
    formats.checks("date")(_is_day)
    schema = _as_readers_take_it(json.loads((SCHEMAS / f"{name}.json").read_text()))
    types = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, one: isinstance(one, int) and not isinstance(one, bool)
    )
    strict: Any = extend(Draft202012Validator, type_checker=types)  # type: ignore[no-untyped-call] # jsonschema's stubs
    validator: Draft202012Validator = strict(schema, format_checker=formats)
    return validator


def _as_readers_take_it(part: Any) -> Any:
    """Unknown fields are ignored, and open code lists may grow."""
    if isinstance(part, list):
        return [_as_readers_take_it(one) for one in part]
    if not isinstance(part, dict):
        return part
    opened = {name: _as_readers_take_it(one) for name, one in part.items()}
    if opened.get("additionalProperties") is False:
        del opened["additionalProperties"]
    if isinstance(opened.get("enum"), list) and "unknown" in opened["enum"]:
        del opened["enum"]
    return opened
