"""`KafkaEventLog`: the log on Apache Kafka, through aiokafka. What it promises, and how: docs/adr/0008.

Offsets are gapless because facts are written without transactions and never compacted. An id stands once because
it is claimed in PostgreSQL before it is sent; without claims the log is at-least-once, as Kafka is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import datetime

from adapters.database import Database
from schemas.errors import SetupError, Unavailable, VaultraError
from schemas.wire import Message
from streams.acceptance import check
from streams.group_commit import GroupCommit
from streams.kafka_claims import Claims, Identity
from streams.kafka_compression import reuse_contexts
from streams.kafka_connection import KafkaConnection
from streams.kafka_cursors import Cursors, Ends
from streams.kafka_groups import Groups
from streams.kafka_once import Handed, OnceWriter, Wanted, again
from streams.kafka_topics import check as check_topics
from streams.log import Advance, Appended, EventLog, Record, TopicPartition
from streams.log_call import Append, Places
from streams.topics import TOPICS, Topic

_QUEUE_BYTES = 64 * 1024**2
_GROUP_BYTES = 8 * 1024**2
_GROUP_UNITS = 512
_MESSAGE_SIZE = 700
_PATIENCE = 10.0
_LOOKS = 3


class KafkaEventLog(EventLog):
    """Open it with `open`. For one event loop; several may stand on one cluster, in one process or many.

    Appends that come together share a claim and a round trip, and the next ones claim while these are on the way.
    Messages of one call become visible one by one.
    """

    def __init__(self, places: Places, ends: Ends, cursors: Cursors, groups: Groups, writer: OnceWriter) -> None:
        self._places = places
        self._ends = ends
        self._cursors = cursors
        self._groups = groups
        self._writer = writer
        self._group = GroupCommit[Append, Sequence[Handed]](
            self._hand_over,
            most_units=_GROUP_UNITS,
            most_bytes=_GROUP_BYTES,
            queue_bytes=_QUEUE_BYTES,
            patience=_PATIENCE,
        )
        self._moves = GroupCommit[Advance, None](
            self._advance,
            most_units=_GROUP_UNITS,
            most_bytes=_GROUP_BYTES,
            queue_bytes=_QUEUE_BYTES,
            patience=_PATIENCE,
        )
        self._under_way: set[asyncio.Future[None]] = set()
        self._closed = False

    @classmethod
    async def open(
        cls,
        connection: KafkaConnection,
        topics: Sequence[Topic] = TOPICS,
        *,
        database: Database | None = None,
        patience: float = 0.0,
        append_patience: float = _PATIENCE,
    ) -> KafkaEventLog:
        """The log with these topics, which must stand on Kafka; `database` keeps the claims of ids.

        A cluster that does not answer is tried again for `patience` seconds; an append that is not acknowledged within
        `append_patience` seconds is Unavailable. Raises SetupError for a missing topic,
        one with fewer partitions than declared and a refused login; Unavailable.
        """
        reuse_contexts()
        await connection.reach(patience)
        await check_topics(connection, topics)
        claims = None if database is None else await Claims.of(database, connection)
        places = Places(topics)
        everywhere = [place for topic in topics for place in places.of[topic.name]]
        async with AsyncExitStack() as undo:
            ends = await Ends.open(connection, everywhere)
            undo.push_async_callback(ends.close)
            if claims is not None:
                await _check_same(claims, ends, topics)
            cursors = Cursors(connection, ends)
            groups = await Groups.open(connection, None if claims is None else claims.alone)
            undo.push_async_callback(groups.close)
            writer = OnceWriter(connection, claims, cursors, ends, append_patience)
            await writer.start(everywhere)
            undo.pop_all()
        return cls(places, ends, cursors, groups, writer)

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        size = 0
        for message in messages:
            size += _MESSAGE_SIZE + len(message.value)
        finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._under_way.add(finished)
        try:
            handed = await self._group.submit(Append(tuple(messages), advance), size)
            appended = await self._writer.acknowledged(handed)
            if advance is not None:
                await self._moves.submit(advance, _MESSAGE_SIZE)
            return appended
        finally:
            self._under_way.discard(finished)
            finished.set_result(None)

    async def read(
        self, positions: Mapping[TopicPartition, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[Record]:
        self._check_open()
        for place in positions:
            if place not in self._places:
                raise SetupError(f"partition {place.partition} of topic {place.topic!r} is not on the log")
        if not positions:
            await asyncio.sleep(wait)
            return ()
        return await self._cursors.read(positions, limit, wait)

    async def positions(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        return await self._groups.positions(group, list(self._places.start(topics)))

    async def earliest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        return await self._ends.earliest(list(self._places.start(topics)))

    async def latest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        return await self._ends.latest(list(self._places.start(topics)))

    async def at_time(self, topics: Sequence[str], time: datetime) -> Mapping[TopicPartition, int]:
        self._check_open()
        return await self._ends.at_time(list(self._places.start(topics)), time)

    async def healthy(self) -> bool:
        if self._closed:
            return False
        first = next(iter(self._places.of))
        with suppress(Unavailable, SetupError, TimeoutError):
            async with asyncio.timeout(2.0):
                await self._ends.latest(self._places.of[first])
                return await self._writer.healthy()
        return False

    async def close(self) -> None:
        if self._closed:
            return
        await self._group.close()
        if self._under_way:
            await asyncio.wait(self._under_way)
        await self._moves.close()
        self._closed = True
        await self._writer.close()
        await self._cursors.close()
        await self._groups.close()
        await self._ends.close()

    # Appending

    async def _hand_over(self, appends: Sequence[Append]) -> Sequence[Sequence[Handed] | VaultraError]:
        """Claim and send a group; per append what became of its messages, or why it cannot stand."""
        admitted = [self._admit(append) for append in appends]
        wanted: dict[Identity, Wanted] = {}
        for rows in admitted:
            if not isinstance(rows, VaultraError):
                for identity, row in rows:
                    wanted.setdefault(identity, row)
        handed = await self._writer.hand_over(wanted)
        given: set[Identity] = set()
        return [rows if isinstance(rows, VaultraError) else _deal(rows, handed, given) for rows in admitted]

    def _admit(self, append: Append) -> list[tuple[Identity, Wanted]] | VaultraError:
        try:
            rows = []
            for message in append.messages:
                check(message)
                place = self._places.place(message)
                rows.append((Identity(message.topic, message.tenant, message.id), Wanted(place, message)))
            if append.advance is not None:
                for place, position in append.advance.positions.items():
                    if position < 0 or place not in self._places:
                        group = append.advance.group
                        raise SetupError(f"group {group} cannot advance to {position} of {place}: not on the log")
        except VaultraError as error:
            return error
        return rows

    async def _advance(self, advances: Sequence[Advance]) -> Sequence[VaultraError | None]:
        """Move positions, each group's once."""
        moves: dict[str, dict[TopicPartition, int]] = {}
        for advance in advances:
            group = moves.setdefault(advance.group, {})
            for place, position in advance.positions.items():
                group[place] = max(position, group.get(place, 0))
        failed: dict[str, VaultraError] = {}
        for name, positions in moves.items():
            try:
                await self._groups.advance(name, positions)
            except VaultraError as error:
                failed[name] = error
        return [failed.get(advance.group) for advance in advances]

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the log is closed")


async def _check_same(claims: Claims, ends: Ends, topics: Sequence[Topic]) -> None:
    """Raises SetupError when claims know of records beyond a topic's end: their ids would count as standing."""
    noted = await claims.some([topic.name for topic in topics])
    for look in range(_LOOKS):
        latest = await ends.latest(list(noted))
        lost = [place for place, offset in noted.items() if offset >= latest[place]]
        if not lost:
            return
        if look + 1 < _LOOKS:  # a partition whose leader has just changed may look shorter than it is
            await asyncio.sleep(1.0)
    raise SetupError(
        f"{lost[0].topic}/{lost[0].partition} ends at {latest[lost[0]]}, and a record was written at {noted[lost[0]]}: "
        "topics that were deleted and made anew need a new VAULTRA_KAFKA__PREFIX"
    )


def _deal(
    rows: Sequence[tuple[Identity, Wanted]], handed: Mapping[Identity, Handed], given: set[Identity]
) -> Sequence[Handed]:
    """What became of one append: an id that another append of the group brought too is a duplicate here."""
    dealt: list[Handed] = []
    for identity, _ in rows:
        dealt.append(again(handed[identity]) if identity in given else handed[identity])
        given.add(identity)
    return dealt
