"""The metronome: a backfill asks once, a month's end is a fact, and nothing is asked for twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.database import Database
from projections.runner import ProjectionRunner
from schemas.metrics import MetricsDue
from schemas.wire import decode
from streams.log import TopicPartition
from streams.memory_log import MemoryEventLog
from streams.metronome import Metronome, Pace
from streams.topics import TOPICS
from tests.ledger.stories import business, messages
from tests.ledger.webhooks import BUSINESS

START = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


class Ledger:
    """A log with its projections, caught up whenever it is asked."""

    def __init__(self, database: Database, log: MemoryEventLog, runner: ProjectionRunner) -> None:
        self.pool: Any = database.pool
        self.log = log
        self.runner = runner
        self.now = START
        self.metronome = Metronome(log, self.pool, clock=lambda: self.now, pace=Pace(longest=1e9))

    async def look(self) -> int:
        assert await self.runner.caught_up(within=30)
        return await self.metronome.look()

    async def events(self, topic: str) -> list[Any]:
        partitions = next(one.partitions for one in TOPICS if one.name == topic)
        records = await self.log.read({TopicPartition(topic, number): 0 for number in range(partitions)})
        return [decode(record.attributes, record.value).data for record in records]


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    log = MemoryEventLog()
    runner = ProjectionRunner(database.pool, log)
    await runner.start()
    yield Ledger(database, log, runner)
    await runner.stop()


async def test_many_facts_are_asked_for_once_when_they_have_stopped_coming(ledger: Ledger) -> None:
    story = messages(business())
    await ledger.log.append(story[:5])
    await ledger.look()
    await ledger.log.append(story[5:])
    await ledger.look()
    await ledger.look()
    await ledger.look()
    due = [one for one in await ledger.events("metrics") if isinstance(one, MetricsDue)]
    assert [(one.business_id, one.ledger_offset) for one in due] == [(BUSINESS, len(story) - 1)]


async def test_what_is_asked_for_is_not_asked_for_again_until_patience_ends(ledger: Ledger) -> None:
    await ledger.log.append(messages(business()))
    for _ in range(4):
        await ledger.look()
    assert len(await ledger.events("metrics")) == 1
    ledger.now += timedelta(minutes=2)
    for _ in range(4):
        await ledger.look()
    assert len(await ledger.events("metrics")) == 2


async def test_month_is_closed_once_for_a_business_that_is_alive(ledger: Ledger) -> None:
    await ledger.log.append(messages(business()))
    assert await ledger.runner.caught_up(within=30)
    happened = await ledger.pool.fetchval("SELECT max(happened) FROM read.ledger_standing")
    ledger.now = happened + timedelta(days=35)
    for _ in range(3):
        await ledger.look()
    closed = await ledger.events("businesses")
    assert [one.month for one in closed] == [f"{ledger.now.replace(day=1) - timedelta(days=1):%Y-%m}"]
    ledger.now = happened + timedelta(days=400)
    await ledger.look()
    assert len(await ledger.events("businesses")) == 1
