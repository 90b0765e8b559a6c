"""The port of the log. Every adapter passes `tests/contracts/event_log.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.wire import Message


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Record(NamedTuple):
    """A message at its place on the log. `attributes` as in `Message`; `appended_at` is set by the log (UTC).

    A tuple, as one is made of every record read: a frozen dataclass takes three times as long to make.
    """

    topic: str
    partition: int
    offset: int
    appended_at: datetime
    key: str
    attributes: Mapping[str, str]
    value: bytes | None
    extra: Mapping[str, str]


class Appended(NamedTuple):
    """Where a message stands. `duplicate`: (topic, tenant, id) was there before; nothing was written again."""

    topic: str
    partition: int
    offset: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Advance:
    """Move a consumer group's positions (the next offset to read) once what is appended with it is durable."""

    group: str
    positions: Mapping[TopicPartition, int]


class EventLog(Protocol):
    """An append-only log of topics with partitions.

    Offsets are gapless per partition and start at 0; records are never changed or removed; the partition follows
    from the key alone; order is the order of appending per partition. Raises Unavailable when the log cannot be
    reached, in which case nothing was acknowledged (it may have been written: appending again is safe).
    """

    async def append(self, messages: Sequence[Message], *, advance: Advance | None = None) -> Sequence[Appended]:
        """Append durably and return one outcome a message, in order.

        All messages of one call become visible together where the adapter can; `advance` is never durable before
        the messages are. A message whose (topic, tenant, id) stands on the log already is not written again.
        """

    async def read(
        self, positions: Mapping[TopicPartition, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[Record]:
        """Records at or after the positions, per partition in offset order; at most `limit` in all.

        Waits up to `wait` seconds when there is none; an empty result means none came. Who does not need `values` may
        get None in their place, where fetching them costs.
        """

    async def positions(self, group: str, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        """Next offset to read for every partition of the topics; 0 where the group has none yet."""

    async def earliest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        """The first offset of every partition."""

    async def latest(self, topics: Sequence[str]) -> Mapping[TopicPartition, int]:
        """The offset the next record of every partition will get."""

    async def at_time(self, topics: Sequence[str], time: datetime) -> Mapping[TopicPartition, int]:
        """Per partition the first offset appended at or after `time`; the latest where there is none."""

    async def healthy(self) -> bool:
        """Whether an append could succeed now."""

    async def close(self) -> None:
        """Finish what is under way and release connections."""
