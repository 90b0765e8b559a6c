"""`MemoryEventLog`: the log in memory, with the semantics of the durable ones. For tests and throw-away runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from schemas.errors import Unavailable
from schemas.wire import Message
from streams.acceptance import check
from streams.log import Advance, Appended, EventLog, Record, TopicPartition
from streams.partitioner import partition_of
from streams.topics import TOPICS, Topic


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryEventLog(EventLog):
    """Topics as lists of records. Gapless offsets, deduplication by (topic, tenant, id), group positions, wake-up.

    Topics that are not handed in (retries, dead letters) come into being with one partition when first named.
    `clock` gives `Record.appended_at` (aware, UTC). Not thread-safe: for one event loop.
    """

    def __init__(self, topics: Iterable[Topic] = TOPICS, *, clock: Callable[[], datetime] = _now) -> None:
        self._clock = clock
        self._partitions = {topic.name: topic.partitions for topic in topics}
        self._records: dict[TopicPartition, list[Record]] = {}
        self._seen: dict[tuple[str, str, str], Appended] = {}
        self._groups: dict[str, dict[TopicPartition, int]] = {}
        self._wake = asyncio.Event()
        self._closed = False

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        self._check_open()
        for message in messages:
            check(message)
        outcomes = [self._append_one(message) for message in messages]
        if advance is not None:
            self._advance(advance)
        if any(not outcome.duplicate for outcome in outcomes):
            self._wake.set()
            self._wake = asyncio.Event()
        return outcomes

    def _append_one(self, message: Message) -> Appended:
        identity = (message.topic, message.tenant, message.id)
        before = self._seen.get(identity)
        if before is not None:
            return Appended(before.topic, before.partition, before.offset, duplicate=True)
        place = TopicPartition(message.topic, partition_of(message.key, self._count(message.topic)))
        records = self._records.setdefault(place, [])
        records.append(
            Record(
                topic=place.topic,
                partition=place.partition,
                offset=len(records),
                appended_at=self._clock(),
                key=message.key,
                attributes=dict(message.attributes),
                value=message.value,
                extra=dict(message.extra),
            )
        )
        outcome = Appended(place.topic, place.partition, len(records) - 1, duplicate=False)
        self._seen[identity] = outcome
        return outcome

    def _advance(self, advance: Advance) -> None:
        """Positions only move forward: what is late from an earlier owner of the group changes nothing."""
        group = self._groups.setdefault(advance.group, {})
        for place, offset in advance.positions.items():
            group[place] = max(offset, group.get(place, 0))

    async def read(
        self, positions: Mapping[TopicPartition, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[Record]:
        self._check_open()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            woken = self._wake
            found = self._read_now(positions, limit)
            left = deadline - loop.time()
            if found or left <= 0 or self._closed:
                return found if values else [record._replace(value=None) for record in found]
            try:
                async with asyncio.timeout(left):
                    await woken.wait()
            except TimeoutError:
                return self._read_now(positions, limit)

    def _read_now(self, positions: Mapping[TopicPartition, int], limit: int) -> list[Record]:
        """Every partition with something to read gets its share of the limit, so that none starves."""
        held = [(self._records.get(place, []), offset) for place, offset in positions.items()]
        due = [(records, offset) for records, offset in held if offset < len(records)]
        found: list[Record] = []
        for index, (records, offset) in enumerate(due):
            share = -(-(limit - len(found)) // (len(due) - index))
            found.extend(records[offset : offset + share])
        return found

    async def positions(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        held = self._groups.get(group, {})
        return {place: held.get(place, 0) for place in self._places(topics)}

    async def earliest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        return dict.fromkeys(self._places(topics), 0)

    async def latest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        self._check_open()
        return {place: len(self._records.get(place, ())) for place in self._places(topics)}

    async def at_time(self, topics: Sequence[str], time: datetime) -> Mapping[TopicPartition, int]:
        self._check_open()
        found: dict[TopicPartition, int] = {}
        for place in self._places(topics):
            records = self._records.get(place, [])
            later = (record.offset for record in records if record.appended_at >= time)
            found[place] = next(later, len(records))
        return found

    async def healthy(self) -> bool:
        return not self._closed

    async def close(self) -> None:
        self._closed = True
        self._wake.set()

    def _count(self, topic: str) -> int:
        return self._partitions.setdefault(topic, 1)

    def _places(self, topics: Sequence[str]) -> list[TopicPartition]:
        return [TopicPartition(topic, partition) for topic in topics for partition in range(self._count(topic))]

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the log is closed")
