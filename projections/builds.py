"""The bookkeeping of builds: which there are, which one is active, how far each has read, what it skipped.

A build is a projection's tables in a schema of their own, `<name>_v<version>_b<build>`; the views in the schema
`read` show the active build and are exchanged in the transaction that makes another one active, so that every process
reads the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from projections.projection import Projection, printable
from projections.source import LogRecord
from projections.writing import WHOLE_TABLE, create_indexes, create_table, definition
from schemas.errors import SetupError

# Any fixed number: processes that start together create builds one after the other.
_LOCK = 0x7661_7072

Positions = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class Build:
    """One build of a projection."""

    projection: str
    version: int
    build: int
    schema: str
    status: str
    started_at: datetime
    switched_at: datetime | None


class Fenced(Exception):
    """Another process moved this build's checkpoints or made another build active: read the positions again."""


_COLUMNS = "projection, version, build, schema, status, started_at, switched_at"


async def prepare(pool: asyncpg.Pool, projections: Iterable[Projection]) -> None:
    """Have an active build and views for every projection. One whose code is newer is left for the runner to rebuild.

    Raises SetupError when the code is older than the active build, or has other tables under the same version.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        for projection in projections:
            active = await with_status(connection, projection, "active")
            if active is None:
                build = await create(connection, projection)
                await index(connection, projection, build)
                await activate(connection, projection, build)
            elif active.version > projection.version:
                raise SetupError(
                    f"projection {projection.name} is at version {active.version}, this code has {projection.version}: "
                    f"run newer code, or go back with `vaultra rollback {projection.name}`"
                )
            elif active.version == projection.version:
                await _check_definition(connection, projection, active)


async def create(connection: asyncpg.Connection, projection: Projection) -> Build:
    """A new, empty build within the caller's transaction; `index` it before it is read."""
    number = await connection.fetchval(
        "SELECT coalesce(max(build), 0) + 1 FROM projections.builds WHERE projection = $1", projection.name
    )
    schema = f"{projection.name}_v{projection.version}_b{number}"
    await connection.execute(f"CREATE SCHEMA {schema}")
    for table in projection.tables:
        await connection.execute(create_table(table, schema))
    row = await connection.fetchrow(
        "INSERT INTO projections.builds (schema, projection, version, build, definition, status) "  # noqa: S608
        f"VALUES ($1, $2, $3, $4, $5, 'building') RETURNING {_COLUMNS}",
        schema,
        projection.name,
        projection.version,
        number,
        definition(projection),
    )
    return Build(**row)


async def index(db: Any, projection: Projection, build: Build) -> None:
    """Create the indexes that reads use: of many rows at once it costs a fraction of keeping them row by row."""
    for table in projection.tables:
        for statement in create_indexes(table, build.schema):
            await db.execute(statement, timeout=WHOLE_TABLE)


async def drop(connection: asyncpg.Connection, build: Build) -> None:
    """Remove a build with its tables, within the caller's transaction."""
    await connection.execute("DELETE FROM projections.builds WHERE schema = $1", build.schema)
    await connection.execute(f"DROP SCHEMA IF EXISTS {build.schema} CASCADE")


async def activate(connection: asyncpg.Connection, projection: Projection, build: Build) -> None:
    """Make a build the active one within the caller's transaction: the one before becomes `previous`."""
    before = await with_status(connection, projection, "active")
    older = await with_status(connection, projection, "previous")
    if older is not None and older.schema != build.schema:
        await drop(connection, older)
    for schema, status in (
        (build.schema, "building"),
        (before and before.schema, "previous"),
        (build.schema, "active"),
    ):
        await connection.execute(
            "UPDATE projections.builds SET status = $2, switched_at = now() WHERE schema = $1", schema, status
        )
    for table in projection.tables:
        # Replacing in place keeps what others granted and built on a view; only other columns need a new one.
        if before is None or before.version != build.version:
            await connection.execute(f"DROP VIEW IF EXISTS read.{table.name}")
        columns = ", ".join(f'"{name}"' for name in table.names)
        await connection.execute(
            f"CREATE OR REPLACE VIEW read.{table.name} AS SELECT {columns} FROM {build.schema}.{table.name}"  # noqa: S608
        )


