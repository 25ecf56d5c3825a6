"""What operators read about the metrics is what the code says, and every service is covered."""

import re
from importlib import import_module

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from .repository import ROOT, SERVICES

DOCUMENT = ROOT / "docs" / "operations" / "observability.md"
SUFFIX = re.compile(r"_(total|bucket|count|sum)$")
ROW = re.compile(r"^\| `(telemachus_\w+)`(?: \((\w+)\))? \| (\w+) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)

Told = dict[str, tuple[str, str, str]]
"""Kind, labels and meaning by name."""


def measured(registry: CollectorRegistry) -> Told:
    """Every metric of ours, also those that have no value yet."""
    return {
        collector._name: (  # type: ignore[attr-defined] # the client has no public name for what has no value yet
            collector._type,  # type: ignore[attr-defined]
            ", ".join(f"`{label}`" for label in collector._labelnames),  # type: ignore[attr-defined]
            collector._documentation,  # type: ignore[attr-defined]
        )
        for collector in collectors(registry)
    }


def collectors(registry: CollectorRegistry) -> set[Collector]:
    return {one for one in registry._collector_to_names if hasattr(one, "_labelnames")}


def documented() -> Told:
    return {
        name: (kind, labels, meaning) for name, _, kind, labels, meaning in ROW.findall(DOCUMENT.read_text("utf-8"))
    }


@pytest.fixture(scope="module")
def by_service() -> dict[str, Told]:
    apps = {service: import_module(f"{service}.main").build() for service in SERVICES}
    return {service: measured(app.state.metrics.registry) for service, app in apps.items()}


def test_every_metric_is_documented_with_its_meaning_and_nothing_else_is(by_service: dict[str, Told]) -> None:
    everything: Told = {}
    for told in by_service.values():
        everything |= told
    assert documented() == everything


def test_a_metric_of_one_service_is_documented_with_its_name(by_service: dict[str, Told]) -> None:
    services = {name: service for name, service, *_ in ROW.findall(DOCUMENT.read_text("utf-8"))}
    for name in documented():
        having = [service for service, told in by_service.items() if name in told]
        assert services[name] == (having[0] if len(having) == 1 else "")


def test_alerts_ask_for_metrics_that_there_are() -> None:
    asked = {SUFFIX.sub("", name) for name in re.findall(r"telemachus_\w+", DOCUMENT.read_text("utf-8"))}
    assert asked == set(documented())
