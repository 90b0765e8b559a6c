"""One stage on a log: reads its topics, keeps the order of each key, commits outputs and positions together."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from schemas.errors import StageHalted, VaultraError
from schemas.wire import Message
from streams import metrics
from streams.burial import bury
from streams.diversions import Backoff
from streams.log import Advance, EventLog, Record, TopicPartition
from streams.outage import outlast
from streams.outputs import utc_now
from streams.partitioner import partition_of
from streams.retry_queue import Progress, RetryQueue
from streams.runner import Handled, Runner

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one stage. `concurrency`: handlers at once. The others bound memory and the size of one append."""

    concurrency: int = 24
    lane_buffer: int = 100
    retry_buffer: int = 1_000
    read: int = 500
    unflushed: int = 1_000
    append: int = 500
    # A lane gives way to others after this many deliveries.
    turn: int = 32
    # Seconds that positions without outputs may wait for company before they are written.
    idle_flush: float = 0.2


class StageLoop:
    """A consumer group of one stage in this process.

    One reader for all partitions hands records to lanes, one a partition; a lane handles one record at a time and
    exists as a task only while it has any. Retries wait in a queue until due, then take lanes of their own by key.
    Outcomes are committed by one writer: whatever is finished while an append is under way shares the next one, so
    fast stages commit in groups and slow ones at once. A position never passes an unfinished record.
    """

    def __init__(
        self,
        event_log: EventLog,
        runner: Runner,
        *,
        limits: Limits | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.runner = runner
        self.name = runner.stage.name
        self._log = event_log
        self._limits = limits or Limits()
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._progress: dict[TopicPartition, Progress] = {}
        self._next: dict[TopicPartition, int] = {}
        self._lanes: dict[TopicPartition, deque[Record]] = {}
        self._ready: deque[TopicPartition] = deque()
        self._running: dict[asyncio.Task[None], TopicPartition] = {}
        self._retries = RetryQueue()
        self._unflushed: deque[tuple[Record, Handled]] = deque()
        self._flush_wanted = asyncio.Event()
        self._flush_timer: asyncio.TimerHandle | None = None
        self._flushed = asyncio.Event()
        self._drained = asyncio.Event()
        self._retry_wanted = asyncio.Event()
        self._append_seconds = metrics.APPEND_SECONDS.labels(self.name)
        self._append_deliveries = metrics.APPEND_DELIVERIES.labels(self.name)
        self._busy_lanes = metrics.BUSY_LANES.labels(self.name)
        self._failure: asyncio.Future[None] | None = None
        self._stopping = False

    @property
    def positions(self) -> dict[TopicPartition, int]:
        """Committed positions, as far as this loop has seen them."""
        return {place: progress.position for place, progress in self._progress.items()}

    @property
    def busy(self) -> bool:
        """Whether anything is held that is not committed; retries that are not due yet do not count."""
        return bool(self._running or self._ready or self._unflushed)

    async def run(self) -> None:
        """Work until cancelled or stopped. Raises what no waiting mends; the positions on the log stay right."""
        loop = asyncio.get_running_loop()
        self._failure = loop.create_future()
        topics = [*self.runner.topics, self.runner.retry_topic]
        positions = await self._log.positions(self.name, topics)
        self._next = dict(positions)
        self._progress = {place: Progress(offset) for place, offset in positions.items()}
        parts = [loop.create_task(part) for part in (self._read(), self._wake_retries(), self._flush_forever())]
        try:
            done, _ = await asyncio.wait([*parts, self._failure], return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        finally:
            self._stopping = True
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            self._failure.cancel()
            await self._cancel_lanes(0.5)

    async def stop(self, grace: float) -> None:
        """Take nothing more; finish what is being handled within `grace` seconds, else give it back; commit."""
        deadline = time.monotonic() + grace
        self._stopping = True
        if self._running:
            # A part of the grace is kept for committing what was finished.
            await asyncio.wait(list(self._running), timeout=grace * 0.8)
        await self._cancel_lanes(grace * 0.1)
        try:
            async with asyncio.timeout(max(0.05, deadline - time.monotonic())):
                while self._unflushed:
                    self._flushed.clear()
                    self._flush_wanted.set()
                    await self._flushed.wait()
        except TimeoutError:
            log.warning("outcomes given back uncommitted", stage=self.name, deliveries=len(self._unflushed))

    def resume(self) -> None:
        """Go on after a halt."""
        self.runner.resume()
        for lane, queue in self._lanes.items():
            if queue and lane not in self._ready and lane not in self._running.values():
                self._ready.append(lane)
        self._start_lanes()

    async def lag(self) -> int:
        """Events of its topics the stage has not finished, retries included. Raises Unavailable."""
        topics = [*self.runner.topics, self.runner.retry_topic]
        latest = await self._log.latest(topics)
        held = self.positions or await self._log.positions(self.name, topics)
        behind = sum(max(0, end - held.get(place, 0)) for place, end in latest.items())
        metrics.LAG.labels(self.name).set(behind)
        return behind

    # Reading

    async def _read(self) -> None:
        while True:
            records, clogged = await outlast(self._read_open, stage=self.name, backoff=self._backoff)
            for record in records:
                self._accept(record)
            self._start_lanes()
            if clogged and not records:
                await self._wait_drained()

    async def _read_open(self) -> tuple[Sequence[Record], bool]:
        """What comes next, and whether that leaves out partitions whose lane is full."""
        wanted = self._open_partitions()
        clogged = len(wanted) < len(self._next)
        self._drained.clear()
        return await self._log.read(wanted, limit=self._limits.read, wait=0.0 if clogged else 30.0), clogged

    def _open_partitions(self) -> dict[TopicPartition, int]:
        """Where to read on: partitions whose lane has room."""
        lanes, room = self._lanes, self._limits.lane_buffer
        full = {lane for lane, queue in lanes.items() if len(queue) >= room}
        if len(self._retries) >= self._limits.retry_buffer:
            full.add(TopicPartition(self.runner.retry_topic, 0))
        return {place: offset for place, offset in self._next.items() if place not in full} if full else self._next

    async def _wait_drained(self) -> None:
        """Until a full lane has room; open partitions are looked at ten times a second meanwhile."""
        try:
            async with asyncio.timeout(0.1):
                await self._drained.wait()
        except TimeoutError:
            pass

    def _accept(self, record: Record) -> None:
        place = TopicPartition(record.topic, record.partition)
        expected = self._next[place]
        if record.offset < expected:
            return
        if record.offset > expected:
            raise VaultraError(f"{place} continues at {record.offset}, not at {expected}: records are missing")
        self._next[place] = expected + 1
        if record.topic == self.runner.retry_topic:
            self._retries.put(record)
            self._retry_wanted.set()
        else:
            self._enqueue(place, record)

    async def _wake_retries(self) -> None:
        while True:
            self._retry_wanted.clear()
            now = self._clock()
            for record in self._retries.due(now):
                lane = partition_of(record.key, self._limits.concurrency)
                self._enqueue(TopicPartition(self.runner.retry_topic, lane), record)
            self._start_lanes()
            try:
                async with asyncio.timeout(self._retries.seconds_left(now)):
                    await self._retry_wanted.wait()
            except TimeoutError:
                continue

    # Handling

    def _enqueue(self, lane: TopicPartition, record: Record) -> None:
        queue = self._lanes.get(lane)
        if queue is None:
            queue = self._lanes[lane] = deque()
        queue.append(record)
        if len(queue) == 1 and lane not in self._running.values():
            self._ready.append(lane)

    def _start_lanes(self) -> None:
        while (
            self._ready
            and len(self._running) < self._limits.concurrency
            and not self._stopping
            and not self.runner.halted
        ):
            lane = self._ready.popleft()
            task = asyncio.get_running_loop().create_task(self._run_lane(self._lanes[lane]))
            self._running[task] = lane
            self._busy_lanes.set(len(self._running))
            task.add_done_callback(self._lane_ended)

    async def _run_lane(self, queue: deque[Record]) -> None:
        """Handle a lane's records in order, for one turn. A record leaves the queue with its outcome, not before."""
        for _ in range(self._limits.turn):
            if not queue or self._stopping or self.runner.halted:
                return
            while len(self._unflushed) >= self._limits.unflushed:
                self._flushed.clear()
                await self._flushed.wait()
            try:
                handled = await self.runner.handle(queue[0])
            except StageHalted:
                return
            self._finish(queue.popleft(), handled)

    def _lane_ended(self, task: asyncio.Task[None]) -> None:
        lane = self._running.pop(task)
        self._busy_lanes.set(len(self._running))
        if not task.cancelled() and (error := task.exception()) is not None:
            if self._failure is not None and not self._failure.done():
                self._failure.set_exception(error)
            return
        queue = self._lanes[lane]
        if queue and not self.runner.halted:
            self._ready.append(lane)
        if len(queue) < self._limits.lane_buffer:
            self._drained.set()
        self._start_lanes()

    async def _cancel_lanes(self, wait: float) -> None:
        """Give back what is being handled: its position has not moved."""
        running = list(self._running)
        if running:
            for task in running:
                task.cancel()
            _, stuck = await asyncio.wait(running, timeout=wait)
            if stuck:
                log.error("handlers ignore their cancellation", stage=self.name, handlers=len(stuck))

    # Committing

    def _finish(self, record: Record, handled: Handled) -> None:
        self._unflushed.append((record, handled))
        if handled.messages:
            self._flush_wanted.set()
        elif self._flush_timer is None:
            loop = asyncio.get_running_loop()
            self._flush_timer = loop.call_later(self._limits.idle_flush, self._flush_wanted.set)

    async def _flush_forever(self) -> None:
        while True:
            await self._flush_wanted.wait()
            self._flush_wanted.clear()
            if self._flush_timer is not None:
                self._flush_timer.cancel()
                self._flush_timer = None
            while self._unflushed:
                size = min(len(self._unflushed), self._limits.append)
                await self._commit([self._unflushed[n] for n in range(size)])
                for _ in range(size):
                    self._unflushed.popleft()
                self._flushed.set()

    async def _commit(self, batch: Sequence[tuple[Record, Handled]]) -> None:
        started = time.perf_counter()
        try:
            await self._append(batch)
        except Exception as error:  # one of them may be unwritable for good: find it, and let the others through
            if len(batch) > 1:
                for one in batch:
                    await self._commit([one])
                return
            record, handled = batch[0]
            await bury(
                record,
                handled,
                error,
                append=lambda outcome: self._append([(record, outcome)]),
                event_log=self._log,
                runner=self.runner,
                backoff=self._backoff,
            )
        self._append_seconds.observe(time.perf_counter() - started)
        self._append_deliveries.observe(len(batch))

    async def _append(self, batch: Sequence[tuple[Record, Handled]]) -> None:
        """Outputs and positions in one append, tried again for as long as the log is gone."""
        messages: list[Message] = []
        moved: dict[TopicPartition, Progress] = {}
        for record, handled in batch:
            messages.extend(handled.messages)
            place = TopicPartition(record.topic, record.partition)
            if place not in moved:
                moved[place] = self._progress[place].copy()
            moved[place].finish(record.offset)
        advance = Advance(self.name, {place: progress.position for place, progress in moved.items()})
        await outlast(lambda: self._log.append(messages, advance=advance), stage=self.name, backoff=self._backoff)
        self._progress.update(moved)
