"""The one runner: a delivery from its start to its outcome, whatever runtime fetched it.

It decides; the runtime fetches, appends and moves positions. `Runner.handle` gives the messages to append; the
runtime appends them and only then moves the position past the record, in one step where the log can.

Exactly once, from at-least-once deliveries: an event's id derives from its cause, the stage and its ordinal, so work
that is done over emits the ids it emitted before, and the log writes no id twice. There is therefore no look-up
whether the outputs stand already: a delivery done over costs its own computing, answers from the memo what models
said before, and adds nothing to the log. Retries, dead letters and costs take their id from the delivery, which is
the same one when a record comes again, from the same place or, on Kafka, from another.

What a stage raises decides:

    returns events            appended to the topics of their types, with what the delivery cost
    RetryLater, ModelFault    a second attempt after a short pause, then the retry topic, then a dead letter
    time-out                  the retry topic, then a dead letter
    Unavailable               the event waits in place until the store is back; never a dead letter
    CancelledError            passes through when the runtime cancels; nothing is recorded
    anything else             a dead letter: bytes and attributes as they came, and the stage's `gives_up` events

`halt_after` dead letters in a row halt the stage: further ones raise StageHalted, so their events stay in place. What
a third party sent and nobody could read (UnreadablePayload) is a dead letter too, but no sign of a broken stage.
"""

from __future__ import annotations

import asyncio
import enum
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from adapters.metering import Meter, set_meter
from processors.stage import Stage
from schemas.base import EventData
from schemas.costs import CostRecorded
from schemas.envelope import Event, derived_id
from schemas.errors import (
    InvalidEvent,
    ModelFault,
    RetryLater,
    SandboxUnavailable,
    StageHalted,
    Unavailable,
    UnreadablePayload,
)
from schemas.registry import KNOWN_TYPES
from schemas.wire import Message, decode
from streams import metrics
from streams.diversions import Backoff, dead_message, delivery_of, origin_of, position_of, printable, retry_message
from streams.log import Record
from streams.outputs import StageOutputs, utc_now
from streams.time_limit import within
from streams.topics import TOPICS, Topic, consumed_topics, retry_topic, topic_of
from streams.tracing import DeliverySpan, Tracing

# Seconds below which a delivery that used nothing else costs nothing worth an event.
COST_FLOOR = 0.001

log = structlog.get_logger(__name__)


class Outcome(enum.StrEnum):
    DONE = "done"
    SKIPPED = "skipped"
    RETRIED = "retried"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Handled:
    """A delivery's outcome. Append `messages`, then move the position past the record; skipped ones have none."""

    outcome: Outcome
    messages: Sequence[Message] = ()


_SKIPPED = Handled(Outcome.SKIPPED)


