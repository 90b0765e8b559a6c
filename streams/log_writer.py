"""The one connection of an instance that writes to the log and listens to it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import asyncpg

from adapters.database import CONNECTION_ERRORS, Database, describe, reaching
from schemas.errors import InvalidEvent, Unavailable, VaultraError
from streams.log import Appended, TopicPartition
from streams.log_call import Append, Call, Places
from streams.log_tail import LogTail

CHANNEL = "vaultra_log"
# See the end of log.append: as long as two instances hold this, appends notify.
_BE_KNOWN = "SELECT pg_advisory_lock_shared(7809651901825838951)"
_APPEND = (
    "SELECT appended_at, offsets, duplicates, duplicate_partitions FROM "
    "log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
)
# One plan for ever, through the indexes: a plan made while the tables were empty must not outlive that.
PLANNING = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
_NO_USE_TRYING = (TimeoutError, asyncpg.QueryCanceledError, asyncpg.InsufficientResourcesError)
# Two writers met on one id under different keys, or locked in a way PostgreSQL had to break: the next try sees it.
_TRY_AGAIN = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class LogWriter:
    """Commits groups of appends and hears of those of other instances. What is durable is in the tail.

    While there is no connection, nothing is heard: `hearing` is false, `unheard` is set, and whoever reads must look
    at the table.
    """

    def __init__(self, database: Database, places: Places, tail: LogTail, patience: float) -> None:
        self._database = database
        self._instance = os.urandom(8).hex()
        self._places = places
        self._tail = tail
        self._patience = patience
        self._connecting = asyncio.Lock()
        self._connection: asyncpg.Connection | None = None
        self._append: Any = None
        self.hearing = False
        self.unheard = asyncio.Event()

    async def commit(self, appends: Sequence[Append]) -> Sequence[Sequence[Appended] | VaultraError]:
        """Append in one transaction; per append its outcomes, or the error of one that cannot stand.

        Raises Unavailable, or InvalidEvent when PostgreSQL refuses something of the group after all.
        """
        call = Call(appends, self._places)
        answer = None if call.empty else await self._perform(call.arguments)
        outcomes, fresh = call.outcomes(answer)
        self._tail.keep(fresh)
        for outcome in outcomes:
            if not isinstance(outcome, VaultraError):
                for one in outcome:
                    if one.duplicate:  # perhaps written by us and never answered
                        self._tail.reached(TopicPartition(one.topic, one.partition), one.offset + 1)
        return outcomes

    async def _perform(self, arguments: tuple[Any, ...]) -> Sequence[Any]:
        """A lost connection is tried again: what was written after all is found as duplicate."""
        for last in (False, False, True):
            try:
                await self.connect()
                answer: Sequence[Any] = await self._append.fetchrow(
                    self._instance, *arguments, timeout=self._patience + 1
                )
                return answer
            except _TRY_AGAIN as error:
                if last:
                    raise Unavailable(f"the log is contended: {describe(error)}") from error
            except CONNECTION_ERRORS as error:
                self._drop()
                if last or isinstance(error, _NO_USE_TRYING):
                    raise Unavailable(f"the log cannot be reached: {describe(error)}") from error
            except asyncpg.PostgresError as error:
                raise InvalidEvent(f"the log refuses a message: {describe(error)}") from error
        raise AssertionError("unreachable")

    async def connect(self) -> None:
        """Have a connection that hears of every append from now on. Raises Unavailable."""
        if self._connection is not None and not self._connection.is_closed():
            return
        async with self._connecting:
            if self._connection is not None and not self._connection.is_closed():
                return
            # The server gives up before we do, so that what we call unavailable is not written a minute later.
            limit = f"{self._patience * 1000:.0f}"
            connection = await self._database.connect(statement_timeout=limit, **PLANNING)
            try:
                with reaching("the log"):
                    await connection.add_listener(CHANNEL, self._heard)
                    await connection.execute(_BE_KNOWN)
                    self._append = await connection.prepare(_APPEND)
                    ends = await connection.fetch("SELECT topic, partition, next_offset FROM log.partitions")
            except BaseException:
                connection.terminate()
                raise
            connection.add_termination_listener(self._lost)
            self._connection = connection
            for topic, partition, end in ends:
                self._tail.reached(TopicPartition(topic, partition), end)
            self.catch_up()

    def catch_up(self) -> None:
        """Told that the tail's ends are those of the table: from here on what is heard is enough."""
        self.hearing = self._connection is not None and not self._connection.is_closed()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.remove_termination_listener(self._lost)
            with suppress(*CONNECTION_ERRORS):
                await connection.remove_listener(CHANNEL, self._heard)
                await connection.close(timeout=2.0)
            connection.terminate()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _lost(self, _connection: object) -> None:
        self.hearing = False
        self.unheard.set()
        self._tail.wake_all()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        writer, _, ends = str(payload).partition(" ")
        if writer == self._instance:  # readers here are told by the commit
            return
        if not ends:  # too many partitions at once for one notification
            self._lost(None)
        for item in ends.split():
            topic, partition, end = item.rsplit(":", 2)
            self._tail.reached(TopicPartition(topic, int(partition)), int(end))
