"""The topics of a local stack; elsewhere whoever runs the bus declares them."""

from shared.chassis.settings import ServiceSettings
from shared.chassis.topics import create_needed


def settings_for(bootstrap: str, prefix: str) -> ServiceSettings:
    """The chassis' own settings (security included, from the environment) for this broker."""
    return ServiceSettings(service_name="topics", kafka_bootstrap=bootstrap, topic_prefix=prefix)


async def create_all(bootstrap: str, prefix: str) -> tuple[str, ...]:
    """Create every topic of the platform that is not there yet; return the new ones."""
    return await create_needed(settings_for(bootstrap, prefix))
