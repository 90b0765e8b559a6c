"""Positions of consumer groups that nobody is a member of: committed to Kafka, where its own tools show them.

Stages that run as Faust workers commit their positions themselves; while they run, Kafka refuses others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    KafkaError,
    KafkaTimeoutError,
    UnknownMemberIdError,
)

from schemas.errors import Unavailable
from streams.kafka_connection import REQUEST_TIMEOUT_MS, KafkaConnection, reaching_kafka
from streams.kafka_cursors import consumer_of, stop_consumer
from streams.log import TopicPartition

# A cluster that has just started, or just made its topics, may take this long to know who leads what.
_PATIENCE = 30.0
# One writer of a group's positions at a time, so that looking and committing are one step.
Alone = Callable[[str], AbstractAsyncContextManager[None]]


class Groups:
    """Positions by group. `alone` keeps other instances away while a position is compared and moved."""

    def __init__(self, connection: KafkaConnection, alone: Alone) -> None:
        self._connection = connection
        self._alone = alone
        self._opening = asyncio.Lock()
        self._admin: Any = None
        self._consumers: dict[str, Any] = {}

    @classmethod
    async def open(cls, connection: KafkaConnection, alone: Alone | None = None) -> Groups:
        groups = cls(connection, alone or _in_this_process())
        with reaching_kafka("the log"):
            await groups._connected()
        return groups

    async def positions(self, group: str, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset to read of each place; 0 where the group has none. Raises Unavailable."""
        if not places:
            return {}
        on_kafka = [KafkaPartition(self._connection.topic(place.topic), place.partition) for place in places]
        with reaching_kafka("the log"):
            admin = await self._connected()
            try:
                async with asyncio.timeout(_PATIENCE):
                    found = await self._committed(admin, self._connection.group(group), on_kafka)
            except (TimeoutError, KafkaTimeoutError):
                # Through an outage it may have lost sight of its cluster: the next to ask begins with the addresses.
                if self._admin is admin:
                    self._admin = None
                    await admin.close()
                raise
        offsets = {there: kept.offset for there, kept in found.items()}
        return {place: max(0, offsets.get(there, 0)) for place, there in zip(places, on_kafka, strict=True)}

    async def _connected(self) -> Any:
        async with self._opening:
            if self._admin is None:
                admin = AIOKafkaAdminClient(request_timeout_ms=REQUEST_TIMEOUT_MS, **self._connection.options())
                try:
                    await admin.start()
                except BaseException:
                    await admin.close()
                    raise
                self._admin = admin
            return self._admin

    async def _committed(self, admin: Any, group: str, places: Sequence[KafkaPartition]) -> Any:
        """Asked again while the group's coordinator is just being chosen."""
        while True:
            try:
                found = await admin.list_consumer_group_offsets(group, partitions=list(places))
                # A coordinator that is just loading answers an error beside no partitions, which aiokafka overlooks.
                if found.keys() >= set(places):
                    return found
            except KafkaError as error:
                if not error.retriable:
                    raise
            await asyncio.sleep(0.1)

    async def advance(self, group: str, positions: Mapping[TopicPartition, int]) -> None:
        """Move a group's positions forward; never back. Raises Unavailable, also while the group has members."""
        async with self._alone(f"group {group}"):
            before = await self.positions(group, list(positions))
            moved = {
                KafkaPartition(self._connection.topic(place.topic), place.partition): offset
                for place, offset in positions.items()
                if offset > before[place]
            }
            if moved:
                await self._commit(group, moved)

    async def _commit(self, group: str, moved: Mapping[KafkaPartition, int]) -> None:
        consumer = self._consumers.get(group)
        try:
            with reaching_kafka("the log"):
                async with asyncio.timeout(_PATIENCE):
                    if consumer is None:
                        consumer = consumer_of(self._connection, group_id=self._connection.group(group))
                        self._consumers[group] = consumer
                        await consumer.start()
                    if not moved.keys() <= consumer.assignment():
                        wanted = consumer.assignment() | moved.keys()
                        consumer.assign(list(wanted))
                        for place in wanted:
                            consumer.seek(place, 0)
                        consumer.pause(*wanted)  # it commits, and reads nothing
                    try:
                        await consumer.commit(dict(moved))
                    except (CommitFailedError, IllegalGenerationError, UnknownMemberIdError) as error:
                        raise Unavailable(f"group {group} has members: they commit its positions") from error
        except BaseException:
            self._consumers.pop(group, None)
            if consumer is not None:
                await stop_consumer(consumer)
            raise

    async def close(self) -> None:
        for consumer in self._consumers.values():
            await stop_consumer(consumer)
        if self._admin is not None:
            await self._admin.close()


def _in_this_process() -> Alone:
    locks: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def alone(what: str) -> AsyncIterator[None]:
        async with locks.setdefault(what, asyncio.Lock()):
            yield

    return alone
