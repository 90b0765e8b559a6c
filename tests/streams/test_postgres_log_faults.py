"""The log on PostgreSQL when something is killed, cut or full."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import asyncpg
import pytest

from adapters.database import Database
from adapters.postgres_server import PostgresServer
from schemas.errors import Unavailable
from streams.log import Advance, Record
from streams.postgres_log import PostgresEventLog
from tests.contracts.log_kit import TOPICS, WORDS_0, by_partition, ids, message, read_all

PROJECT = Path(__file__).parents[2]


def writer(where: str, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.streams.append_forever", where, name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )


def acknowledged_when_killed(process: subprocess.Popen[str], lines: int) -> list[tuple[str, int, int]]:
    """Kill -9 a writer after so many acknowledgements; all that it got out."""
    assert process.stdout is not None
    found = [process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    found += process.stdout.readlines()
    _, errors = process.communicate()
    assert errors == ""
    whole = [line for line in found if line.endswith("\n")]
    return [(id, int(partition), int(offset)) for id, partition, offset in (line.split("\t") for line in whole)]


def check_all_there_once(records: Sequence[Record], acknowledged: Sequence[tuple[str, int, int]]) -> None:
    placed = {record.attributes["id"]: (record.partition, record.offset) for record in records}
    assert len(placed) == len(records), "an id stands twice"
    for id, partition, offset in acknowledged:
        assert placed[id] == (partition, offset)
    for found in by_partition(records).values():
        assert [record.offset for record in found] == list(range(len(found)))


async def test_every_acknowledged_append_is_there_once_when_a_writer_is_killed(database: Database) -> None:
    killed, going_on = writer(database.dsn, "killed"), writer(database.dsn, "going on")
    acknowledged = await asyncio.to_thread(acknowledged_when_killed, killed, 400)
    acknowledged += await asyncio.to_thread(acknowledged_when_killed, going_on, 400)
    log = await PostgresEventLog.open(database, TOPICS)
    records = await read_all(log, "numbers")
    check_all_there_once(records, acknowledged)
    # A client that heard nothing appends again.
    again = [message(record.attributes["id"], topic="numbers", key=record.key) for record in records]
    assert all(outcome.duplicate for outcome in await log.append(again))
    assert await read_all(log, "numbers") == records
    await log.close()


async def test_every_acknowledged_append_is_there_once_when_the_owner_of_the_server_is_killed(data_dir: Path) -> None:
    acknowledged: list[tuple[str, int, int]] = []
    for round in ("first", "second"):
        acknowledged += await asyncio.to_thread(acknowledged_when_killed, writer(str(data_dir), round), 300)
    database = await Database.open(data_dir=data_dir)
    log = await PostgresEventLog.open(database, TOPICS)
    check_all_there_once(await read_all(log, "numbers"), acknowledged)
    await log.close()
    await database.close()


@pytest.fixture
async def own_database(data_dir: Path) -> AsyncIterator[Database]:
    database = await Database.open(data_dir=data_dir)
    yield database
    await database.close()


async def test_log_comes_back_with_all_it_acknowledged_when_the_server_is_killed(
    own_database: Database, data_dir: Path
) -> None:
    log = await PostgresEventLog.open(own_database, TOPICS)
    server = PostgresServer(data_dir)
    acknowledged: list[str] = []
    refused = 0
    async with asyncio.timeout(60):
        for n in range(60):
            if n in (10, 30):
                pid = server.pid
                assert pid is not None
                os.kill(pid, signal.SIGKILL)
            while True:
                try:
                    await log.append([message(str(n))])
                except Unavailable:
                    refused += 1
                    await asyncio.sleep(0.02)
                else:
                    acknowledged.append(str(n))
                    break
    assert refused > 0
    assert ids(await read_all(log, "words")) == acknowledged == [str(n) for n in range(60)]
    await log.close()


async def test_reader_is_woken_when_the_server_was_away_meanwhile(own_database: Database, data_dir: Path) -> None:
    """Another instance's append is heard of, although the listening connection broke."""
    log = await PostgresEventLog.open(own_database, TOPICS)
    waiting = asyncio.create_task(until_read(log))
    await asyncio.sleep(0)
    pid = PostgresServer(data_dir).pid
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    async with asyncio.timeout(30):
        while PostgresServer(data_dir).pid in (None, pid) or not await own_database.healthy():
            await asyncio.sleep(0.02)
        other = await PostgresEventLog.open(own_database, TOPICS)
        await other.append([message("a")])
        assert ids(await waiting) == ["a"]
    await other.close()
    await log.close()


