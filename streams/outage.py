"""Outlasting a log that is gone: positions and outputs wait for it, however long it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from schemas.errors import Unavailable
from streams import metrics
from streams.diversions import Backoff

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def outlast(work: Callable[[], Awaitable[T]], *, stage: str, backoff: Backoff) -> T:
    """What `work` gives, called again for as long as it raises Unavailable. Raises whatever else it raises."""
    outages = 0
    while True:
        try:
            return await work()
        except Unavailable as error:
            metrics.OUTAGES.labels(stage).inc()
            log.warning("log unavailable, the stage waits", stage=stage, outages=outages + 1, reason=str(error)[:200])
            await asyncio.sleep(backoff.outage_wait(outages, 1.0))
            outages += 1
