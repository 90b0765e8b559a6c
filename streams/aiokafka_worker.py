"""A stage on plain aiokafka: a lane a partition, pause and resume, contiguous commits; `Deliveries` does the rest.

The same duties as `FaustWorker` in the same loop, without Faust between the fetcher and the lanes.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka import TopicPartition as Place
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError, RebalanceInProgressError
from aiokafka.structs import OffsetAndMetadata

from schemas.errors import Unavailable
from streams.deliveries import Deliveries
from streams.fetch_sessions import fetch_incrementally
from streams.kafka_connection import KafkaConnection
from streams.kafka_cursors import stop_consumer
from streams.kafka_group import GroupTimes
from streams.kafka_message import record_of
from streams.task_end import unforeseen

log = structlog.get_logger(__name__)

# Events of a partition held in memory ahead of the one at work; beyond it the partition is paused.
_BUFFER = 16
_POLL_MS = 500


class _Lane:
    """A partition's records that wait, and the task that works them off."""

    __slots__ = ("finished", "paused", "records", "task")

    def __init__(self) -> None:
        self.records: deque[Any] = deque()
        self.task: asyncio.Task[None] | None = None
        self.paused = False
        # The next offset to commit; None while nothing was finished since the assignment.
        self.finished: int | None = None


class AiokafkaWorker(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """Works on one stage as a member of its consumer group, until stopped. Arguments as of `FaustWorker`."""

    def __init__(
        self,
        deliveries: Deliveries,
        connection: KafkaConnection,
        *,
        times: GroupTimes | None = None,
        instance: str = "",
    ) -> None:
        self.times = times or GroupTimes()
        self.rebalancing = False
        self._deliveries = deliveries
        self._connection = connection
        self._instance = instance
        self._consumer: Any = None
        self._lanes: dict[Place, _Lane] = {}
        self._committed: dict[Place, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._commit_wanted = asyncio.Event()

    async def start(self) -> None:
        """Join the group. Raises what aiokafka raises when no broker answers."""
        self._consumer = fetch_incrementally(
            AIOKafkaConsumer(
                group_id=self._connection.group(self._deliveries.name),
                group_instance_id=self._instance or None,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                partition_assignment_strategy=[RoundRobinPartitionAssignor],
                session_timeout_ms=round(self.times.session * 1000),
                heartbeat_interval_ms=round(self.times.heartbeat * 1000),
                rebalance_timeout_ms=round(self.times.rebalance * 1000),
                request_timeout_ms=round(self.times.request * 1000),
                max_poll_interval_ms=round(self.times.poll * 1000),
                **self._connection.options(),
            )
        )
        self._consumer.subscribe([self._connection.topic(name) for name in self._deliveries.topics], listener=self)
        await self._consumer.start()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(part) for part in (self._fetch(), self._commit_forever())]
        for task in self._tasks:
            task.add_done_callback(self._part_ended)

    async def stop(self, grace: float) -> None:
        """Finish what is under way within `grace` seconds, else give it back; commit, and leave the group."""
        for task in self._tasks:
            task.remove_done_callback(self._part_ended)
        if self._tasks:
            self._tasks[0].cancel()
        await self._deliveries.stop(grace * 0.7)
        for lane in self._lanes.values():
            lane.records.clear()
        await self._lanes_idle()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._consumer is not None:
            await self._leave(max(2.0, grace * 0.3))

    async def _leave(self, patience: float) -> None:
        """Whatever becomes of the commit: a consumer that goes on heartbeating would keep its partitions."""
        try:
            async with asyncio.timeout(patience / 2):
                await self._commit()
        except (TimeoutError, KafkaError) as error:
            log.warning("positions not committed, events come again", stage=self._deliveries.name, reason=repr(error))
        finally:
            await stop_consumer(self._consumer, patience / 2)

    @property
    def generation(self) -> int:
        """The group's generation that this member belongs to; -1 when it belongs to none."""
        with contextlib.suppress(AttributeError):
            return int(self._consumer._coordinator.generation)
        return -1

    @property
    def member(self) -> str:
        """The id that the coordinator gave this member; empty when it belongs to no group."""
        with contextlib.suppress(AttributeError):
            return str(self._consumer._coordinator.member_id)
        return ""

    # Rebalancing, called by aiokafka, which waits

    async def on_partitions_revoked(self, revoked: Sequence[Place]) -> None:
        """Finish what is at work (the runtime gives it back when that takes too long), drop the rest, commit."""
        self.rebalancing = True
        for lane in self._lanes.values():
            lane.records.clear()
        await self._lanes_idle()
        try:
            await self._commit()
        except KafkaError as error:
            log.warning("positions not committed, events come again", stage=self._deliveries.name, reason=repr(error))
        self._lanes.clear()

    async def on_partitions_assigned(self, assigned: Sequence[Place]) -> None:
        self._lanes = {place: _Lane() for place in assigned}
        self._committed.clear()
        self._deliveries.assigned()
        self.rebalancing = False

    async def _lanes_idle(self) -> None:
        while running := [lane.task for lane in self._lanes.values() if lane.task is not None]:
            await asyncio.wait(running)
            # The callbacks that take a finished task off its lane run after those of `wait`.
            await asyncio.sleep(0)
        await self._deliveries.idle()

    # Fetching

    async def _fetch(self) -> None:
        while True:
            found = await self._consumer.getmany(timeout_ms=_POLL_MS, max_records=500)
            for place, records in found.items():
                lane = self._lanes.get(place)
                if lane is None or self.rebalancing:
                    continue
                lane.records.extend(records)
                if len(lane.records) >= _BUFFER:
                    lane.paused = True
                    self._consumer.pause(place)
                self._start(place, lane)

    def _start(self, place: Place, lane: _Lane) -> None:
        if lane.task is None and lane.records:
            lane.task = asyncio.get_running_loop().create_task(self._work_off(place, lane))

    async def _work_off(self, place: Place, lane: _Lane) -> None:
        topic = self._connection.own(place.topic)
        try:
            while lane.records and self._lanes.get(place) is lane:
                found = lane.records.popleft()
                await self._deliveries.deliver(record_of(found, topic), partial(self._done, lane, found.offset + 1))
                if lane.paused and len(lane.records) < _BUFFER // 2:
                    lane.paused = False
                    self._consumer.resume(place)
        finally:
            lane.task = None

    def _done(self, lane: _Lane, position: int, durable: bool) -> None:
        if durable:
            lane.finished = position
            self._commit_wanted.set()
        else:
            lane.records.clear()

    # Committing

    async def _commit_forever(self) -> None:
        while True:
            await self._commit_wanted.wait()
            self._commit_wanted.clear()
            began = time.monotonic()
            if not self.rebalancing:
                try:
                    await self._commit()
                except KafkaError as error:
                    # Committed later, or by nobody: then the events come again.
                    log.warning("positions not committed", stage=self._deliveries.name, reason=repr(error)[:200])
            await asyncio.sleep(max(0.0, self.times.commit - (time.monotonic() - began)))

    async def _commit(self) -> None:
        """Commit what is finished. Every lane is worked off in order, so its last is all before it."""
        moved = {
            place: lane.finished
            for place, lane in self._lanes.items()
            if lane.finished is not None and lane.finished > self._committed.get(place, -1)
        }
        if not moved:
            return
        try:
            await self._consumer.commit({place: OffsetAndMetadata(offset, "") for place, offset in moved.items()})
        except (CommitFailedError, IllegalStateError, RebalanceInProgressError) as error:
            log.info("positions belong to others by now", stage=self._deliveries.name, reason=repr(error)[:200])
            return
        self._committed |= moved

    def _part_ended(self, task: asyncio.Task[None]) -> None:
        """Neither part ends by itself: what it raised, no waiting in this process mends."""
        if (error := unforeseen(task)) is not None:
            self._deliveries.fail(error if not isinstance(error, KafkaError) else Unavailable(repr(error)))
