"""What tests of projections share: a runner on the log in memory, and builds to write into."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest

from adapters.database import Database
from projections import builds
from projections.applying import commit, fold, moved
from projections.projection import Projection
from projections.runner import ProjectionRunner
from projections.source import LogRecord
from projections.writing import table_hash
from streams.memory_log import MemoryEventLog

Applied = Callable[[Projection, Sequence[Sequence[LogRecord]]], Awaitable[str]]


@pytest.fixture
def log() -> MemoryEventLog:
    return MemoryEventLog()


@pytest.fixture
async def runner(database: Database, log: MemoryEventLog) -> AsyncIterator[ProjectionRunner]:
    """A running projection runner on the log in memory."""
    started = ProjectionRunner(database.pool, log)
    await started.start()
    yield started
    await started.stop()


@pytest.fixture
async def hash_of(database: Database) -> Applied:
    """Applies batches of records to an empty build and gives the hash of its rows."""

    async def applied(projection: Projection, batches: Sequence[Sequence[LogRecord]]) -> str:
        async with database.pool.acquire() as connection, connection.transaction():
            build = await builds.create(connection, projection)
        places = {(record.topic, record.partition) for batch in batches for record in batch}
        positions = await builds.positions(database.pool, build, dict.fromkeys(places, 0))
        for batch in batches:
            positions = moved(
                positions, await commit(database.pool, projection, build, fold(projection, batch), positions)
            )
        found = await table_hash(database.pool, projection, build.schema)
        async with database.pool.acquire() as connection, connection.transaction():
            await builds.drop(connection, build)
        return found

    return applied
