"""What can be set from outside, besides what every service has. The only module that reads the environment."""

from typing import Annotated

from pydantic import Field
from shared.chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the scheduling service."""

    service_name: str = "scheduling"
    public_url: Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/[^\s]*[^\s/])?)?$")] = ""
    """Put before the path of a calendar feed, such as ``https://mentoring.example.com``; empty gives the path alone."""
