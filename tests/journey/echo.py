"""Sends every event of one organisation a second time, byte for byte, as a relay does that died at the wrong moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from demo.census import Record, header
from shared.contracts import EVENTS

from .world import PREFIX


@asynccontextmanager
async def echoing(bootstrap: str, tenant: str) -> AsyncIterator[set[tuple[str, str]]]:
    """While the block runs, every event comes twice; gives what was sent again, by topic and identifier."""
    topics = [f"{PREFIX}{event.name}.v{event.major}" for event in EVENTS]
    consumer = AIOKafkaConsumer(
        *topics, bootstrap_servers=bootstrap, group_id=None, enable_auto_commit=False, auto_offset_reset="latest"
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    echoed: set[tuple[str, str]] = set()

    async def once_more(record: Record) -> None:
        identity = record.topic, f"{header(record, 'ce_source')}#{header(record, 'ce_id')}"
        if header(record, "ce_tenant") != tenant or identity in echoed:
            return
        echoed.add(identity)
        await producer.send_and_wait(
            record.topic,
            value=record.value,
            key=record.key,
            partition=record.partition,
            headers=list(record.headers),
        )

    async def echo() -> None:
        async for record in consumer:
            await once_more(record)

    await producer.start()
    await consumer.start()
    await consumer.seek_to_end()
    listening = asyncio.create_task(echo())
    try:
        yield echoed
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await consumer.stop()
        await producer.stop()
