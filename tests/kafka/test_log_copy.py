"""A history moves from the embedded log to Kafka and back: the same records at the same offsets, at the same times."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from schemas.errors import SetupError
from streams.kafka_connection import KafkaConnection
from streams.kafka_history import KafkaHistory
from streams.kafka_log import KafkaEventLog
from streams.log import Advance, Record
from streams.log_copy import CopyFailed, copy_history
from streams.postgres_history import PostgresHistory
from streams.postgres_log import PostgresEventLog
from tests.conftest import FreshDatabase
from tests.contracts.log_kit import TOPICS, WORDS_0, message, read_all
from tests.kafka.append_until_killed import DIVERTED

ALL = [topic.name for topic in TOPICS]


@pytest.fixture
async def embedded(database: Database) -> AsyncIterator[PostgresEventLog]:
    """An embedded log with a history of 60 records, one of them odd."""
    log = await PostgresEventLog.open(database, TOPICS)
    for n in range(10):
        batch = [message(f"{n} {i}", topic="numbers", key=f"key {i}", value=b"%d" % n) for i in range(5)]
        await log.append(batch)
    odd = message("ключ 🔑", key="鍵", tenant="Zoë", value=b"\x00\xff", **{"origin-topic": "x", "reason": "è\0"})
    await log.append([odd, *(message(str(n)) for n in range(9))])
    yield log
    await log.close()


@pytest.fixture
def there(kafka: KafkaCluster, prefix: str) -> KafkaConnection:
    return KafkaConnection(kafka.bootstrap_servers, prefix)


def alike(records: list[Record]) -> list[Record]:
    """Records as Kafka keeps them: times to the millisecond."""
    return [
        r._replace(appended_at=r.appended_at.replace(microsecond=r.appended_at.microsecond // 1000 * 1000))
        for r in records
    ]


async def test_copy_gives_the_same_records_and_claims_when_the_history_goes_to_kafka(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database
) -> None:
    async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
        copied = await copy_history(embedded, target, TOPICS)
    assert sum(one.copied for one in copied) == 60
    log = await KafkaEventLog.open(there, TOPICS, database=database)
    records = alike(await read_all(embedded, *ALL))
    assert await read_all(log, *ALL) == records
    for record in records[::17]:
        assert (await log.at_time([record.topic], record.appended_at)) == (
            await embedded.at_time([record.topic], record.appended_at)
        )
    [old, new] = await log.append([message("3"), message("new")])
    assert (old.duplicate, new.duplicate, new.offset) == (True, False, 10)
    [stamped] = await log.read({WORDS_0: 10})
    assert stamped.appended_at > records[-1].appended_at
    await log.close()


async def test_diverted_deliveries_keep_their_ids_when_the_history_goes_there_and_back(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database, fresh_database: FreshDatabase
) -> None:
    await embedded.append(DIVERTED)
    async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
        await copy_history(embedded, target, TOPICS)
        assert all(outcome.duplicate for outcome in await target.log.append(DIVERTED))
        async with fresh_database() as url:
            second = await Database.open(url=url)
            async with PostgresHistory.open(second, TOPICS) as back:
                await copy_history(target.log, back, TOPICS)
                assert all(outcome.duplicate for outcome in await back.log.append(DIVERTED))
            await second.close()


async def test_copy_does_nothing_when_it_is_run_again(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database
) -> None:
    digests = []
    for _ in range(2):
        async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
            copied = await copy_history(embedded, target, TOPICS)
        digests.append([one.digest for one in copied])
    assert [one.copied for one in copied] == [0] * len(copied)
    assert digests[0] == digests[1]


async def test_copy_goes_on_when_it_was_interrupted_and_the_source_has_grown(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database
) -> None:
    class Interrupted(Exception):
        pass

    def interrupt(_: object) -> None:
        raise Interrupted

    async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
        with pytest.raises(Interrupted):
            await copy_history(embedded, target, TOPICS, progress=interrupt)
        await embedded.append([message("later")])
        copied = await copy_history(embedded, target, TOPICS)
        assert 0 < sum(one.copied for one in copied) < 61
        assert await read_all(target.log, *ALL) == alike(await read_all(embedded, *ALL))


async def test_copy_refuses_when_the_target_holds_something_else(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database
) -> None:
    async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
        await target.log.append([message("of somebody else")])
        with pytest.raises(SetupError, match="partition 0 of topic words of the target is not the beginning"):
            await copy_history(embedded, target, TOPICS)
        assert set((await target.log.latest(["numbers"])).values()) == {0}
        await target.log.append([message(f"more {n}") for n in range(20)])
        with pytest.raises(SetupError, match="holds 21 records, the source only 10"):
            await copy_history(embedded, target, TOPICS)


async def test_copy_fails_when_the_source_is_written_to_meanwhile(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database
) -> None:
    async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
        restore = target.restore

        async def restoring(place, records):
            await restore(place, records)
            await embedded.append([message(f"meanwhile {place}")])

        target.restore = restoring
        with pytest.raises(CopyFailed, match="written to meanwhile"):
            await copy_history(embedded, target, TOPICS)


async def test_copy_gives_the_same_records_when_the_history_goes_there_and_back(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database, fresh_database: FreshDatabase
) -> None:
    async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
        out = await copy_history(embedded, target, TOPICS)
        await target.log.append([], advance=Advance("g", {WORDS_0: 7}))
    unclaimed = await KafkaEventLog.open(there, TOPICS)
    await unclaimed.append([message("twice")])
    await unclaimed.append([message("twice")])
    async with fresh_database() as url:
        second = await Database.open(url=url)
        async with PostgresHistory.open(second, TOPICS) as back:
            copied = await copy_history(unclaimed, back, TOPICS)
            assert sum(one.copied for one in copied) == 62
            returned = {one.place: one.digest for one in copied}
            assert all(returned[one.place] == one.digest for one in out if one.place != WORDS_0)
            assert await read_all(back.log, *ALL) == await read_all(unclaimed, *ALL)
            [again] = await back.log.append([message("5")])
            assert again.duplicate
            assert await unclaimed.positions("g", ["words"]) == {WORDS_0: 7}
        await second.close()
    await unclaimed.close()


async def test_restore_refuses_when_somebody_else_has_written(
    embedded: PostgresEventLog, there: KafkaConnection, database: Database, fresh_database: FreshDatabase
) -> None:
    records = await read_all(embedded, "words")
    async with fresh_database() as url:
        second = await Database.open(url=url)
        async with PostgresHistory.open(second, TOPICS) as back:
            await back.log.append([message("first")])
            with pytest.raises(CopyFailed, match="does not end at 0"):
                await back.restore(WORDS_0, records)
            connection = await asyncpg.connect(url)
            assert await connection.fetchval("SELECT count(*) FROM log.events") == 1
            await connection.close()
        await second.close()
    async with KafkaHistory.open(there, TOPICS, database, copies=1, patience=5.0) as target:
        await target.log.append([message("first")])
        with pytest.raises(CopyFailed, match="came to stand at 1"):
            await target.restore(WORDS_0, records)
