"""A process to be killed: `append_until_killed.py SERVERS PREFIX DATABASE POINT` says "frozen" at that point.

Points: `claimed` – the ids are claimed, nothing is sent; `appended` – the records stand, the claims do not know.
"""

from __future__ import annotations

import asyncio
import sys

from adapters.database import Database
from streams.kafka_claims import Claims
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_writer import KafkaWriter
from tests.contracts.event_log import TOPICS, message


async def freeze(*_: object) -> None:
    print("frozen", flush=True)
    await asyncio.Event().wait()


async def main(servers: str, prefix: str, url: str, point: str) -> None:
    if point == "claimed":
        KafkaWriter.send = freeze  # type: ignore[method-assign,assignment]
    else:
        Claims.settle = freeze  # type: ignore[method-assign]
    database = await Database.open(url=url)
    log = await KafkaEventLog.open(KafkaConnection(servers, prefix), TOPICS, database=database)
    await log.append([message(str(n), topic="numbers", key=f"key {n}") for n in range(20)])
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
