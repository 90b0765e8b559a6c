"""Reading ahead, without a log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from adapters.database import Database
from projections import builds, lineage
from projections.applying import Batch, commit, fold
from projections.builds import Positions
from projections.read_ahead import ReadAhead
from projections.source import LogRecord
from schemas.errors import Unavailable
from tests.projections.job_stories import answered, records


async def test_caller_is_told_when_a_read_is_cancelled_from_inside() -> None:
    async def read(positions: Positions) -> Sequence[LogRecord]:
        raise asyncio.CancelledError

    async with ReadAhead(lineage.PROJECTION, read, {}) as ahead, asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await ahead.next()


async def test_next_batch_is_made_when_rows_of_the_one_before_are_on_their_way() -> None:
    """Making one keeps the event loop: what the writer says to the database first must not wait for it."""
    log = records([answered(f"job-{number}") for number in range(5)])
    made = 0

    async def read(positions: Positions) -> Sequence[LogRecord]:
        nonlocal made
        made += 1
        return log[10 * (made - 1) : 10 * made]

    async def turns() -> int:
        for _ in range(10):
            await asyncio.sleep(0)
        return made

    async with ReadAhead(lineage.PROJECTION, read, {}) as ahead, asyncio.timeout(5):
        first = await ahead.next()
        assert first is not None
        assert await turns() == 2
        first.sent()
        first.sent()
        assert await turns() == 3
        second = await ahead.next()
        assert second is not None
        assert await turns() == 3
        assert [len(batch.records) async for batch in _rest(ahead)] == [10, 10]


@pytest.mark.parametrize("jobs", [1, 20], ids=["inserted", "copied"])
async def test_rows_are_said_to_be_on_their_way_when_they_are_written(database: Database, jobs: int) -> None:
    batch = fold(lineage.PROJECTION, records([answered(f"job-{number}") for number in range(jobs)]))
    sent: list[int] = []
    batch.sent = lambda: sent.append(1)
    async with database.pool.acquire() as connection, connection.transaction():
        build = await builds.create(connection, lineage.PROJECTION)
    start = await builds.positions(database.pool, build, dict.fromkeys(batch.after, 0))

    await commit(database.pool, lineage.PROJECTION, build, batch, start)

    assert sent == [1]


async def _rest(ahead: ReadAhead) -> AsyncIterator[Batch]:
    """What comes of batches that are never said to be on their way, as of those without rows."""
    while batch := await ahead.next():
        yield batch
