"""A projection process for the tests: `python -m tests.kafka.projecting BOOTSTRAP_SERVERS PREFIX DATABASE_URL`."""

from __future__ import annotations

import asyncio
import sys

import structlog

from adapters.database import Database
from projections.runner import ProjectionRunner
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from tests.kafka.stages import PROJECTION, TOPICS
from vaultra.serving import stop_signals


async def project(bootstrap_servers: str, prefix: str, database_url: str) -> None:
    stop = asyncio.Event()
    with stop_signals(stop.set):
        database = await Database.open(url=database_url)
        log = await KafkaEventLog.open(KafkaConnection(bootstrap_servers, prefix=prefix), TOPICS)
        # Small batches: there is to be something between two commits to kill.
        runner = ProjectionRunner(database.pool, log, [PROJECTION], batch=5)
        await runner.start()
        print("projecting", flush=True)
        await stop.wait()
        await runner.stop()
        await log.close()
        await database.close()


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(project(*sys.argv[1:]))
