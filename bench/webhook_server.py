"""The API thrice in one process, over logs that differ in what they store: the event log, nothing, a row a request.

`python -m bench.webhook_server DATA_DIR` prints the three ports.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from pydantic_core import to_json

from adapters.blob_store import LocalBlobStore
from adapters.database import Database
from adapters.vision.intake import PillowPictureReader
from api.app import create_app
from api.auth import LocalAuthenticator
from api.services import ApiServices
from bench.webhook_load import SECRET
from projections.catalogue import PROJECTIONS
from projections.waiting import Progress
from schemas.wire import Message
from streams.log import Advance, Appended, EventLog
from streams.memory_log import MemoryEventLog
from streams.postgres_log import PostgresEventLog
from vaultra.garbage import settle_garbage_collection

_TABLE = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.inserted (
    id text PRIMARY KEY, tenant text, type text, key text, attributes jsonb, value bytea, at timestamptz DEFAULT now()
)
"""
_INSERT = (
    "INSERT INTO bench.inserted (id, tenant, type, key, attributes, value) VALUES ($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT DO NOTHING"
)


class StoringNothing(MemoryEventLog):
    """Says that it appended."""

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        return [Appended(message.topic, 0, 0, False) for message in messages]


class InsertingRows(MemoryEventLog):
    """One INSERT and commit a request, on a pool of connections, as most webhook receivers do it."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        (one,) = messages
        attributes = to_json(one.attributes).decode()
        async with self._database.pool.acquire() as connection:
            done = await connection.execute(
                _INSERT, one.id, one.tenant, one.attributes["type"], one.key, attributes, one.value
            )
        return [Appended(one.topic, 0, 0, done == "INSERT 0 0")]


async def main(data_dir: Path) -> None:
    database = await Database.open(data_dir=data_dir, pool_size=16)
    await database.pool.execute(_TABLE)
    log = await PostgresEventLog.open(database)
    logs: tuple[EventLog, ...] = (log, StoringNothing(), InsertingRows(database))
    ports, servers = [], []
    for each in logs:
        services = ApiServices(
            log=each,
            blobs=LocalBlobStore(data_dir / "blobs"),
            pictures=PillowPictureReader(),
            database=database.pool,
            progress=Progress(database.pool, PROJECTIONS),
            authenticator=LocalAuthenticator("127.0.0.1"),
            clock=lambda: datetime.now(UTC),
            randomness=os.urandom,
            local=True,
            signing_secrets={"platform": (SECRET,)},
        )
        config = uvicorn.Config(
            create_app(services), port=0, log_config=None, access_log=False, lifespan="off", server_header=False
        )
        server = uvicorn.Server(config)
        servers.append(asyncio.create_task(server.serve()))
        while not server.started:  # noqa: ASYNC110 - uvicorn gives no signal
            await asyncio.sleep(0.01)
        ports.append(server.servers[0].sockets[0].getsockname()[1])
    settle_garbage_collection()  # as the program does
    print(json.dumps(ports), flush=True)
    await asyncio.gather(*servers)
    await log.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
