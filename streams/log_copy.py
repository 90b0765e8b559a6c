"""Carrying a history from one log to another: every record at its own partition and offset, with its time.

What stands on the target already must be the beginning of the source, byte for byte; the copy goes on from there, so
one that was interrupted is run again. Each partition is read back and compared by hash. Positions follow the records.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pydantic_core import to_json

from schemas.errors import SetupError, VaultraError
from streams.log import EventLog, Record, TopicPartition
from streams.topics import Topic

_BATCH = 1_000
_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime.fromtimestamp(0, UTC)


class CopyFailed(VaultraError):
    """The target is not what was copied, or the source went on meanwhile. The message says which and where."""


class HistoryTarget(Protocol):
    """A log that takes records as they stood elsewhere."""

    @property
    def log(self) -> EventLog: ...

    async def restore(self, place: TopicPartition, records: Sequence[Record]) -> None:
        """Write records at the end of a partition, each at its offset. Raises CopyFailed when it is not free."""


@dataclass(frozen=True, slots=True)
class CopiedPartition:
    """A partition that is the same on both sides. `digest` is the SHA-256 of all its `records`; `copied` were new."""

    place: TopicPartition
    records: int
    copied: int
    digest: str


async def copy_history(
    source: EventLog,
    target: HistoryTarget,
    topics: Sequence[Topic],
    *,
    progress: Callable[[CopiedPartition], None] = lambda partition: None,
) -> list[CopiedPartition]:
    """Copy what stands on the source when called. Give it a source that nobody writes to.

    Raises SetupError before anything is written when the target holds something else; CopyFailed.
    """
    names = [topic.name for topic in topics]
    begins, ends = await source.earliest(names), await source.latest(names)
    standing = await target.log.latest(names)
    for place, end in ends.items():
        if begins[place]:
            raise SetupError(f"{_words(place)} of the source begins at {begins[place]}: its first records are gone")
        if standing[place] > end:
            raise SetupError(f"{_words(place)} of the target holds {standing[place]} records, the source only {end}")
    prefixes = {
        place: await _same_beginning(source, target.log, place, count) for place, count in standing.items() if count
    }
    copied: list[CopiedPartition] = []
    for place, end in ends.items():
        if end:
            copied.append(await _copy_partition(source, target, place, prefixes.get(place), standing[place], end))
            progress(copied[-1])
    if await source.latest(names) != ends:
        raise CopyFailed("the source was written to meanwhile: stop what writes to it and run the copy again")
    return copied


async def _same_beginning(source: EventLog, target: EventLog, place: TopicPartition, count: int) -> hashlib._Hash:
    there = hashlib.sha256()
    here = hashlib.sha256()
    for log, digest in ((target, there), (source, here)):
        async for records in _pages(log, place, 0, count):
            _add(digest, records)
    if there.digest() != here.digest():
        raise SetupError(f"{_words(place)} of the target is not the beginning of the source's: copy into an empty log")
    return here


async def _copy_partition(
    source: EventLog, target: HistoryTarget, place: TopicPartition, prefix: hashlib._Hash | None, start: int, end: int
) -> CopiedPartition:
    here = prefix or hashlib.sha256()
    there = here.copy()
    async for records in _pages(source, place, start, end):
        _add(here, records)
        await target.restore(place, records)
    async for records in _pages(target.log, place, start, end):
        _add(there, records)
    if here.digest() != there.digest():
        raise CopyFailed(f"{_words(place)} reads back differently from what was copied")
    return CopiedPartition(place, end, end - start, here.hexdigest())


async def _pages(log: EventLog, place: TopicPartition, start: int, end: int) -> AsyncIterator[list[Record]]:
    position = start
    while position < end:
        found = await log.read({place: position}, limit=min(_BATCH, end - position))
        if not found or found[0].offset != position:
            raise CopyFailed(f"{_words(place)} has no record {position}")
        yield list(found)
        position = found[-1].offset + 1


def _add(digest: hashlib._Hash, records: Sequence[Record]) -> None:
    """Everything that is kept of a record; times to the millisecond, which is what Kafka keeps."""
    for record in records:
        named = (
            record.offset,
            record.key,
            (record.appended_at - _EPOCH) // _MILLISECOND,
            sorted(record.attributes.items()),
            sorted(record.extra.items()),
            None if record.value is None else len(record.value),
        )
        digest.update(to_json(named))
        digest.update(record.value or b"")


def _words(place: TopicPartition) -> str:
    return f"partition {place.partition} of topic {place.topic}"
