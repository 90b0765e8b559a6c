"""A stage slower than what comes in: the backlog waits in Kafka, and the worker does not grow with it."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from adapters.database import Database
from deploy.kafka.cluster import KafkaCluster
from schemas.wire import Message
from tests.kafka.length import FULL, either
from tests.kafka.scene import Scene, Worker
from tests.streams.stage_kit import ping

pytestmark = pytest.mark.timeout(900 if FULL else 300)

PADDING = bytes(random.choices(b" \t\n\r", k=100_000))
LOT = 50


def padded(number: int) -> Message:
    """A ping of 100 kB: a backlog of such would be seen in a worker's memory."""
    small = ping(number, f"job-{number % 8}")
    return small._replace(value=small.value + PADDING)


def resident(worker: Worker) -> int:
    """Bytes of memory."""
    return int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("worker", ["faust", "aiokafka"])
async def test_memory_is_flat_when_the_backlog_grows(
    kafka: KafkaCluster, prefix: str, tmp_path: Path, database: Database, worker: str
) -> None:
    config = {"worker": worker, "database": database.dsn}
    async with Scene.on(kafka, prefix, tmp_path, claims=database, config=config) as scene:
        count = either(3000, 1000)
        slow = scene.start(seconds=dict.fromkeys(range(count), 0.02))
        await scene.append([padded(number) for number in range(LOT)])
        await scene.settled()
        before = highest = resident(slow)
        longest = 0
        for first in range(LOT, count, LOT):
            await scene.append([padded(number) for number in range(first, first + LOT)])
            highest = max(highest, resident(slow))
            longest = max(longest, await scene.lag())
        async with asyncio.timeout(either(600, 120)):
            while await scene.lag():
                highest = max(highest, resident(slow))
                await asyncio.sleep(0.1)
        assert longest > count / 4, "it was no backlog"
        # Lanes and the fetches ahead of them hold some MB a partition, however long the backlog (100 MB and more) is.
        assert highest - before < 64 * 1024**2, f"{before >> 20} MiB grew to {highest >> 20} MiB"
        await scene.check(database)
