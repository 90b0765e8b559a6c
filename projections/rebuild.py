"""Rebuilding a projection beside itself: build, catch up, compare, switch; and going back.

The active build serves and is kept up to date all the while. The new one is only ever moved by the rebuild, so it can
be brought to exactly the positions of a snapshot of the active one and compared with it: same version and positions,
same rows – or the code gives other rows than it gave before without saying so by a new version.

The switch happens with the active build locked and the new one caught up to it, in one transaction with the views:
readers never see a projection go back. The build before stays, to roll back to.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import asyncpg

from adapters.database import CONNECTION_ERRORS
from projections import builds
from projections.applying import commit, ended, moved
from projections.builds import Build, Positions
from projections.projection import Projection
from projections.read_ahead import ReadAhead
from projections.source import EventSource, LogRecord
from projections.writing import table_hash
from schemas.errors import SetupError, Unavailable, VaultraError

BATCH = 1000
# Records the new build may be behind when the active one is locked for the switch: they are applied under the lock.
_NEAR = 200
# A switch waits for readers of the views, and new readers wait behind it: rather let them pass and try again.
_LOCK_TIMEOUT = "1s"
_SWITCH_TRIES = 30
_LOCK_CLASS = 0x7661_7072

# (records applied, records to apply in all as far as known)
OnProgress = Callable[[int, int], None]


class RebuildDiffers(VaultraError):
    """The rebuilt rows are not those of the active build at the same version and positions. Nothing was switched."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild or a rollback did: the build that is active now, and what was applied to it for that.

    `rows_hash` is the hash in which it agreed with the build before; None where they were of two versions, or where
    a difference was accepted.
    """

    build: Build
    applied: int
    skipped: int
    rows_hash: str | None


async def rebuild(
    pool: asyncpg.Pool,
    source: EventSource,
    projection: Projection,
    *,
    batch: int = BATCH,
    accept_difference: bool = False,
    on_progress: OnProgress | None = None,
) -> Rebuilt:
    """Build a projection anew from the first event and make that build the active one; the old one serves meanwhile.

    Raises RebuildDiffers unless `accept_difference`; SetupError when the projection never ran or is being rebuilt.
    """
    async with _alone(pool, projection):
        active = await _expected(pool, projection, "active")
        async with pool.acquire() as connection, connection.transaction():
            for left_over in await builds.unfinished(connection, projection):
                await builds.drop(connection, left_over)
            build = await builds.create(connection, projection)
        work = await _Work.begin(pool, source, projection, build, batch, on_progress)
        try:
            rows_hash = None
            if active.version == build.version and not accept_difference:
                rows_hash = await _compare(work, active)
            await work.come_near(active)
            await builds.index(pool, projection, build)
            await _switch(work, active)
        except Exception:
            # Where this cannot be done, the next rebuild does it.
            with suppress(*CONNECTION_ERRORS):
                async with pool.acquire() as connection, connection.transaction():
                    await builds.drop(connection, build)
            raise
        return Rebuilt(await _expected(pool, projection, "active"), work.applied, work.skipped, rows_hash)


async def rollback(
    pool: asyncpg.Pool, source: EventSource, projection: Projection, *, on_progress: OnProgress | None = None
) -> Rebuilt:
    """Make the previous build the active one again, once it has caught up. The active one becomes the previous.

    Raises SetupError when there is none, or when it is of another version than this code: run the code of its version
    to go back to it.
    """
    async with _alone(pool, projection):
        active = await _expected(pool, projection, "active")
        previous = await _expected(pool, projection, "previous")
        if previous.version != projection.version:
            raise SetupError(
                f"the previous build of {projection.name} is of version {previous.version}, this code of "
                f"{projection.version}: roll back with the code of version {previous.version}"
            )
        work = await _Work.begin(pool, source, projection, previous, BATCH, on_progress)
        await work.come_near(active)
        await _switch(work, active)
        return Rebuilt(await _expected(pool, projection, "active"), work.applied, work.skipped, None)


class _Work:
    """Brings one build that is not active up to positions, never beyond them."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        source: EventSource,
        projection: Projection,
        build: Build,
        positions: Positions,
        batch: int,
        on_progress: OnProgress | None,
    ) -> None:
        self.pool = pool
        self.projection = projection
        self.build = build
        self.applied = 0
        self.skipped = 0
        self._source = source
        self._positions = dict(positions)
        self._batch = batch
        self._on_progress = on_progress

    @classmethod
    async def begin(
        cls,
        pool: asyncpg.Pool,
        source: EventSource,
        projection: Projection,
        build: Build,
        batch: int,
        on_progress: OnProgress | None,
    ) -> _Work:
        positions = await builds.positions(pool, build, await source.earliest(projection.topics))
        return cls(pool, source, projection, build, positions, batch, on_progress)

    async def come_near(self, active: Build) -> None:
        """Catch up until little is left."""
        while self.behind(target := await self.target(self.pool, active)) > _NEAR:
            await self.up_to(target)

    async def target(self, db: object, active: Build) -> Positions:
        """Where the active build is; where the log ends, if this code does not apply to the active build any more."""
        target = await builds.checkpoints(db, active)
        if active.version != self.projection.version:
            for place, end in (await self._source.latest(self.projection.topics)).items():
                target[place] = max(end, target.get(place, 0))
        return target

    def behind(self, target: Positions) -> int:
        return sum(max(0, end - self._positions.get(place, end)) for place, end in target.items())

    async def up_to(self, target: Positions) -> None:
        """Apply everything before `target`. Ends early where the log does."""
        total = self.applied + self.behind(target)

        async def read(start: Positions) -> Sequence[LogRecord]:
            wanted = {place: offset for place, offset in start.items() if offset < target.get(place, 0)}
            if not wanted:
                return ()
            records = await self._source.read(wanted, limit=self._batch, values=self.projection.reads_data)
            return [one for one in records if one.offset < target[one.topic, one.partition]]

        async with ReadAhead(self.projection, read, self._positions) as ahead:
            while batch := await ahead.next():
                batches = await commit(self.pool, self.projection, self.build, batch, self._positions)
                self._positions = moved(self._positions, batches)
                self.applied += len(batch.records)
                self.skipped += sum(len(one.skips) for one in batches)
                if self._on_progress is not None:
                    self._on_progress(self.applied, total)


