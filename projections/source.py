"""The log as far as projections need it; `streams.log.EventLog` and its records have these shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol


class LogRecord(Protocol):
    """A record as the log hands it out (`streams.log.Record`)."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def appended_at(self) -> datetime: ...
    @property
    def attributes(self) -> Mapping[str, str]: ...
    @property
    def value(self) -> bytes | None: ...


class EventSource(Protocol):
    """The log as far as projections need it (`streams.log.EventLog` has it). Keys are (topic, partition) tuples."""

    async def read(
        self, positions: Mapping[Any, int], *, limit: int = 500, wait: float = 0.0, values: bool = True
    ) -> Sequence[LogRecord]: ...

    async def earliest(self, topics: Sequence[str]) -> Mapping[Any, int]: ...

    async def latest(self, topics: Sequence[str]) -> Mapping[Any, int]: ...
