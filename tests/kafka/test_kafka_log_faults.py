"""What the log on Kafka does when processes die between claim and append, and when brokers or the database are gone."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from schemas.errors import InvalidEvent, SetupError, Unavailable
from streams.kafka_claims import Claims
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_topics import administering, create, inspect
from streams.kafka_writer import KafkaWriter
from streams.log import Advance, Appended, Record
from tests.contracts.log_kit import TOPICS, WORDS_0, ids, message, read_all
from tests.kafka.append_until_killed import DIVERTED, NUMBERED

PROJECT = Path(__file__).parents[2]
Open = Callable[[], Awaitable[KafkaEventLog]]


@pytest.fixture
async def here(kafka: KafkaCluster, prefix: str) -> KafkaConnection:
    connection = KafkaConnection(kafka.bootstrap_servers, prefix)
    await create(connection, TOPICS)
    return connection


@pytest.fixture
async def open_log(here: KafkaConnection, database: Database) -> AsyncIterator[Open]:
    opened: list[KafkaEventLog] = []

    async def another() -> KafkaEventLog:
        opened.append(await KafkaEventLog.open(here, TOPICS, database=database, append_patience=5.0))
        return opened[-1]

    yield another
    for log in opened:
        await log.close()


def run_until_killed(here: KafkaConnection, database: Database, point: str, what: str = "numbered") -> None:
    with run_until(here, database, point, what) as process:
        process.send_signal(signal.SIGKILL)


@contextmanager
def run_until(
    here: KafkaConnection, database: Database, point: str, what: str = "numbered"
) -> Iterator[subprocess.Popen[str]]:
    """A process that appends as far as a point, and stands there until it is killed at the end."""
    command = [sys.executable, "-m", "tests.kafka.append_until_killed"]
    arguments = [here.bootstrap_servers, here.prefix, database.dsn, point, what]
    with subprocess.Popen([*command, *arguments], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "frozen"
        try:
            yield process
        finally:
            process.kill()


async def until_appended(log: KafkaEventLog, id: str) -> Appended:
    """Append it, again and again until it stands."""
    async with asyncio.timeout(30):
        while True:
            with suppress(Unavailable):
                return (await log.append([message(id)]))[0]


@pytest.mark.parametrize(("point", "stood"), [("claimed", 0), ("appended", 20)])
async def test_append_writes_once_when_its_process_was_killed(
    here: KafkaConnection, database: Database, open_log: Open, point: str, stood: int
) -> None:
    await asyncio.to_thread(run_until_killed, here, database, point)
    log = await open_log()
    assert len(await read_all(log, "numbers")) == stood
    outcomes = await log.append(NUMBERED)
    assert [outcome.duplicate for outcome in outcomes] == [stood == 20] * 20
    records = await read_all(log, "numbers")
    assert sorted(ids(records), key=int) == [str(n) for n in range(20)]
    placed = {record.attributes["id"]: (record.partition, record.offset) for record in records}
    assert [(outcome.partition, outcome.offset) for outcome in outcomes] == [placed[one.id] for one in NUMBERED]


async def test_append_answers_duplicate_when_its_owner_lives_and_was_paused_before_it_noted(
    here: KafkaConnection, database: Database, open_log: Open
) -> None:
    with run_until(here, database, "appended") as paused:
        paused.send_signal(signal.SIGSTOP)
        log = await open_log()
        assert [outcome.duplicate for outcome in await log.append(NUMBERED)] == [True] * 20
        records = await read_all(log, "numbers")
        assert sorted(ids(records), key=int) == [str(n) for n in range(20)]


async def test_append_waits_for_a_paused_owner_to_die_when_its_records_stand_nowhere(
    here: KafkaConnection, database: Database, open_log: Open
) -> None:
    """It may have them on their way: whoever appended them now would perhaps do so twice."""
    log = await open_log()
    with run_until(here, database, "claimed") as paused:
        paused.send_signal(signal.SIGSTOP)
        with pytest.raises(Unavailable, match="another instance is still appending"):
            await log.append(NUMBERED)
        assert await read_all(log, "numbers") == []
    assert [outcome.duplicate for outcome in await log.append(NUMBERED)] == [False] * 20
    assert len(await read_all(log, "numbers")) == 20


async def test_append_writes_a_diverted_delivery_once_when_its_process_was_killed(
    here: KafkaConnection, database: Database, open_log: Open
) -> None:
    await asyncio.to_thread(run_until_killed, here, database, "appended", "diverted")
    log = await open_log()
    assert [outcome.duplicate for outcome in await log.append(DIVERTED)] == [True, True]
    assert len(await read_all(log, "numbers")) == 2


async def test_append_writes_once_when_several_take_over_from_a_killed_process(
    here: KafkaConnection, database: Database, open_log: Open
) -> None:
    await asyncio.to_thread(run_until_killed, here, database, "claimed")
    logs = [await open_log() for _ in range(3)]
    outcomes = await asyncio.gather(*(log.append(NUMBERED) for log in logs for _ in range(2)))
    assert sum(not one.duplicate for outcome in outcomes for one in outcome) == 20
    assert sorted(ids(await read_all(logs[0], "numbers")), key=int) == [str(n) for n in range(20)]


async def test_append_finds_the_first_place_when_a_killed_process_used_another_key(
    here: KafkaConnection, database: Database, open_log: Open
) -> None:
    await asyncio.to_thread(run_until_killed, here, database, "appended")
    log = await open_log()
    moved = [message(str(n), topic="numbers", key=f"other {n}") for n in range(20)]
    outcomes = await log.append(moved)
    assert all(outcome.duplicate for outcome in outcomes)
    assert len(await read_all(log, "numbers")) == 20


async def test_append_joins_the_first_when_its_id_is_on_the_way(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = asyncio.Event()
    send = KafkaWriter.send

    async def tell(*arguments: Any) -> Any:
        outcome = await send(*arguments)
        sent.set()
        return outcome

    monkeypatch.setattr(KafkaWriter, "send", tell)
    log = await open_log()
    first = asyncio.create_task(log.append([message("same", value=b'"first"')]))
    await sent.wait()
    [second] = await log.append([message("same", value=b'"second"')])
    [appended] = await first
    assert (appended.duplicate, second.duplicate) == (False, True)
    assert appended.offset == second.offset
    assert [record.value for record in await read_all(log, "words")] == [b'"first"']


async def test_append_notes_places_in_lots_when_appends_follow_each_other(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    lots: list[int] = []
    settle = Claims.settle

    async def count(claims: Claims, standing: Any) -> None:
        await settle(claims, standing)
        lots.append(len(standing))

    monkeypatch.setattr(Claims, "settle", count)
    log = await open_log()
    began = time.monotonic()
    for number in range(30):
        await log.append([message(str(number))])
    await log.close()
    assert len(lots) <= (time.monotonic() - began) / 0.1 + 1
    assert sum(lots) == 30
    again = await (await open_log()).append([message(str(number)) for number in range(30)])
    assert all(one.duplicate for one in again)


async def test_append_is_unavailable_and_writes_nothing_when_ids_cannot_be_claimed(
    database: Database, open_log: Open
) -> None:
    log = await open_log()
    await log.append([message("before")])
    connection = await asyncpg.connect(database.dsn)
    await connection.execute("ALTER TABLE log.claims RENAME TO claims_away")
    with pytest.raises((Unavailable, asyncpg.PostgresError)):
        await log.append([message("during")])
    await connection.execute("ALTER TABLE log.claims_away RENAME TO claims")
    await connection.close()
    assert ids(await read_all(log, "words")) == ["before"]
    assert not (await log.append([message("during")]))[0].duplicate


async def test_append_goes_on_when_its_connections_to_the_database_were_cut(database: Database, open_log: Open) -> None:
    log = await open_log()
    await log.append([message("before")])
    connection = await asyncpg.connect(database.dsn)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await connection.close()
    outcome = await until_appended(log, "after")
    assert outcome.offset == 1
    assert ids(await read_all(log, "words")) == ["before", "after"]


async def test_append_stands_once_when_the_broker_was_away_meanwhile(
    kafka_present: None, database: Database, tmp_path: Path
) -> None:
    async with KafkaCluster.running(tmp_path) as cluster:
        connection = KafkaConnection(cluster.bootstrap_servers)
        await create(connection, TOPICS)
        log = await KafkaEventLog.open(connection, TOPICS, database=database, append_patience=0.5)
        await log.append([message("before")], advance=Advance("g", {WORDS_0: 1}))
        assert ids(await log.read({WORDS_0: 0})) == ["before"]  # from here on there is a reader to wait with
        waiting = asyncio.create_task(log.read({WORDS_0: 1}, wait=60.0))
        await asyncio.sleep(0)
        await cluster.kill(1)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await log.append([message("during")])
        assert not await log.healthy()
        await cluster.restart(1)
        outcome = await until_appended(log, "during")
        assert outcome.offset == 1
        assert await log.healthy()
        assert ids(await read_all(log, "words")) == ["before", "during"]
        assert ids(await waiting) == ["during"]
        assert await log.positions("g", ["words"]) == {WORDS_0: 1}
        await log.close()


async def test_reader_goes_on_when_the_broker_was_away_for_longer_than_it_waits(
    kafka_present: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told Unavailable and nothing else: a cancellation out of the client would end it for good."""
    monkeypatch.setattr("streams.kafka_cursors._PATIENCE", 2.0)
    async with KafkaCluster.running(tmp_path) as cluster:
        connection = KafkaConnection(cluster.bootstrap_servers)
        await create(connection, TOPICS)
        log = await KafkaEventLog.open(connection, TOPICS)
        await log.append([message("before")])
        assert ids(await read_all(log, "words")) == ["before"]

        def readers() -> list[Coroutine[Any, Any, Sequence[Record]]]:
            return [log.read({WORDS_0: 1}, wait=0.1) for _ in range(5)]

        assert await asyncio.gather(*readers()) == [[]] * 5
        await cluster.kill(1)
        # Each has a consumer of its own that is stopped while it tries to fetch.
        refused = await asyncio.gather(*readers(), return_exceptions=True)
        assert [type(one) for one in refused] == [Unavailable] * 5
        await cluster.restart(1)
        await until_appended(log, "after")
        async with asyncio.timeout(30):
            assert ids(await log.read({WORDS_0: 1}, wait=30.0)) == ["after"]
        await log.close()


