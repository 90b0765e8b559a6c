"""Deliveries of the Kafka runtime, with the log in memory in place of the fetcher's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import Unavailable
from streams.deliveries import Deliveries, RecordsMissing
from streams.log import Advance, Record, TopicPartition
from streams.memory_log import MemoryEventLog
from streams.topics import diversion_topics
from tests.streams.stage_kit import KIT_TOPICS, QUICK, Ping, Pong, all_of, answer, ids_on, ping, runner_of

TOPICS = (*KIT_TOPICS, *diversion_topics(["answer"]))


class Work:
    """Answers; waits for `go` when it is told to, and fails for the numbers in `poison`."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.begun: list[int] = []
        self.poison: set[int] = set()

    async def __call__(self, event: Event[Ping]) -> Sequence[EventData]:
        self.begun.append(event.data.number)
        await self.go.wait()
        if event.data.number in self.poison:
            raise ValueError("poison")
        return [Pong(number=event.data.number)]


@pytest.fixture
async def log() -> MemoryEventLog:
    """Ten pings of one key."""
    log = MemoryEventLog(TOPICS)
    await log.append([ping(number, "k") for number in range(10)])
    return log


@pytest.fixture
async def records(log: MemoryEventLog) -> Sequence[Record]:
    return await all_of(log, "pings")


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
async def deliveries(log: MemoryEventLog, work: Work) -> AsyncIterator[Deliveries]:
    made = Deliveries(log, runner_of(answer(work), halt_after=3), backoff=QUICK)
    yield made
    await made.stop(0)
    made.failure.cancel()


async def test_outcome_is_durable_when_a_record_is_finished(
    deliveries: Deliveries, log: MemoryEventLog, records: Sequence[Record]
) -> None:
    assert await deliveries.finish(records[0])
    assert len(await ids_on(log, "pongs")) == 1


async def test_record_is_refused_when_one_before_it_was_skipped(
    deliveries: Deliveries, work: Work, records: Sequence[Record]
) -> None:
    assert await deliveries.finish(records[0])
    assert not await deliveries.finish(records[2])
    with pytest.raises(RecordsMissing):
        deliveries.failure.result()
    assert work.begun == [0]


async def test_first_record_is_refused_when_it_is_not_the_first_uncommitted_one(
    deliveries: Deliveries, log: MemoryEventLog, records: Sequence[Record]
) -> None:
    at = TopicPartition("pings", records[0].partition)
    await log.append([], advance=Advance("answer", {at: 3}))
    assert not await deliveries.finish(records[4])
    assert deliveries.failure.done()


async def test_record_is_worked_on_when_its_partition_is_beyond_the_declared_ones(
    deliveries: Deliveries, log: MemoryEventLog, work: Work, records: Sequence[Record]
) -> None:
    async with asyncio.timeout(5):
        assert await deliveries.finish(records[0]._replace(partition=99, offset=7))
        assert not await deliveries.finish(records[2]._replace(partition=99, offset=9))
    assert work.begun == [0]
    assert deliveries.failure.done(), "a gap is one there, too"


async def test_record_is_done_over_when_it_comes_again(
    deliveries: Deliveries, log: MemoryEventLog, work: Work, records: Sequence[Record]
) -> None:
    assert await deliveries.finish(records[0])
    assert await deliveries.finish(records[1])
    assert await deliveries.finish(records[0])
    assert work.begun == [0, 1, 0]
    assert len(await ids_on(log, "pongs")) == 2


async def test_nothing_behind_is_taken_when_a_record_was_given_back(
    deliveries: Deliveries, work: Work, records: Sequence[Record]
) -> None:
    work.go.clear()
    finishing = asyncio.ensure_future(deliveries.finish(records[0]))
    while not work.begun:
        await asyncio.sleep(0)
    deliveries.give_back()
    assert not await finishing
    work.go.set()
    assert not await deliveries.finish(records[1])
    deliveries.assigned()
    assert await deliveries.finish(records[0])
    assert await deliveries.finish(records[1])


async def test_work_under_way_is_finished_when_it_stops_with_grace(
    deliveries: Deliveries, work: Work, records: Sequence[Record]
) -> None:
    work.go.clear()
    finishing = asyncio.ensure_future(deliveries.finish(records[0]))
    while not work.begun:
        await asyncio.sleep(0)
    stopping = asyncio.ensure_future(deliveries.stop(30))
    await asyncio.sleep(0)
    work.go.set()
    await stopping
    assert await finishing
    assert not await deliveries.finish(records[1])


async def test_stage_halts_without_failing_when_dead_letters_follow_each_other(
    deliveries: Deliveries, log: MemoryEventLog, work: Work, records: Sequence[Record]
) -> None:
    work.poison = set(range(10))
    outcomes = [await deliveries.finish(record) for record in records[:5]]
    assert outcomes == [True, True, True, False, False]
    assert deliveries.halted.is_set()
    assert not deliveries.failure.done()
    assert len(await all_of(log, "answer.dead")) == 3


async def test_record_waits_when_the_log_is_gone(work: Work, log: MemoryEventLog, records: Sequence[Record]) -> None:
    class Gone(MemoryEventLog):
        away = 3

        async def append(self, messages, *, advance=None):  # type: ignore[no-untyped-def]
            self.away -= 1
            if self.away >= 0:
                raise Unavailable("gone")
            return await log.append(messages, advance=advance)

    deliveries = Deliveries(Gone(TOPICS), runner_of(answer(work)), backoff=QUICK)
    assert await deliveries.finish(records[0])
    assert work.begun == [0], "the work is not done over for the log's sake"
    deliveries.failure.cancel()
