"""Consumers that end while brokers are away: nobody ends with them unseen, and none goes on; no broker is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaConnectionError

from schemas.base import EventData
from schemas.errors import Unavailable
from streams import aiokafka_worker, retry_scheduler
from streams.aiokafka_worker import AiokafkaWorker
from streams.deliveries import Deliveries
from streams.diversions import Backoff
from streams.kafka_connection import KafkaConnection
from streams.kafka_cursors import stop_consumer
from streams.kafka_runtime import KafkaRuntime
from streams.memory_log import MemoryEventLog
from streams.retry_scheduler import RetryScheduler
from streams.topics import diversion_topics
from tests.streams.stage_kit import KIT_TOPICS, QUICK, all_of, answer, ping, runner_of

TOPICS = (*KIT_TOPICS, *diversion_topics(["answer"]))
NOWHERE = KafkaConnection("nowhere:1")


class Away:
    """A consumer whose brokers are gone: nothing works, and `stop` lets a cancellation of its own out."""

    def __init__(self, *_: object, **__: object) -> None:
        self.closed = False
        self._fetcher = None
        self._fetch_max_wait_ms = 500
        self._coordinator = SimpleNamespace(_heartbeat_task=asyncio.ensure_future(asyncio.Event().wait()))
        self._client = self
        self.stopping = asyncio.Event()

    def subscribe(self, topics: object, listener: Any) -> None:
        self.listener = listener

    def assignment(self) -> set[Place]:
        return set()

    async def start(self) -> None:
        """It had a broker then."""

    async def getmany(self, **_: object) -> dict[Place, list[Any]]:
        raise KafkaConnectionError("away")

    async def commit(self, positions: object) -> None:
        raise KafkaConnectionError("away")

    async def send(self, node: int, request: object) -> None:
        raise KafkaConnectionError("away")

    async def stop(self) -> None:
        self.stopping.set()
        raise asyncio.CancelledError

    async def close(self) -> None:
        self.closed = True


class Stuck(Away):
    """A consumer that does not end by itself."""

    async def stop(self) -> None:
        self.stopping.set()
        await asyncio.Event().wait()


async def say(event: object) -> list[EventData]:
    return []


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Away]:
    """The consumers that were made."""
    found: list[Away] = []

    def make(*topics: str, **options: object) -> Away:
        found.append(Away())
        return found[-1]

    for module in (retry_scheduler, aiokafka_worker):
        monkeypatch.setattr(module, "AIOKafkaConsumer", make)
    return found


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def test_retries_go_on_when_their_consumer_lets_a_cancellation_out(made: list[Away]) -> None:
    scheduler = RetryScheduler(
        MemoryEventLog(TOPICS), NOWHERE, "answer", backoff=Backoff(steps=(1, 2), outage=0.001, outage_cap=0.002)
    )
    running = asyncio.ensure_future(scheduler.run())
    await until(lambda: len(made) >= 3 or running.done())
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert all(consumer.closed for consumer in made)
    assert all(consumer._coordinator._heartbeat_task.cancelling() for consumer in made)


async def test_consumer_ends_when_whoever_stops_it_is_cancelled_meanwhile() -> None:
    consumer = Stuck()
    stopping = asyncio.create_task(stop_consumer(consumer, patience=0.05))
    await consumer.stopping.wait()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert consumer.closed
    assert consumer._coordinator._heartbeat_task.cancelling()


async def test_process_must_end_when_a_part_is_cancelled_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    async def leak(*_: object) -> None:
        raise asyncio.CancelledError

    monkeypatch.setattr(RetryScheduler, "run", leak)
    monkeypatch.setattr(KafkaRuntime, "_keep", lambda *_: asyncio.Event().wait())
    runtime = KafkaRuntime(MemoryEventLog(TOPICS), NOWHERE, [runner_of(answer(say))], backoff=Backoff(steps=(1, 2)))
    runtime.start()
    try:
        with pytest.raises(Unavailable, match="retries-answer was cancelled by nobody"):
            await asyncio.wait_for(asyncio.shield(runtime.failure), 5)
    finally:
        await runtime.stop()


async def test_nothing_has_failed_when_the_runtime_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    for part, name in ((RetryScheduler, "run"), (KafkaRuntime, "_keep")):
        monkeypatch.setattr(part, name, lambda *_: asyncio.Event().wait())
    runtime = KafkaRuntime(MemoryEventLog(TOPICS), NOWHERE, [runner_of(answer(say))], backoff=Backoff(steps=(1, 2)))
    runtime.start()
    await runtime.stop()
    assert runtime.failure.cancelled()


async def test_worker_leaves_its_group_when_the_last_commit_fails(made: list[Away]) -> None:
    log = MemoryEventLog(TOPICS)
    await log.append([ping(0, "k")])
    [record] = await all_of(log, "pings")
    deliveries = Deliveries(log, runner_of(answer(say)), backoff=QUICK)
    worker = AiokafkaWorker(deliveries, NOWHERE)
    await worker.start()
    place = Place("pings", record.partition)
    await worker.on_partitions_assigned([place])
    worker._done(worker._lanes[place], record.offset + 1, True)
    await asyncio.wait_for(worker.stop(1.0), 10)
    assert made[0].closed
    assert made[0]._coordinator._heartbeat_task.cancelling()
    deliveries.failure.cancel()
