"""The ledger's tables: the same in any order, read as of and as known at any moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.database import Database
from processors.ledger.observe import facts_of
from projections import builds
from projections.applying import commit, fold, moved
from projections.ledger import ENTRIES, MOVEMENTS, OBJECTS, PROJECTION, TOTALS
from projections.ledger_reads import PostgresLedgerReader
from projections.rebuild import rebuild
from projections.runner import ProjectionRunner
from projections.writing import table_hash
from schemas.envelope import Event
from schemas.ledger.observation import Observation
from schemas.wire import Message, decode
from streams.log import Record
from streams.memory_log import MemoryEventLog
from tests.ledger.stories import (
    books,
    business,
    charge,
    fees_given_back,
    messages,
    payout,
    refunded_again,
    refunded_later,
    refunded_twice,
    uncaptured,
)
from tests.ledger.webhooks import BUSINESS, START, event, webhook
from tests.metrics.test_destination_charges import CONNECTED, PLATFORM, SENT, TAKEN_BACK, own_payment

STORY = business()
# What follows from the facts; the facts' own rows also say where and when they were appended.
FOLDED = replace(PROJECTION, tables=(OBJECTS, ENTRIES, MOVEMENTS, TOTALS))


def records(story: Sequence[Message]) -> list[Record]:
    return [
        Record("ledger", 0, offset, START, one.key, one.attributes, one.value, {}) for offset, one in enumerate(story)
    ]


async def hash_of(database: Database, batches: Sequence[Sequence[Record]]) -> str:
    """The hash of the folded tables after these batches."""
    async with database.pool.acquire() as connection, connection.transaction():
        build = await builds.create(connection, PROJECTION)
    positions: Any = await builds.positions(database.pool, build, {("ledger", 0): 0})
    for batch in batches:
        if batch:
            folded = fold(PROJECTION, batch)
            assert not folded.skips
            positions = moved(positions, await commit(database.pool, PROJECTION, build, folded, positions))
    found = await table_hash(database.pool, FOLDED, build.schema)
    async with database.pool.acquire() as connection, connection.transaction():
        await builds.drop(connection, build)
    return found


@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_tables_have_the_same_hash_when_facts_come_in_any_order_and_twice(
    data: st.DataObject, database: Database
) -> None:
    facts = messages(STORY)
    again = data.draw(st.lists(st.sampled_from(facts), max_size=8))
    delivered = records(data.draw(st.permutations([*facts, *again])))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(delivered)), max_size=4)))
    batches = [delivered[start:end] for start, end in zip([0, *cuts], [*cuts, len(delivered)], strict=True)]
    assert await hash_of(database, batches) == await hash_of(database, [records(facts)])


async def test_entries_are_those_computed_in_memory_when_they_are_read(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    raised = charge("8", 1, 900, "eur", amount_refunded=400)
    told = [
        *STORY,
        event("80", "charge.refunded", 3, raised),
        event("81", "charge.succeeded", 1, charge("8", 1, 900, "eur")),
        *uncaptured(),
        *refunded_again(),
        *refunded_later(),
        *refunded_twice(),
        *fees_given_back(),
    ]
    await log.append(messages(told))
    assert await runner.caught_up(within=10)
    reader = PostgresLedgerReader(database.pool)
    entries, identity = books(told)

    assert await reader.entries("local", BUSINESS) == entries
    assert await reader.entries("local", BUSINESS, known_at=START + timedelta(days=99)) == entries
    half = START + timedelta(days=6)
    assert await reader.entries("local", BUSINESS, as_of=half) == [one for one in entries if one.effective <= half]
    assert await reader.identity("local", BUSINESS) == identity
    assert await reader.identity("local", BUSINESS, known_at=START + timedelta(days=99)) == identity
    assert await reader.unhandled("local", BUSINESS) == {"product.updated": 1}
    assert await reader.entries("other", BUSINESS) == []

    paged: list[str] = []
    after = None
    while True:
        page = await reader.page("local", BUSINESS, limit=3, after=after)
        assert page is not None
        paged += [one.id for one in page.entries]
        after = page.after
        if after is None:
            break
    assert paged == [one.id for one in entries]
    assert await reader.page("other", BUSINESS) is None


class Planned:
    """A pool that keeps the plan of what is fetched inside a transaction, as it is made for a reader."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.plan = ""

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[Planned]:
        async with self._pool.acquire() as connection:
            self.transaction, self.execute, self._connection = connection.transaction, connection.execute, connection
            yield self

    async def fetch(self, query: str, *arguments: Any) -> Any:
        rows = await self._connection.fetch(f"EXPLAIN {query}", *arguments)
        self.plan = "\n".join(row[0] for row in rows)
        return await self._connection.fetch(query, *arguments)


