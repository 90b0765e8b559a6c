"""One stage's deliveries on Kafka: from a fetched record to a durable outcome, whoever fetches and commits.

A lane is a partition; the fetcher hands in its records one after another and commits up to those whose outcome is
durable. A record that is not finished is *given back*: it stays uncommitted, nothing behind it on its partition is
taken until partitions are assigned anew, and whoever owns the partition then does it over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import structlog

from schemas.errors import StageHalted, Unavailable, VaultraError
from schemas.wire import Message
from streams import metrics
from streams.burial import bury
from streams.diversions import Backoff
from streams.log import EventLog, Record, TopicPartition
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
        self._given_back: set[TopicPartition] = set()
        # The tasks at work on a record, and how often each was told to give it back.
        self._recalled: dict[asyncio.Task[Any], int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._stopping = False
        self._busy = metrics.BUSY_LANES.labels(self.name)
        self._append_seconds = metrics.APPEND_SECONDS.labels(self.name)

    async def finish(self, record: Record) -> bool:
        """Bring a record to its outcome. True: it is durable, and the position may pass the record.

        False: the record was given back. Records behind it are refused until `assigned`.
        """
        place = TopicPartition(record.topic, record.partition)
        if self._stopping or self.halted.is_set() or place in self._given_back:
            self._given_back.add(place)
            return False
        lane = _this_task()
        self._recalled[lane] = 0
        self._idle.clear()
        try:
            await self._finish(record)
        except asyncio.CancelledError:
            self._given_back.add(place)
            if lane.cancelling() > self._recalled[lane]:  # whoever runs the lane ends it
                raise
            return False
        except StageHalted:
            self._given_back.add(place)
            self.halted.set()
            return False
        except Exception as error:
            self._given_back.add(place)
            self.fail(error)
            return False
        finally:
            for _ in range(self._recalled.pop(lane)):
                lane.uncancel()
            if not self._recalled:
                self._idle.set()
        self._expected[place] = max(self._expected.get(place, 0), record.offset + 1)
        return True

    def assigned(self) -> None:
        """Partitions were assigned anew: what follows is read from the committed positions."""
        self._expected.clear()
        self._given_back.clear()
        self.last_activity = time.monotonic()

    def give_back(self) -> None:
        """Cancel what is being handled: it will be done over by whoever owns its partition then."""
        for lane in self._recalled:
            self._recalled[lane] += 1
            lane.cancel()

    async def stop(self, grace: float) -> None:
        """Take nothing more; finish what is being handled within `grace` seconds, else give it back."""
        self._stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._idle.wait()
        while self._recalled:
            self.give_back()
            await asyncio.sleep(0)

    @property
    def running(self) -> int:
        return len(self._recalled)

    def fail(self, error: BaseException) -> None:
        """The process must end: `failure` raises the first reason."""
        if not self.failure.done():
            log.critical("the stage cannot go on in this process", stage=self.name, reason=str(error))
            self.failure.set_exception(error)

    async def _check_follows(self, record: Record) -> None:
        """Raises RecordsMissing when something was skipped before the record, since the assignment even."""
        place = TopicPartition(record.topic, record.partition)
        outages = 0
        while place not in self._expected:
            try:
                await self._learn(place.topic)
            except Unavailable as error:
                await self._wait_out(error, outages)
                outages += 1
            else:
                # Beyond the declared partitions, where somebody widened the topic: nothing is known of its positions.
                self._expected.setdefault(place, record.offset)
        expected = self._expected[place]
        if record.offset > expected:
            raise RecordsMissing(f"{place.topic}/{place.partition} continues at {record.offset}, not at {expected}")

    async def _learn(self, topic: str) -> None:
        committed, earliest = await asyncio.gather(self._log.positions(self.name, [topic]), self._log.earliest([topic]))
        for place, offset in committed.items():
            self._expected.setdefault(place, max(offset, earliest.get(place, 0)))

    async def _finish(self, record: Record) -> None:
        await self._check_follows(record)
        async with self._slots:
            self.last_activity = time.monotonic()
            self._busy.inc()
            try:
                handled = await self.runner.handle(record)
                await self._append_or_bury(record, handled)
            finally:
                self._busy.dec()
                self.last_activity = time.monotonic()

    async def _append_or_bury(self, record: Record, handled: Handled) -> None:
        if not handled.messages:
            return
        started = time.perf_counter()
        try:
            await self._append(handled.messages)
        except Exception as error:
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

    async def _append(self, messages: Sequence[Message]) -> None:
        """Delivered durably, tried again for as long as the log is gone."""
        outages = 0
        while True:
            try:
                await self._log.append(messages)
            except Unavailable as error:
                await self._wait_out(error, outages)
                outages += 1
            else:
                return

    async def _wait_out(self, error: Unavailable, outages: int) -> None:
        metrics.OUTAGES.labels(self.name).inc()
        log.warning("log unavailable, the stage waits", stage=self.name, outages=outages + 1, reason=str(error)[:200])
        await asyncio.sleep(self._backoff.outage_wait(outages, 1.0))


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
