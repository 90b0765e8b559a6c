"""Group commit: appends that arrive while a transaction is under way go together with the next one.

One transaction at a time and process: a second would only wait for the first one's locks on the same partitions. No
group waits to grow: measured, what larger groups saved in work they lost in time with the disk idle.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from schemas.errors import Unavailable, VaultraError

T = TypeVar("T")
R = TypeVar("R")

# What is queued: the work, its size, and where its result goes.
_Waiting = tuple[T, int, "asyncio.Future[R]"]


class GroupCommit(Generic[T, R]):
    """Collects units of work and commits them in groups through `commit`, which returns a result or error a unit.

    A group holds at most `most_units` and `most_bytes` (but always one unit). When more than `queue_bytes` are queued,
    callers wait up to `patience` seconds for room, then get Unavailable. A group that is refused for what it holds is
    committed one by one, so that one bad unit fails alone; when the store is gone, the whole group fails.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[T]], Awaitable[Sequence[R | VaultraError]]],
        *,
        most_units: int,
        most_bytes: int,
        queue_bytes: int,
        patience: float,
    ) -> None:
        self._commit = commit
        self._most_units = most_units
        self._most_bytes = most_bytes
        self._queue_bytes = queue_bytes
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._queue: deque[_Waiting[T, R]] = deque()
        self._queued = 0
        self._room: deque[asyncio.Future[None]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    async def submit(self, work: T, size: int) -> R:
        """The result of a unit once it is durable. Raises what `commit` has for it, Unavailable when full or closed."""
        if self._room or (self._queued and self._queued + size > self._queue_bytes):
            await self._wait_for_room(size)
        if self._closed:
            raise Unavailable("the log is closed")
        done: asyncio.Future[R] = self._loop.create_future()
        self._queue.append((work, size, done))
        self._queued += size
        if self._worker is None:
            self._worker = self._loop.create_task(self._work(), name="log group commit")
        return await done

    async def close(self) -> None:
        """Commit what is queued and accept nothing more."""
        self._closed = True
        self._let_in()
        if self._worker is not None:
            await asyncio.wait([self._worker])

    async def _wait_for_room(self, size: int) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room.append(turn)
        try:
            async with asyncio.timeout(self._patience):
                await turn
                while not self._closed and self._queued and self._queued + size > self._queue_bytes:
                    turn = asyncio.get_running_loop().create_future()
                    self._room.appendleft(turn)
                    await turn
        except BaseException as error:
            if turn in self._room:
                self._room.remove(turn)
            self._let_in()  # the turn may have come at the same moment: pass it on
            if isinstance(error, TimeoutError):
                raise Unavailable(f"more than {self._queue_bytes} bytes wait to be appended") from None
            raise
        if self._queued + size < self._queue_bytes:
            self._let_in()

    def _let_in(self) -> None:
        while self._room:
            turn = self._room.popleft()
            if not turn.done():
                turn.set_result(None)
                if not self._closed:
                    break

    async def _work(self) -> None:
        try:
            while self._queue:
                await self._commit_group(self._next_group())
                self._let_in()
        finally:
            self._worker = None

    def _next_group(self) -> list[_Waiting[T, R]]:
        queue = self._queue
        group: list[_Waiting[T, R]] = []
        total = 0
        while queue and len(group) < self._most_units:
            unit = queue[0]
            if group and total + unit[1] > self._most_bytes:
                break
            queue.popleft()
            total += unit[1]
            if not unit[2].cancelled():  # nobody waits for it any more, and nothing was promised
                group.append(unit)
        self._queued -= total
        return group

    async def _commit_group(self, group: list[_Waiting[T, R]]) -> None:
        if not group:
            return
        try:
            results = await self._commit([work for work, _, _ in group])
        except VaultraError as error:
            if len(group) == 1:
                _fail(group[0][2], error)
                return
            if isinstance(error, Unavailable):
                for _, _, done in group:  # an exception of its own each: raising adds to its traceback
                    _fail(done, Unavailable(*error.args))
                return
            for unit in group:
                await self._commit_group([unit])
        except BaseException as error:
            for _, _, done in group:
                _fail(done, Unavailable(f"the log failed: {error!r}"))
            raise
        else:
            for (_, _, done), result in zip(group, results, strict=True):
                if isinstance(result, VaultraError):
                    _fail(done, result)
                elif not done.done():
                    done.set_result(result)


def _fail(done: asyncio.Future[R], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
