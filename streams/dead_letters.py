"""Dead letters: what was given up, why, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.envelope import derived_id
from schemas.errors import NotFound
from schemas.wire import Message
from streams.diversions import UNKNOWN_TENANT, Origin, delivery_of, origin_of, position_of
from streams.log import EventLog, Record, TopicPartition
from streams.scan import scan
from streams.topics import dead_topic, retry_topic


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that was given up. `value` and `attributes` are the original's, untouched; `value` None was null.

    `offset` names the letter on its topic; `origin` is where the event stood first and how often it was attempted;
    `died` is the time as the runner wrote it.
    """

    stage: str
    offset: int
    origin: Origin
    event_id: str | None
    tenant: str | None
    job: str | None
    cause: str
    reason: str
    traceback: str
    died: str
    key: str
    value: bytes | None
    record: Record


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """Letters of one stage that died the same way, oldest first."""

    stage: str
    cause: str
    letters: tuple[DeadLetter, ...]


async def list_letters(log: EventLog, stage: str) -> Sequence[DeadLetter]:
    """Every dead letter of a stage in the order they died, replayed ones included. Raises Unavailable.

    A letter that a crash had written twice (Kafka without claims) is one letter, the first.
    """
    topic = dead_topic(stage).name
    letters: list[DeadLetter] = []
    seen: set[str] = set()
    async for record in scan(log, [topic]):
        delivery = delivery_of(record, is_event=False)
        if delivery not in seen:
            seen.add(delivery)
            letters.append(_letter(stage, record))
    return letters


async def group_by_cause(log: EventLog, stage: str) -> Sequence[CauseGroup]:
    """A stage's letters by what killed them, the largest group first."""
    groups: dict[str, list[DeadLetter]] = {}
    for letter in await list_letters(log, stage):
        groups.setdefault(letter.cause, []).append(letter)
    by_size = sorted(groups.items(), key=lambda item: -len(item[1]))
    return [CauseGroup(stage, cause, tuple(letters)) for cause, letters in by_size]


async def show(log: EventLog, stage: str, offset: int) -> DeadLetter:
    """One letter. Raises NotFound."""
    topic = dead_topic(stage).name
    end = (await log.latest([topic]))[TopicPartition(topic, 0)]
    if not 0 <= offset < end:
        raise NotFound(f"{topic} has no letter {offset}; there are {end}")
    records = await log.read({TopicPartition(topic, 0): offset}, limit=1)
    return _letter(stage, records[0])


async def replay(log: EventLog, letters: Sequence[DeadLetter], now: datetime) -> int:
    """Deliver letters again, at once and with all their attempts; gives how many were not replayed before.

    They go onto the retry topic of their stage in the order they died, so that letters of one key keep theirs.
    Replaying a letter twice writes it once; if it dies again it is another letter, which can be replayed in turn. The
    events the stage gave in its place stay on the log: who reads them sees the later outcome supersede.
    """
    ordered = sorted(letters, key=lambda letter: (letter.stage, letter.offset))
    outcomes = await log.append([_revived(letter, now) for letter in ordered])
    return sum(not outcome.duplicate for outcome in outcomes)


def _revived(letter: DeadLetter, now: datetime) -> Message:
    record, origin = letter.record, letter.origin
    topic = retry_topic(letter.stage).name
    extra = {
        **Origin(origin.topic, origin.partition, origin.offset, attempts=0).headers(),
        "stage": letter.stage,
        "due": now.isoformat(),
        "reason": f"replayed from {position_of(record)}",
    }
    if letter.value is None:
        extra["null-value"] = "1"
    # Another delivery than any before, and the same one however often the letter is replayed.
    extra["delivery"] = derived_id(delivery_of(record), topic, 0)
    return Message(
        topic=topic,
        key=record.key,
        id=extra["delivery"],
        tenant=record.attributes.get("tenantid") or UNKNOWN_TENANT,
        attributes=record.attributes,
        value=letter.value or b"",
        extra=extra,
    )


def _letter(stage: str, record: Record) -> DeadLetter:
    extra, attributes = record.extra, record.attributes
    return DeadLetter(
        stage=stage,
        offset=record.offset,
        origin=origin_of(record),
        event_id=attributes.get("id"),
        tenant=attributes.get("tenantid"),
        job=attributes.get("correlationid"),
        cause=extra.get("cause", "unknown"),
        reason=extra.get("reason", ""),
        traceback=extra.get("traceback", ""),
        died=extra.get("died", ""),
        key=record.key,
        value=None if "null-value" in extra else record.value,
        record=record,
    )
