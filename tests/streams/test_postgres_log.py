"""The log on PostgreSQL: the contract, and what PostgreSQL adds to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import asyncpg
import pytest

from adapters.database import Database
from schemas.errors import SetupError
from streams.log import EventLog
from streams.postgres_log import PostgresEventLog
from streams.topics import Topic
from tests.contracts.event_log import EventLogContract
from tests.contracts.log_kit import NUMBERS, TOPICS, WORDS_0, OpenLog, ids, message, read_all


@pytest.fixture(scope="module")
async def shared_database(fresh_database: Callable[[], AbstractAsyncContextManager[str]]) -> AsyncIterator[Database]:
    """One database for the tests of this file, emptied after each: making one takes longer than most tests."""
    async with fresh_database() as url:
        opened = await Database.open(url=url)
        yield opened
        await opened.close()


@pytest.fixture
async def database(shared_database: Database) -> AsyncIterator[Database]:
    yield shared_database
    connection = await asyncpg.connect(shared_database.dsn)
    # As replication would, past the triggers; only a superuser may.
    await connection.execute(
        "SET session_replication_role = replica; TRUNCATE log.events, log.positions, log.partitions, log.topics"
    )
    await connection.close()


class TestPostgresEventLog(EventLogContract):
    @pytest.fixture
    async def open_log(self, database: Database) -> AsyncIterator[OpenLog]:
        opened: list[EventLog] = []

        async def another() -> EventLog:
            opened.append(await PostgresEventLog.open(database, TOPICS))
            return opened[-1]

        yield another
        for log in opened:
            await log.close()


@pytest.fixture
async def log(database: Database) -> AsyncIterator[PostgresEventLog]:
    opened = await PostgresEventLog.open(database, TOPICS)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE log.events SET value = ''",
        "UPDATE log.events SET \"offset\" = 7 WHERE id = 'a'",
        "DELETE FROM log.events",
        "TRUNCATE log.events",
        "INSERT INTO log.events SELECT 99, appended_at, partition, topic, 'z', tenant, type, key, attributes "
        "FROM log.events",
        "UPDATE log.partitions SET next_offset = 0",
        "DELETE FROM log.partitions",
        "UPDATE log.positions SET next_offset = 0",
        "ALTER TABLE log.events DISABLE TRIGGER ALL",
        "DROP SCHEMA log CASCADE",
    ],
)
async def test_change_is_refused_when_the_program_tries_it(
    database: Database, log: PostgresEventLog, change: str
) -> None:
    await log.append([message("a"), message("b")])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.pool.execute(change)
    assert ids(await read_all(log, "words")) == ["a", "b"]


@pytest.mark.parametrize(
    "change", ["UPDATE log.events SET value = ''", "DELETE FROM log.events", "TRUNCATE log.events"]
)
async def test_change_is_refused_when_a_superuser_tries_it(
    database: Database, log: PostgresEventLog, change: str
) -> None:
    await log.append([message("a")])
    connection = await asyncpg.connect(database.dsn)
    try:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await connection.execute(change)
    finally:
        await connection.close()
    assert ids(await read_all(log, "words")) == ["a"]


async def test_open_refuses_when_a_topic_stands_with_another_number_of_partitions(
    database: Database, log: PostgresEventLog
) -> None:
    with pytest.raises(SetupError, match="numbers stands on the log with 4 partitions, 5 are declared"):
        await PostgresEventLog.open(database, [Topic("numbers", 5, ())])
    grown = await PostgresEventLog.open(database, [NUMBERS, Topic("later.retry", 2, ())])
    assert len(await grown.latest(["numbers", "later.retry"])) == 6
    await grown.close()


@pytest.mark.parametrize("name", ["", "two words", "colon:", "ü", "x" * 250])
async def test_open_refuses_when_a_topic_has_a_name_kafka_would_not_take(database: Database, name: str) -> None:
    with pytest.raises(SetupError, match="no name for a topic"):
        await PostgresEventLog.open(database, [Topic(name, 1, ())])


async def test_read_goes_to_the_table_when_records_are_no_longer_kept(database: Database) -> None:
    log = await PostgresEventLog.open(database, TOPICS, tail_bytes=5_000)
    await log.append([message(str(n), value=b"x" * 1000) for n in range(50)])
    positions, seen = {WORDS_0: 0}, []
    while records := await log.read(positions, limit=7):
        seen += ids(records)
        positions[WORDS_0] += len(records)
    assert seen == [str(n) for n in range(50)]
    await log.close()


async def test_read_gives_what_fits_when_values_are_great(database: Database) -> None:
    log = await PostgresEventLog.open(database, TOPICS, tail_bytes=1)
    for n in range(10):
        await log.append([message(str(n), value=b"x" * 7_000_000)])
    first = await log.read({WORDS_0: 0}, limit=100)
    assert ids(first) == [str(n) for n in range(5)]
    assert ids(await log.read({WORDS_0: 5}, limit=100)) == [str(n) for n in range(5, 10)]
    await log.close()


async def test_table_is_not_asked_for_values_when_they_are_not_needed(database: Database) -> None:
    log = await PostgresEventLog.open(database, TOPICS, tail_bytes=1)
    await log.append([message("a", value=b"1")])
    try:
        assert [record.value for record in await log.read({WORDS_0: 0}, values=False)] == [None]
        assert [record.value for record in await log.read({WORDS_0: 0})] == [b"1"]
    finally:
        await log.close()


async def test_append_waits_its_turn_when_the_queue_is_full(database: Database) -> None:
    log = await PostgresEventLog.open(database, TOPICS, queue_bytes=3_000_000)
    outcomes = await asyncio.gather(*(log.append([message(str(n), value=b"x" * 1_000_000)]) for n in range(20)))
    assert sorted(one.offset for [one] in outcomes) == list(range(20))
    await log.close()


async def test_append_is_refused_when_the_topic_is_unknown(log: PostgresEventLog) -> None:
    with pytest.raises(SetupError, match="'no such topic' is not on the log"):
        await log.append([message("a", topic="no such topic")])


async def test_reader_is_woken_when_another_instance_appends_to_very_many_partitions_at_once(
    database: Database,
) -> None:
    """More than one notification can name."""
    wide = Topic("wide", 150, ())
    reader, writer = [await PostgresEventLog.open(database, [wide]) for _ in range(2)]
    positions = await reader.latest(["wide"])
    waiting = asyncio.create_task(reader.read(positions, wait=60))
    await asyncio.sleep(0)
    async with asyncio.timeout(4):
        await writer.append([message(str(n), topic="wide", key=str(n)) for n in range(2000)])
        assert await waiting
    await reader.close()
    await writer.close()


async def test_append_notifies_nobody_when_the_instance_is_alone(database: Database, log: PostgresEventLog) -> None:
    heard: list[object] = []
    listener = await asyncpg.connect(database.dsn)
    await listener.add_listener("vaultra_log", lambda *notification: heard.append(notification))
    await log.append([message("alone")])
    other = await PostgresEventLog.open(database, TOPICS)
    await other.append([message("first")])
    await log.append([message("second")])
    async with asyncio.timeout(5):
        while not heard:
            await asyncio.sleep(0.005)
    payloads = [str(notification[-1]) for notification in heard]
    assert not any("words:0:1" in payload for payload in payloads)
    assert any("words:0:2" in payload or "words:0:3" in payload for payload in payloads)
    await other.close()
    await listener.close()
