"""The command, from its options to its files."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from matching_bench.__main__ import main


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def run(tmp_path: Path, **changes: str) -> None:
    options = {"sizes": "60", "modes": "one_to_one", "only": "numpy,sgemm"} | changes
    main(rounds=1, limit=60, output=tmp_path / "build", page=tmp_path / "docs", **options)


def test_the_command_measures_and_writes_what_it_found(tmp_path: Path) -> None:
    run(tmp_path)
    found = json.loads((tmp_path / "build" / "matching.json").read_text())
    assert [row["contender"] for row in found["rows"]] == ["numpy", "sgemm"]
    assert found["failures"] == []
    assert found["machine"]["cores"] >= 1
    assert {"G1", "G2", "G3", "G6", "G7", "G8", "G10"} <= set(found["goals"])
    text = (tmp_path / "docs" / "matching.md").read_text()
    assert "### 60 mentors and 60 mentees, one-to-one" in text
    assert ("![" in text) == (tmp_path / "docs" / "matching.svg").exists()


@pytest.mark.parametrize(
    "options", [{"only": "nobody"}, {"modes": "three-to-one"}, {"sizes": "many"}, {"sizes": "3"}, {"sizes": ""}]
)
def test_an_option_that_means_nothing_is_refused_before_anything_is_measured(
    options: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(typer.BadParameter):
        run(tmp_path, **options)
    assert not (tmp_path / "build").exists()