async def with_status(db: Any, projection: Projection, status: str) -> Build | None:
    """The build that is `active` or `previous`; None where there is none."""
    row = await db.fetchrow(
        f"SELECT {_COLUMNS} FROM projections.builds WHERE projection = $1 AND status = $2",  # noqa: S608
        projection.name,
        status,
    )
    return Build(**row) if row else None


async def unfinished(db: Any, projection: Projection) -> list[Build]:
    """Builds that were started and not switched to."""
    rows = await db.fetch(
        f"SELECT {_COLUMNS} FROM projections.builds WHERE projection = $1 AND status = 'building'",  # noqa: S608
        projection.name,
    )
    return [Build(**row) for row in rows]


async def positions(db: Any, build: Build, earliest: Positions) -> dict[tuple[str, int], int]:
    """The next offset a build reads of every partition in `earliest`, which is where it starts on a new one.

    What the log no longer has is passed over: retention may have removed it while no runner was at work.
    """
    keys = sorted(earliest)
    await db.execute(
        "INSERT INTO projections.checkpoints AS c (schema, topic, partition, next_offset) "
        "SELECT $1, * FROM unnest($2::text[], $3::int[], $4::bigint[]) "
        "ON CONFLICT (schema, topic, partition) DO UPDATE SET next_offset = excluded.next_offset "
        "WHERE c.next_offset < excluded.next_offset",
        build.schema,
        [topic for topic, _ in keys],
        [partition for _, partition in keys],
        [earliest[key] for key in keys],
    )
    found = await checkpoints(db, build)
    return {key: found[key] for key in keys}


async def checkpoints(db: Any, build: Build) -> dict[tuple[str, int], int]:
    """The next offset a build reads of every partition it knows."""
    rows = await db.fetch(
        "SELECT topic, partition, next_offset FROM projections.checkpoints WHERE schema = $1", build.schema
    )
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def lock(connection: asyncpg.Connection, build: Build) -> None:
    """Keep others from moving a build until the transaction ends. Raises Fenced when its status is another now.

    What is committed asynchronously is at most lost with the checkpoint it stands beside, and then applied again.
    """
    status = await connection.fetchval(
        "SELECT status FROM projections.builds, set_config('synchronous_commit', 'off', true) "
        "WHERE schema = $1 FOR UPDATE OF builds",
        build.schema,
    )
    if status != build.status:
        raise Fenced(f"build {build.schema} is {status or 'gone'}")


async def advance(connection: asyncpg.Connection, build: Build, before: Positions, after: Positions) -> None:
    """Move the checkpoints of a locked build from `before` to `after`, for the partitions of `after`.

    Raises Fenced when one of them does not stand at `before`: another process applied what comes after it.
    """
    keys = list(after)
    moved = await connection.execute(
        "UPDATE projections.checkpoints c SET next_offset = w.next "
        "FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[]) AS w (topic, partition, before, next) "
        "WHERE c.schema = $1 AND c.topic = w.topic AND c.partition = w.partition AND c.next_offset = w.before",
        build.schema,
        [topic for topic, _ in keys],
        [partition for _, partition in keys],
        [before[key] for key in keys],
        [after[key] for key in keys],
    )
    if moved != f"UPDATE {len(keys)}":
        raise Fenced(f"build {build.schema} was moved by another process")


async def record_skips(connection: asyncpg.Connection, build: Build, skips: Sequence[tuple[LogRecord, str]]) -> None:
    """Note records that a build could not take, within the caller's transaction."""
    await connection.executemany(
        "INSERT INTO projections.skips VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        [
            (build.schema, record.topic, record.partition, record.offset, record.appended_at, printable(reason))
            for record, reason in skips
        ],
    )


async def _check_definition(connection: asyncpg.Connection, projection: Projection, active: Build) -> None:
    stored = await connection.fetchval("SELECT definition FROM projections.builds WHERE schema = $1", active.schema)
    if stored != definition(projection):
        raise SetupError(
            f"projection {projection.name} has other tables than its version {projection.version}: raise it"
        )
