"""Rows into tables: the SQL of a declared table, merging rows of one key, and writing a batch in few statements."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from operator import itemgetter
from typing import Any

import asyncpg

from projections.projection import Column, Projection, Row, Table

# Fewer rows than this go in one INSERT; more are worth the try of a COPY straight into the table.
COPY_FROM = 50
# Seconds for what goes over a whole table, whatever its size.
WHOLE_TABLE = 3600.0


def definition(projection: Projection) -> str:
    """A hash of a projection's tables: one version must not have two."""
    statements = [
        statement
        for table in projection.tables
        for statement in (create_table(table, "s"), *create_indexes(table, "s"))
    ]
    return hashlib.sha256("\n".join(statements).encode()).hexdigest()[:16]


def create_table(table: Table, schema: str) -> str:
    """The statement that creates a table with its key. Text compares by bytes, as Python's does."""
    columns = [f"{quoted(column.name)} {_type(column)}{_null(table, column)}" for column in table.columns]
    columns.append(f"PRIMARY KEY ({_list(table.key)})")
    return f"CREATE TABLE {schema}.{table.name} ({', '.join(columns)}) {table.settings}".rstrip()


def create_indexes(table: Table, schema: str) -> list[str]:
    """The statements that create the other indexes of a table."""
    return [f"CREATE INDEX ON {schema}.{table.name} ({columns})" for columns in table.indexes]


def merged(table: Table, rows: Collection[Row]) -> Collection[Row]:
    """One row a key, merged by the table's rules. Expects no NaN and no times without a zone."""
    width = len(table.key)
    if len({row[:width] for row in rows}) == len(rows):
        return rows
    by_key: dict[Row, list[Row]] = {}
    for row in rows:
        by_key.setdefault(row[:width], []).append(row)
    merge = _merge_of(table)
    return [found[0] if len(found) == 1 else merge(found) for found in by_key.values()]


async def write(
    connection: asyncpg.Connection,
    schema: str,
    rows: Mapping[Table, Collection[Row]],
    *,
    copy: bool = True,
    sent: Callable[[], None] = lambda: None,
) -> None:
    """Write rows within the caller's transaction; `sent` is called for every table whose rows are on their way.

    With `copy`, many rows that do not merge by column are appended by COPY, twice as fast as a merging INSERT: it
    raises UniqueViolationError where a key is there already, which only a log that delivers twice brings about. Write
    them again without it then. Raises asyncpg.DataError and its like for what no column takes.
    """
    for table, unmerged in rows.items():
        batch = merged(table, unmerged)
        if copy and len(batch) >= COPY_FROM and not table.merges:
            await connection.copy_records_to_table(
                table.name, schema_name=schema, columns=table.names, records=_all(batch, sent)
            )
        else:
            sent()
            await connection.execute(_upsert(table, schema), *(list(values) for values in zip(*batch, strict=True)))


def _all(rows: Iterable[Row], then: Callable[[], None]) -> Iterator[Row]:
    yield from rows
    then()


@cache
def _upsert(table: Table, schema: str) -> str:
    names = [column.name for column in table.columns]
    arrays = ", ".join(f"${number}::{column.type}[]" for number, column in enumerate(table.columns, start=1))
    settable = table.columns[len(table.key) :]
    condition = ""
    if table.merges:
        assignments = [f"{quoted(c.name)} = {c.merge}(t.{quoted(c.name)}, excluded.{quoted(c.name)})" for c in settable]
    else:
        assignments = [f"{quoted(c.name)} = excluded.{quoted(c.name)}" for c in settable]
        condition = ' WHERE excluded."offset" < t."offset"'
    # Sorted by key: two writers would lock rows in one order.
    return (
        f"INSERT INTO {schema}.{table.name} AS t ({_list(names)}) "  # noqa: S608 - names we declared
        f"SELECT * FROM unnest({arrays}) AS w ({_list(names)}) ORDER BY {_list(table.key)} "
        f"ON CONFLICT ({_list(table.key)}) DO UPDATE SET {', '.join(assignments)}{condition}"
    )


@cache
def _merge_of(table: Table) -> Callable[[Sequence[Row]], Row]:
    """From all rows of one key to their one row."""
    if not table.merges:
        return partial(min, key=itemgetter(table.names.index("offset")))
    rules = [max if column.merge == "greatest" else min for column in table.columns]
    return lambda rows: tuple(
        rule(values) if None not in values else rule((one for one in values if one is not None), default=None)
        for rule, values in zip(rules, zip(*rows, strict=True), strict=True)
    )


def _type(column: Column) -> str:
    return f'{column.type} COLLATE "C"' if column.type == "text" else column.type


def _null(table: Table, column: Column) -> str:
    return " NOT NULL" if column.name in table.key else ""


def _list(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)


def quoted(name: str) -> str:
    return f'"{name}"' if name in {"offset"} else name


async def table_hash(db: Any, projection: Projection, schema: str = "read") -> str:
    """A hash of all rows of a projection in any order: of the active build, or of another one by its schema.

    `db` is an asyncpg pool or connection. Two builds in one database with one hash hold the same rows; PostgreSQL's
    own hashes of rows are 64 bits wide and may differ between its major versions.
    """
    parts = []
    for table in projection.tables:
        count, total = await db.fetchrow(
            f"SELECT count(*), sum(hash_record_extended(ROW({_list(table.names)}), 0)) "  # noqa: S608 - names we declared
            f"FROM {schema}.{table.name}",
            timeout=WHOLE_TABLE,
        )
        parts.append(f"{table.name} {count} {total}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
