"""The command, from its options to its files."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from matching_bench.__main__ import _sizes, main
from matching_bench.goals import HUGE, LARGE


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(tmp_path: Path, **changes: Any) -> None:
    options = {"sizes": "60", "modes": "capacity", "only": "engine,scipy,pass"} | changes
    main(rounds=1, limit=60, output=tmp_path / "build", page=tmp_path / "docs", **options)


@pytest.mark.timeout(180)  # four processes, one of which may have to compile
def test_the_command_measures_proves_and_writes_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path)
    assert "This takes about 2 min" in capsys.readouterr().err
    found = json.loads((tmp_path / "build" / "matching.json").read_text())
    assert found["failures"] == []
    rows = {row["contender"]: row for row in found["rows"]}
    assert list(rows) == ["engine", "scipy", "pass"]
    assert all(row["wall"] > 0 and row["peak_bytes"] > 2**20 for row in rows.values())
    assert rows["engine"]["total"] == rows["engine"]["told"]["dual"] == rows["scipy"]["total"]
    assert rows["engine"]["violations"] == rows["scipy"]["violations"] == []
    assert "total" not in rows["pass"]
    assert found["machine"]["cores"] >= 1
    assert {"G1", "G2", "G3", "G6", "G7", "G8", "G10"} <= set(found["goals"])
    text = (tmp_path / "docs" / "matching.md").read_text()
    assert "### 60 mentors and 60 mentees, capacity 1-3" in text
    assert ("![" in text) == (tmp_path / "docs" / "matching.svg").exists()


def test_larger_sizes_are_added_when_asked_for() -> None:
    assert _sizes("1000,300") == (300, 1_000)
    assert _sizes("1000", LARGE, HUGE) == (1_000, 50_000, 100_000)


@pytest.mark.parametrize(
    "options", [{"only": "nobody"}, {"modes": "three-to-one"}, {"sizes": "many"}, {"sizes": "3"}, {"sizes": ""}]
)
def test_an_option_that_means_nothing_is_refused_before_anything_is_measured(
    options: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(typer.BadParameter):
        run(tmp_path, **options)
    assert not (tmp_path / "build").exists()
