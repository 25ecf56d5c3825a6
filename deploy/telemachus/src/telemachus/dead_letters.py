"""Reads dead letters, sends them again, and remembers what was done about each."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka.errors import KafkaError
from shared.chassis.kafka_sender import KafkaSender
from shared.chassis.topics import TopicNames

from .bus import reading, told
from .letters import Letter, Settlement, State, gathered, to_send_again
from .settings import OperatorSettings
from .trouble import Exit, Trouble


async def read(settings: OperatorSettings, services: Sequence[str]) -> tuple[Letter, ...]:
    """Every letter that is left, settled ones too, by service and in the order in which they were put there.

    Raises:
        Trouble: Kafka does not answer, or a dead-letter topic is missing.
    """
    names = TopicNames.of(settings)
    letters: list[Letter] = []
    async with reading(settings) as reader:
        for service in services:
            letters += gathered(service, await reader.records(names.dead_letter(service)))
    return tuple(letters)


class Settling:
    """Sends letters again or discards them: first the effect, then its memory.

    A crash between the two leaves a letter that still waits; it is then sent a second time, which changes nothing,
    since the readers' inboxes drop repeats. The same happens when two operators take the same letter.
    """

    def __init__(self, settings: OperatorSettings, sender: KafkaSender) -> None:
        self._settings = settings
        self._names = TopicNames.of(settings)
        self._sender = sender

    async def redrive(self, letter: Letter, *, value: bytes | None = None, headers: Mapping[str, str]) -> None:
        """Send one letter to its service's re-drive topic, with a repaired value and headers where given.

        Raises:
            Trouble: It may not be sent again, or Kafka did not acknowledge.
        """
        value = letter.value if value is None else value
        again = to_send_again(letter, headers, value=value)
        try:
            await self._sender.send(
                self._names.retry(letter.address.service), key=letter.key, value=value, headers=again
            )
            await self._remember(letter, State.REDRIVEN, "repaired" if value != letter.value or headers else "")
        except KafkaError as error:
            raise _unconfirmed(letter, error) from error

    async def discard(self, letter: Letter, why: str) -> None:
        """Say that nothing will be done about it. Raises: Trouble, when Kafka did not acknowledge."""
        try:
            await self._remember(letter, State.DISCARDED, why)
        except KafkaError as error:
            raise _unconfirmed(letter, error) from error

    async def _remember(self, letter: Letter, outcome: State, why: str) -> None:
        settlement = Settlement(
            of=letter.address, outcome=outcome, by=self._settings.operator, why=why, at=datetime.now(UTC)
        )
        await self._sender.send(
            self._names.dead_letter(letter.address.service),
            key=letter.key,
            value=None,
            headers=settlement.headers(),
            partition=letter.address.partition,  # there it lies behind the letter, so that it cannot expire before
        )


@asynccontextmanager
async def settling(settings: OperatorSettings, services: Sequence[str]) -> AsyncIterator[Settling]:
    """A connection for settling letters of these services.

    Raises:
        Trouble: Kafka does not answer, or a re-drive topic is missing.
    """
    async with reading(settings) as reader:
        for service in services:
            await reader.partitions(TopicNames.of(settings).retry(service))
    sender = KafkaSender(settings)
    with told(settings, "connecting to Kafka"):
        await sender.start()
    try:
        yield Settling(settings, sender)
    finally:
        await sender.stop()


def _unconfirmed(letter: Letter, error: KafkaError) -> Trouble:
    return Trouble(
        f"Kafka did not confirm {letter.address}: {type(error).__name__}: {error}",
        "run the same command again once Kafka answers: what is sent twice is applied once.",
        Exit.UNREACHABLE,
    )