async def test_reader_goes_on_when_its_consumer_fetches_no_more(
    here: KafkaConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka_cursors._PATIENCE", 2.0)
    log = await KafkaEventLog.open(here, TOPICS)
    await log.append([message("before")])
    assert ids(await log.read({WORDS_0: 0}, wait=10.0)) == ["before"]
    for cursor in log._cursors._idle:
        cursor.consumer._fetcher._fetch_task.cancel()
    await log.append([message("after")])
    with pytest.raises(Unavailable):
        await log.read({WORDS_0: 1}, wait=0.1)
    assert ids(await log.read({WORDS_0: 1}, wait=10.0)) == ["after"]
    await log.close()


async def test_positions_are_asked_again_when_the_coordinator_is_just_loading(
    open_log: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then aiokafka gives no partition at all, which is not the same as none committed."""
    log = await open_log()
    await log.append([message("a")], advance=Advance("g", {WORDS_0: 1}))
    admin = log._groups._admin
    answer, answers = admin.list_consumer_group_offsets, [{}, {}]

    async def loading(*arguments: Any, **named: Any) -> Any:
        return answers.pop() if answers else await answer(*arguments, **named)

    monkeypatch.setattr(admin, "list_consumer_group_offsets", loading)
    assert await log.positions("g", ["words"]) == {WORDS_0: 1}
    assert answers == []


async def test_open_is_a_setup_error_when_topics_were_made_anew(
    here: KafkaConnection, database: Database, open_log: Open
) -> None:
    log = await open_log()
    await log.append(NUMBERED)
    await log.close()
    async with administering(here) as admin:
        await admin.delete_topics([here.topic(topic.name) for topic in TOPICS])
        while any(state.standing for state in await inspect(here, TOPICS)):
            await asyncio.sleep(0.05)
    await create(here, TOPICS)
    with pytest.raises(SetupError, match="need a new VAULTRA_KAFKA__PREFIX"):
        await open_log()


async def test_append_is_at_least_once_when_there_is_no_database(here: KafkaConnection) -> None:
    log = await KafkaEventLog.open(here, TOPICS)
    outcomes = await log.append([message("a"), message("a")])
    assert [outcome.duplicate for outcome in outcomes] == [False, True]
    assert not (await log.append([message("a")]))[0].duplicate
    assert ids(await read_all(log, "words")) == ["a", "a"]
    await log.close()


async def test_append_refuses_one_alone_when_its_headers_are_too_large(here: KafkaConnection, open_log: Open) -> None:
    log = await open_log()
    huge = message("huge", value=b"x" * (8 * 1024**2), reason="y" * (2 * 1024**2))
    outcomes = await asyncio.gather(log.append([huge]), log.append([message("small")]), return_exceptions=True)
    assert isinstance(outcomes[0], InvalidEvent)
    assert ids(await read_all(log, "words")) == ["small"]
    assert not (await log.append([message("huge")]))[0].duplicate


async def test_read_is_a_setup_error_when_the_topic_is_unknown(open_log: Open) -> None:
    log = await open_log()
    with pytest.raises(SetupError, match="not on the log"):
        await log.read({WORDS_0._replace(topic="absent"): 0})
    assert list(await log.read({WORDS_0: 99}, wait=0.05)) == []
