"""Brings a stage's retries back when they are due: from its retry topics to `<stage>.due`, in the order they came.

Each retry topic has one partition and one delay, so the first record is the next one due: nothing is held in memory,
and what is not due stays on the log with the partition paused. A record is committed after it stands on the due topic;
done over after a crash it stands there twice, as the same delivery (`diversions.delivery_of`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

from schemas.envelope import derived_id
from schemas.errors import InvalidEvent, Unavailable
from schemas.wire import Message
from streams.acceptance import check
from streams.diversions import (
    UNKNOWN_TENANT,
    Backoff,
    dead_message,
    delivery_of,
    due_of,
    origin_of,
    position_of,
)
from streams.kafka_connection import KafkaConnection
from streams.kafka_cursors import stop_consumer
from streams.kafka_group import GroupTimes, scheduler_group
from streams.kafka_message import record_of
from streams.log import EventLog, Record
from streams.outputs import utc_now
from streams.topics import due_topic, long_retry_topic, retry_topic

log = structlog.get_logger(__name__)

_BATCH = 500
_POLL = 1.0


class RetryScheduler:
    """One stage's scheduler in this process; of several only one works at a time, by Kafka's assignment."""

    def __init__(
        self,
        event_log: EventLog,
        connection: KafkaConnection,
        stage: str,
        *,
        backoff: Backoff,
        times: GroupTimes | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        if backoff.steps is None:
            raise ValueError("retries on Kafka wait for fixed delays")
        self._log = event_log
        self._connection = connection
        self._stage = stage
        self._backoff = backoff
        self._times = times or GroupTimes()
        self._clock = clock
        self._longest = dict(zip((retry_topic(stage).name, long_retry_topic(stage).name), backoff.steps, strict=True))
        self._due_topic = due_topic(stage).name
        self._resume_at: dict[Place, float] = {}
        # Since records were last fetched and dealt with.
        self._failures = 0

    async def run(self) -> None:
        """Work until cancelled; over whatever failures of Kafka."""
        while True:
            try:
                await self._work()
            except (KafkaError, Unavailable, OSError) as error:
                log.warning("retry scheduler interrupted", stage=self._stage, reason=str(error)[:200])
            await asyncio.sleep(self._backoff.outage_wait(self._failures, 1.0))
            self._failures += 1

    async def _work(self) -> None:
        consumer: Any = AIOKafkaConsumer(
            *(self._connection.topic(name) for name in self._longest),
            group_id=self._connection.group(scheduler_group(self._stage)),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=round(self._times.session * 1000),
            heartbeat_interval_ms=round(self._times.heartbeat * 1000),
            **self._connection.options(),
        )
        self._resume_at.clear()
        try:
            await consumer.start()
            while True:
                self._resume(consumer)
                found = await consumer.getmany(timeout_ms=self._patience(), max_records=_BATCH)
                for place, records in found.items():
                    await self._forward_due(consumer, place, records)
                    self._failures = 0
        finally:
            await stop_consumer(consumer)

    def _patience(self) -> int:
        """Milliseconds until a paused partition is due again, and no longer than a poll."""
        soonest = min(self._resume_at.values(), default=float("inf")) - time.monotonic()
        return round(max(0.0, min(_POLL, soonest)) * 1000)

    def _resume(self, consumer: Any) -> None:
        now = time.monotonic()
        for place in [place for place, at in self._resume_at.items() if at <= now]:
            del self._resume_at[place]
            if place in consumer.assignment():
                consumer.resume(place)

    async def _forward_due(self, consumer: Any, place: Place, records: Sequence[Any]) -> None:
        """Forward what is due; pause before the first that is not."""
        due: list[Message] = []
        position = records[0].offset
        for found in records:
            record = record_of(found, self._connection.own(found.topic))
            wait = self._seconds_left(record)
            if wait > 0:
                consumer.pause(place)
                consumer.seek(place, record.offset)
                self._resume_at[place] = time.monotonic() + wait
                break
            due.append(self._forwarded_or_dead(record))
            position = record.offset + 1
        if due:
            await self._log.append(due)
            await consumer.commit({place: OffsetAndMetadata(position, "")})

    def _seconds_left(self, record: Record) -> float:
        """Until the record leaves its topic: when it is due, at the latest after the topic's delay."""
        latest = record.appended_at + timedelta(seconds=self._longest[record.topic])
        return (min(due_of(record), latest) - self._clock()).total_seconds()

    def _forwarded_or_dead(self, record: Record) -> Message:
        """What others may put on a retry topic, the due topic need not take."""
        forwarded = self._forwarded(record)
        try:
            check(forwarded)
        except InvalidEvent as error:
            log.error("no retry, given up", stage=self._stage, position=position_of(record), reason=str(error)[:200])
            return dead_message(
                record,
                self._stage,
                is_event=False,
                version=0,
                attempts=origin_of(record).attempts,
                error=error,
                reason=str(error),
                now=self._clock(),
            )
        return forwarded

    def _forwarded(self, record: Record) -> Message:
        """To the stage when it is due; around once more when a server asked for longer than the topic's delay."""
        topic = self._due_topic if due_of(record) <= self._clock() else record.topic
        id = derived_id(delivery_of(record), topic, 0)
        return Message(
            topic=topic,
            key=record.key or position_of(record),
            id=id,
            tenant=record.attributes.get("tenantid") or UNKNOWN_TENANT,
            attributes=record.attributes,
            value=record.value or b"",
            extra={**record.extra, "delivery": id},
        )
