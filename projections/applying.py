"""One batch of records into one build: rows, skips and checkpoints in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from pydantic import ValidationError

from projections import builds
from projections.builds import Build, Positions
from projections.projection import Fact, Projection, Row, Table
from projections.refolding import refold, rows_before
from projections.source import LogRecord
from projections.writing import write
from schemas.errors import InvalidEvent

# What PostgreSQL, or asyncpg before it, raises for values no column takes; anything else is no fault of a record.
_UNACCEPTABLE = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.IntegrityConstraintViolationError,
    OverflowError,
    TypeError,
    ValueError,
)


@dataclass(slots=True)
class Batch:
    """What a projection makes of some records. `after` is the next offset of every partition they are from.

    `sent` is called once the first rows are on their way into the database.
    """

    records: Sequence[LogRecord]
    rows: dict[Table, list[Row]] = field(default_factory=dict)
    skips: list[tuple[LogRecord, str]] = field(default_factory=list)
    after: dict[tuple[str, int], int] = field(default_factory=dict)
    sent: Callable[[], None] = lambda: None

    def subjects(self) -> set[tuple[str, str]]:
        """(tenant, id) of every event and every job in it."""
        attributes = [record.attributes for record in self.records]
        return {
            (found["tenantid"], found[name])
            for found in attributes
            for name in ("id", "correlationid")
            if "tenantid" in found and name in found
        }


def fold(projection: Projection, records: Sequence[LogRecord]) -> Batch:
    """Apply a projection to records, in memory. A record that is no event, or of another shape, becomes a skip."""
    batch = Batch(records)
    rows: dict[Table, list[Row]] = {table: [] for table in projection.tables}
    apply, after = projection.apply, batch.after
    for record in records:
        after[record.topic, record.partition] = record.offset + 1
        try:
            for table, row in apply(Fact(record)):
                rows[table].append(row)
        except Exception as error:  # whatever a record does to a fold must not stop the projection
            batch.skips.append((record, _reason(error)))
    batch.rows = {table: found for table, found in rows.items() if found}
    return batch


async def commit(
    pool: asyncpg.Pool, projection: Projection, build: Build, batch: Batch, before: Positions
) -> list[Batch]:
    """Commit a batch of records that start at `before` to a build; returns what was committed, usually that batch.

    A record that PostgreSQL refuses is found by halving and skipped. Raises Fenced, or asyncpg's errors when the
    database is away: then the checkpoints tell what was committed.
    """
    records = batch.records
    try:
        try:
            await _transact(pool, projection, build, batch, before, copy=True)
        except asyncpg.UniqueViolationError:
            await _transact(pool, projection, build, batch, before, copy=False)
        return [batch]
    except _UNACCEPTABLE as error:
        if len(records) == 1:
            skip = Batch(records, skips=[(records[0], _reason(error))], after=batch.after)
            await _transact(pool, projection, build, skip, before, copy=False)
            return [skip]
    middle = len(records) // 2
    done = await commit(pool, projection, build, fold(projection, records[:middle]), before)
    return done + await commit(pool, projection, build, fold(projection, records[middle:]), moved(before, done))


async def _transact(
    pool: asyncpg.Pool, projection: Projection, build: Build, batch: Batch, before: Positions, *, copy: bool
) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await builds.lock(connection, build)
        how = projection.refold
        added = batch.rows.get(how.source, ()) if how else ()
        older = await rows_before(connection, build.schema, how, added) if how else {}
        await write(connection, build.schema, batch.rows, copy=copy, sent=batch.sent)
        if how:
            await refold(connection, build.schema, how, older, added)
        if batch.skips:
            await builds.record_skips(connection, build, batch.skips)
        await builds.advance(connection, build, before, batch.after)


def _reason(error: Exception) -> str:
    """Why a record was skipped, without what it holds: reasons are logged."""
    match error:
        case ValidationError():
            first = error.errors(include_input=False, include_url=False, include_context=False)[0]
            return f"{'.'.join(map(str, first['loc'])) or 'data'}: {first['msg']}"
        case InvalidEvent() | KeyError():
            return f"{type(error).__name__}: {error}"
        case asyncpg.PostgresError():
            return f"{type(error).__name__} ({error.sqlstate})"
        case _:
            return type(error).__name__


def moved(before: Mapping[tuple[str, int], int], batches: Sequence[Batch]) -> dict[tuple[str, int], int]:
    """The positions after some batches."""
    after = dict(before)
    for batch in batches:
        after.update(batch.after)
    return after


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel a task that nobody waits for any more, and wait until it is no longer under way."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
