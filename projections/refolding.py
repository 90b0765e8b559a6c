"""Making derived rows again: every row of the keys that a batch touched is read, folded, and its outcome written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from itertools import groupby

import asyncpg

from projections.projection import Refold, Row, Table
from projections.writing import quoted


async def refold(connection: asyncpg.Connection, schema: str, how: Refold, added: Iterable[Row]) -> None:
    """Fold again what `added` rows of the source, just written, belong to; within the caller's transaction."""
    width = len(how.by)
    touched = Counter(row[:width] for row in added)
    if not touched:
        return
    keys = sorted(touched)
    rows = await connection.fetch(_read(how.source, how.by, schema), *map(list, zip(*keys, strict=True)))
    outcome: dict[Table, list[Row]] = {table: [] for table in how.into}
    older: list[Row] = []
    for key, group in groupby(map(tuple, rows), key=lambda row: row[:width]):
        members = list(group)
        if len(members) > touched[key]:
            older.append(key)
        for table, row in how.function(members):
            outcome[table].append(row)
    await _replace(connection, schema, how, outcome, older)


async def _replace(
    connection: asyncpg.Connection,
    schema: str,
    how: Refold,
    outcome: dict[Table, list[Row]],
    older: Collection[Row],
) -> None:
    """Only keys that had rows before can have derived rows to remove."""
    for table, rows in outcome.items():
        if older:
            await connection.execute(_remove(table, how.by, schema), *map(list, zip(*older, strict=True)))
        if rows:
            await connection.copy_records_to_table(table.name, schema_name=schema, columns=table.names, records=rows)


@cache
def _read(table: Table, by: tuple[str, ...], schema: str) -> str:
    columns = ", ".join(f"t.{quoted(name)}" for name in table.names)
    return (
        f"SELECT {columns} FROM {schema}.{table.name} t JOIN {_keys(by)} USING ({', '.join(by)}) "  # noqa: S608
        f"ORDER BY {', '.join(by)}"
    )


@cache
def _remove(table: Table, by: tuple[str, ...], schema: str) -> str:
    same = " AND ".join(f"t.{name} = k.{name}" for name in by)
    return f"DELETE FROM {schema}.{table.name} t USING {_keys(by)} WHERE {same}"  # noqa: S608


def _keys(by: tuple[str, ...]) -> str:
    """The keys, which are text, as a table."""
    arrays = ", ".join(f"${number}::text[]" for number in range(1, len(by) + 1))
    return f"unnest({arrays}) AS k ({', '.join(by)})"
