import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from local_stack.kafka import pinned_version
from local_stack.places import CHECKOUT
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import SERVICES
from shared.testing.containers import KAFKA_IMAGE, MONGO_IMAGE

COMPOSE: dict[str, Any] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
DOCKERFILE = (CHECKOUT / "deploy" / "image" / "Dockerfile").read_text()
OURS = [*SERVICES, "topics"]


def variable_default(value: str) -> str:
    """What ``${NAME:-default}`` stands for when nothing is set."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value)


def test_the_system_is_complete() -> None:
    assert set(COMPOSE["services"]) == {*SERVICES, "topics", "kafka", "mongodb"}


@pytest.mark.parametrize("name", OURS)
def test_every_setting_is_one_that_the_services_read(name: str) -> None:
    known = {f"TELEMACHUS_{field}".upper() for field in ServiceSettings.model_fields}
    given = COMPOSE["services"][name]["environment"]
    assert set(given) <= known
    assert set(re.findall(r"TELEMACHUS_[A-Z_]+", DOCKERFILE)) <= known
    ServiceSettings(service_name=name, **{key.removeprefix("TELEMACHUS_").lower(): given[key] for key in given})


@pytest.mark.parametrize("name", OURS)
def test_addresses_are_those_of_the_containers(name: str) -> None:
    settings = COMPOSE["services"][name]["environment"]
    kafka = COMPOSE["services"]["kafka"]["environment"]
    assert f"INSIDE://{settings['TELEMACHUS_KAFKA_BOOTSTRAP']}" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert settings["TELEMACHUS_MONGO_URI"] == "mongodb://mongodb:27017"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_write_nowhere_and_gain_nothing(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service


def test_our_containers_do_not_run_as_root() -> None:
    last_stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER 10001:10001$", last_stage, re.MULTILINE)


def test_the_image_of_matching_is_compiled_ahead_and_compiled_code_is_laid_out_where_it_may_be_used() -> None:
    last_stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    compiling = last_stage.index("NUMBA_CACHE_DIR=/app/compiled python -m matching.engine")
    assert last_stage.index("COPY --from=build") < compiling < last_stage.index("USER 10001")
    command = last_stage[last_stage.index("\nCMD ") :]
    assert "cp -R /app/compiled /tmp/" in command
    assert "NUMBA_CACHE_DIR=/tmp/compiled" in command
    assert COMPOSE["services"]["matching"]["tmpfs"] == ["/tmp"]
    assert "command" not in COMPOSE["services"]["matching"]


@pytest.mark.parametrize("name", [*SERVICES, "kafka", "mongodb"])
def test_every_part_that_stays_has_a_health_check(name: str) -> None:
    assert COMPOSE["services"][name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_starts_once_its_topics_are_declared(name: str) -> None:
    waits_for = COMPOSE["services"][name]["depends_on"]
    assert waits_for["topics"]["condition"] == "service_completed_successfully"
    assert waits_for["mongodb"]["condition"] == "service_healthy"
    topics = COMPOSE["services"]["topics"]
    assert topics["command"] == ["python", "-m", "shared.chassis.topics", "create"]
    assert topics["depends_on"]["kafka"]["condition"] == "service_healthy"
    assert topics["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_be_scaled(name: str) -> None:
    service = COMPOSE["services"][name]
    assert "container_name" not in service
    (port,) = service["ports"]
    address, host_ports, inside = port.rsplit(":", 2)
    first, last = map(int, host_ports.split("-"))
    assert (address, inside) == ("127.0.0.1", "8000")
    assert last - first == 9


def test_ports_of_the_host_are_on_loopback_and_given_once() -> None:
    taken: list[int] = []
    for service in COMPOSE["services"].values():
        for port in service.get("ports", []):
            address, host_ports, _inside = variable_default(port).rsplit(":", 2)
            assert address == "127.0.0.1"
            first, _, last = host_ports.partition("-")
            taken += range(int(first), int(last or first) + 1)
    assert len(taken) == len(set(taken))


@pytest.mark.parametrize("name", SERVICES)
def test_one_recipe_builds_every_service(name: str) -> None:
    build = COMPOSE["services"][name]["build"]
    assert (build["dockerfile"], build["args"]["SERVICE"]) == ("deploy/image/Dockerfile", name)
    assert f"PYTHON_IMAGE={variable_default(build['args']['PYTHON_IMAGE'])}" in DOCKERFILE
    assert (CHECKOUT / "services" / name / "pyproject.toml").exists()


def test_the_recipe_knows_every_member_of_the_workspace() -> None:
    members = [path.parent.relative_to(CHECKOUT) for path in _members()]
    assert [member for member in members if f"COPY {member}/pyproject.toml {member}/" not in DOCKERFILE] == []


def test_the_same_versions_run_everywhere() -> None:
    kafka, mongodb = (variable_default(COMPOSE["services"][name]["image"]) for name in ("kafka", "mongodb"))
    assert kafka == KAFKA_IMAGE == f"apache/kafka:{pinned_version()}"
    assert mongodb == MONGO_IMAGE


def _members() -> list[Path]:
    return [path for path in CHECKOUT.glob("*/pyproject.toml") if path.parent.name == "shared"] + [
        path for part in ("services", "deploy") for path in CHECKOUT.glob(f"{part}/*/pyproject.toml")
    ]
