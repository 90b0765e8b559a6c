"""Records written to Kafka as they stood elsewhere: at their offsets, with their times, their ids claimed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from adapters.database import Database
from streams.diversions import identity_of
from streams.kafka_claims import Claims, Identity
from streams.kafka_connection import KafkaConnection, reaching_kafka
from streams.kafka_log import KafkaEventLog
from streams.kafka_message import headers_of, stamp
from streams.kafka_topics import create, stamp_by
from streams.kafka_writer import producer_of
from streams.log import EventLog, Record, TopicPartition
from streams.log_copy import CopyFailed, HistoryTarget
from streams.topics import Topic


class KafkaHistory(HistoryTarget):
    """Open it with `open`. Meanwhile the topics take their records' times from the writer."""

    def __init__(self, connection: KafkaConnection, log: KafkaEventLog, claims: Claims, producer: Any) -> None:
        self._connection = connection
        self._log = log
        self._claims = claims
        self._producer = producer

    @classmethod
    @asynccontextmanager
    async def open(
        cls, connection: KafkaConnection, topics: Sequence[Topic], database: Database, *, copies: int, patience: float
    ) -> AsyncIterator[KafkaHistory]:
        """The log on Kafka, its topics made where they are missing. Raises SetupError or Unavailable."""
        await connection.reach(patience)
        await create(connection, topics, copies=copies)
        await stamp_by(connection, topics, copies, "CreateTime")
        try:
            log = await KafkaEventLog.open(connection, topics, database=database)
            claims = await Claims.of(database, connection)
            producer = producer_of(connection)
            try:
                with reaching_kafka("the log"):
                    await producer.start()
                yield cls(connection, log, claims, producer)
            finally:
                await producer.stop()
                await claims.close()
                await log.close()
        finally:
            await stamp_by(connection, topics, copies, "LogAppendTime")

    @property
    def log(self) -> EventLog:
        return self._log

    async def restore(self, place: TopicPartition, records: Sequence[Record]) -> None:
        with reaching_kafka("the log"):
            sent = [
                await self._producer.send(
                    self._connection.topic(place.topic),
                    value=record.value,
                    key=record.key.encode(),
                    partition=place.partition,
                    headers=headers_of(record),
                    timestamp_ms=stamp(record.appended_at),
                )
                for record in records
            ]
            standing = await asyncio.gather(*sent)
        for record, stands in zip(records, standing, strict=True):
            if stands.offset != record.offset:
                raise CopyFailed(
                    f"{place.topic}/{place.partition}: record {record.offset} came to stand at {stands.offset}. "
                    "Somebody else writes to the target; empty it and start again"
                )
        await self._claims.restore(
            {Identity(place.topic, *identity_of(record)): (place, record.offset) for record in records}
        )
