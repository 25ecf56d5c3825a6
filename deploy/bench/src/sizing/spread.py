"""How evenly keys fall on partitions, and partitions on replicas: simulated with Kafka's own hash."""

import random
from collections import Counter

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """As Kafka's default partitioner has it."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions


def busiest_share(keys: int, partitions: int, replicas: int, *, seed: int = 0) -> float:
    """The share of all keys that falls on the busiest replica; partitions are dealt out in turn.

    1 divided by this is how many times as fast as one replica all of them are, while each can take what comes.
    """
    chance = random.Random(seed)  # noqa: S311 - made-up keys
    loads: Counter[int] = Counter()
    for _ in range(keys):
        loads[partition_of(b"pair_%032x" % chance.getrandbits(128), partitions) % replicas] += 1
    return max(loads.values()) / keys


def seconds_to_drain(events: int, rate: float, share: float) -> float:
    """How long a burst takes at so many events a second of one replica."""
    return events * share / rate
