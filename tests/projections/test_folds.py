"""Folds: whatever the order, however often, whatever the batches – the same rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections import jobs
from projections.applying import fold
from projections.catalogue import PROJECTIONS, named
from projections.projection import Column, Projection, Row, Table
from projections.writing import merged
from schemas.errors import SetupError
from streams.log import Record
from tests.projections.job_stories import REFUSED, Story, again, answered, records, roundabout

STORIES = (answered("job-1"), roundabout("job-2"), Story("job-3").tell(REFUSED), answered("job-1", tenant="other"))
RECORDS = records(STORIES)
EACH = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda one: one.name)


# (index into RECORDS, number of the copy; 0 is the record itself)
Delivery = tuple[int, int]


@st.composite
def deliveries(draw: st.DrawFn) -> list[list[Delivery]]:
    """The records in any order, some twice, some appended again later, in batches of any size."""
    repeated = draw(st.lists(st.integers(0, len(RECORDS) - 1), max_size=18))
    copies = [(index, draw(st.integers(0, 3))) for index in repeated]
    order = draw(st.permutations([*((index, 0) for index in range(len(RECORDS))), *copies]))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=5)))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True) if start < end]


def delivered(batches: list[list[Delivery]]) -> list[list[Record]]:
    return [
        [
            again(RECORDS[index], RECORDS[index].offset + 1000 * copy) if copy else RECORDS[index]
            for index, copy in batch
        ]
        for batch in batches
    ]


def rows_of(projection: Projection, batches: Sequence[Sequence[Record]]) -> dict[str, set[Row]]:
    """The rows of every table, each batch merged by itself and then with what is there."""
    tables: dict[Table, list[Row]] = {table: [] for table in projection.tables}
    for batch in batches:
        folded = fold(projection, batch)
        assert not folded.skips
        for table, rows in folded.rows.items():
            tables[table] = list(merged(table, [*tables[table], *merged(table, rows)]))
    return {table.name: set(rows) for table, rows in tables.items()}


@EACH
@given(batches=deliveries())
@settings(max_examples=50, deadline=None)
def test_fold_gives_the_same_rows_when_records_come_in_any_order_and_twice(
    projection: Projection, batches: list[list[Delivery]]
) -> None:
    assert rows_of(projection, delivered(batches)) == rows_of(projection, [RECORDS])


@EACH
@given(batches=deliveries())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_tables_have_the_same_hash_when_records_come_in_any_order_and_twice(
    projection: Projection,
    batches: list[list[Delivery]],
    hash_of: Callable[[Projection, Sequence[Sequence[Record]]], Awaitable[str]],
) -> None:
    assert await hash_of(projection, delivered(batches)) == await hash_of(projection, [RECORDS])


@EACH
async def test_tables_have_the_same_hash_when_a_large_batch_is_copied_over_rows_that_are_there(
    projection: Projection, hash_of: Callable[[Projection, Sequence[Sequence[Record]]], Awaitable[str]]
) -> None:
    many = records(answered(f"job-{number}") for number in range(100))
    late = [again(record, record.offset + 1000) for record in many[::2]]

    assert await hash_of(projection, [many[:300], late, many]) == await hash_of(projection, [many])


def test_declaration_is_refused_when_rows_of_one_key_could_not_be_merged() -> None:
    with pytest.raises(SetupError, match="either an offset decides"):
        Table("t", (Column("key", "text"), Column("value", "text")), key=("key",))
    with pytest.raises(SetupError, match="leading columns"):
        Table("t", (Column("offset", "bigint"), Column("key", "text")), key=("key",))
    with pytest.raises(SetupError, match="lower-case identifier"):
        Projection("No name", 1, ("uploads",), (jobs.JOBS,), jobs.apply)
    with pytest.raises(SetupError, match="jobs, lineage, costs"):
        named("nothing")
