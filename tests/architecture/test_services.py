"""Knowing one service is knowing all: the same modules, the same rules, the same table in the README."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from .repository import ROOT, SERVICES, modules, packages, short, source

MODULES = ("main", "settings", "http_api", "consumers", "use_cases", "domain", "repository")
LONGEST_MODULE = 450
READS_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb"}
PRODUCTION = [packages()["shared"] / "chassis", packages()["shared"] / "contracts", *map(source, SERVICES)]

each_service = pytest.mark.parametrize("service", SERVICES)


@each_service
def test_a_service_has_the_seven_modules(service: str) -> None:
    package = source(service)
    missing = [
        name
        for name in MODULES
        if not (package / f"{name}.py").is_file() and not (package / name / "__init__.py").is_file()
    ]
    assert not missing


@each_service
def test_a_service_can_be_run_by_its_name_and_ships_its_types(service: str) -> None:
    assert (source(service) / "__main__.py").is_file()
    assert (source(service) / "py.typed").is_file()
    assert (ROOT / "services" / service / "pyproject.toml").is_file()


@each_service
def test_a_services_readme_has_the_one_table(service: str) -> None:
    readme = ROOT / "services" / service / "README.md"
    assert readme.is_file()
    heads = [
        [cell.strip().lower() for cell in line.strip().strip("|").split("|")]
        for line in readme.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith("|")
    ]
    assert ["consumes", "decides", "publishes", "owns"] in heads


def test_only_settings_read_the_environment() -> None:
    guilty = [
        f"{short(path)}:{node.lineno}"
        for path, tree in modules(*PRODUCTION)
        if path.name != "settings.py"
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in READS_ENVIRONMENT)
        or (isinstance(node, ast.Name) and node.id in READS_ENVIRONMENT)
    ]
    assert not guilty


def test_settings_classes_stand_in_settings_modules_only() -> None:
    guilty = [
        f"{short(path)}:{node.lineno}"
        for path, tree in modules(*PRODUCTION)
        if path.name != "settings.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id in {"BaseSettings", "ServiceSettings"} for base in node.bases)
    ]
    assert not guilty


def test_no_acknowledgement_policy_that_loses_messages_is_named_anywhere() -> None:
    guilty = [
        f"{short(path)}:{node.lineno} {ast.unparse(node)}"
        for path, tree in modules(*PRODUCTION)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "AckPolicy"
        and node.attr != "NACK_ON_ERROR"
    ]
    assert not guilty


def test_no_consumer_commits_by_itself() -> None:
    guilty = [
        f"{short(path)}:{word.value.lineno} {word.arg}"
        for path, tree in modules(*PRODUCTION)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in {"enable_auto_commit", "auto_commit", "no_ack"}
        and not (isinstance(word.value, ast.Constant) and word.value.value is False)
    ]
    assert not guilty


def test_services_subscribe_through_the_bus_and_publish_through_the_outbox_only() -> None:
    """FastStream's own decorators and any direct publish would go around the delivery guarantees."""
    guilty = [
        f"{short(path)}:{node.lineno} {ast.unparse(node.func)}"
        for path, tree in modules(*map(source, SERVICES))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"subscriber", "publisher", "send_and_wait", "request"}
        and ast.unparse(node.func).startswith(("broker", "bus", "chassis", "router", "self._broker"))
    ]
    assert not guilty


@each_service
def test_handlers_and_endpoints_stay_thin(service: str) -> None:
    """A handler takes a message and calls one use case: 3 to 8 lines, and no branch of the domain in it."""
    path = source(service) / "consumers"
    for module, tree in modules(path if path.is_dir() else path.with_suffix(".py")):
        for handler in decorated(tree, "subscribe"):
            body = [statement for statement in handler.body if not is_docstring(statement)]
            lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
            assert lines <= 8, f"{short(module)}: {handler.name} has {lines} lines"
            assert ast.get_docstring(handler), f"{short(module)}: {handler.name} says nothing"


def decorated(tree: ast.Module, decorator: str) -> Iterator[ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and any(
            re.search(rf"\.{decorator}\(", ast.unparse(mark)) for mark in node.decorator_list
        ):
            yield node


def is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def test_no_module_outgrows_its_reader() -> None:
    long = {
        short(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in (path for package in packages().values() for path in package.rglob("*.py"))
    }
    assert not {name: lines for name, lines in long.items() if lines > LONGEST_MODULE}


def test_nothing_is_left_half_done() -> None:
    marks = re.compile(
        r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError\b|pytest\.(skip\((?!f?\")|xfail)|mark\.(skip|xfail)\b"
    )  # a skip that says why at run time is printed with the results; a silent one is a defect
    here = Path(__file__)
    folders = [*packages().values(), *(ROOT / "services").glob("*/tests"), ROOT / "shared/tests", ROOT / "tests"]
    guilty = [
        f"{short(path)}:{number}"
        for folder in folders
        for path in sorted(folder.rglob("*.py"))
        if path != here
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if marks.search(line)
    ]
    assert not guilty
