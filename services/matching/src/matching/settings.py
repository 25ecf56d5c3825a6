"""What can be set from outside."""

from typing import Annotated

from pydantic import Field
from shared.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Matching's settings. Each is read from ``TELEMACHUS_<NAME>``."""

    service_name: str = "matching"
    engine_workers: Annotated[int, Field(ge=1, le=16)] = 2
    """Processes that compute: one for a cohort run, the others for single people. Memory grows with each."""
    explanation_seconds: Annotated[float, Field(gt=0, le=120)] = 20.0
    """How long a request for an explanation waits for the engine before it is told to come back."""
