"""The one connection of a process that writes to the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from adapters.database import CONNECTION_ERRORS, Database, describe
from schemas.errors import InvalidEvent, Unavailable, VaultraError
from streams.log import Appended, TopicPartition
from streams.log_call import Append, Call, Places
from streams.log_tail import LogTail

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
    """Commits groups of appends on a connection of its own, found again when lost. What is durable is in the tail."""

    def __init__(self, database: Database, instance: str, places: Places, tail: LogTail, patience: float) -> None:
        self._database = database
        self._instance = instance
        self._places = places
        self._tail = tail
        self._patience = patience
        self._connection: asyncpg.Connection | None = None

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
                connection = await self._connected()
                async with asyncio.timeout(self._patience + 1):
                    answer: Sequence[Any] = await connection.fetchrow(_APPEND, self._instance, *arguments)
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

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=2.0)
            except CONNECTION_ERRORS:
                connection.terminate()

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            # The server gives up before we do, so that what we call unavailable is not written a minute later.
            limit = f"{self._patience * 1000:.0f}"
            self._connection = await self._database.connect(statement_timeout=limit, **PLANNING)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
