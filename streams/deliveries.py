"""One stage's deliveries on Kafka: from a fetched record to a durable outcome, whoever fetches and commits.

A lane is a partition; the fetcher hands in its records one after another, is told of each outcome that is durable, and
commits up to it. A record that is not finished is *given back*: it stays uncommitted, nothing behind it on its
partition is taken until partitions are assigned anew, and whoever owns the partition then does it over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import structlog

from schemas.errors import StageHalted, VaultraError
from schemas.wire import Message
from streams import metrics
from streams.burial import bury
from streams.diversions import Backoff
from streams.log import EventLog, Record, TopicPartition
from streams.outage import outlast
from streams.outcomes import Done, Lane, Outcome
from streams.runner import Handled, Runner
from streams.topics import due_topic

log = structlog.get_logger(__name__)


class RecordsMissing(VaultraError):
    """The fetcher skipped records: this process must not go on, another reads them from the committed position."""


class Deliveries:
    """Deliveries of one stage in this process, one at a time a partition and `concurrency` in all.

    Positions are committed under the stage's name. `failure` has to end the process when it is set.
    """

    def __init__(
        self,
        event_log: EventLog,
        runner: Runner,
        *,
        concurrency: int = 24,
        backoff: Backoff | None = None,
    ) -> None:
        self.runner = runner
        self.name = runner.stage.name
        self.topics = (*runner.topics, due_topic(self.name).name)
        self.failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.halted = asyncio.Event()
        self.last_activity = time.monotonic()
        self._log = event_log
        self._backoff = backoff or Backoff()
        self._slots = asyncio.Semaphore(concurrency)
        self._expected: dict[TopicPartition, int] = {}
        self._lanes: dict[TopicPartition, Lane] = {}
        # The tasks at work on a record, and how often each was told to give it back.
        self._recalled: dict[asyncio.Task[Any], int] = {}
        # Records that were taken and neither durable nor given back yet.
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._busy = metrics.BUSY_LANES.labels(self.name)
        self._append_seconds = metrics.APPEND_SECONDS.labels(self.name)
        self._append_deliveries = metrics.APPEND_DELIVERIES.labels(self.name)

    async def deliver(self, record: Record, done: Done) -> None:
        """Handle a record, and return when the next one of its partition may come; its outcome is then on its way.

        `done(True)`: it is durable, and the position may pass the record. `done(False)`: the record was given back,
        and those behind it are until `assigned`.
        """
        place = TopicPartition(record.topic, record.partition)
        lane = self._lanes.get(place)
        if lane is None:
            lane = self._lanes[place] = Lane(self._append_or_bury, self._failed)
        if self._stopping or self.halted.is_set() or lane.given_back:
            lane.given_back = True
            done(False)
            return
        self._under_way += 1
        self._idle.clear()
        handled: Handled | None = None
        try:
            handled = await self._unless_recalled(record)
        except Exception as error:
            self._failed(error)
        finally:
            if handled is None:
                lane.given_back = True
                self._ended(done, False)
        if handled is not None:
            self._expected[place] = max(self._expected.get(place, 0), record.offset + 1)
            await lane.put(Outcome(record, handled, partial(self._ended, done)))

    def _ended(self, done: Done, durable: bool) -> None:
        self.last_activity = time.monotonic()
        self._under_way -= 1
        if not self._under_way:
            self._idle.set()
        done(durable)

    async def _unless_recalled(self, record: Record) -> Handled | None:
        """What became of a record; None when it was to be given back meanwhile."""
        task = _this_task()
        self._recalled[task] = 0
        try:
            return await self._handle(record)
        except asyncio.CancelledError:
            if task.cancelling() > self._recalled[task]:  # whoever runs the lane ends it
                raise
            return None
        finally:
            for _ in range(self._recalled.pop(task)):
                task.uncancel()

    def _failed(self, error: BaseException) -> None:
        """A record can have no outcome here."""
        if isinstance(error, StageHalted):
            self.halted.set()
        else:
            self.fail(error)

    def assigned(self) -> None:
        """Partitions were assigned anew: what follows is read from the committed positions."""
        self._expected.clear()
        for lane in self._lanes.values():
            lane.given_back = False
        self.last_activity = time.monotonic()

    def give_back(self) -> None:
        """Cancel what is under way: it will be done over by whoever owns its partition then."""
        for task in self._recalled:
            self._recalled[task] += 1
            task.cancel()
        for lane in self._lanes.values():
            lane.give_back()

    async def idle(self) -> None:
        """Until nothing is under way."""
        await self._idle.wait()

    async def stop(self, grace: float) -> None:
        """Take nothing more; finish what is under way within `grace` seconds, else give it back."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._idle.wait()
        while self._under_way:
            self.give_back()
            await asyncio.sleep(0)

    @property
    def running(self) -> int:
        return self._under_way

    def fail(self, error: BaseException) -> None:
        """The process must end: `failure` raises the first reason."""
        if not self.failure.done():
            log.critical("the stage cannot go on in this process", stage=self.name, reason=str(error))
            self.failure.set_exception(error)

    async def _check_follows(self, record: Record) -> None:
        """Raises RecordsMissing when something was skipped before the record, since the assignment even."""
        place = TopicPartition(record.topic, record.partition)
        if place not in self._expected:
            await outlast(partial(self._learn, place.topic), stage=self.name, backoff=self._backoff)
            # Beyond the declared partitions, where somebody widened the topic: nothing is known of its positions.
            self._expected.setdefault(place, record.offset)
        expected = self._expected[place]
        if record.offset > expected:
            raise RecordsMissing(f"{place.topic}/{place.partition} continues at {record.offset}, not at {expected}")

    async def _learn(self, topic: str) -> None:
        committed, earliest = await asyncio.gather(self._log.positions(self.name, [topic]), self._log.earliest([topic]))
        for place, offset in committed.items():
            self._expected.setdefault(place, max(offset, earliest.get(place, 0)))

    async def _handle(self, record: Record) -> Handled:
        await self._check_follows(record)
        async with self._slots:
            self.last_activity = time.monotonic()
            self._busy.inc()
            try:
                return await self.runner.handle(record)
            finally:
                self._busy.dec()
                self.last_activity = time.monotonic()

    async def _append_or_bury(self, batch: Sequence[Outcome]) -> None:
        messages = [message for outcome in batch for message in outcome.handled.messages]
        if not messages:
            return
        started = time.perf_counter()
        try:
            await self._append(messages)
        except Exception as error:  # one of them may be unwritable for good: find it, and let the others through
            if len(batch) > 1:
                for outcome in batch:
                    await self._append_or_bury([outcome])
                return
            record, handled, _ = batch[0]
            await bury(
                record,
                handled,
                error,
                append=lambda outcome: self._append(outcome.messages),
                event_log=self._log,
                runner=self.runner,
                backoff=self._backoff,
            )
        self._append_seconds.observe(time.perf_counter() - started)
        self._append_deliveries.observe(len(batch))

    async def _append(self, messages: Sequence[Message]) -> None:
        """Delivered durably, tried again for as long as the log is gone."""
        await outlast(partial(self._log.append, messages), stage=self.name, backoff=self._backoff)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
