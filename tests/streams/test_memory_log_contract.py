"""The log in memory keeps what every log promises."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from streams.log import EventLog
from streams.memory_log import MemoryEventLog
from tests.contracts.event_log import EventLogContract
from tests.contracts.log_kit import TOPICS, OpenLog


class TestMemoryEventLog(EventLogContract):
    @pytest.fixture
    async def open_log(self) -> AsyncIterator[OpenLog]:
        log = MemoryEventLog(TOPICS)

        async def same() -> EventLog:
            return log

        yield same
        await log.close()
