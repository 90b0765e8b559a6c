"""Making derived rows again: every row of the keys that a batch touched is read, folded, and its outcome written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

import asyncpg

from projections.projection import Refold, Row, Table
from projections.writing import merged, quoted


async def rows_before(
    connection: asyncpg.Connection, schema: str, how: Refold, added: Iterable[Row]
) -> Mapping[Row, Sequence[Row]]:
    """The source's rows of every key that `added` rows touch, before those are written: key → rows."""
    width = len(how.by)
    keys = sorted({row[:width] for row in added})
    if not keys:
        return {}
    rows = await connection.fetch(_read(how.source, how.by, schema), *map(list, zip(*keys, strict=True)))
    before: dict[Row, list[Row]] = {}
    for row in map(tuple, rows):
        before.setdefault(row[:width], []).append(row)
    return before


async def refold(
    connection: asyncpg.Connection, schema: str, how: Refold, before: Mapping[Row, Sequence[Row]], added: Iterable[Row]
) -> None:
    """Fold again what `added` rows belong to, with the rows that were there `before`; in the caller's transaction."""
    width = len(how.by)
    by_key: dict[Row, list[Row]] = {key: list(rows) for key, rows in before.items()}
    for row in added:
        by_key.setdefault(row[:width], []).append(row)
    outcome: dict[Table, list[Row]] = {table: [] for table in how.into}
    once = [rows if len(rows) == 1 else tuple(merged(how.source, rows)) for rows in by_key.values()]
    for table, row in how.function(once):
        outcome[table].append(row)
    for table, rows in outcome.items():
        if before:  # only keys that had rows have derived rows to remove
            await connection.execute(_remove(table, how.by, schema), *map(list, zip(*before, strict=True)))
        if rows:
            await connection.copy_records_to_table(table.name, schema_name=schema, columns=table.names, records=rows)


@cache
def _read(table: Table, by: tuple[str, ...], schema: str) -> str:
    columns = ", ".join(f"t.{quoted(name)}" for name in table.names)
    return f"SELECT {columns} FROM {schema}.{table.name} t JOIN {_keys(by)} USING ({', '.join(by)})"  # noqa: S608


@cache
def _remove(table: Table, by: tuple[str, ...], schema: str) -> str:
    same = " AND ".join(f"t.{name} = k.{name}" for name in by)
    return f"DELETE FROM {schema}.{table.name} t USING {_keys(by)} WHERE {same}"  # noqa: S608


def _keys(by: tuple[str, ...]) -> str:
    """The keys, which are text, as a table."""
    arrays = ", ".join(f"${number}::text[]" for number in range(1, len(by) + 1))
    return f"unnest({arrays}) AS k ({', '.join(by)})"
