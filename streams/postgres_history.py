"""Records written to the embedded log as they stood elsewhere: at their offsets, with their times."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from pydantic_core import to_json

from adapters.database import Database, reaching
from schemas.errors import SetupError
from streams.diversions import identity_of
from streams.log import EventLog, Record, TopicPartition
from streams.log_copy import CopyFailed, HistoryTarget
from streams.postgres_log import PostgresEventLog
from streams.topics import Topic

# As the owner of the tables: the program's own role may not write but through log.append, which stamps anew.
_EXTEND = """
UPDATE log.partitions SET next_offset = $3 + $4, appended_at = greatest(appended_at, $5)
WHERE topic = $1 AND partition = $2 AND next_offset = $3
"""
_TAKEN = "SELECT tenant, id FROM log.events WHERE topic = $1 AND id = ANY($2)"
_INSERT = """
INSERT INTO log.events ("offset", appended_at, partition, topic, id, tenant, type, key, attributes, extra, value)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""


class PostgresHistory(HistoryTarget):
    """Open it with `open`."""

    def __init__(self, log: PostgresEventLog, connection: asyncpg.Connection) -> None:
        self._log = log
        self._connection = connection

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database, topics: Sequence[Topic]) -> AsyncIterator[PostgresHistory]:
        """The embedded log with these topics. Raises SetupError or Unavailable."""
        log = await PostgresEventLog.open(database, topics)
        try:
            with reaching("the database"):
                connection = await asyncpg.connect(database.dsn)
            try:
                yield cls(log, connection)
            finally:
                await connection.close()
        finally:
            await log.close()

    @property
    def log(self) -> EventLog:
        return self._log

    async def restore(self, place: TopicPartition, records: Sequence[Record]) -> None:
        first, last = records[0].offset, records[-1].appended_at
        try:
            with reaching("the database"):
                async with self._connection.transaction():
                    extended = await self._connection.execute(_EXTEND, *place, first, len(records), last)
                    if extended != "UPDATE 1":
                        raise CopyFailed(
                            f"{place.topic}/{place.partition} does not end at {first}: somebody writes to it"
                        )
                    await self._connection.executemany(_INSERT, await self._rows(place, records))
        except asyncpg.InsufficientPrivilegeError as error:
            raise SetupError(f"the login of the database may not restore the log: {error}") from error
        await self._log.latest([place.topic])  # written past it, so it has heard nothing

    async def _rows(self, place: TopicPartition, records: Sequence[Record]) -> list[tuple[object, ...]]:
        """Rows of the table. Of two records with one id (Kafka may hold such) the first one has it."""
        identities = [identity_of(record) for record in records]
        ids = [id for _, id in identities]
        taken = {(row[0], row[1]) for row in await self._connection.fetch(_TAKEN, place.topic, ids)}
        rows: list[tuple[object, ...]] = []
        for record, identity in zip(records, identities, strict=True):
            tenant, id = identity
            free = bool(id) and identity not in taken
            taken.add(identity)
            rows.append(
                (
                    record.offset,
                    record.appended_at,
                    place.partition,
                    place.topic,
                    id if free else f"copied {place.topic}/{place.partition}/{record.offset}",
                    tenant,
                    record.attributes.get("type", ""),
                    record.key,
                    to_json(record.attributes).decode(),
                    to_json(record.extra).decode() if record.extra else None,
                    record.value,
                )
            )
        return rows
