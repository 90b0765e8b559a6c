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

from adapters.stripe.filing import filed
from adapters.stripe.reading import StripeEvent
from processors.ledger.observe import facts_of
from schemas.envelope import Event
from schemas.errors import VaultraError
from schemas.ledger.observation import EventUnhandled
from schemas.stripe_events import Endpoint, WebhookReceived
from schemas.wire import Message, encode
from streams.diversions import printable
from streams.log import Advance, Appended, EventLog, TopicPartition
from streams.runner import Runner
from streams.topics import topic_of

# Events a batch, and bytes: enough that the log's work per batch does not count, little enough to keep memory flat.
BATCH_EVENTS = 500
BATCH_BYTES = 4 * 1024**2
_SOURCE = "vaultra/import"
# What a payload nobody foresaw can provoke in a pure function; the stage makes a dead letter of it when it comes by.
_UNREADABLE = (VaultraError, ValueError, LookupError, TypeError, ArithmeticError, AttributeError)


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
        self._ledger = ledger
        self._tenant = tenant
        self._endpoint = endpoint
        self._clock = clock
        self._alone = alone
        self._topic = topic_of(WebhookReceived).name
        self._positions: dict[TopicPartition, int] | None = None
        self._batch: list[StripeEvent] = []
        self._size = 0
        self._writing: asyncio.Task[None] | None = None

    async def add(self, event: StripeEvent) -> None:
        """Take an event in. It is durable after `finish`. Raises Unavailable when the log is gone."""
        self.tally.read += 1
        self._batch.append(event)
        self._size += len(event.body)
        if len(self._batch) >= BATCH_EVENTS or self._size >= BATCH_BYTES:
            await self._write()

    async def finish(self) -> Tally:
        """Wait until everything is durable."""
        await self._write()
        if self._writing is not None:
            await self._writing
        return self.tally

    async def _write(self) -> None:
        batch, self._batch, self._size = self._batch, [], 0
        if self._writing is not None:
            await self._writing
        self._writing = asyncio.create_task(self._append(batch)) if batch else None

    async def _append(self, batch: Sequence[StripeEvent]) -> None:
        now = self._clock()
        events = [
            filed(stripe, tenant=self._tenant, source=_SOURCE, endpoint=self._endpoint, now=now) for stripe in batch
        ]
        standing = await self._log.append([encode(event, self._topic) for event in events])
        facts: list[Message] = []
        done: list[Appended] = []
        for stripe, event, one in zip(batch, events, standing, strict=True):
            if one.duplicate:
                self.tally.duplicates += 1
                continue
            self.tally.appended += 1
            messages = self._facts(event, stripe)
            if messages is not None:
                self.tally.facts += len(messages)
                facts += messages
                done.append(one)
        await self._log.append(facts, advance=await self._past(done))

    def _facts(self, event: Event[WebhookReceived], stripe: StripeEvent) -> Sequence[Message] | None:
        """None when the event cannot be read: the stage, which has the means, will make a dead letter of it."""
        try:
            outputs = facts_of(event.data, stripe.payload)
            messages = self._ledger.messages(event, outputs, None)
        except _UNREADABLE as error:
            self.tally.dead[printable(str(error) or type(error).__name__, 200)] += 1
            return None
        for output in outputs:
            if isinstance(output, EventUnhandled):
                self.tally.unhandled[output.stripe_type] += 1
        return messages

    async def _past(self, done: Sequence[Appended]) -> Advance | None:
        """The stage's position past what is done, as far as nothing else lies before it that the stage must see."""
        if not self._alone or not done:
            return None
        if self._positions is None:
            self._positions = dict(await self._log.positions(self._ledger.stage.name, [self._topic]))
        moved = {}
        for one in done:
            place = TopicPartition(one.topic, one.partition)
            if self._positions[place] == one.offset:
                self._positions[place] = moved[place] = one.offset + 1
        return Advance(self._ledger.stage.name, moved) if moved else None
