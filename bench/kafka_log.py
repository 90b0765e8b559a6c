"""The log on Kafka against bare aiokafka on the same broker: what its promises cost.

Records of 230 B on 24 partitions. Appending: many callers with one message each, as uploads and webhooks come. Reading:
one reader from the beginning, as a projection. No target: the runtime's are in `kafka_pipeline`.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place

from adapters.database import Database
from bench.result import Result
from deploy.kafka.cluster import KafkaCluster
from schemas.wire import Message
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_message import headers_of
from streams.kafka_topics import create
from streams.kafka_writer import producer_of
from streams.log import EventLog, TopicPartition
from streams.partitioner import partition_of
from streams.topics import Topic

RECORDS = 20_000
CALLERS = 200
PARTITIONS = 24
CLAIMED, UNCLAIMED, BARE = (Topic(name, PARTITIONS, ()) for name in ("claimed", "unclaimed", "bare"))
_VALUE = b'{"amount": "12.30", "text": "' + b"x" * 200 + b'"}'


def _message(topic: Topic, number: int) -> Message:
    attributes = {"specversion": "1.0", "id": f"event {number}", "type": "vaultra.bench.v1", "tenantid": "local"}
    return Message(topic.name, f"key {number % 997}", f"event {number}", "local", attributes, _VALUE)


async def _append(log: EventLog, topic: Topic) -> float:
    """Appends a second."""
    numbers = iter(range(RECORDS))

    async def call() -> None:
        for number in numbers:
            await log.append([_message(topic, number)])

    started = time.perf_counter()
    await asyncio.gather(*(call() for _ in range(CALLERS)))
    return RECORDS / (time.perf_counter() - started)


async def _append_bare(connection: KafkaConnection) -> float:
    numbers = iter(range(RECORDS))
    async with producer_of(connection) as producer:

        async def call() -> None:
            for number in numbers:
                message = _message(BARE, number)
                await producer.send_and_wait(
                    BARE.name,
                    message.value,
                    message.key.encode(),
                    partition=partition_of(message.key, PARTITIONS),
                    headers=headers_of(message),
                )

        started = time.perf_counter()
        await asyncio.gather(*(call() for _ in range(CALLERS)))
        return RECORDS / (time.perf_counter() - started)


async def _read(log: EventLog) -> float:
    """Records a second, through the port."""
    positions = dict(await log.earliest([CLAIMED.name]))
    left = RECORDS
    started = time.perf_counter()
    while left:
        for record in await log.read(positions, limit=2_000, wait=10.0):
            positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
            left -= 1
    return RECORDS / (time.perf_counter() - started)


async def _read_bare(connection: KafkaConnection) -> float:
    async with AIOKafkaConsumer(**connection.options(), auto_offset_reset="earliest") as consumer:
        consumer.assign([Place(CLAIMED.name, n) for n in range(PARTITIONS)])
        left = RECORDS
        started = time.perf_counter()
        while left:
            found = await consumer.getmany(timeout_ms=1_000, max_records=2_000)
            left -= sum(len(records) for records in found.values())
        return RECORDS / (time.perf_counter() - started)


async def _measure() -> list[Result]:
    topics = [CLAIMED, UNCLAIMED, BARE]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vaultra-bench-")))
        cluster = await stack.enter_async_context(KafkaCluster.running(folder / "kafka"))
        database = await Database.open(data_dir=folder / "data")
        stack.push_async_callback(database.close)
        connection = KafkaConnection(cluster.bootstrap_servers)
        await create(connection, topics)
        claimed = await KafkaEventLog.open(connection, topics, database=database)
        stack.push_async_callback(claimed.close)
        unclaimed = await KafkaEventLog.open(connection, topics)
        stack.push_async_callback(unclaimed.close)
        bare = await _append_bare(connection)
        with_claims = await _append(claimed, CLAIMED)
        without = await _append(unclaimed, UNCLAIMED)
        read_bare = await _read_bare(connection)
        read = await _read(claimed)
    note = f"{CALLERS} callers, one message each"
    return [
        Result("Kafka: appends, ids claimed", with_claims, None, "events/s", True, note),
        Result("Kafka: appends, no claims", without, None, "events/s", True, note),
        Result(
            "Kafka: appends, ids claimed, of a bare producer's", with_claims / bare, None, "×", True, f"{bare:,.0f}/s"
        ),
        Result(
            "Kafka: reading through the port, of a bare consumer's",
            read / read_bare,
            None,
            "×",
            True,
            f"{read_bare:,.0f}/s",
        ),
    ]


def run() -> list[Result]:
    return asyncio.run(_measure())
