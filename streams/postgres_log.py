"""`PostgresEventLog`: the log as a table, written through one server-side function (`log.append`, migration 0001)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

import asyncpg

from adapters.database import Database, reaching
from schemas.errors import SetupError, Unavailable
from schemas.wire import Message
from streams.group_commit import GroupCommit
from streams.log import Advance, Appended, EventLog, Record, TopicPartition
from streams.log_call import Append, Places, text_map
from streams.log_tail import LogTail
from streams.log_writer import PLANNING, LogWriter
from streams.topics import TOPICS, Topic

_TAIL_BYTES = 24 * 1024**2
_QUEUE_BYTES = 64 * 1024**2
_GROUP_BYTES = 8 * 1024**2
_GROUP_UNITS = 512
# What a message takes besides its value, about.
_MESSAGE_SIZE = 700
_READ_BYTES = 32 * 1024**2
_PATIENCE = 10.0
# Seconds between looks at the table: while appends are heard of, and while there is no connection to hear them.
_HEARTBEAT = 5.0
_LOOK_AGAIN = 0.3
_TOPIC_NAME = re.compile(r"[A-Za-z0-9._-]{1,249}")

_READ = """
SELECT topic, partition, "offset", appended_at, key, attributes, value, extra FROM (
    SELECT e.topic, e.partition, e."offset", e.appended_at, e.key, e.attributes, e.extra, w.ord,
        CASE WHEN $6 THEN e.value END AS value,
        sum(coalesce(octet_length(e.value), 0)) OVER (ORDER BY w.ord, e."offset") - coalesce(octet_length(e.value), 0)
            AS before
    FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS w (topic, partition, lo, hi, ord)
    CROSS JOIN LATERAL (
        SELECT * FROM log.events v
        WHERE v.topic = w.topic AND v.partition = w.partition AND v."offset" >= w.lo AND v."offset" < w.hi
        ORDER BY v."offset"
    ) e
) found
WHERE before < $5
ORDER BY ord, "offset"
"""


class PostgresEventLog(EventLog):
    """Open it with `open`. For one event loop; several may stand on one database, in one process or many.

    Concurrent appends share transactions (group commit). Readers in this process are served from memory where
    possible, readers elsewhere are woken by NOTIFY. Positions of a group never go back.
    """

    def __init__(
        self,
        database: Database,
        topics: Sequence[Topic],
        readers: asyncpg.Pool,
        *,
        tail_bytes: int,
        queue_bytes: int,
        patience: float,
    ) -> None:
        self._database = database
        self._places = Places(topics)
        self._readers = readers
        self._tail = LogTail(tail_bytes)
        self._writer = LogWriter(database, self._places, self._tail, patience)
        self._group = GroupCommit[Append, Sequence[Appended]](
            self._writer.commit,
            most_units=_GROUP_UNITS,
            most_bytes=_GROUP_BYTES,
            queue_bytes=queue_bytes,
            patience=patience,
        )
        self._turn = 0
        self._closed = False
        self._connected = asyncio.create_task(self._stay_connected(), name="log connection")

    @classmethod
    async def open(
        cls,
        database: Database,
        topics: Sequence[Topic] = TOPICS,
        *,
        tail_bytes: int = _TAIL_BYTES,
        queue_bytes: int = _QUEUE_BYTES,
        patience: float = _PATIENCE,
    ) -> PostgresEventLog:
        """The log with these topics, made where they are missing.

        `tail_bytes` of the newest records are kept in memory; appends wait when `queue_bytes` are queued already.
        Raises SetupError for a topic that stands with another number of partitions: changing it would move keys.
        """
        for topic in topics:
            if not _TOPIC_NAME.fullmatch(topic.name):
                raise SetupError(f"{topic.name!r} is no name for a topic: letters, digits, dot, dash, underscore")
        with reaching("the log"):
            refused = await database.pool.fetch(
                "SELECT * FROM log.declare($1, $2)", [t.name for t in topics], [t.partitions for t in topics]
            )
            if refused:
                row = refused[0]
                raise SetupError(
                    f"topic {row['topic']} stands on the log with {row['standing']} partitions, {row['declared']} are "
                    "declared: the number cannot change, keys would move"
                )
            readers = await asyncpg.create_pool(
                database.dsn,
                min_size=1,
                max_size=4,
                timeout=_PATIENCE,
                command_timeout=_PATIENCE,
                reset=_keep_as_is,
                server_settings=database.settings(**PLANNING),
            )
        return cls(database, topics, readers, tail_bytes=tail_bytes, queue_bytes=queue_bytes, patience=patience)

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        size = 0
        for message in messages:
            size += _MESSAGE_SIZE + len(message.value)
        return await self._group.submit(Append(tuple(messages), advance), size)

    async def read(
        self, positions: Mapping[TopicPartition, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[Record]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        for place in positions:
            if place not in self._places:
                raise SetupError(f"partition {place.partition} of topic {place.topic!r} is not on the log")
        while True:
            self._check_open()
            if not self._writer.hearing:
                await self._refresh({place.topic for place in positions})
            found = await self._read_now(positions, limit, values)
            left = deadline - loop.time()
            if found or left <= 0 or self._closed:
                return found
            await self._tail.wait(positions, left if self._writer.hearing else min(left, _LOOK_AGAIN))
            if self._closed:
                return ()

    async def _read_now(self, positions: Mapping[TopicPartition, int], limit: int, values: bool) -> Sequence[Record]:
        found: list[Record] = []
        absent: list[tuple[TopicPartition, int, int]] = []
        for place, start, end in self._shares(positions, limit):
            run = self._tail.run(place, start, end - start)
            found += run
            if not run:
                absent.append((place, start, end))
        if absent:
            found += await self._fetch(absent, values)
        return found

    def _shares(self, positions: Mapping[TopicPartition, int], limit: int) -> Iterable[tuple[TopicPartition, int, int]]:
        """(partition, first, end) to read: every partition with something to read gets its share of the limit."""
        due = [(place, start, end) for place, start in positions.items() if (end := self._tail.end(place)) > start]
        if len(due) > 1:  # another one is first each time, so that none starves under a small limit
            self._turn = (self._turn + 1) % len(due)
            due = due[self._turn :] + due[: self._turn]
        for index, (place, start, end) in enumerate(due):
            share = min(end - start, -(-limit // (len(due) - index)))
            if share <= 0:
                return
            limit -= share
            yield place, start, start + share

    async def _query(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Rows. A connection that was cut while idle is tried again on a fresh one."""
        with reaching("the log"):
            try:
                rows: list[asyncpg.Record] = await self._readers.fetch(sql, *arguments)
            except (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InterfaceError):
                rows = await self._readers.fetch(sql, *arguments)
        return rows

    async def _fetch(self, wanted: Sequence[tuple[TopicPartition, int, int]], values: bool) -> list[Record]:
        rows = await self._query(
            _READ,
            [place.topic for place, _, _ in wanted],
            [place.partition for place, _, _ in wanted],
            [start for _, start, _ in wanted],
            [end for _, _, end in wanted],
            _READ_BYTES,
            values,
        )
        return [
            Record(topic, partition, offset, appended_at, key, text_map(attributes), value, text_map(extra))
            for topic, partition, offset, appended_at, key, attributes, value, extra in rows
        ]

    async def positions(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        rows = await self._query(
            "SELECT topic, partition, next_offset FROM log.positions WHERE consumer_group = $1 AND topic = ANY($2)",
            group,
            list(topics),
        )
        return self._places.start(topics) | {TopicPartition(row[0], row[1]): row[2] for row in rows}

    async def earliest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        return self._places.start(topics)

    async def latest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        places = self._places.start(topics)
        await self._refresh(topics)
        return {place: self._tail.end(place) for place in places}

    async def at_time(self, topics: Sequence[str], time: datetime) -> Mapping[TopicPartition, int]:
        self._check_open()
        places = self._places.start(topics)
        rows = await self._query(
            "SELECT topic, partition, log.offset_at(topic, partition, $2) FROM log.partitions WHERE topic = ANY($1)",
            list(topics),
            time,
        )
        return places | {TopicPartition(row[0], row[1]): row[2] for row in rows}

    async def healthy(self) -> bool:
        return not self._closed and await self._database.healthy()

    async def close(self) -> None:
        if self._closed:
            return
        await self._group.close()
        self._closed = True
        self._tail.wake_all()
        self._connected.cancel()
        with suppress(asyncio.CancelledError):
            await self._connected
        await self._writer.close()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._readers.close()
        except TimeoutError:
            self._readers.terminate()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the log is closed")

    async def _refresh(self, topics: Iterable[str]) -> None:
        rows = await self._query(
            "SELECT topic, partition, next_offset FROM log.partitions WHERE topic = ANY($1)", list(topics)
        )
        for row in rows:
            self._tail.reached(TopicPartition(row[0], row[1]), row[2])

    async def _stay_connected(self) -> None:
        """Hear of other instances' appends, also after the connection broke, and look now and then all the same."""
        while True:
            self._writer.unheard.clear()
            try:
                await self._writer.connect()
                await self._refresh(self._places.of)
                self._writer.catch_up()
            except Unavailable:
                await asyncio.sleep(_LOOK_AGAIN)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(_HEARTBEAT):
                    await self._writer.unheard.wait()


async def _keep_as_is(_connection: asyncpg.Connection) -> None:
    """Connections of this pool only read: there is nothing to reset, and resetting costs a round trip."""