async def _compare(work: _Work, active: Build) -> str:
    """The hash of the rows of both builds, at the positions of one snapshot of the active one.

    The active one is hashed while the other catches up to the snapshot, in a transaction that ends with its hash.
    """
    async with work.pool.acquire() as connection:
        snapshot = connection.transaction(isolation="repeatable_read", readonly=True)
        await snapshot.start()
        positions = await builds.checkpoints(connection, active)

        async def hash_once() -> str:
            try:
                return await table_hash(connection, work.projection, active.schema)
            finally:
                await snapshot.rollback()

        hashing = asyncio.create_task(hash_once())
        try:
            await work.up_to(positions)
            expected = await hashing
        finally:
            await ended(hashing)
    rebuilt = await table_hash(work.pool, work.projection, work.build.schema)
    if rebuilt != expected:
        raise RebuildDiffers(
            f"{work.projection.name}: rebuilt from the log its rows differ from those of the active build. If the code "
            f"changed, raise its version; if the rows were damaged, rebuild accepting the difference"
        )
    return rebuilt


async def _switch(work: _Work, active: Build) -> None:
    """Make the build active, with the one before locked and everything it has applied applied here too."""
    for _ in range(_SWITCH_TRIES):
        await work.come_near(active)
        try:
            async with work.pool.acquire() as connection, connection.transaction():
                await connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
                await builds.lock(connection, active)
                await work.up_to(await work.target(connection, active))
                await builds.activate(connection, work.projection, work.build)
                return
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(0.1)
    raise Unavailable(f"{work.projection.name} is ready to switch, but long-running reads of its views do not end")


async def _expected(pool: asyncpg.Pool, projection: Projection, status: str) -> Build:
    build = await builds.with_status(pool, projection, status)
    if build is None:
        raise SetupError(f"projection {projection.name} has no {status} build")
    return build


@asynccontextmanager
async def _alone(pool: asyncpg.Pool, projection: Projection) -> AsyncIterator[None]:
    """One rebuild of a projection at a time, in whatever process: the lock ends with its connection."""
    key = zlib.crc32(projection.name.encode()) - (1 << 31)
    async with pool.acquire() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCK_CLASS, key):
            raise SetupError(f"projection {projection.name} is being rebuilt or rolled back already")
        try:
            yield
        finally:
            with suppress(*CONNECTION_ERRORS):
                await connection.execute("SELECT pg_advisory_unlock($1, $2)", _LOCK_CLASS, key)
