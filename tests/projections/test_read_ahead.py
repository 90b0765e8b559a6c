"""Reading ahead, without a log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from projections import lineage
from projections.builds import Positions
from projections.read_ahead import ReadAhead
from projections.source import LogRecord
from schemas.errors import Unavailable


async def test_caller_is_told_when_a_read_is_cancelled_from_inside() -> None:
    async def read(positions: Positions) -> Sequence[LogRecord]:
        raise asyncio.CancelledError

    async with ReadAhead(lineage.PROJECTION, read, {}) as ahead, asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await ahead.next()
