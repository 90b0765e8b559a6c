"""Reading Kafka from any positions: consumers without a group, each kept where its last reader left it.

A reader that goes on where it stopped finds what its consumer has fetched meanwhile; one that starts elsewhere gets
another consumer, moved to its positions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import KafkaTimeoutError, OffsetOutOfRangeError

from schemas.errors import SetupError, Unavailable
from streams.fetch_sessions import fetch_incrementally
from streams.kafka_connection import KAFKA_ERRORS, REQUEST_TIMEOUT_MS, KafkaConnection, reaching_kafka
from streams.kafka_message import milliseconds, record_of
from streams.kafka_topics import LARGEST_RECORD
from streams.log import Record, TopicPartition

_MOST_IDLE = 6
# A consumer that was moved first sits out its last request, which waits this long at the broker.
_LONG_POLL_MS = 100
# A cluster that has just started, or just made its topics, may take this long to know who leads what.
_PATIENCE = 30.0
# A consumer whose brokers are gone may never end by itself.
_STOP = 5.0


class _OutOfRange(Exception):
    """A position is not one that Kafka holds."""


def consumer_of(connection: KafkaConnection, **options: Any) -> Any:
    """A consumer that commits nothing by itself and never jumps to another offset."""
    chosen = {"request_timeout_ms": REQUEST_TIMEOUT_MS, **options}
    return fetch_incrementally(
        AIOKafkaConsumer(
            **connection.options(),
            enable_auto_commit=False,
            auto_offset_reset="none",
            fetch_max_wait_ms=_LONG_POLL_MS,
            max_partition_fetch_bytes=LARGEST_RECORD,
            **chosen,
        )
    )


async def stop_consumer(consumer: Any, patience: float = _STOP) -> None:
    """End a consumer, whatever state it is in; without a word after `patience` seconds.

    Whoever is cancelled while it waits here ends after the consumer has: else that would heartbeat on and keep its
    partitions. Told a second time, it ends at once.
    """
    ending = asyncio.create_task(_end_consumer(consumer, patience), name="end a consumer")
    try:
        await asyncio.shield(ending)
    except asyncio.CancelledError:
        await asyncio.wait({ending})
        raise


async def _end_consumer(consumer: Any, patience: float) -> None:
    """aiokafka lets the cancellation of its own fetches out of `stop` while brokers are away: whoever stops a consumer
    would end, as if cancelled, without anybody having said so. Connections are then left open, and closed here.
    """
    stopping = asyncio.create_task(consumer.stop(), name="stop a consumer")
    done, _ = await asyncio.wait({stopping}, timeout=patience)
    if done and not stopping.cancelled() and stopping.exception() is None:
        return
    stopping.cancel()
    for fetching in () if consumer._fetcher is None else consumer._fetcher._pending_tasks:
        fetching.cancel()
    # It would open connections again to tell the group that this member lives.
    heartbeat = getattr(consumer._coordinator, "_heartbeat_task", None)
    if heartbeat is not None:
        heartbeat.cancel()
    with suppress(*KAFKA_ERRORS):
        async with asyncio.timeout(_STOP):
            await consumer._client.close()


class Ends:
    """Where partitions begin and end, asked on a connection that nothing else waits on."""

    def __init__(self, connection: KafkaConnection, places: Sequence[TopicPartition]) -> None:
        self._connection = connection
        self._places = places
        self._opening = asyncio.Lock()
        self._consumer: Any = None

    @classmethod
    async def open(cls, connection: KafkaConnection, places: Sequence[TopicPartition]) -> Ends:
        ends = cls(connection, places)
        with reaching_kafka("the log"):
            await ends._connected()
        return ends

    async def latest(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._each(places, lambda consumer, wanted: consumer.end_offsets(wanted))

    async def earliest(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return await self._each(places, lambda consumer, wanted: consumer.beginning_offsets(wanted))

    async def at_time(self, places: Sequence[TopicPartition], time: datetime) -> dict[TopicPartition, int]:
        since = {_kafka(self._connection, place): milliseconds(time) for place in places}
        found = await self._ask(lambda consumer: consumer.offsets_for_times(since))
        ends = await self.latest(places)
        for place in places:
            first = found.get(_kafka(self._connection, place))
            if first is not None:
                ends[place] = first.offset
        return ends

    async def _each(
        self, places: Sequence[TopicPartition], ask: Callable[[Any, Any], Any]
    ) -> dict[TopicPartition, int]:
        if not places:
            return {}
        wanted = [_kafka(self._connection, place) for place in places]
        found = await self._ask(lambda consumer: ask(consumer, wanted))
        return {place: found[_kafka(self._connection, place)] for place in places}

    async def _ask(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        with reaching_kafka("the log"):
            consumer = await self._connected()
            try:
                async with asyncio.timeout(_PATIENCE):
                    return await ask(consumer)
            except (TimeoutError, KafkaTimeoutError):
                # Through an outage it may have lost sight of its cluster: the next to ask begins with the addresses.
                if self._consumer is consumer:
                    self._consumer = None
                    await stop_consumer(consumer)
                raise

    async def _connected(self) -> Any:
        async with self._opening:
            if self._consumer is None:
                consumer = consumer_of(self._connection, request_timeout_ms=round(_PATIENCE * 1000))
                try:
                    await consumer.start()
                except BaseException:
                    await stop_consumer(consumer)
                    raise
                _assign(consumer, dict.fromkeys((_kafka(self._connection, place) for place in self._places), 0))
                consumer.pause(*consumer.assignment())
                self._consumer = consumer
            return self._consumer

    async def close(self) -> None:
        if self._consumer is not None:
            await stop_consumer(self._consumer)


class _Cursor:
    """A consumer and where it stands. Used by one reader at a time."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self.consumer = consumer_of(connection)
        self._next: dict[KafkaPartition, int] = {}
        self._served: dict[KafkaPartition, int] = {}
        self._turn = 0
        self._crowded = False

    def stands_at(self, wanted: Mapping[KafkaPartition, int]) -> bool:
        return bool(self._next) and all(self._next.get(place) == offset for place, offset in wanted.items())

    def move(self, wanted: Mapping[KafkaPartition, int]) -> None:
        """Stand at these positions; partitions of an earlier reader may stay assigned."""
        if wanted.keys() <= self._next.keys():
            for place, offset in wanted.items():
                if self._next[place] != offset:
                    self.consumer.seek(place, offset)
        else:
            _assign(self.consumer, wanted)
            self._next = {}
        self._next.update(wanted)

    async def take(self, places: Sequence[KafkaPartition], limit: int, seconds: float) -> list[Record]:
        """What comes within `seconds`; positions move on by what is given."""
        batches: dict[KafkaPartition, list[Any]] = {}
        if self._crowded:  # the last read left something behind: whoever was not served for longest comes first
            left = limit
            for _, waiting in groupby(sorted(places, key=self._last_served), key=self._last_served):
                found = await self.consumer.getmany(*waiting, timeout_ms=0, max_records=left)
                batches |= found
                left -= sum(map(len, found.values()))
                if left <= 0:
                    break
        if not batches:
            batches = await self.consumer.getmany(*places, timeout_ms=round(seconds * 1000), max_records=limit)
        self._turn += 1
        taken: list[Record] = []
        for place, records in batches.items():
            name = self._connection.own(place.topic)
            taken += [record_of(record, name) for record in records]
            self._next[place] = records[-1].offset + 1
            self._served[place] = self._turn
        self._crowded = len(taken) >= limit
        return taken

    def _last_served(self, place: KafkaPartition) -> int:
        return self._served.get(place, 0)