async def until_read(log: PostgresEventLog) -> Sequence[Record]:
    while True:
        try:
            if records := await log.read({WORDS_0: 0}, wait=60):
                return records
        except Unavailable:
            await asyncio.sleep(0.02)


async def test_everything_is_unavailable_when_the_server_is_gone_and_works_when_it_is_back(data_dir: Path) -> None:
    server = PostgresServer(data_dir)
    await server.start()
    connection = await asyncpg.connect(server.dsn("postgres"))
    await connection.execute("CREATE DATABASE by_url")
    await connection.close()
    database = await Database.open(url=server.dsn("by_url"))
    log = await PostgresEventLog.open(database, TOPICS)
    await log.append([message("a")], advance=Advance("g", {WORDS_0: 1}))
    await server.stop()
    assert not await log.healthy()
    for use in (
        log.append([message("b")]),
        log.append([], advance=Advance("g", {WORDS_0: 2})),
        log.positions("g", ["words"]),
        log.latest(["words"]),
    ):
        with pytest.raises(Unavailable):
            await use
    await server.start()
    assert [(o.offset, o.duplicate) for o in await log.append([message("a"), message("c")])] == [(0, True), (1, False)]
    assert ids(await read_all(log, "words")) == ["a", "c"]
    assert await log.positions("g", ["words"]) == {WORDS_0: 1}
    assert await log.healthy()
    await log.close()
    await database.close()
    await server.stop()


async def test_close_returns_when_the_server_is_gone(data_dir: Path) -> None:
    database = await Database.open(data_dir=data_dir)
    log = await PostgresEventLog.open(database, TOPICS)
    await log.append([message("a")])
    pid = PostgresServer(data_dir).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(20):
        await log.close()
        await database.close()
    assert PostgresServer(data_dir).pid is None


async def test_append_is_unavailable_when_another_session_holds_the_partition(database: Database) -> None:
    log = await PostgresEventLog.open(database, TOPICS, patience=0.3)
    superuser = await asyncpg.connect(database.dsn)
    async with superuser.transaction():
        await superuser.execute("SELECT * FROM log.partitions WHERE topic = 'words' FOR UPDATE")
        with pytest.raises(Unavailable):
            await log.append([message("a")])
    await superuser.close()
    [outcome] = await log.append([message("a")])
    assert (outcome.offset, outcome.duplicate) == (0, False)
    await log.close()


async def test_append_is_unavailable_when_the_queue_stays_full(database: Database) -> None:
    log = await PostgresEventLog.open(database, TOPICS, patience=0.3, queue_bytes=10_000)
    superuser = await asyncpg.connect(database.dsn)
    async with superuser.transaction():
        await superuser.execute("SELECT * FROM log.partitions WHERE topic = 'words' FOR UPDATE")
        appends = [log.append([message(str(n), value=b"x" * 5_000)]) for n in range(6)]
        outcomes = await asyncio.gather(*appends, return_exceptions=True)
    assert all(isinstance(outcome, Unavailable) for outcome in outcomes)
    await superuser.close()
    assert await log.append([message("after")])
    await log.close()


async def test_append_goes_through_when_its_connection_was_cut(database: Database) -> None:
    """Idle connections are cut by administrators and firewalls: nobody need hear of it."""
    log = await PostgresEventLog.open(database, TOPICS)
    await log.append([message("a")])
    superuser = await asyncpg.connect(database.dsn)
    for n in range(3):
        await superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        [outcome] = await log.append([message(f"b{n}")])
        assert outcome.offset == n + 1
        assert len(await read_all(log, "words")) == n + 2
    await superuser.close()
    await log.close()
