"""Reading and folding the log in the background while what was folded before is written."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType

from projections.applying import Batch, ended, fold
from projections.builds import Positions
from projections.projection import Projection
from projections.source import LogRecord
from schemas.errors import Unavailable

# Batches made and not yet on their way into the database.
_AHEAD = 2


class ReadAhead:
    """Folded batches of records in order, the next ones made while the caller writes one; a context manager.

    `read` gives the records that start at some positions, none where there are no more for now. While a batch is
    written, one waits and one more is made: with fewer, the log idles while Python folds, and Python while PostgreSQL
    writes. Making one keeps the event loop for milliseconds, so it begins when the rows of the batch that is written
    are on their way (`Batch.sent`): before, PostgreSQL would idle, waiting for them.
    """

    def __init__(
        self,
        projection: Projection,
        read: Callable[[Positions], Awaitable[Sequence[LogRecord]]],
        positions: Positions,
    ) -> None:
        self._projection = projection
        self._read = read
        self._waiting: asyncio.Queue[Batch | Exception] = asyncio.Queue()
        self._room = asyncio.Semaphore(_AHEAD)
        self._unsent = False
        self._task = asyncio.create_task(self._keep_reading(positions))

    async def __aenter__(self) -> ReadAhead:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await ended(self._task)

    async def next(self) -> Batch | None:
        """The next batch; None where nothing more comes. Raises what reading raised, after the batches before."""
        self._go_on()  # whatever became of the batch before
        found = await self._waiting.get()
        if isinstance(found, Exception):
            raise found
        self._unsent = True
        found.sent = self._go_on
        return found if found.records else None

    def _go_on(self) -> None:
        """The batch handed out last needs Python no more: there is room for another. Once a batch."""
        if self._unsent:
            self._unsent = False
            self._room.release()

    async def _keep_reading(self, positions: Positions) -> None:
        try:
            while True:
                await self._room.acquire()
                batch = fold(self._projection, await self._read(positions))
                self._waiting.put_nowait(batch)
                if not batch.records:
                    return
                positions = {**positions, **batch.after}
        except asyncio.CancelledError:
            if self._task.cancelling():
                raise
            # Nobody ended this task: something inside the read was cancelled, and the caller must not wait for ever.
            self._waiting.put_nowait(Unavailable("reading ahead was cancelled from inside"))
        except Exception as error:  # it is the caller's, in its place
            self._waiting.put_nowait(error)
