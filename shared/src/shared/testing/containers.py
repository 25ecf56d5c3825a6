"""Holds one Kafka and one MongoDB container for a test run: ``python -m shared.testing.containers FOLDER OWNER``.

Writes their addresses to ``FOLDER/containers.json``; removes both when ``FOLDER/stop`` appears or the owner is gone.
The images are ``TELEMACHUS_KAFKA_IMAGE`` and ``TELEMACHUS_MONGO_IMAGE``, for registries other than the public one.
"""

import json
import os
import socket
import sys
import time
from dataclasses import asdict
from pathlib import Path

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from .backends import Backends

KAFKA_IMAGE = "apache/kafka:4.3.1"
MONGO_IMAGE = "mongo:8.0"
_START_SECONDS = 120


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kafka_container(image: str, port: int) -> DockerContainer:
    """One KRaft node that tells its clients the port of the host, which must therefore be known before."""
    settings = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }
    started = LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(_START_SECONDS)
    return DockerContainer(image).with_envs(**settings).with_bind_ports(9092, port).waiting_for(started)


def mongo_container(image: str) -> DockerContainer:
    """One MongoDB server, on a port that Docker chooses."""
    started = LogMessageWaitStrategy("Waiting for connections").with_startup_timeout(_START_SECONDS)
    return DockerContainer(image).with_exposed_ports(27017).waiting_for(started)


def hold(folder: Path, owner: int) -> None:
    """Start both, publish where they are, and remove them in the end."""
    kafka_image = os.environ.get("TELEMACHUS_KAFKA_IMAGE", KAFKA_IMAGE)
    mongo_image = os.environ.get("TELEMACHUS_MONGO_IMAGE", MONGO_IMAGE)
    port = _free_port()
    answer = folder / "containers.json"
    with kafka_container(kafka_image, port), mongo_container(mongo_image) as mongo:
        uri = f"mongodb://{mongo.get_container_host_ip()}:{mongo.get_exposed_port(27017)}/?directConnection=true"
        backends = Backends(uri, f"127.0.0.1:{port}", f"{kafka_image} and {mongo_image}, in containers")
        draft = folder / "containers.json.draft"
        draft.write_text(json.dumps(asdict(backends)))
        draft.replace(answer)
        while not (folder / "stop").exists() and _runs(owner):
            time.sleep(0.2)
    answer.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    hold(Path(sys.argv[1]), int(sys.argv[2]))
