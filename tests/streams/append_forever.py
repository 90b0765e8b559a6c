"""A process to be killed: `append_forever.py (URL | DATA_DIR) NAME` prints every append the log has acknowledged."""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from adapters.database import Database
from streams.postgres_log import PostgresEventLog
from tests.contracts.log_kit import TOPICS, message


async def main(where: str, name: str) -> None:
    url = where if where.startswith("postgresql:") else ""
    database = await Database.open(url=url, data_dir=Path(where))
    log = await PostgresEventLog.open(database, TOPICS)

    async def write(lane: int) -> None:
        for n in count():
            batch = [message(f"{name} {lane} {n} {i}", topic="numbers", key=f"{name}{lane}") for i in range(2)]
            for one, outcome in zip(batch, await log.append(batch), strict=True):
                print(f"{one.id}\t{outcome.partition}\t{outcome.offset}", flush=True)

    await asyncio.gather(*(write(lane) for lane in range(8)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