class Cursors:
    """The readers of one log."""

    def __init__(self, connection: KafkaConnection, ends: Ends) -> None:
        self._connection = connection
        self._ends = ends
        self._idle: list[_Cursor] = []
        self._busy: set[_Cursor] = set()
        self._closed = False

    async def read(self, positions: Mapping[TopicPartition, int], limit: int, wait: float) -> list[Record]:
        """Records at or after the positions, at most `limit`; waits up to `wait` seconds when there is none.

        Raises SetupError for a position whose record is no longer kept, Unavailable.
        """
        wanted = {_kafka(self._connection, place): offset for place, offset in positions.items()}
        cursor = await self._cursor(wanted)
        try:
            with reaching_kafka("the log"):
                async with asyncio.timeout(wait + 3 * _PATIENCE):
                    found = await self._take(cursor, wanted, positions, limit, wait)
        except asyncio.CancelledError:
            self._give_back(cursor)
            raise
        except _OutOfRange:
            await self._discard(cursor)
            return await self._beyond(positions, wait)
        except BaseException:
            await self._discard(cursor)
            if self._closed:
                return []
            raise
        self._give_back(cursor)
        return found

    async def _take(
        self,
        cursor: _Cursor,
        wanted: Mapping[KafkaPartition, int],
        positions: Mapping[TopicPartition, int],
        limit: int,
        wait: float,
    ) -> list[Record]:
        try:
            cursor.move(wanted)
            places = list(wanted)
            found = await cursor.take(places, limit, wait)
            if not found and not self._closed:  # nothing was fetched yet, which does not mean that nothing is there
                ends = await self._ends.latest(list(positions))
                if any(ends[place] > offset for place, offset in positions.items()):
                    found = await cursor.take(places, limit, _PATIENCE)
                    if not found and not self._closed:  # it fetches no more: another one is to begin here
                        raise Unavailable("the log holds records that it does not give")
            return found
        except OffsetOutOfRangeError as error:
            raise _OutOfRange from error

    async def _beyond(self, positions: Mapping[TopicPartition, int], wait: float) -> list[Record]:
        """A position is outside what Kafka holds."""
        begins = await self._ends.earliest(list(positions))
        for place, offset in positions.items():
            if offset < begins[place]:
                raise SetupError(
                    f"{place.topic}/{place.partition} no longer holds offset {offset}, its first is {begins[place]}: "
                    "records were removed"
                )
        await asyncio.sleep(min(wait, 0.5))
        return []

    async def _cursor(self, wanted: Mapping[KafkaPartition, int]) -> _Cursor:
        if self._closed:
            raise Unavailable("the log is closed")
        chosen = next((cursor for cursor in self._idle if cursor.stands_at(wanted)), None)
        if chosen is None and len(self._idle) >= _MOST_IDLE:
            chosen = self._idle[0]
        if chosen is not None:
            self._idle.remove(chosen)
            self._busy.add(chosen)
            return chosen
        cursor = _Cursor(self._connection)
        self._busy.add(cursor)
        try:
            with reaching_kafka("the log"):
                await cursor.consumer.start()
        except BaseException:
            await self._discard(cursor)
            raise
        return cursor

    def _give_back(self, cursor: _Cursor) -> None:
        self._busy.discard(cursor)
        self._idle.append(cursor)

    async def _discard(self, cursor: _Cursor) -> None:
        self._busy.discard(cursor)
        await stop_consumer(cursor.consumer)

    async def close(self) -> None:
        self._closed = True
        cursors = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*(stop_consumer(cursor.consumer) for cursor in cursors))


def _assign(consumer: Any, positions: Mapping[KafkaPartition, int]) -> None:
    """Assign and place in one go, so that nothing is fetched from anywhere else."""
    consumer.assign(list(positions))
    for place, offset in positions.items():
        consumer.seek(place, offset)


def _kafka(connection: KafkaConnection, place: TopicPartition) -> KafkaPartition:
    return KafkaPartition(connection.topic(place.topic), place.partition)
