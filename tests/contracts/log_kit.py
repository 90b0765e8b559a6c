"""What tests of an event log work with: two topics, messages, and everything that stands on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby

from schemas.wire import Message
from streams.log import EventLog, Record, TopicPartition
from streams.topics import Topic

NUMBERS = Topic("numbers", 4, ())
WORDS = Topic("words", 1, ())
TOPICS = (NUMBERS, WORDS)
WORDS_0 = TopicPartition("words", 0)

# Another instance on the same log, as another process would open it. Closed after the test.
OpenLog = Callable[[], Awaitable[EventLog]]


def message(
    id: str, *, topic: str = "words", key: str = "k", tenant: str = "local", value: bytes = b"{}", **extra: str
) -> Message:
    attributes = {"specversion": "1.0", "id": id, "type": "vaultra.word.said.v1", "tenantid": tenant}
    return Message(topic, key, id, tenant, attributes, value, extra)


async def read_all(log: EventLog, *topics: str) -> list[Record]:
    """Everything on the topics now, partition by partition."""
    positions = dict(await log.earliest(topics))
    found: list[Record] = []
    while records := await log.read(positions, limit=100):
        found += records
        move_on(positions, records)
    return sorted(found, key=lambda record: (record.topic, record.partition, record.offset))


def move_on(positions: dict[TopicPartition, int], records: Sequence[Record]) -> None:
    for record in records:
        place = TopicPartition(record.topic, record.partition)
        assert record.offset == positions[place], "records come in offset order without a gap"
        positions[place] += 1


def ids(records: Sequence[Record]) -> list[str]:
    return [record.attributes["id"] for record in records]


def by_partition(records: Sequence[Record]) -> Mapping[TopicPartition, list[Record]]:
    placed = sorted(records, key=lambda record: (record.topic, record.partition, record.offset))
    grouped = groupby(placed, key=lambda record: TopicPartition(record.topic, record.partition))
    return {place: list(found) for place, found in grouped}
