"""Names of topics and groups, and the catalogue of all of them.

``python -m shared.chassis.topics create`` makes the topics where nobody else does; services never create any.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from shared.contracts import EVENTS, Event

from .kafka_security import security_arguments
from .settings import ServiceSettings

SERVICES = ("enrollment", "matching", "scheduling", "feedback")

DAY_MS = 24 * 60 * 60 * 1000
KEEP_EVENTS_MS = 7 * DAY_MS
KEEP_DEAD_LETTERS_MS = 30 * DAY_MS
"""Long enough for somebody to look at them (docs/decisions/0039)."""


@dataclass(frozen=True)
class TopicNames:
    """Every name on the bus comes from here."""

    prefix: str
    overrides: dict[str, str]

    @classmethod
    def of(cls, settings: ServiceSettings) -> "TopicNames":
        """The names under these settings."""
        return cls(settings.topic_prefix, settings.topic_names)

    def event(self, event: Event | type[Event]) -> str:
        """One topic per event type and major version."""
        return self.named(event.name, event.major)

    def named(self, name: str, major: int) -> str:
        """The same, for an event known by name only."""
        return self.overrides.get(name, f"{self.prefix}{name}.v{major}")

    def dead_letter(self, service: str) -> str:
        """Where a service puts what it cannot apply."""
        return self.overrides.get(f"{service}.dlq", f"{self.prefix}{service}.dlq")

    def retry(self, service: str) -> str:
        """What only this service reads: its dead letters, sent again after a repair."""
        return self.overrides.get(f"{service}.retry", f"{self.prefix}{service}.retry")

    def group(self, service: str, reads: str) -> str:
        """One consumer group per service and topic, so that one topic's rebalance stops no other."""
        return f"{self.prefix}{service}.{reads}"

    def catalogue(self) -> tuple[str, ...]:
        """Every topic of the platform."""
        return (
            *(self.event(event) for event in EVENTS),
            *(self.dead_letter(service) for service in SERVICES),
            *(self.retry(service) for service in SERVICES),
        )


@dataclass(frozen=True)
class TopicNeed:
    """What the platform needs of one topic. More retention, replicas or partitions do no harm."""

    name: str
    partitions: int
    replication: int
    retention_ms: int

    @property
    def min_insync(self) -> int:
        """Replicas that must have a record before it counts as stored: one may be away."""
        return max(1, self.replication - 1)

    @property
    def configs(self) -> dict[str, str]:
        """The topic's own configuration, by Kafka's names."""
        return {
            "cleanup.policy": "delete",
            "min.insync.replicas": str(self.min_insync),
            "retention.ms": str(self.retention_ms),
        }


def needs(settings: ServiceSettings) -> tuple[TopicNeed, ...]:
    """Every topic of the platform, as these settings want it."""
    names = TopicNames.of(settings)
    kept_long = {names.dead_letter(service) for service in SERVICES}
    return tuple(
        TopicNeed(
            name,
            settings.topic_partitions,
            settings.topic_replication,
            KEEP_DEAD_LETTERS_MS if name in kept_long else KEEP_EVENTS_MS,
        )
        for name in names.catalogue()
    )


async def create_needed(settings: ServiceSettings) -> tuple[str, ...]:
    """Create what :func:`needs` lists and is not there yet; return the new names. Raises: KafkaError."""
    wanted = needs(settings)
    return await create_topics(
        settings,
        [need.name for need in wanted],
        partitions=settings.topic_partitions,
        replication=settings.topic_replication,
        configs={need.name: need.configs for need in wanted},
    )


async def create_topics(
    settings: ServiceSettings,
    names: Sequence[str],
    *,
    partitions: int,
    replication: int,
    configs: Mapping[str, Mapping[str, str]] | None = None,
) -> tuple[str, ...]:
    """Create the topics that are not there yet; return their names.

    Args:
        settings: Where the bus is, and how to prove who asks.
        names: The topics.
        partitions: Of each.
        replication: Of each.
        configs: By topic, what differs from the broker's defaults.

    Raises:
        KafkaError: When the broker refuses for another reason than that the topic exists.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap, **security_arguments(settings))
    await admin.start()
    try:
        response = await admin.create_topics(
            [
                NewTopic(
                    name,
                    num_partitions=partitions,
                    replication_factor=replication,
                    topic_configs=dict((configs or {}).get(name, {})),
                )
                for name in names
            ]
        )
    finally:
        await admin.close()
    created = []
    for name, code, *detail in response.topic_errors:
        if code == 0:
            created.append(name)
        elif code != TopicAlreadyExistsError.errno:
            raise for_code(code)(f"{name}: {detail}")
    return tuple(created)


def main(arguments: Sequence[str]) -> int:
    """``create`` the topics, or ``list`` their names."""
    settings = ServiceSettings(service_name="topics")
    names = TopicNames.of(settings).catalogue()
    if list(arguments) == ["list"]:
        sys.stdout.write("\n".join(names) + "\n")
        return 0
    if list(arguments) == ["create"]:
        created = asyncio.run(create_needed(settings))
        sys.stdout.write(f"{len(created)} topics created, {len(names) - len(created)} were there\n")
        return 0
    sys.stderr.write("usage: python -m shared.chassis.topics list|create\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
