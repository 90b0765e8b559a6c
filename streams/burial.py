"""What becomes of a delivery whose outputs the log refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from streams.diversions import Backoff, position_of
from streams.log import EventLog, Record
from streams.runner import Handled, Runner

log = structlog.get_logger(__name__)

_TRIES = 3


async def bury(
    record: Record,
    handled: Handled,
    error: Exception,
    *,
    append: Callable[[Handled], Awaitable[None]],
    event_log: EventLog,
    runner: Runner,
    backoff: Backoff,
) -> None:
    """Append once more, and dead-letter the delivery when the log refuses three times while it is well.

    `append` waits out an unavailable log by itself. Raises `error` when the log is not well.
    """
    for tries in range(_TRIES):
        log.error("the log refuses outputs", stage=runner.stage.name, position=position_of(record), error=repr(error))
        await asyncio.sleep(backoff.outage_wait(tries, 1.0))
        try:
            await append(handled)
        except Exception as again:
            error = again
        else:
            return
    if not await event_log.healthy():
        raise error
    await append(runner.bury(record, error))
