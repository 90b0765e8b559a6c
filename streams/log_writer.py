"""From messages to one call of `log.append`, and its outcome back to positions and kept records."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg
from pydantic_core import from_json, to_json

from adapters.database import CONNECTION_ERRORS, Database, describe
from schemas.errors import InvalidEvent, SetupError, Unavailable
from schemas.wire import Message
from streams.acceptance import check
from streams.log import Advance, Appended, Record, TopicPartition
from streams.log_tail import LogTail
from streams.partitioner import partition_of

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
_NOTHING: Mapping[str, str] = {}
_NO_USE_TRYING = (TimeoutError, asyncpg.QueryCanceledError, asyncpg.InsufficientResourcesError)
# Two writers met on one id under different keys, or locked in a way PostgreSQL had to break: the next try sees it.
_TRY_AGAIN = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)


class Row(NamedTuple):
    """A message as the columns of `log.append`."""

    place: TopicPartition
    key: str
    tenant: str
    id: str
    type: str
    attributes: str
    extra: str | None
    value: bytes
    message: Message


@dataclass(frozen=True, slots=True)
class Batch:
    """One call of `append`. `size` in bytes, about."""

    rows: Sequence[Row]
    advance: Advance | None
    size: int

    @property
    def empty(self) -> bool:
        return not self.rows and self.advance is None


def columns_of(messages: Sequence[Message], advance: Advance | None, partitions: Mapping[str, int]) -> Batch:
    """Messages checked and placed. Raises SetupError for an unknown topic, InvalidEvent for what no log can hold."""
    rows = [_row(message, partitions) for message in messages]
    if advance is not None:
        for place, position in advance.positions.items():
            if position < 0 or not 0 <= place.partition < partitions.get(place.topic, 0):
                raise SetupError(f"group {advance.group} cannot advance to {position} of {place}: not on the log")
    size = 200 + sum(len(row.value) + len(row.attributes) for row in rows)
    return Batch(rows, advance, size)


def _row(message: Message, partitions: Mapping[str, int]) -> Row:
    count = partitions.get(message.topic)
    if count is None:
        raise SetupError(f"topic {message.topic!r} is not on the log")
    check(message)
    attributes = to_json(message.attributes).decode()
    extra = to_json(message.extra).decode() if message.extra else None
    place = TopicPartition(message.topic, partition_of(message.key, count))
    return Row(
        place,
        message.key,
        message.tenant,
        message.id,
        message.attributes.get("type", ""),
        attributes,
        extra,
        message.value,
        message,
    )


def text_map(text: str | None) -> Mapping[str, str]:
    """A stored JSON object of strings."""
    if text is None:
        return _NOTHING
    found: Mapping[str, str] = from_json(text)
    return found


class LogWriter:
    """Commits batches on a connection of its own, found again when lost. What is durable goes to the tail."""

    def __init__(self, database: Database, instance: str, tail: LogTail, patience: float) -> None:
        self._database = database
        self._instance = instance
        self._tail = tail
        self._patience = patience
        self._connection: asyncpg.Connection | None = None

    async def commit(self, batches: Sequence[Batch]) -> Sequence[Sequence[Appended]]:
        """Append batches in one transaction. Raises Unavailable, or InvalidEvent when PostgreSQL refuses the content.

        A lost connection is tried again once: what was written after all is found as duplicate.
        """
        call = _Call(batches)
        for last in (False, False, True):
            try:
                connection = await self._connected()
                async with asyncio.timeout(self._patience + 1):
                    outcome = await connection.fetchrow(_APPEND, self._instance, *call.arguments)
            except _TRY_AGAIN as error:
                if last:
                    raise Unavailable(f"the log is contended: {describe(error)}") from error
            except CONNECTION_ERRORS as error:
                self._drop()
                if last or isinstance(error, _NO_USE_TRYING):
                    raise Unavailable(f"the log cannot be reached: {describe(error)}") from error
            except asyncpg.PostgresError as error:
                raise InvalidEvent(f"the log refuses a message: {describe(error)}") from error
            else:
                return call.settle(outcome, self._tail)
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


class _Call:
    """The arguments of one call for several batches, and the way back."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = batches
        index: dict[tuple[str, str, str], int] = {}
        self._rows: list[Row] = []
        self._indexes: list[int] = []
        for batch in batches:
            for row in batch.rows:
                identity = (row.id, row.tenant, row.place.topic)
                at = index.setdefault(identity, len(self._rows))
                if at == len(self._rows):
                    self._rows.append(row)
                self._indexes.append(at)
        places = sorted({row.place for row in self._rows})
        number = {place: n for n, place in enumerate(places, 1)}
        moves: dict[tuple[str, TopicPartition], int] = {}
        for batch in batches:
            if batch.advance is not None:
                for place, position in batch.advance.positions.items():
                    move = (batch.advance.group, place)
                    moves[move] = max(position, moves.get(move, 0))
        rows = self._rows
        self.arguments: tuple[Any, ...] = (
            [place.topic for place in places],
            [place.partition for place in places],
            [number[row.place] for row in rows],
            [row.key for row in rows],
            [row.tenant for row in rows],
            [row.id for row in rows],
            [row.type for row in rows],
            [row.attributes for row in rows],
            [row.extra for row in rows],
            [row.value for row in rows],
            [group for group, _ in moves],
            [place.topic for _, place in moves],
            [place.partition for _, place in moves],
            list(moves.values()),
        )

    def settle(self, outcome: Any, tail: LogTail) -> Sequence[Sequence[Appended]]:
        appended_at, offsets, duplicates, duplicate_partitions = outcome
        standing: list[Appended] = []
        elsewhere = dict(zip(duplicates or (), duplicate_partitions or (), strict=True))
        for n, (row, offset) in enumerate(zip(self._rows, offsets or (), strict=True), 1):
            topic, partition = row.place
            if n in elsewhere:
                place = TopicPartition(topic, elsewhere[n])
                standing.append(Appended(topic, place.partition, offset, True))
            else:
                place = row.place
                standing.append(Appended(topic, partition, offset, False))
                message = row.message
                tail.keep(
                    Record(
                        topic,
                        partition,
                        offset,
                        appended_at,
                        row.key,
                        message.attributes,
                        row.value,
                        message.extra,
                    )
                )
            tail.reached(place, offset + 1)
        return self._deal(standing)

    def _deal(self, standing: Sequence[Appended]) -> Sequence[Sequence[Appended]]:
        """Outcomes batch by batch; the second and later of one id in a group are duplicates of the first."""
        dealt: list[list[Appended]] = []
        given: set[int] = set()
        position = 0
        for batch in self._batches:
            outcomes: list[Appended] = []
            for at in self._indexes[position : position + len(batch.rows)]:
                one = standing[at]
                if at in given and not one.duplicate:
                    one = Appended(one.topic, one.partition, one.offset, True)
                given.add(at)
                outcomes.append(one)
            position += len(batch.rows)
            dealt.append(outcomes)
        return dealt
