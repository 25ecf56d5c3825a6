"""Whether a newer schema may take an older one's place on the same topic.

Old messages stay on the topic and old readers stay deployed, so within a major version only two things may happen:
an optional field is added, or a tolerant code gains a member. Everything else is a new major version.
"""

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

TOLERANT = "unknown"
"""A code with this member is read tolerantly: what a reader does not know becomes this."""

_WORDS = frozenset({"title", "description", "examples", "$id", "$schema", "$defs", "$comment"})
_FIXED = ("x-type", "x-key", "x-aggregate", "x-emitter")
"""A new key breaks the order of what one key meant; the others name the topic's owner and meaning."""


def breaks(before: Json, now: Json) -> list[str]:
    """Every way in which ``now`` breaks readers or messages of ``before``; empty when it may follow it."""
    return [
        *(f"{word}: {before.get(word)} became {now.get(word)}" for word in _FIXED if before.get(word) != now.get(word)),
        *_compare("$", before, now, before, now),
    ]


def _compare(path: str, old: Any, new: Any, before: Json, now: Json) -> Iterator[str]:
    old, new = _resolved(old, before), _resolved(new, now)
    yield from _compare_properties(path, old, new, before, now)
    yield from _compare_codes(path, old, new)
    for word in ("items", "additionalProperties"):
        if isinstance(old.get(word), dict) and isinstance(new.get(word), dict):
            yield from _compare(f"{path}[]", old[word], new[word], before, now)
        elif old.get(word) != new.get(word):
            yield f"{path}: {word} changed"
    olds, news = old.get("anyOf", []), new.get("anyOf", [])
    if len(olds) != len(news):
        yield f"{path}: what it may hold changed"
    for one, other in zip(olds, news, strict=False):
        yield from _compare(path, one, other, before, now)
    known = {"properties", "required", "enum", "items", "additionalProperties", "anyOf"}
    for word in sorted((old.keys() | new.keys()) - known - _WORDS):
        if word.startswith("x-") or old.get(word) == new.get(word):
            continue
        if word != "default" or not _holds(new.get(word), old.get(word)):
            yield f"{path}: {word} {_said(old, word)} became {_said(new, word)}"


def _compare_properties(path: str, old: Json, new: Json, before: Json, now: Json) -> Iterator[str]:
    olds, news = old.get("properties", {}), new.get("properties", {})
    required_before, required_now = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(olds.keys() - news.keys()):
        yield f"{path}.{name}: removed or renamed"
    for name in sorted(required_now - required_before):
        yield f"{path}.{name}: {'became' if name in olds else 'is new and'} required"
    for name in sorted((required_before & news.keys()) - required_now):
        yield f"{path}.{name}: no longer always there"
    for name in sorted(olds.keys() & news.keys()):
        yield from _compare(f"{path}.{name}", olds[name], news[name], before, now)


def _compare_codes(path: str, old: Json, new: Json) -> Iterator[str]:
    if "enum" not in old or "enum" not in new:
        if ("enum" in old) != ("enum" in new):
            yield f"{path}: a list of codes came or went"
        return
    for code in sorted(set(old["enum"]) - set(new["enum"])):
        yield f"{path}: code {code!r} removed"
    if TOLERANT not in old["enum"]:
        for code in sorted(set(new["enum"]) - set(old["enum"])):
            yield f"{path}: code {code!r} added, which deployed readers would refuse"


def _holds(new: Any, old: Any) -> bool:
    """Whether a default says what it said: that of a part names the part's new optional fields beside the old ones."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _holds(new[name], value) for name, value in old.items())
    return type(new) is type(old) and bool(new == old)


def _resolved(schema: Json, document: Json) -> Json:
    """The schema with its reference followed; what stands beside the reference wins."""
    reference = schema.get("$ref")
    if reference is None:
        return schema
    target = document["$defs"][reference.removeprefix("#/$defs/")]
    return {**target, **{word: value for word, value in schema.items() if word != "$ref"}}


def _said(schema: Json, word: str) -> str:
    return repr(schema[word]) if word in schema else "(unset)"
