"""What this process knows of the log's end: how far each partition reaches, the newest records, and who waits.

Records never change and have one offset, so a kept record is always right; what is not kept is read from the table.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from streams.log import Record, TopicPartition

# About what a record takes besides its value.
_RECORD_SIZE = 1000


class LogTail:
    """Ends of partitions, kept records by offset (at most `capacity` bytes of values), waiting readers."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = 0
        self._ends: dict[TopicPartition, int] = {}
        self._records: dict[TopicPartition, dict[int, Record]] = {}
        self._order: deque[tuple[dict[int, Record], int, int]] = deque()
        self._waiting: dict[TopicPartition, set[asyncio.Future[None]]] = {}

    def end(self, place: TopicPartition) -> int:
        """The offset after the last record known; 0 for an unknown partition."""
        return self._ends.get(place, 0)

    def reached(self, place: TopicPartition, end: int) -> None:
        """A partition is known to reach `end`: readers that wait at it are woken."""
        if end <= self._ends.get(place, -1):
            return
        self._ends[place] = end
        waiting = self._waiting.pop(place, None)
        if waiting:
            for future in waiting:
                if not future.done():
                    future.set_result(None)

    def keep(self, fresh: Sequence[Record]) -> None:
        """Keep records that are durable and wake who waits for them; the oldest kept ones make room."""
        kept, order = self._records, self._order
        ends: dict[TopicPartition, int] = {}
        for record in fresh:
            place = TopicPartition(record.topic, record.partition)
            records = kept.get(place)
            if records is None:
                records = kept[place] = {}
            size = _RECORD_SIZE + len(record.value or b"")
            records[record.offset] = record
            order.append((records, record.offset, size))
            self._size += size
            ends[place] = record.offset + 1
        while self._size > self._capacity:
            oldest, offset, freed = order.popleft()
            oldest.pop(offset, None)
            self._size -= freed
        for place, end in ends.items():
            self.reached(place, end)

    def run(self, place: TopicPartition, start: int, count: int) -> list[Record]:
        """Kept records from `start` on without a gap, at most `count`."""
        records = self._records.get(place)
        if records is None:
            return []
        found: list[Record] = []
        for offset in range(start, start + count):
            record = records.get(offset)
            if record is None:
                break
            found.append(record)
        return found

    async def wait(self, positions: Mapping[TopicPartition, int], seconds: float) -> None:
        """Return when a partition reaches beyond its position, when woken, or after `seconds`."""
        if any(self._ends.get(place, 0) > start for place, start in positions.items()):
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        for place in positions:
            waiting = self._waiting.get(place)
            if waiting is None:
                waiting = self._waiting[place] = set()
            waiting.add(future)
        timer = loop.call_later(seconds, _finish, future)
        try:
            await future
        finally:
            timer.cancel()
            self._forget(future, positions)

    def wake_all(self) -> None:
        for waiting in self._waiting.values():
            for future in waiting:
                _finish(future)

    def _forget(self, future: asyncio.Future[None], places: Iterable[TopicPartition]) -> None:
        for place in places:
            waiting = self._waiting.get(place)
            if waiting is not None:
                waiting.discard(future)
                if not waiting:
                    del self._waiting[place]


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
