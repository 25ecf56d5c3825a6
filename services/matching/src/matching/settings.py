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
    renew_after_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0
    """How long a pool must be quiet before its open proposal is renewed. 0: never."""
    recertify_hour: Annotated[int, Field(ge=-1, le=23)] = 2
    """The hour (UTC) from which every programme is looked at anew, once a day. -1: never."""
    keep_results_days: Annotated[float, Field(ge=0, le=3650)] = 7.0
    """For how long the pairs of superseded, failed and abandoned runs are kept. 0: for ever."""
