"""One lane's outcomes on their way to the log, in order; those that come while an append is under way share the next.

A lane is a partition. Its deliveries are handled one after another, but the next one does not wait for the brokers:
fast stages append in groups, slow ones at once, and a partition without a leader holds up nobody but its own lane.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from streams.log import Record
from streams.runner import Handled

# Outcomes of a lane that may wait for the log, and what of them goes into one append.
MOST_WAITING = 64
MOST_BYTES = 4 * 1024**2
_APPEND_BYTES = 1024**2

# Told once of each record whether its outcome is durable; else it was given back.
Done = Callable[[bool], None]


class Outcome(NamedTuple):
    """What became of a record, and who wants to know when it is durable."""

    record: Record
    handled: Handled
    done: Done

    @property
    def size(self) -> int:
        """Bytes of what is to be appended."""
        return sum(len(message.value) for message in self.handled.messages)


class Lane:
    """The outcomes of one partition. `append` brings some onto the log, `failed` is told why it could not."""

    __slots__ = ("_append", "_bytes", "_failed", "_room", "_waiting", "_writing", "given_back")

    def __init__(
        self, append: Callable[[Sequence[Outcome]], Awaitable[None]], failed: Callable[[BaseException], None]
    ) -> None:
        self.given_back = False
        self._append = append
        self._failed = failed
        self._waiting: deque[Outcome] = deque()
        self._bytes = 0
        self._writing: asyncio.Task[None] | None = None
        self._room = asyncio.Event()

    async def put(self, outcome: Outcome) -> None:
        """Have an outcome written; returns when there is room for another."""
        if self.given_back:
            outcome.done(False)
            return
        if not outcome.handled.messages and not self._waiting:
            outcome.done(True)
            return
        self._waiting.append(outcome)
        self._bytes += outcome.size
        if self._writing is None:
            self._begin()
        while len(self._waiting) >= MOST_WAITING or self._bytes >= MOST_BYTES:
            self._room.clear()
            await self._room.wait()

    def give_back(self) -> None:
        """Whatever waits is to be done over by whoever owns the partition then."""
        if self._writing is not None:
            self._writing.cancel()

    def _begin(self) -> None:
        self._writing = asyncio.get_running_loop().create_task(self._write())
        # Not in `_write`: a task that is cancelled before its first step runs nothing of its own, no `finally` either.
        self._writing.add_done_callback(self._ended)

    async def _write(self) -> None:
        while self._waiting:
            batch = self._next()
            await self._append(batch)
            for _ in batch:
                self._settle(True)
            self._room.set()

    def _ended(self, writing: asyncio.Task[None]) -> None:
        """Written, or given back; what came after the last step and before this is written anew, or given back too."""
        self._writing = None
        if not writing.cancelled():
            error = writing.exception()
            if error is None:
                if self._waiting:
                    self._begin()
                return
            self._failed(error)
        self.given_back = self.given_back or bool(self._waiting)
        while self._waiting:
            self._settle(False)
        self._room.set()

    def _settle(self, durable: bool) -> None:
        outcome = self._waiting.popleft()
        self._bytes -= outcome.size
        outcome.done(durable)

    def _next(self) -> list[Outcome]:
        batch: list[Outcome] = []
        size = 0
        for outcome in self._waiting:
            size += outcome.size
            if batch and size > _APPEND_BYTES:
                break
            batch.append(outcome)
        return batch