class Runner:
    """Runs one stage's deliveries, several at a time when the runtime wants. Raises SetupError on misuse at once.

    `clock` gives the time of output events (aware, UTC), `jitter` a number in 0..1, `topics` where types stand.
    """

    def __init__(
        self,
        stage: Stage,
        ports: Mapping[str, Any],
        *,
        topics: Sequence[Topic] = TOPICS,
        halt_after: int = 20,
        backoff: Backoff | None = None,
        clock: Callable[[], datetime] = utc_now,
        jitter: Callable[[], float] = random.random,
        tracing: Tracing | None = None,
    ) -> None:
        stage.check_ports(ports)
        self.stage = stage
        self.topics: tuple[str, ...] = tuple(topic.name for topic in consumed_topics(stage.consumes, topics))
        self.retry_topic = retry_topic(stage.name).name
        self.outputs = StageOutputs(stage, topics=topics, clock=clock)
        self._ports = ports
        self._all_topics = topics
        self._consumes = frozenset(stage.consumes)
        self._unwanted = {name for name, data in KNOWN_TYPES.items() if data not in self._consumes}
        self._halt_after = halt_after
        self._dead_in_a_row = 0
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._jitter = jitter
        self._tracing = tracing or Tracing.configured()
        self._outcomes = {outcome: metrics.DELIVERIES.labels(stage.name, outcome.value) for outcome in Outcome}
        self._seconds = metrics.DELIVERY_SECONDS.labels(stage.name)
        metrics.HALTED.labels(stage.name).set(0)

    @property
    def halted(self) -> bool:
        return self._dead_in_a_row >= self._halt_after

    def resume(self) -> None:
        """Let a halted stage go on with the event it stopped at."""
        self._dead_in_a_row = 0
        metrics.HALTED.labels(self.stage.name).set(0)

    async def handle(self, record: Record) -> Handled:
        """Bring one delivery to its outcome. Raises StageHalted (the event stays) and CancelledError, nothing else."""
        if record.attributes.get("type") in self._unwanted:
            self._outcomes[Outcome.SKIPPED].inc()
            return _SKIPPED
        started = time.perf_counter()
        handled = await self._parse_and_run(record, started)
        self._outcomes[handled.outcome].inc()
        if handled.outcome is not Outcome.SKIPPED:
            self._seconds.observe(time.perf_counter() - started)
        return handled

    async def _parse_and_run(self, record: Record, started: float) -> Handled:
        try:
            event = decode(record.attributes, record.value)
        except Exception as error:  # whatever bytes can provoke makes them a dead letter, not a crash
            return self._give_up(record, None, error, attempts=origin_of(record).attempts + 1)
        if type(event.data) not in self._consumes:
            return _SKIPPED
        delivery = delivery_of(record)
        meter = Meter(tenant=event.tenantid, stage=self.stage.name, cause=event.id, delivery=delivery)
        set_meter(meter)
        try:
            with self._tracing.delivery(self.stage.name, event) as span:
                handled, attempts = await self._attempt(record, event, span)
                span.ended(handled.outcome.value, failed=handled.outcome is Outcome.DEAD)
        finally:
            set_meter(None)
        cost = self._cost(event, meter, time.perf_counter() - started, attempts)
        return handled if cost is None else Handled(handled.outcome, (*handled.messages, cost))

    async def _attempt(self, record: Record, event: Event[EventData], span: DeliverySpan) -> tuple[Handled, int]:
        """Call the stage until there is an outcome. Gives it with the number of calls made for the event so far."""
        before = origin_of(record).attempts
        attempts = before
        outages = 0
        while True:
            attempts += 1
            try:
                outputs = await within(self.stage.timeout, self.stage(event, self._ports))
                messages = self.outputs.messages(event, outputs, span.traceparent)
                self._dead_in_a_row = 0
                return Handled(Outcome.DONE, messages), attempts
            except SandboxUnavailable as error:
                return self._give_up(record, event, error, attempts=attempts), attempts
            except Unavailable as error:
                attempts -= 1
                await self._wait_out(event, error, outages)
                outages += 1
            except (RetryLater, ModelFault) as error:
                # A model's next answer may be usable (a broken stream, an empty text): unusable ones are not memoized.
                after = error.after if isinstance(error, RetryLater) else None
                if attempts > self.stage.retries:
                    return self._give_up(record, event, error, attempts=attempts), attempts
                if attempts == 1 and (after or 0.0) <= self._backoff.pause:
                    await asyncio.sleep(max(after or 0.0, self._backoff.pause * self._jitter()))
                    continue
                return self._put_off(record, event, attempts, "retry_later", str(error), after), attempts
            except TimeoutError as error:
                if attempts > self.stage.retries:
                    return self._give_up(record, event, error, attempts=attempts), attempts
                reason = str(error) or "something it waited for timed out"
                return self._put_off(record, event, attempts, "timeout", reason, None), attempts
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                # Nobody cancelled this delivery: something inside the stage was, and it let that out.
                return self._give_up(record, event, error, attempts=attempts), attempts
            except (Exception, SystemExit) as error:
                return self._give_up(record, event, error, attempts=attempts), attempts

    def _cost(self, event: Event[EventData], meter: Meter, seconds: float, attempts: int) -> Message | None:
        """What the delivery used, as an event; None when that rounds to nothing."""
        if seconds < COST_FLOOR and not (meter.models or meter.bytes_in or meter.bytes_out or meter.cpu_seconds):
            return None
        for use in meter.models:
            metrics.MODEL_CALLS.labels(self.stage.name, use.model, "yes" if use.memoized else "no").inc()
            if not use.memoized:
                metrics.MODEL_TOKENS.labels(use.model, "input").inc(use.input_tokens)
                metrics.MODEL_TOKENS.labels(use.model, "output").inc(use.output_tokens)
        data = CostRecorded(
            stage=self.stage.name,
            seconds=round(seconds, 6),
            cpu_seconds=round(meter.cpu_seconds, 6),
            bytes_in=meter.bytes_in,
            bytes_out=meter.bytes_out,
            attempts=attempts,
            models=tuple(meter.models),
        )
        id = derived_id(meter.delivery, f"{self.stage.name}/cost", 0)
        return self.outputs.message(event, data, id, event.traceparent, topic_of(CostRecorded).name)

    def _put_off(
        self,
        record: Record,
        event: Event[EventData],
        attempts: int,
        why: str,
        reason: str,
        after: float | None,
    ) -> Handled:
        delay = self._backoff.delay(attempts, after, self._jitter())
        metrics.RETRIES.labels(self.stage.name, why).inc()
        log.warning(
            "delivery put off",
            stage=self.stage.name,
            event_id=event.id,
            attempts=attempts,
            seconds=round(delay, 1),
            reason=printable(reason, 200),
        )
        message = retry_message(
            record,
            self.stage.name,
            self._backoff.topic(self.stage.name, attempts),
            attempts=attempts,
            reason=reason,
            now=self._clock(),
            delay=delay,
        )
        return Handled(Outcome.RETRIED, (message,))

    def _give_up(
        self,
        record: Record,
        event: Event[EventData] | None,
        error: BaseException,
        *,
        attempts: int,
    ) -> Handled:
        """A dead letter and the stage's last words. Raises StageHalted when the stage has halted meanwhile."""
        if self.halted:
            raise StageHalted(f"stage {self.stage.name} is halted after {self._dead_in_a_row} dead letters in a row")
        reason = printable(str(error) or type(error).__name__, 500)
        messages = [
            dead_message(
                record,
                self.stage.name,
                is_event=event is not None,
                version=self.stage.version,
                attempts=attempts,
                error=error,
                reason=reason,
                now=self._clock(),
            )
        ]
        if event is not None:
            messages += self._last_words(event, reason)
        self._count_dead(in_a_row=not isinstance(error, UnreadablePayload))
        log.error(
            "delivery given up",
            stage=self.stage.name,
            event_id=record.attributes.get("id"),
            position=position_of(record),
            attempts=attempts,
            error=type(error).__name__,
            reason=reason,
            exc_info=None if isinstance(error, InvalidEvent | RetryLater | ModelFault | TimeoutError) else error,
        )
        return Handled(Outcome.DEAD, messages)

    def bury(self, record: Record, error: Exception) -> Handled:
        """Give up a delivery whose outputs the log refuses for good. Raises StageHalted as `handle` does."""
        return self._give_up(record, None, error, attempts=origin_of(record).attempts + 1)

    def _last_words(self, event: Event[EventData], reason: str) -> list[Message]:
        """The `gives_up` events. Their ids differ from those of outputs: a replay may still bring the real ones."""
        if self.stage.gives_up is None:
            return []
        try:
            return [
                self.outputs.message(
                    event,
                    data,
                    derived_id(event.id, f"{self.stage.name}/given-up", ordinal),
                    event.traceparent,
                    topic_of(type(data), self._all_topics).name,
                )
                for ordinal, data in enumerate(self.stage.gives_up(event, reason))
            ]
        except Exception:  # the letter must be written even when the last words cannot be
            log.exception("last words failed", stage=self.stage.name, event_id=event.id)
            return []

    def _count_dead(self, *, in_a_row: bool) -> None:
        metrics.DEAD_LETTERS.labels(self.stage.name).inc()
        if not in_a_row:
            return
        self._dead_in_a_row += 1
        if self.halted:
            metrics.HALTED.labels(self.stage.name).set(1)
            log.error(
                "stage halted",
                stage=self.stage.name,
                dead_letters=self._dead_in_a_row,
                hint="mend the cause, resume the stage, then replay its dead letters",
            )

    async def _wait_out(self, event: Event[EventData], error: Unavailable, waits: int) -> None:
        """Pause until the next try of a store that is gone."""
        metrics.OUTAGES.labels(self.stage.name).inc()
        seconds = self._backoff.outage_wait(waits, self._jitter())
        log.warning(
            "store unavailable, the event waits",
            stage=self.stage.name,
            event_id=event.id,
            seconds=round(seconds, 2),
            reason=printable(str(error), 200),
        )
        await asyncio.sleep(seconds)