async def test_whole_ledger_is_not_joined_row_by_row_when_its_tables_have_no_statistics(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await log.append(messages(STORY))
    assert await runner.caught_up(within=10)
    pool = Planned(database.pool)
    reader = PostgresLedgerReader(pool)
    assert await reader.entries("local", BUSINESS) == books(STORY)[0]
    assert "Join" in pool.plan
    assert "Nested Loop" not in pool.plan


async def test_entries_of_an_account_are_those_in_memory_when_platform_and_account_tell_of_its_payments(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    told = [*PLATFORM, TAKEN_BACK, *SENT, own_payment("2", 4_000, 0)]
    await log.append(messages(told))
    assert await runner.caught_up(within=10)
    reader = PostgresLedgerReader(database.pool)
    entries, _ = books(told, CONNECTED)
    assert {one.object_id for one in entries} == {"ch_1", "tr_1", "py_2"}
    assert await reader.entries("local", CONNECTED) == entries
    assert await reader.entries("local", CONNECTED, known_at=START + timedelta(days=99)) == entries
    page = await reader.page("local", CONNECTED, limit=2)
    assert page is not None
    assert [one.id for one in page.entries] == [one.id for one in entries[:2]]


async def test_late_event_changes_as_of_and_never_known_at(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    """A payout is paid on day 2 and fails on day 5; we hear of the failure on day 20."""
    paid = payout("1", 0, 400, "eur", "paid")
    failed = event("2", "payout.failed", 5, {**paid, "status": "failed"})
    day = {number: START + timedelta(days=number) for number in (6, 10, 21)}
    reader = PostgresLedgerReader(database.pool)

    async def answers(**bounds: datetime) -> tuple[int, str]:
        entries = await reader.entries("local", BUSINESS, **bounds)
        (found,) = await reader.histories("local", BUSINESS, ["payout"], **bounds)
        return sum(one.amount for one in entries), found.latest.state.status

    await log.append(messages([event("1", "payout.paid", 2, paid)]))
    assert await runner.caught_up(within=10)
    assert await answers(as_of=day[6]) == (-400, "paid")
    assert await answers(as_of=day[6], known_at=day[10]) == (-400, "paid")

    late = webhook(failed, received=START + timedelta(days=20))
    (message,) = messages([failed])
    data = facts_of(late)[0].model_dump_json().encode()
    await log.append([message._replace(value=data)])
    assert await runner.caught_up(within=10)
    assert await answers(as_of=day[6]) == (0, "failed")
    assert await answers(as_of=START + timedelta(days=3)) == (-400, "paid")
    assert await answers(as_of=day[6], known_at=day[10]) == (-400, "paid")
    assert await answers(as_of=day[6], known_at=day[21]) == (0, "failed")


async def test_standing_tells_whether_a_fact_is_the_newest(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    first, second = (messages([event(str(n), "charge.succeeded", n, charge(str(n), n, 100, "eur"))])[0] for n in (1, 2))
    reader = PostgresLedgerReader(database.pool)

    def fact(message: Message) -> Event[Observation]:
        return decode(message.attributes, message.value)

    assert await reader.standing(fact(first)) == "absent"
    await log.append([first])
    assert await runner.caught_up(within=10)
    assert await reader.standing(fact(first)) == "newest"
    await log.append([second])
    assert await runner.caught_up(within=10)
    assert await reader.standing(fact(first)) == "superseded"
    assert await reader.standing(fact(second)) == "newest"


async def test_ledger_is_rebuilt_to_the_same_rows(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await log.append(messages(reversed(STORY)))
    assert await runner.caught_up(within=10)
    rebuilt = await rebuild(database.pool, log, PROJECTION, batch=4)
    assert rebuilt.rows_hash == await table_hash(database.pool, PROJECTION)
    assert rebuilt.skipped == 0


async def test_contradictions_are_kept_beside_the_object(
    log: MemoryEventLog, runner: ProjectionRunner, database: Database
) -> None:
    await log.append(messages([event("1", "payout.failed", 1, payout("1", 0, 5, "eur", "paid"))]))
    assert await runner.caught_up(within=10)
    found = await PostgresLedgerReader(database.pool).contradictions("local", BUSINESS)
    assert "payout.failed" in found["po_1"][0]
