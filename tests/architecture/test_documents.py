"""Documents point only at what exists, and decisions have the form that lets somebody revisit them."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from .repository import NOT_OURS, ROOT, documents, short

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
IMAGE = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]+)>?")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
DECISION = re.compile(r"docs/decisions/(\d{4})")
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PARTS = ("**Context.**", "**Decision.**", "**Rejected.**", "**Look again when**")


def prose(path: Path) -> str:
    """The text without code, where brackets mean something else."""
    return CODE.sub("", FENCE.sub("", path.read_text(encoding="utf-8")))


def links(path: Path) -> Iterator[str]:
    text = prose(path)
    for match in LINK.finditer(text):
        yield match.group(1) or match.group(2)
    yield from IMAGE.findall(text)


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    text = FENCE.sub("", path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for heading in HEADING.findall(text):
        plain = re.sub(r"[*_`]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 1
        unique = slug
        while unique in found:
            unique = f"{slug}-{number}"
            number += 1
        found.add(unique)
    return found


@pytest.mark.parametrize("document", [*documents()], ids=short)
def test_a_document_has_no_dead_link(document: Path) -> None:
    dead = []
    for link in links(document):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        target, _, anchor = unquote(link).partition("#")
        path = (document.parent / target).resolve() if target else document
        if not path.exists() or (anchor and path.suffix == ".md" and anchor.lower() not in anchors(path)):
            dead.append(link)
    assert not dead


def test_every_decision_says_its_context_what_was_rejected_and_when_to_look_again() -> None:
    assert DECISIONS
    for path in DECISIONS:
        text = path.read_text(encoding="utf-8")
        missing = [part for part in PARTS if part not in text]
        assert not missing, f"{short(path)} lacks {missing}"


def test_decisions_are_named_and_numbered_once() -> None:
    assert [path.name for path in DECISIONS if not re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)] == []
    numbers = [path.name[:4] for path in DECISIONS]
    assert len(numbers) == len(set(numbers))
    for path in DECISIONS:
        assert path.read_text(encoding="utf-8").startswith(f"# {path.name[:4]} ")


def test_every_decision_that_is_cited_exists() -> None:
    known = {path.name[:4] for path in DECISIONS}
    cited = {
        f"{short(path)} cites {number}"
        for folder in ("services", "shared", "deploy", "tests", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".json"}
        and not NOT_OURS & set(path.relative_to(ROOT).parts)
        for number in DECISION.findall(path.read_text(encoding="utf-8", errors="replace"))
        if number not in known
    }
    assert not cited
