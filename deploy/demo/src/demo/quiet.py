"""The end of a play: nothing may be left on its way, nothing lost, nothing refused."""

import asyncio
import time
from dataclasses import dataclass

from .census import Census, take
from .platform import Platform

QUIET_WITHIN_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 1.0


class NotQuiet(Exception):
    """Something is still on its way, or was refused."""


@dataclass(frozen=True)
class Rest:
    """What is left when all is done."""

    census: Census
    outbox_pending: int

    def complaints(self) -> list[str]:
        """What is not as it should be; empty when all is well."""
        lag = ", ".join(f"{group} has {left} records before it" for group, left in self.census.lag.items())
        dead = "; ".join(f"{count} x {why}" for why, count in self.census.dead_letters.items())
        return [
            *([f"outbox_pending is {self.outbox_pending}, not 0"] if self.outbox_pending else []),
            *([f"consumer_lag is {self.census.lag_total}, not 0: {lag}"] if lag else []),
            *([f"dead_letters is {self.census.dead_letters_total}, not 0: {dead}"] if dead else []),
        ]


async def at_rest(platform: Platform, bootstrap: str, prefix: str) -> Rest:
    """Wait until nothing is on its way. Raises: NotQuiet, saying what is left after a minute, or refused."""
    given_up = time.monotonic() + QUIET_WITHIN_SECONDS
    before = -1
    while True:
        pending = await platform.outbox_pending()
        rest = Rest(await take(bootstrap, prefix), pending)
        complaints = rest.complaints()
        if not complaints and rest.census.events_total == before:
            return rest
        if rest.census.dead_letters or time.monotonic() > given_up:
            raise NotQuiet("\n".join(complaints or ["events are still being published"]))
        before = rest.census.events_total
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
