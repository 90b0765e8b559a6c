"""The right to run a consumer group in this process alone."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Protocol

import asyncpg
import structlog

from adapters.database import CONNECTION_ERRORS, Database, reaching

# Seconds for an answer of the database; more would eat into the grace of a stop.
_PATIENCE = 2.0

log = structlog.get_logger(__name__)


class Lease(Protocol):
    """Held a group at a time. Losing one is not dangerous – positions only move forward and ids are written once –
    but two processes on one group do everything twice."""

    async def acquire(self, group: str) -> None:
        """Wait until the group is this process's. Raises Unavailable."""

    def held(self, group: str) -> bool:
        """Whether it still is: false once the connection that held it is gone."""

    async def release(self, group: str) -> None:
        """Let another process have it. Harmless when it is not held."""

    async def close(self) -> None:
        """Release everything."""


class SoleProcess(Lease):
    """For a log that lives in this process: nobody else could run the group."""

    async def acquire(self, group: str) -> None:
        return

    def held(self, group: str) -> bool:
        return True

    async def release(self, group: str) -> None:
        return

    async def close(self) -> None:
        return


class PostgresLease(Lease):
    """Session-level advisory locks on one connection of its own: they go when the process or the connection does."""

    def __init__(self, database: Database, *, poll: float = 0.5) -> None:
        self._database = database
        self._poll = poll
        self._connection: asyncpg.Connection | None = None
        self._held: set[str] = set()
        self._turn = asyncio.Lock()

    async def acquire(self, group: str) -> None:
        waiting = False
        while not await self._try(group):
            if not waiting:
                log.warning("another process runs this stage; waiting for it to leave", stage=group)
                waiting = True
            await asyncio.sleep(self._poll)

    async def _try(self, group: str) -> bool:
        async with self._turn:
            if self._connection is None or self._connection.is_closed():
                self._held.clear()
                self._connection = await self._database.connect(idle_session_timeout="0")
            if group not in self._held:
                with reaching("the lease"):
                    got = await self._connection.fetchval(
                        "SELECT pg_try_advisory_lock($1)", _lock_number(group), timeout=_PATIENCE
                    )
                if not got:
                    return False
                self._held.add(group)
            return True

    def held(self, group: str) -> bool:
        return self._connection is not None and not self._connection.is_closed() and group in self._held

    async def release(self, group: str) -> None:
        async with self._turn:
            if self._connection is None or not self.held(group):
                return
            self._held.discard(group)
            try:
                await self._connection.execute("SELECT pg_advisory_unlock($1)", _lock_number(group), timeout=_PATIENCE)
            except CONNECTION_ERRORS:
                self._connection.terminate()

    async def close(self) -> None:
        async with self._turn:
            self._held.clear()
            if self._connection is not None:
                connection, self._connection = self._connection, None
                try:
                    await connection.close(timeout=_PATIENCE)
                except CONNECTION_ERRORS:
                    connection.terminate()


def _lock_number(group: str) -> int:
    """A signed 64-bit number for a group's name, apart from other users of advisory locks by its prefix."""
    digest = hashlib.sha256(f"vaultra/group/{group}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
