"""`vaultra events`: look at the log itself, through its port."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from typing import IO, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.errors import InvalidEvent, NotFound
from schemas.wire import decode
from streams.log import EventLog, Record, TopicPartition
from streams.scan import scan


def as_json(record: Record) -> dict[str, Any]:
    """A record as a JSON object: where it stands, its attributes and its data."""
    try:
        data = json.loads(record.value) if record.value is not None else None
    except ValueError:
        data = {"bytes": (record.value or b"").hex()}
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "appended_at": record.appended_at.isoformat(),
        **dict(record.attributes),
        **({"headers": dict(record.extra)} if record.extra else {}),
        "data": data,
    }


async def list_events(
    log: EventLog, topics: Sequence[str], *, job: str | None, limit: int, console: Console, machine: bool
) -> None:
    """The newest `limit` records, oldest first; of one job where it is given. Raises NotFound where it has none."""
    if job is None:
        found = [record async for record in scan(log, topics, last=limit)]
    else:
        found = [record async for record in scan(log, topics) if record.attributes.get("correlationid") == job]
        if not found:
            raise NotFound(f"there is no event of job {job}")
    found.sort(key=lambda record: record.appended_at)
    found = found[-limit:]
    if machine:
        for record in found:
            print(json.dumps(as_json(record)))
        return
    table = Table(box=None, pad_edge=False)
    for heading, width in (("appended", 8), ("topic", 10), ("place", 6), ("type", 21), ("id", 36), ("job", 8)):
        style = "dim" if heading in ("appended", "place") else None
        table.add_column(heading, style=style, no_wrap=True, min_width=width)
    for record in found:
        name = record.attributes.get("type", "?").removeprefix("vaultra.")
        table.add_row(
            f"{record.appended_at:%H:%M:%S}",
            record.topic,
            f"{record.partition}/{record.offset}",
            name,
            record.attributes.get("id", "?"),
            record.attributes.get("correlationid", "")[:8],
        )
    console.print(table)
    console.print(Text(f"{len(found)} events", "dim"))


async def show_event(log: EventLog, topics: Sequence[str], event_id: str) -> dict[str, Any]:
    """The record of an event id. Raises NotFound."""
    async for record in scan(log, topics):
        if record.attributes.get("id") == event_id:
            return as_json(record)
    raise NotFound(f"no event {event_id} stands on the log")


async def tail(log: EventLog, topics: Sequence[str]) -> AsyncIterator[Record]:
    """Every record appended from now on."""
    positions = dict(await log.latest(topics))
    while True:
        for record in await log.read(positions, wait=30.0):
            positions[TopicPartition(record.topic, record.partition)] = record.offset + 1
            yield record


async def export(log: EventLog, topics: Sequence[str], out: IO[str]) -> int:
    """Every record as JSON Lines; how many."""
    count = 0
    async for record in scan(log, topics):
        out.write(json.dumps(as_json(record)) + "\n")
        count += 1
    return count


async def verify(log: EventLog, topics: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Check every record and hash every topic: `{topic: hash}` and what is wrong, in words.

    Offsets must be gapless, ids single, and events must parse; records of retry and dead-letter topics are only hashed.
    """
    expected: dict[TopicPartition, int] = dict(await log.earliest(topics))
    hashes = {topic: hashlib.sha256() for topic in topics}
    seen: set[tuple[str, str, str]] = set()
    wrong: list[str] = []
    async for record in scan(log, topics):
        place = TopicPartition(record.topic, record.partition)
        where = f"{record.topic}/{record.partition}/{record.offset}"
        if record.offset != expected[place]:
            wrong.append(f"{where}: expected offset {expected[place]}")
        expected[place] = record.offset + 1
        identity = (record.topic, record.attributes.get("tenantid", ""), record.attributes.get("id", ""))
        if identity in seen:
            wrong.append(f"{where}: id {identity[2]} stands twice")
        seen.add(identity)
        line = json.dumps([where, sorted(record.attributes.items()), sorted(record.extra.items())]).encode()
        hashes[record.topic].update(line + b"\0" + (record.value or b"") + b"\n")
        if not record.topic.endswith((".retry", ".dead")):
            try:
                decode(record.attributes, record.value)
            except InvalidEvent as error:
                wrong.append(f"{where}: {error}")
    return {topic: digest.hexdigest() for topic, digest in hashes.items()}, wrong
