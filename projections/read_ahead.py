"""Reading the log in the background while what was read before is folded and written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType

from projections.applying import ended
from projections.builds import Positions
from projections.source import LogRecord


class ReadAhead:
    """Batches of records in order, the next ones read while the caller works on one; a context manager.

    `read` gives the records that start at some positions, none where there are no more for now. One batch waits and
    one more is being read: with fewer, the log idles while Python folds, and Python while PostgreSQL commits.
    """

    def __init__(self, read: Callable[[Positions], Awaitable[Sequence[LogRecord]]], positions: Positions) -> None:
        self._read = read
        self._waiting: asyncio.Queue[Sequence[LogRecord] | Exception] = asyncio.Queue(maxsize=1)
        self._task = asyncio.create_task(self._keep_reading(positions))

    async def __aenter__(self) -> ReadAhead:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await ended(self._task)

    async def next(self) -> Sequence[LogRecord]:
        """The next batch; an empty one is the last. Raises what reading it raised, after all batches before it."""
        found = await self._waiting.get()
        if isinstance(found, Exception):
            raise found
        return found

    async def _keep_reading(self, positions: Positions) -> None:
        try:
            while True:
                records = await self._read(positions)
                await self._waiting.put(records)
                if not records:
                    return
                positions = {**positions, **{(one.topic, one.partition): one.offset + 1 for one in records}}
        except Exception as error:  # it is the caller's, in its place
            await self._waiting.put(error)
