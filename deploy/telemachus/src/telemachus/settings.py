"""What can be set from outside: the services' own settings and two more. The only module that reads the environment."""

import getpass
import json
from collections.abc import Callable

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails
from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import SERVICES

from .trouble import Trouble


def _user() -> str:
    """Who is logged in; a container may know nobody by this number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


class OperatorSettings(ServiceSettings):
    """Each is read from ``TELEMACHUS_<NAME>``."""

    service_name: str = "operator"

    service_urls: dict[str, str] = Field(default_factory=dict)
    """JSON: service to base address, such as ``{"matching": "http://matching:8000"}``."""
    operator: str = Field(default_factory=_user, max_length=100)
    """Who settles dead letters; stands beside what was done."""

    def of(self, service: str) -> "OperatorSettings":
        """The same, seen from one service: its database and its topics."""
        return self.model_copy(update={"service_name": service})


Settings = Callable[[], OperatorSettings]


def read_settings(*, local: bool = False) -> OperatorSettings:
    """The settings of the environment, or those of the stack that runs on this machine.

    Raises:
        Trouble: A setting cannot be understood, or no local stack runs.
    """
    found = _of_the_local_stack() if local else {}
    try:
        return OperatorSettings.model_validate(OperatorSettings().model_dump() | found)
    except ValidationError as error:
        raise Trouble(
            "; ".join(_named(fault) for fault in error.errors()),
            "correct the environment; README.md lists the settings.",
        ) from error
    except ValueError as error:  # pydantic-settings, for JSON that is none
        raise Trouble(str(error), "TELEMACHUS_TOPIC_NAMES and _SERVICE_URLS are JSON objects.") from error


def _named(fault: ErrorDetails) -> str:
    name = "_".join(str(part) for part in fault["loc"]).upper()
    return f"TELEMACHUS_{name}: {fault['msg']}" if name else fault["msg"]


def _of_the_local_stack() -> dict[str, object]:
    try:
        from local_stack.places import data_folder  # noqa: PLC0415 - not installed where a real cluster is run
        from local_stack.stack import Stack  # noqa: PLC0415 - same
    except ImportError as error:
        raise Trouble("--local needs the local stack's package.", "install `telemachus-cli[local]`.") from error
    stack = Stack.load(data_folder()) or Stack.load(data_folder() / "demo")
    if stack is None:
        raise Trouble("No stack runs on this machine.", "start one with `make up`, or leave --local out.")
    return {
        "kafka_bootstrap": stack.kafka_bootstrap,
        "mongo_uri": stack.mongo_uri,
        "topic_prefix": stack.record.topic_prefix,
        "service_urls": stack.urls,
    }


def chosen(service: str | None) -> tuple[str, ...]:
    """One service, or all of them. Raises: Trouble, for a name that is none."""
    if service is None:
        return SERVICES
    if service not in SERVICES:
        raise Trouble(f"There is no service {json.dumps(service)}.", f"use one of {', '.join(SERVICES)}.")
    return (service,)
