"""The two ways off the straight path: a delivery put off (`<stage>.retry`) and one given up (`<stage>.dead`).

Both carry the original attributes and bytes untouched; what the runner knows about them stands in extra headers.
A diverted message's own id derives from the delivery it was made of (`delivery_of`), so that a delivery done over
diverts to the same message, while a second attempt of one event is another one. The event's id in the attributes
stays the input's; the message's own stands in the header `delivery`.
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.envelope import derived_id
from schemas.wire import Message
from streams.acceptance import LARGEST_VALUE
from streams.log import Record
from streams.topics import dead_topic, long_retry_topic, retry_topic

# Owns what is diverted of records that name no tenant.
UNKNOWN_TENANT = "unknown"
MAX_REASON = 500
MAX_TRACEBACK = 8_000
# Bytes kept of a value that no log of ours would take.
MAX_TRUNCATED = 1_000_000


@dataclass(frozen=True, slots=True)
class Backoff:
    """When to try again. All in seconds; jitter is full: any moment up to the delay.

    `pause` precedes the second attempt in process; `base × factor^n` (at most `cap`) is the delay of the n-th retry;
    `outage` and `outage_cap` bound the waits for a store that is gone. `steps`, where given, are fixed delays in
    place of the exponential ones: the first retry waits on `<stage>.retry`, further ones on `<stage>.retry-long`, so
    that each topic is in the order of its due times and can be read without holding it in memory.
    """

    pause: float = 0.5
    base: float = 5.0
    factor: float = 3.0
    cap: float = 600.0
    outage: float = 0.2
    outage_cap: float = 10.0
    steps: tuple[float, float] | None = None

    def topic(self, stage: str, attempts: int) -> str:
        """Where a delivery that was attempted so often waits."""
        return (retry_topic if self._step(attempts) == 0 else long_retry_topic)(stage).name

    def _step(self, attempts: int) -> int:
        # The second attempt is made in place, without a topic.
        return 0 if self.steps is None or attempts <= 2 else 1

    def delay(self, retry: int, after: float | None, jitter: float) -> float:
        """Before the `retry`-th retry (from 1); never earlier than `after`. `jitter` in 0..1."""
        if self.steps is not None:
            return max(after or 0.0, self.steps[self._step(retry)])
        spread = min(self.cap, self.base * self.factor ** min(retry - 1, 50)) * jitter
        return spread if after is None else after + min(spread, self.base)

    def outage_wait(self, waits: int, jitter: float) -> float:
        return min(self.outage_cap, self.outage * 2.0 ** min(waits, 50)) * (0.5 + jitter / 2)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a diverted delivery first stood, and how often its function was called so far."""

    topic: str
    partition: int
    offset: int
    attempts: int

    def headers(self) -> dict[str, str]:
        return {
            "origin-topic": self.topic,
            "origin-partition": str(self.partition),
            "origin-offset": str(self.offset),
            "attempts": str(self.attempts),
        }


def position_of(record: Record) -> str:
    return f"{record.topic}/{record.partition}/{record.offset}"


def delivery_of(record: Record, *, is_event: bool = True) -> str:
    """Names a delivery: the same one when an event is delivered again or stands on the log twice.

    What is no event is known by its position alone: two of them may claim one id and yet differ.
    """
    if "delivery" in record.extra:
        return record.extra["delivery"]
    if not is_event:
        return position_of(record)
    return f"{record.topic}/{record.attributes.get('tenantid', '')}/{record.attributes.get('id', '')}"


def identity_of(record: Record) -> tuple[str, str]:
    """(tenant, id) that a record was appended under: a diverted one has an id of its own, not its event's."""
    tenant = record.attributes.get("tenantid", "")
    if "delivery" in record.extra:
        return tenant or UNKNOWN_TENANT, record.extra["delivery"]
    return tenant, record.attributes.get("id", "")


def origin_of(record: Record) -> Origin:
    """The origin named in a record's extra headers; for a record that was never diverted, where it stands."""
    extra = record.extra
    if "origin-topic" not in extra:
        return Origin(record.topic, record.partition, record.offset, 0)
    return Origin(
        topic=extra["origin-topic"],
        partition=_number(extra.get("origin-partition")),
        offset=_number(extra.get("origin-offset")),
        attempts=_number(extra.get("attempts")),
    )


def due_of(record: Record) -> datetime:
    """When a record on a retry topic may be delivered; the time it was appended when its header is unreadable."""
    try:
        due = datetime.fromisoformat(record.extra["due"])
        return due if due.tzinfo is not None else due.replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return record.appended_at


def retry_message(
    record: Record, stage: str, topic: str, *, attempts: int, reason: str, now: datetime, delay: float
) -> Message:
    """Put a delivery off by `delay` seconds, on one of its stage's retry topics."""
    origin = origin_of(record)
    return _divert(
        record,
        topic,
        {
            **Origin(origin.topic, origin.partition, origin.offset, attempts).headers(),
            "stage": stage,
            "due": (now + timedelta(seconds=delay)).isoformat(),
            "reason": printable(reason, MAX_REASON),
        },
    )


def dead_message(
    record: Record,
    stage: str,
    *,
    is_event: bool,
    version: int,
    attempts: int,
    error: BaseException,
    reason: str,
    now: datetime,
) -> Message:
    """Give a delivery up. `cause` groups letters: the kind of exception and the place that raised it."""
    origin = origin_of(record)
    return _divert(
        record,
        dead_topic(stage).name,
        {
            **Origin(origin.topic, origin.partition, origin.offset, attempts).headers(),
            "stage": stage,
            "stage-version": str(version),
            "cause": _cause(error),
            "reason": printable(reason, MAX_REASON),
            "traceback": printable("".join(traceback.format_exception(error, limit=-30)), MAX_TRACEBACK, tail=True),
            "died": now.isoformat(),
        },
        is_event=is_event,
    )


def _divert(record: Record, topic: str, extra: dict[str, str], *, is_event: bool = True) -> Message:
    value = record.value or b""
    if record.value is None:
        extra["null-value"] = "1"
    elif len(value) > LARGEST_VALUE:
        # Larger than anything of ours: somebody else's. The whole stays where it stands.
        extra["truncated-from"] = str(len(value))
        value = value[:MAX_TRUNCATED]
    extra["delivery"] = derived_id(delivery_of(record, is_event=is_event), topic, 0)
    return Message(
        topic=topic,
        key=record.key or position_of(record),
        id=extra["delivery"],
        tenant=record.attributes.get("tenantid") or UNKNOWN_TENANT,
        attributes=record.attributes,
        value=value,
        extra=extra,
    )


def printable(text: str, limit: int, *, tail: bool = False) -> str:
    """At most `limit` characters (the last ones with `tail`) that any log can store: no NUL, no lone surrogates."""
    if len(text) > limit:
        text = "…" + text[1 - limit :] if tail else text[: limit - 1] + "…"
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")


def _cause(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].name}" if frames else ""
    return printable(f"{type(error).__name__}{where}", 200)


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 19 else 0
