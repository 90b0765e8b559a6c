"""The projection runner: reads the log, applies batches, and commits rows and positions in one transaction.

Nothing but the database says how far a projection is. Whatever happens – the process killed, the database gone in the
middle of a commit, a second runner on the same projection, another build made active – the positions are read again
and work goes on from there: what was not committed is applied then, what was is not applied twice.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TypeVar

import asyncpg
import structlog

from adapters.database import reaching
from projections import builds
from projections.applying import Batch, commit, ended, moved
from projections.builds import Build, Fenced, Positions
from projections.catalogue import PROJECTIONS
from projections.projection import Projection
from projections.read_ahead import ReadAhead
from projections.rebuild import rebuild
from projections.source import EventSource, LogRecord
from projections.waiting import Progress, Watch
from schemas.errors import SetupError

# Records a transaction: enough to be fast, few enough not to hold up an event loop it shares for long.
BATCH = 1000
# Seconds until a failure is tried again for the first time; then twice as long each time.
BACKOFF = 0.1
_WAIT = 5.0
_LONGEST_BACKOFF = 5.0

log = structlog.get_logger(__name__)

OnSkip = Callable[[str, LogRecord, str], None]
OnApplied = Callable[[str, int], None]
T = TypeVar("T")


class ProjectionRunner:
    """Keeps projections up to date. `pool` is an asyncpg pool on the database of the projections.

    `on_skip(projection, record, reason)` and `on_applied(projection, records)` are told after the commit, for metrics.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        source: EventSource,
        projections: Sequence[Projection] = PROJECTIONS,
        *,
        batch: int = BATCH,
        backoff: float = BACKOFF,
        on_skip: OnSkip | None = None,
        on_applied: OnApplied | None = None,
    ) -> None:
        self._pool = pool
        self._source = source
        self._projections = tuple(projections)
        self._batch = batch
        self._backoff = backoff
        self._on_skip = on_skip
        self._on_applied = on_applied
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.progress = Progress(pool, self._projections)

    async def start(self) -> None:
        """Have every projection's tables and views, then keep applying in the background until `stop`.

        A projection whose code is newer than its active build is rebuilt first, the old build serving meanwhile.
        Raises SetupError when the code is older than the active build, Unavailable when the database is away.
        """
        with reaching("the database of the projections"):
            await builds.prepare(self._pool, self._projections)
        self._stopping.clear()
        self._tasks = [
            asyncio.create_task(self._keep(projection), name=f"project {projection.name}")
            for projection in self._projections
        ]

    async def stop(self) -> None:
        """Finish the batches under way, then end."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        self._tasks = []

    async def wait_for(self, event_id: str, tenant: str, *, within: float) -> bool:
        """See `Progress.wait_for`."""
        return await self.progress.wait_for(event_id, tenant, within=within)

    async def caught_up(self, *, within: float) -> bool:
        """Whether everything that is on the log now is applied within `within` seconds."""
        topics = sorted({topic for projection in self._projections for topic in projection.topics})
        return await self.progress.wait_until(await self._source.latest(topics), within=within)

    def changes(self, tenant: str, job_id: str) -> AbstractContextManager[Watch]:
        """See `Progress.changes`."""
        return self.progress.changes(tenant, job_id)

    async def lag(self) -> dict[str, int]:
        """How many records each projection is behind the log."""
        behind = {}
        for projection in self._projections:
            active = await builds.with_status(self._pool, projection, "active")
            done = await builds.checkpoints(self._pool, active) if active else {}
            latest = await self._source.latest(projection.topics)
            behind[projection.name] = sum(max(0, end - done.get(place, 0)) for place, end in latest.items())
        return behind

    async def _keep(self, projection: Projection) -> None:
        """Follow the log until stopping, over whatever failures."""
        delay = self._backoff
        while not self._stopping.is_set():
            try:
                build = await builds.with_status(self._pool, projection, "active")
                if build is None or build.version > projection.version:
                    raise SetupError(f"the active build of {projection.name} is {build}: not one for this code")
                if build.version < projection.version:
                    await self._rebuild(projection)
                else:
                    await self._follow(projection, build)
                delay = self._backoff
            except Fenced as fenced:
                log.info("projection moved elsewhere", projection=projection.name, reason=str(fenced))
                await self._pause(self._backoff * random.random())  # noqa: S311 - jitter
            except Exception as error:
                log.warning("projection interrupted", projection=projection.name, error=repr(error), retry_in=delay)
                await self._pause(delay * (0.5 + random.random() / 2))  # noqa: S311 - jitter
                delay = min(delay * 2, _LONGEST_BACKOFF)

    async def _rebuild(self, projection: Projection) -> None:
        log.info("projection is rebuilt for its new version", projection=projection.name, version=projection.version)
        await self._unless_stopping(rebuild(self._pool, self._source, projection, batch=self._batch))

    async def _follow(self, projection: Projection, build: Build) -> None:
        """Apply from the build's positions on, until stopping or until nothing comes for a while."""
        positions = await builds.positions(self._pool, build, await self._source.earliest(projection.topics))
        self.progress.stands(projection, positions)

        async def read(start: Positions) -> Sequence[LogRecord]:
            return await self._source.read(start, limit=self._batch, wait=_WAIT, values=projection.reads_data)

        async with ReadAhead(projection, read, positions) as ahead:
            while batch := await self._unless_stopping(ahead.next()):
                batches = await commit(self._pool, projection, build, batch, positions)
                positions = moved(positions, batches)
                self._tell(projection, batches)

    def _tell(self, projection: Projection, batches: Sequence[Batch]) -> None:
        for batch in batches:
            self.progress.applied(projection, batch)
            for record, reason in batch.skips:
                log.error(
                    "projection skipped a record",
                    projection=projection.name,
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    reason=reason,
                )
                if self._on_skip is not None:
                    self._on_skip(projection.name, record, reason)
            if self._on_applied is not None:
                self._on_applied(projection.name, len(batch.records))

    async def _unless_stopping(self, coroutine: Coroutine[None, None, T]) -> T | None:
        """What a coroutine returns; None, and the coroutine cancelled, when it is time to stop."""
        work, stopping = asyncio.create_task(coroutine), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return None if self._stopping.is_set() else work.result()
        finally:
            stopping.cancel()
            await ended(work)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
