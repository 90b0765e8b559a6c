"""Which offsets of a partition are finished, and which retries are due."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime

from streams.diversions import due_of
from streams.log import Record


class Progress:
    """The prefix of a partition that is finished: `position` is the first offset that is not."""

    __slots__ = ("_ahead", "position")

    def __init__(self, position: int) -> None:
        self.position = position
        self._ahead: set[int] = set()

    def copy(self) -> Progress:
        twin = Progress(self.position)
        twin._ahead = set(self._ahead)
        return twin

    def finish(self, offset: int) -> None:
        """Retries finish out of order; the position waits for the oldest."""
        if offset != self.position:
            if offset > self.position:
                self._ahead.add(offset)
            return
        self.position += 1
        while self.position in self._ahead:
            self._ahead.remove(self.position)
            self.position += 1


class RetryQueue:
    """Retries read from the log, by the time they become due; those due together keep the order of the log."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, Record]] = []

    def __len__(self) -> int:
        return len(self._heap)

    def put(self, record: Record) -> None:
        heapq.heappush(self._heap, (due_of(record), record.offset, record))

    def due(self, now: datetime) -> Iterator[Record]:
        """Take out what is due."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def seconds_left(self, now: datetime) -> float | None:
        """Until the next is due; None when there is none."""
        return max(0.0, (self._heap[0][0] - now).total_seconds()) if self._heap else None
