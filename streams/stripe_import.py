"""Stripe events in bulk: onto the log, and with them the facts that the ledger stage would make of them.

The same function and the same ids as the live path, so either may come first, or both: the log keeps one of each.
Facts are made of events that are new on the log and follow them, so a crash in between leaves only what the stage
does anyway. Where no stage runs, its position moves past what was done here; where one does, it does the work over.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from adapters.stripe.reading import StripeEvent
from schemas.stripe_events import Endpoint, WebhookReceived
from schemas.wire import Message
from streams.log import Advance, Appended, EventLog, TopicPartition
from streams.runner import Runner
from streams.stripe_mapping import Mapped, StripeMapping
from streams.topics import topic_of

# Events a batch, and bytes: enough that the log's work per batch does not count, little enough to keep memory flat.
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024**2


@dataclass(slots=True)
class Tally:
    """What became of the events read so far. `facts` are told by the appended ones; `dead` counts by reason."""

    read: int = 0
    appended: int = 0
    duplicates: int = 0
    facts: int = 0
    unhandled: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)


class StripeImport:
    """Appends events in batches; one is written while the next is read. Call `finish` at the end.

    `alone`: no ledger stage runs on this log as long as this import lives, so its position may be moved.
    """

    def __init__(
        self,
        log: EventLog,
        ledger: Runner,
        *,
        tenant: str,
        endpoint: Endpoint,
        clock: Callable[[], datetime],
        alone: bool,
    ) -> None:
        self.tally = Tally()
        self._log = log
        self._group = ledger.stage.name
        self._mapping = StripeMapping(ledger.outputs, tenant=tenant, endpoint=endpoint, clock=clock)
        self._alone = alone
        self._topic = topic_of(WebhookReceived).name
        self._positions: dict[TopicPartition, int] | None = None
        self._batch: list[Mapped] = []
        self._size = 0
        self._writing: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[Sequence[Appended]] | None = None

    async def add(self, event: StripeEvent) -> None:
        """Take an event in. It is durable after `finish`. Raises Unavailable when the log is gone."""
        await self.add_mapped(*self._mapping.map([event]))

    async def add_mapped(self, mapped: Mapped) -> None:
        """Take an event in that was mapped elsewhere, with the same tenant and endpoint; otherwise as `add`."""
        self.tally.read += 1
        self._batch.append(mapped)
        self._size += len(mapped.received.value)
        if len(self._batch) >= BATCH_EVENTS or self._size >= BATCH_BYTES:
            await self._write()

    async def finish(self) -> Tally:
        """Wait until everything is durable."""
        await self._write()
        if self._writing is not None:
            await self._writing
        await self._told()
        return self.tally

    async def _write(self) -> None:
        batch, self._batch, self._size = self._batch, [], 0
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.create_task(self._append(batch)) if batch else None

    async def _append(self, batch: Sequence[Mapped]) -> None:
        """Append events, then facts of those that are new: these while the next events are on their way."""
        try:
            asked = [mapped.asked for mapped in batch if mapped.asked is not None]
            standing = await self._log.append([*(mapped.received for mapped in batch), *asked])
        finally:  # the facts before these: a position must not move past what is not told
            await self._told()
        facts: list[Message] = []
        done: list[Appended] = []
        for mapped, one in zip(batch, standing[: len(batch)], strict=True):
            if one.duplicate:
                self.tally.duplicates += 1
                continue
            self.tally.appended += 1
            self.tally.unhandled.update(mapped.unhandled)
            if mapped.facts is None:
                self.tally.dead[mapped.dead] += 1
                continue
            self.tally.facts += len(mapped.facts)
            facts += mapped.facts
            done.append(one)
        self._telling = asyncio.create_task(self._log.append(facts, advance=await self._past(done)))

    async def _told(self) -> None:
        telling, self._telling = self._telling, None
        if telling is not None:
            await telling

    async def _past(self, done: Sequence[Appended]) -> Advance | None:
        """The stage's position past what is done, as far as nothing else lies before it that the stage must see."""
        if not self._alone or not done:
            return None
        if self._positions is None:
            self._positions = dict(await self._log.positions(self._group, [self._topic]))
        moved = {}
        for one in done:
            place = TopicPartition(one.topic, one.partition)
            if self._positions[place] == one.offset:
                self._positions[place] = moved[place] = one.offset + 1
        return Advance(self._group, moved) if moved else None
