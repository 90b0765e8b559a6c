"""A process to be killed: `append_until_killed.py SERVERS PREFIX DATABASE POINT` says "frozen" at that point.

Points: `claimed` – the ids are claimed, nothing is sent; `appended` – the records stand, the claims do not know.
A fifth argument `diverted` appends deliveries that were put off in place of events.
"""

from __future__ import annotations

import asyncio
import sys

from adapters.database import Database
from schemas.wire import Message
from streams.kafka_claims import Claims
from streams.kafka_connection import KafkaConnection
from streams.kafka_log import KafkaEventLog
from streams.kafka_writer import KafkaWriter
from tests.contracts.log_kit import TOPICS, message

NUMBERED = [message(str(n), topic="numbers", key=f"key {n}") for n in range(20)]
# They stand under other ids than their event's, and under a tenant where that names none.
DIVERTED = [
    Message("numbers", "k", "delivery 1", "local", {"id": "e", "tenantid": "local"}, b"", {"delivery": "delivery 1"}),
    Message("numbers", "k", "delivery 2", "unknown", {"id": "e"}, b"", {"delivery": "delivery 2"}),
]


async def freeze(*_: object) -> None:
    print("frozen", flush=True)
    await asyncio.Event().wait()


async def main(servers: str, prefix: str, url: str, point: str, what: str) -> None:
    if point == "claimed":
        KafkaWriter.send = freeze
    else:
        Claims.settle = freeze
    database = await Database.open(url=url)
    log = await KafkaEventLog.open(KafkaConnection(servers, prefix), TOPICS, database=database)
    await log.append(DIVERTED if what == "diverted" else NUMBERED)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
