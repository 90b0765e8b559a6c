"""One FastAPI server with three handlers that differ in what they store: nothing, a log record, a row.

All three read the body, make an id and answer the same. `python -m bench.append_server DATA_DIR` prints its port.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response

from adapters.database import Database
from schemas.envelope import uuid7
from schemas.wire import Message
from streams.postgres_log import PostgresEventLog
from vaultra.garbage import settle_garbage_collection

_TABLE = """
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE IF NOT EXISTS bench.inserted (
    id text PRIMARY KEY, tenant text, type text, key text, attributes jsonb, value bytea, at timestamptz DEFAULT now()
)
"""
_INSERT = "INSERT INTO bench.inserted (id, tenant, type, key, attributes, value) VALUES ($1, $2, $3, $4, $5, $6)"
TYPE = "vaultra.document.received.v1"


def message(id: str, value: bytes) -> Message:
    """An event as `schemas.wire.encode` makes it of an upload."""
    attributes = {
        "specversion": "1.0",
        "id": id,
        "type": TYPE,
        "source": "bench",
        "subject": id,
        "time": "2026-01-01T00:00:00+00:00",
        "correlationid": id,
        "tenantid": "local",
        "partitionkey": id,
    }
    return Message("uploads", id, id, "local", attributes, value)


def new_id() -> str:
    return uuid7(time.time_ns() // 1_000_000, os.urandom(10))


def create_app(log: PostgresEventLog, database: Database) -> FastAPI:
    app = FastAPI(openapi_url=None)

    async def nothing(id: str, body: bytes) -> None:
        return None

    async def append(id: str, body: bytes) -> None:
        await log.append([message(id, body)])

    async def insert(id: str, body: bytes) -> None:
        attributes = f'{{"specversion": "1.0", "id": "{id}", "type": "{TYPE}", "tenantid": "local"}}'
        async with database.pool.acquire() as connection:
            await connection.execute(_INSERT, id, "local", TYPE, id, attributes, body)

    def handler(store: Callable[[str, bytes], Awaitable[None]]) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            body = await request.body()
            id = new_id()
            await store(id, body)
            return Response(f'{{"event_id":"{id}"}}', status_code=202, media_type="application/json")

        return handle

    for store in (nothing, append, insert):
        app.post(f"/{store.__name__}", response_model=None)(handler(store))
    return app


async def main(data_dir: Path) -> None:
    database = await Database.open(data_dir=data_dir, pool_size=16)
    await database.pool.execute(_TABLE)
    log = await PostgresEventLog.open(database)
    config = uvicorn.Config(
        create_app(log, database), port=0, log_config=None, access_log=False, lifespan="off", server_header=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn gives no signal
        await asyncio.sleep(0.01)
    settle_garbage_collection()  # as the program does
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving
    await log.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
