"""Deliveries of the Kafka runtime, with the log in memory in place of the fetcher's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

import pytest

from schemas.base import EventData
from schemas.envelope import Event
from schemas.errors import Unavailable
from schemas.wire import Message
from streams.deliveries import Deliveries, RecordsMissing
from streams.log import Advance, Appended, Record, TopicPartition
from streams.memory_log import MemoryEventLog
from streams.outcomes import MOST_BYTES, MOST_WAITING, Lane, Outcome
from streams.runner import Handled
from streams.runner import Outcome as Done
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


async def finish(deliveries: Deliveries, record: Record) -> bool:
    """Deliver a record and wait for what becomes of it."""
    durable: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    await deliveries.deliver(record, durable.set_result)
    return await durable


async def test_outcome_is_durable_when_a_record_is_finished(
    deliveries: Deliveries, log: MemoryEventLog, records: Sequence[Record]
) -> None:
    assert await finish(deliveries, records[0])
    assert len(await ids_on(log, "pongs")) == 1


async def test_record_is_refused_when_one_before_it_was_skipped(
    deliveries: Deliveries, work: Work, records: Sequence[Record]
) -> None:
    assert await finish(deliveries, records[0])
    assert not await finish(deliveries, records[2])
    with pytest.raises(RecordsMissing):
        deliveries.failure.result()
    assert work.begun == [0]


async def test_first_record_is_refused_when_it_is_not_the_first_uncommitted_one(
    deliveries: Deliveries, log: MemoryEventLog, records: Sequence[Record]
) -> None:
    at = TopicPartition("pings", records[0].partition)
    await log.append([], advance=Advance("answer", {at: 3}))
    assert not await finish(deliveries, records[4])
    assert deliveries.failure.done()


async def test_record_is_worked_on_when_its_partition_is_beyond_the_declared_ones(
    deliveries: Deliveries, log: MemoryEventLog, work: Work, records: Sequence[Record]
) -> None:
    async with asyncio.timeout(5):
        assert await finish(deliveries, records[0]._replace(partition=99, offset=7))
        assert not await finish(deliveries, records[2]._replace(partition=99, offset=9))
    assert work.begun == [0]
    assert deliveries.failure.done(), "a gap is one there, too"


async def test_record_is_done_over_when_it_comes_again(
    deliveries: Deliveries, log: MemoryEventLog, work: Work, records: Sequence[Record]
) -> None:
    assert await finish(deliveries, records[0])
    assert await finish(deliveries, records[1])
    assert await finish(deliveries, records[0])
    assert work.begun == [0, 1, 0]
    assert len(await ids_on(log, "pongs")) == 2


async def test_nothing_behind_is_taken_when_a_record_was_given_back(
    deliveries: Deliveries, work: Work, records: Sequence[Record]
) -> None:
    work.go.clear()
    finishing = asyncio.ensure_future(finish(deliveries, records[0]))
    while not work.begun:
        await asyncio.sleep(0)
    deliveries.give_back()
    assert not await finishing
    work.go.set()
    assert not await finish(deliveries, records[1])
    deliveries.assigned()
    assert await finish(deliveries, records[0])
    assert await finish(deliveries, records[1])


async def test_work_under_way_is_finished_when_it_stops_with_grace(
    deliveries: Deliveries, work: Work, records: Sequence[Record]
) -> None:
    work.go.clear()
    finishing = asyncio.ensure_future(finish(deliveries, records[0]))
    while not work.begun:
        await asyncio.sleep(0)
    stopping = asyncio.ensure_future(deliveries.stop(30))
    await asyncio.sleep(0)
    work.go.set()
    await stopping
    assert await finishing
    assert not await finish(deliveries, records[1])


async def test_stop_ends_when_a_handler_returns_although_it_was_to_give_back(
    log: MemoryEventLog, records: Sequence[Record]
) -> None:
    """Its outcome comes while everything is given back: the writer is cancelled before it has begun."""
    begun = asyncio.Event()
    durable: list[bool] = []

    async def swallow(event: Event[Ping]) -> Sequence[EventData]:
        begun.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return [Pong(number=event.data.number)]

    deliveries = Deliveries(log, runner_of(answer(swallow)), backoff=QUICK)
    delivering = asyncio.ensure_future(deliveries.deliver(records[0], durable.append))
    await begun.wait()
    async with asyncio.timeout(5):
        await deliveries.stop(0)
        await deliveries.idle()
        await delivering
    assert durable == [False]
    assert await ids_on(log, "pongs") == []
    deliveries.failure.cancel()


async def test_outcome_is_given_back_when_its_writer_has_not_begun(
    deliveries: Deliveries, log: MemoryEventLog, records: Sequence[Record]
) -> None:
    durable: list[bool] = []
    await deliveries.deliver(records[0], durable.append)
    deliveries.give_back()
    async with asyncio.timeout(5):
        await deliveries.idle()
    assert durable == [False]
    assert not await finish(deliveries, records[1])
    deliveries.assigned()
    assert await finish(deliveries, records[0])


async def test_outcome_is_written_when_it_comes_as_the_writer_ends(records: Sequence[Record]) -> None:
    """Who hears of the last one brings another at once: the writer has no step left, and is not seen to have ended."""
    pong = Handled(Done.DONE, (ping(0),))
    appended: list[int] = []
    first, second = asyncio.Event(), asyncio.Event()

    async def append(batch: Sequence[Outcome]) -> None:
        appended.extend(outcome.record.offset for outcome in batch)

    lane = Lane(append, lambda error: None)

    async def bring_another() -> None:
        await first.wait()
        await lane.put(Outcome(records[1], pong, lambda durable: second.set()))

    bringing = asyncio.ensure_future(bring_another())
    await asyncio.sleep(0)
    await lane.put(Outcome(records[0], pong, lambda durable: first.set()))
    async with asyncio.timeout(5):
        await second.wait()
        await bringing
    assert appended == [0, 1]
    assert not lane.given_back


async def test_stage_halts_without_failing_when_dead_letters_follow_each_other(
    deliveries: Deliveries, log: MemoryEventLog, work: Work, records: Sequence[Record]
) -> None:
    work.poison = set(range(10))
    outcomes = [await finish(deliveries, record) for record in records[:5]]
    assert outcomes == [True, True, True, False, False]
    assert deliveries.halted.is_set()
    assert not deliveries.failure.done()
    assert len(await all_of(log, "answer.dead")) == 3


async def test_record_waits_when_the_log_is_gone(work: Work, log: MemoryEventLog, records: Sequence[Record]) -> None:
    class Gone(MemoryEventLog):
        away = 3

        async def append(self, messages, *, advance=None):
            self.away -= 1
            if self.away >= 0:
                raise Unavailable("gone")
            return await log.append(messages, advance=advance)

    deliveries = Deliveries(Gone(TOPICS), runner_of(answer(work)), backoff=QUICK)
    assert await finish(deliveries, records[0])
    assert work.begun == [0], "the work is not done over for the log's sake"
    deliveries.failure.cancel()


class Slow(MemoryEventLog):
    """Appends wait for `go`; `appended` has the number of pongs of each."""

    def __init__(self) -> None:
        super().__init__(TOPICS)
        self.go = asyncio.Event()
        self.appended: list[int] = []

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        self.appended.append(sum(message.topic == "pongs" for message in messages))
        await self.go.wait()
        return await super().append(messages, advance=advance)


@pytest.fixture
async def slow(work: Work) -> AsyncIterator[tuple[Slow, Deliveries]]:
    log = Slow()
    made = Deliveries(log, runner_of(answer(work), halt_after=3), backoff=QUICK)
    yield log, made
    log.go.set()
    await made.stop(0)
    made.failure.cancel()


async def test_outcomes_share_an_append_when_they_come_while_another_is_under_way(
    slow: tuple[Slow, Deliveries], records: Sequence[Record]
) -> None:
    log, deliveries = slow
    done: list[int] = []
    for number, record in enumerate(records):
        await deliveries.deliver(record, lambda durable, number=number: done.append(number) if durable else None)
        await asyncio.sleep(0)
    assert (log.appended, done) == ([1], [])
    log.go.set()
    await deliveries.idle()
    assert log.appended == [1, 9]
    assert done == list(range(10)), "in their order"
    assert [record.attributes["causationid"] for record in await all_of(log, "pongs")] == [f"ping-{n}" for n in done]


async def test_every_outcome_that_waits_is_given_back_when_a_rebalance_does_not_wait(
    slow: tuple[Slow, Deliveries], records: Sequence[Record]
) -> None:
    log, deliveries = slow
    durable: list[bool] = []
    for record in records[:3]:
        await deliveries.deliver(record, durable.append)
        await asyncio.sleep(0)
    deliveries.give_back()
    await deliveries.idle()
    assert durable == [False] * 3
    assert not await finish(deliveries, records[3])
    log.go.set()
    deliveries.assigned()
    assert await finish(deliveries, records[0])


async def test_lane_takes_no_more_when_many_outcomes_wait_for_the_log(work: Work) -> None:
    log, source = Slow(), MemoryEventLog(TOPICS)
    await source.append([ping(number, "k") for number in range(MOST_WAITING + 1)])
    deliveries = Deliveries(log, runner_of(answer(work)), backoff=QUICK)
    *most, last, _ = await all_of(source, "pings")
    for record in most:
        await deliveries.deliver(record, lambda durable: None)
    full = asyncio.ensure_future(deliveries.deliver(last, lambda durable: None))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(full), 0.05)
    log.go.set()
    await full
    await deliveries.idle()
    assert len(await all_of(log, "pongs")) == MOST_WAITING
    deliveries.failure.cancel()


async def test_others_stand_when_the_log_refuses_one_outcome_of_an_append(
    work: Work, log: MemoryEventLog, records: Sequence[Record]
) -> None:
    class Picky(Slow):
        async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
            await self.go.wait()
            if any(message.topic == "pongs" and b'"number":1' in message.value for message in messages):
                raise ValueError("refused")
            return await super().append(messages, advance=advance)

    picky = Picky()
    deliveries = Deliveries(picky, runner_of(answer(work)), backoff=QUICK)
    durable: list[bool] = []
    for record in records[:3]:
        await deliveries.deliver(record, durable.append)
    picky.go.set()
    await deliveries.idle()
    assert durable == [True] * 3
    assert len(await all_of(picky, "pongs")) == 2
    assert [letter.attributes["id"] for letter in await all_of(picky, "answer.dead")] == ["ping-1"]
    deliveries.failure.cancel()


async def test_lane_takes_no_more_when_large_outcomes_wait_for_the_log(records: Sequence[Record]) -> None:
    go = asyncio.Event()

    async def append(batch: Sequence[Outcome]) -> None:
        await go.wait()

    lane = Lane(append, lambda error: None)
    half = Handled(Done.DONE, (ping(0)._replace(value=b"x" * (MOST_BYTES // 2)),))
    await lane.put(Outcome(records[0], half, lambda durable: None))
    full = asyncio.ensure_future(lane.put(Outcome(records[1], half, lambda durable: None)))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(full), 0.05)
    go.set()
    await asyncio.wait_for(full, 5)
