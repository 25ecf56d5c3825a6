"""The service's own settings, beside those that every service has."""

from typing import Annotated

from pydantic import Field
from shared.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Each is read from ``TELEMACHUS_<NAME>``."""

    service_name: str = "feedback"

    answer_within_days: Annotated[int, Field(ge=1, le=365)] = 14
    """How long both sides can answer after a session was completed."""
