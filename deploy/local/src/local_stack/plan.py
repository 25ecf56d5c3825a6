"""What to start: decided once, before anything runs."""

import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from shared.chassis.topics import SERVICES

from . import docker, kafka, mongodb, tansu
from .errors import StackError
from .ports import Ports
from .processes import ProcessId
from .record import Component, Record
from .screen import Screen

Broker = Literal["auto", "kafka", "tansu"]

__all__ = ["SERVICES", "Broker", "make_plan", "service"]


def make_plan(
    data: Path,
    *,
    services: Iterable[str],
    use_docker: bool,
    broker: Broker,
    owner: ProcessId | None,
    environment: Mapping[str, str],
    topic_prefix: str,
    create_topics: bool,
    keeps_data: bool,
    screen: Screen,
    kafka_line: str = "",
) -> Record:
    """Addresses from the environment win; then Docker, if asked for; then processes of this machine.

    Downloads what is missing, with progress. The parameters are those of ``start_stack``.
    """
    data.mkdir(parents=True, exist_ok=True)
    ports = Ports(data)
    components: list[Component] = []
    mongo_uri = os.environ.get("TELEMACHUS_MONGO_URI", "")
    bootstrap = os.environ.get("TELEMACHUS_KAFKA_BOOTSTRAP", "")
    broker_name = f"Kafka at {bootstrap}"
    containers = docker.Containers(data, ports, screen) if use_docker else None
    if not mongo_uri:
        database = containers.mongodb() if containers else mongodb.find_mongod().component(data, ports.give("mongodb"))
        mongo_uri = f"mongodb://{database.address}/?directConnection=true"
        components.append(database)
    line = kafka.Line(ports.give("kafka-line"), kafka_line) if kafka_line else None
    if not bootstrap:
        node = containers or prepare_broker(broker, screen)
        components.append(broker_with(node, line, data, ports) if line else node.broker(data, ports))
        bootstrap, broker_name = components[-1].address, str(node)
    elif line:
        raise StackError("The broker at TELEMACHUS_KAFKA_BOOTSTRAP is not ours to set up.", "unset it.")
    if containers:
        containers.create(components)
    record = Record(
        owner=owner,
        broker=broker_name,
        database="MongoDB",
        kafka_bootstrap=bootstrap,
        kafka_line=f"127.0.0.1:{line.port}" if line else "",
        mongo_uri=mongo_uri,
        topic_prefix=topic_prefix,
        create_topics=create_topics,
        keeps_data=keeps_data,
        components={component.name: component for component in components},
    )
    record.components |= {name: service(record, data, name, environment) for name in services}
    return record


def prepare_broker(wanted: Broker, screen: Screen) -> kafka.Kafka | tansu.Tansu:
    """The best broker that this machine can run, ready to be started."""
    missing = kafka.why_not() if wanted == "auto" else None
    if wanted == "kafka" or (wanted == "auto" and missing is None):
        with screen.counting(f"Apache Kafka {kafka.pinned_version()}: downloading jars") as progress:
            return kafka.install_kafka(progress)
    stand_in = tansu.install_tansu()
    screen.loudly(
        "This is not Apache Kafka",
        f"{missing or 'It was asked for'}: {stand_in} stands in.\n"
        "It speaks Kafka's protocol but keeps everything in memory, so events are lost when it stops, and it\n"
        "reports no reliable end offsets. For the real one install Java 17 or newer, and Maven.",
    )
    return stand_in


def broker_with(
    node: docker.Containers | kafka.Kafka | tansu.Tansu, line: kafka.Line, data: Path, ports: Ports
) -> Component:
    """A broker with a second way to it. Raises: StackError, where the broker has only one."""
    if not isinstance(node, kafka.Kafka):
        raise StackError(f"{node} has no second listener.", "install Java 17 or newer, and Maven, for Apache Kafka.")
    return node.broker(data, ports, line)


def service(record: Record, data: Path, name: str, environment: Mapping[str, str], *, component: str = "") -> Component:
    """One of the services as a process of its own; one more of its replicas goes by another name."""
    component = component or name
    port = Ports(data).give(component)
    settings = {
        "TELEMACHUS_HOST": "127.0.0.1",
        "TELEMACHUS_PORT": str(port),
        "TELEMACHUS_KAFKA_BOOTSTRAP": record.kafka_bootstrap,
        "TELEMACHUS_MONGO_URI": record.mongo_uri,
        "TELEMACHUS_TOPIC_PREFIX": record.topic_prefix,
        "TELEMACHUS_PROFILE": "local",
        "PYTHONUNBUFFERED": "1",
    }
    return Component(
        name=component,
        stage="service",
        argv=[sys.executable, "-m", name],
        env=settings | dict(environment),
        ready_when="http answers",
        address=f"http://127.0.0.1:{port}",
        grace=30.0,
    )
