"""How far consumer groups are behind, from what the log knows: without the processes that run them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from schemas.errors import SetupError
from streams.kafka_group import scheduler_group
from streams.log import EventLog
from streams.topics import due_topic, long_retry_topic, retry_topic


async def behind(event_log: EventLog, group: str, topics: Sequence[str]) -> int:
    """Events on the topics that the group has not finished. Raises Unavailable."""
    held, latest = await event_log.positions(group, topics), await event_log.latest(topics)
    return sum(max(0, end - held.get(place, 0)) for place, end in latest.items())


async def check_within(event_log: EventLog, group: str, topics: Sequence[str], *, looks: int = 3) -> None:
    """Raises SetupError when a group has read further than a topic reaches: it is another topic of the same name.

    What stands on it below the old position would be skipped without a word. A partition whose leader has just changed
    may look shorter than it is for a moment, so it is looked at again. Raises Unavailable.
    """
    for look in range(looks):
        held, latest = await event_log.positions(group, topics), await event_log.latest(topics)
        beyond = [place for place, position in held.items() if position > latest[place]]
        if not beyond:
            return
        if look + 1 < looks:
            await asyncio.sleep(1.0)
    place = beyond[0]
    raise SetupError(
        f"{group} has read {place.topic}/{place.partition} up to {held[place]}, and it ends at {latest[place]}: "
        "topics that were deleted and made anew need a new VAULTRA_KAFKA__PREFIX"
    )


async def stage_lag(event_log: EventLog, stage: str, topics: Sequence[str], *, on_kafka: bool) -> int:
    """Events a stage has not finished, those that wait to be tried again included. `topics` are what it consumes."""
    retries = retry_topic(stage).name
    if not on_kafka:
        return await behind(event_log, stage, [*topics, retries])
    waiting = await behind(event_log, scheduler_group(stage), [retries, long_retry_topic(stage).name])
    return waiting + await behind(event_log, stage, [*topics, due_topic(stage).name])
