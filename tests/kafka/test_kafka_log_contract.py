"""The log on a real broker keeps what every log promises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_topics import create
from streams.log import EventLog
from tests.contracts.event_log import EventLogContract
from tests.contracts.log_kit import TOPICS, OpenLog


@pytest.fixture(scope="module")
async def shared_database(fresh_database: Callable[[], AbstractAsyncContextManager[str]]) -> AsyncIterator[Database]:
    """One database for the tests of this file: every test has a log of its own in it, by its prefix."""
    async with fresh_database() as url:
        opened = await Database.open(url=url, pool_size=16)
        yield opened
        await opened.close()


class TestKafkaEventLog(EventLogContract):
    @pytest.fixture
    async def open_log(self, kafka: KafkaCluster, prefix: str, shared_database: Database) -> AsyncIterator[OpenLog]:
        connection = KafkaConnection(kafka.bootstrap_servers, prefix)
        await create(connection, TOPICS)
        opened: list[EventLog] = []

        async def another() -> EventLog:
            opened.append(await KafkaEventLog.open(connection, TOPICS, database=shared_database))
            return opened[-1]

        yield another
        for log in opened:
            await log.close()
