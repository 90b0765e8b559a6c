"""What was to be asked of Stripe and could not be, as things were configured: what waits, and asking once more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.envelope import Event, about_business, derived_id
from schemas.errors import InvalidEvent
from schemas.stripe_followups import FollowUpParked, FollowUpRequested
from schemas.wire import decode, encode
from streams.log import EventLog
from streams.scan import scan
from streams.topics import topic_of

_TOPIC = topic_of(FollowUpParked).name


@dataclass(frozen=True, slots=True)
class Parked:
    """A request that waits. `needs_key`: for a key of Stripe's API; otherwise for what `reason` says."""

    event: Event[FollowUpParked]

    @property
    def request(self) -> FollowUpRequested:
        return self.event.data.request

    @property
    def needs_key(self) -> bool:
        return self.event.data.needs_key

    @property
    def reason(self) -> str:
        return self.event.data.reason


async def parked(log: EventLog) -> Sequence[Parked]:
    """Requests that were parked and not asked for again since, the oldest first. Raises Unavailable."""
    waiting: dict[str, Event[FollowUpParked]] = {}
    asked: set[str | None] = set()
    async for record in scan(log, [_TOPIC]):
        try:
            event = decode(record.attributes, record.value)
        except InvalidEvent:
            continue  # no request of ours: the stage that reads the topic makes a dead letter of it
        match event.data:
            case FollowUpRequested():
                asked.add(event.causationid)
            case FollowUpParked():
                waiting[event.id] = event  # type: ignore[assignment]  # narrowed by its data just above
    standing = [Parked(event) for id, event in waiting.items() if id not in asked]
    return sorted(standing, key=lambda one: (one.event.time, one.event.id))


async def ask_again(log: EventLog, waiting: Iterable[Parked], now: datetime) -> int:
    """Put requests on the log once more, each once however often this is called; how many were new.

    What cannot be done this time either is parked again, under another id.
    """
    topic = topic_of(FollowUpRequested).name
    outcomes = await log.append([encode(_again(one.event, now), topic) for one in waiting])
    return sum(not outcome.duplicate for outcome in outcomes)


def _again(event: Event[FollowUpParked], now: datetime) -> Event[FollowUpRequested]:
    return about_business(
        event.partitionkey,
        event.data.request,
        id=derived_id(event.id, "asked-again", 0),
        source="vaultra/parked",
        time=now,
        tenant=event.tenantid,
        cause=event.id,
    )
