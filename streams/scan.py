"""Going over what stands on topics of the log, once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from streams.log import EventLog, Record, TopicPartition

_BATCH = 2000


async def scan(log: EventLog, topics: Sequence[str], *, last: int | None = None) -> AsyncIterator[Record]:
    """Every record of the topics that stood there when the scan began, per partition in order.

    `last`: only so many at the end of each partition, which hold the newest so many of all.
    """
    end = await log.latest(topics)
    positions = dict(await log.earliest(topics))
    if last is not None:
        positions = {place: max(first, end[place] - last) for place, first in positions.items()}
    open_places = {place for place in positions if positions[place] < end[place]}
    while open_places:
        records = await log.read({place: positions[place] for place in open_places}, limit=_BATCH)
        if not records:
            return
        for record in records:
            place = TopicPartition(record.topic, record.partition)
            positions[place] = record.offset + 1
            if record.offset < end[place]:
                yield record
        open_places = {place for place in open_places if positions[place] < end[place]}
