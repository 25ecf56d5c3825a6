import hashlib
import os
import uuid
from pathlib import Path

import pytest
from local_stack import kafka
from local_stack.errors import StackError
from local_stack.kafka import Line, install_kafka, server_properties
from local_stack.ports import Ports

JARS = {"broker.jar": b"the broker", "clients.jar": b"the clients", "log.jar": b"the log"}
# stands in for Maven: copies from a folder what is not in the output folder yet, and says so as Maven does
MAVEN = """#!/bin/sh
echo call >>"$MAVEN_CALLS"
for argument in "$@"; do case "$argument" in -DoutputDirectory=*) to="${argument#*=}";; esac; done
for jar in "$MAVEN_HAS"/*.jar; do
    name=$(basename "$jar")
    [ -e "$to/$name" ] || cp "$jar" "$to/$name"
    echo "[INFO] Downloaded from central: https://example.org/$name (1 kB at 1 kB/s)"
done
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The jars that the stand-in for Maven can download."""
    has, tools, pinned = tmp_path / "has", tmp_path / "tools", tmp_path / "pinned"
    for folder in (has, tools, pinned):
        folder.mkdir()
    for name, content in JARS.items():
        (has / name).write_bytes(content)
    (pinned / "pom.xml").write_text("<project><properties><kafka.version>4.0.0</kafka.version></properties></project>")
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in JARS.items()}
    (pinned / "jars.sha256").write_text("".join(f"{digest}  {name}\n" for name, digest in digests.items()))
    _program(tools / "mvn", MAVEN)
    _program(tools / "java", "#!/bin/sh\necho 'openjdk version \"21.0.1\"' >&2\n")
    monkeypatch.setattr(kafka, "KAFKA_FILES", pinned)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MAVEN_HAS", str(has))
    monkeypatch.setenv("MAVEN_CALLS", str(tmp_path / "calls"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    return has


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _install() -> kafka.Kafka:
    return install_kafka(lambda _there, _needed: None)


def _calls(tmp_path: Path) -> int:
    return len((tmp_path / "calls").read_text().splitlines())


def test_what_is_complete_is_not_downloaded_again(repository: Path, tmp_path: Path) -> None:
    first, second = _install(), _install()
    assert first == second
    assert _calls(tmp_path) == 1


def test_progress_counts_the_jars(repository: Path) -> None:
    seen: list[tuple[int, int]] = []
    install_kafka(lambda there, needed: seen.append((there, needed)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("damage", [b"", b"the bro", b"something else", None])
def test_a_broken_download_is_found_and_repaired(repository: Path, tmp_path: Path, damage: bytes | None) -> None:
    broken = _install().libs / "broker.jar"
    broken.unlink()
    if damage is not None:
        broken.write_bytes(damage)
    _install()
    assert broken.read_bytes() == JARS["broker.jar"]
    assert _calls(tmp_path) == 2


def test_a_jar_that_is_not_the_pinned_one_never_runs(repository: Path) -> None:
    (repository / "broker.jar").write_bytes(b"something else")
    with pytest.raises(StackError, match=r"broker\.jar"):
        _install()


def test_a_failing_maven_is_told_with_what_to_do_next(repository: Path, tmp_path: Path) -> None:
    _program(tmp_path / "tools" / "mvn", "#!/bin/sh\necho '[ERROR] no route to host'\nexit 1\n")
    with pytest.raises(StackError, match="no route to host") as failure:
        _install()
    assert "proxy" in failure.value.next_step


def test_nothing_of_maven_stays_behind(repository: Path, tmp_path: Path) -> None:
    libs = _install().libs
    assert {path.name for path in libs.iterdir()} == set(JARS)
    assert [path.name for path in libs.parent.iterdir() if path.name.startswith("maven-")] == []


def test_an_old_java_does_not_run_kafka(repository: Path, tmp_path: Path) -> None:
    _program(tmp_path / "tools" / "java", "#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n")
    assert kafka.java_version(tmp_path / "tools" / "java") == 8
    assert "Java 17" in (kafka.why_not() or "")


def test_without_maven_a_complete_cache_is_enough(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install()
    (tmp_path / "tools" / "mvn").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "tools"))
    assert kafka.why_not() is None
    (tmp_path / "cache" / "telemachus" / "kafka-4.0.0" / "log.jar").unlink()
    assert "Maven" in (kafka.why_not() or "")


def test_the_pinned_kafka_is_a_version_4() -> None:
    assert kafka.pinned_version().startswith("4.")
    assert f"kafka_2.13-{kafka.pinned_version()}.jar" in kafka.pinned_jars()


def test_a_cluster_whose_random_name_begins_with_a_dash_can_be_made(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka.uuid, "uuid4", lambda: uuid.UUID(int=0xF8 << 120))
    arguments = _install().broker(tmp_path, Ports(tmp_path)).prepare or []
    assert "--cluster-id=-AAAAAAAAAAAAAAAAAAAAA" in arguments  # alone it would be taken for an option


def test_those_who_come_by_the_line_are_told_of_the_proxy(tmp_path: Path) -> None:
    lines = server_properties(tmp_path, 1001, 1002, Line(1003, "127.0.0.1:9999")).splitlines()
    assert "listeners=PLAINTEXT://127.0.0.1:1001,CONTROLLER://127.0.0.1:1002,LINE://127.0.0.1:1003" in lines
    assert "advertised.listeners=PLAINTEXT://127.0.0.1:1001,LINE://127.0.0.1:9999" in lines
