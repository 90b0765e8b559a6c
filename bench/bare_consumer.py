"""A bare aiokafka consumer, in a process that has none of our code in its way: what Kafka alone allows.

python -m bench.bare_consumer BOOTSTRAP_SERVERS EVENTS TOPIC/PARTITION …     # prints its events/s
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as Place

from vaultra.garbage import settle_garbage_collection


async def bare_rate(bootstrap_servers: str, events: int, places: Sequence[str]) -> float:
    """Events/s at which it reads so many events, which are all of these partitions, each named `topic/partition`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, bootstrap_servers, str(events), *places, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return float(printed)


async def _read(bootstrap_servers: str, events: int, places: Sequence[Place]) -> float:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest")
    await consumer.start()
    try:
        left = events
        settle_garbage_collection()  # as the process of the projection does
        started = time.perf_counter()
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        while left > 0:
            left -= sum(map(len, (await consumer.getmany(timeout_ms=1000, max_records=1000)).values()))
        return events / (time.perf_counter() - started)
    finally:
        await consumer.stop()


def _place(written: str) -> Place:
    topic, _, partition = written.rpartition("/")
    return Place(topic, int(partition))


if __name__ == "__main__":
    print(asyncio.run(_read(sys.argv[1], int(sys.argv[2]), [_place(written) for written in sys.argv[3:]])))
