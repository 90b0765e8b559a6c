"""Files read in a process of their own: the same as read here, ended with the import, and its death is noticed."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import Unavailable
from schemas.wire import Message
from streams import stripe_reader
from streams.stripe_reader import reading
from tests.stripe.stories import charge_event, line

UNHANDLED = charge_event(5000, type="product.created", data={"object": {"id": "p", "object": "product"}})
UNREADABLE = charge_event(6000, data={"object": {"id": "ch_x", "object": "charge", "amount": "much"}})


def said(message: Message) -> tuple[Any, ...]:
    """A message but for when it was read."""
    data = json.loads(message.value)
    attributes = dict(message.attributes)
    for part, names in ((data, ("known", "received")), (attributes, ("time",))):
        for name in names:
            part.pop(name, None)
    return message.topic, message.key, message.id, message.tenant, attributes, data


async def everything(files: list[Path]) -> tuple[list[Any], list[str], int]:
    events: list[Any] = []
    broken: list[str] = []
    size = 0
    async with reading(files, tenant="acme") as found:
        async for read in found:
            for one in read.events:
                facts = None if one.facts is None else [said(fact) for fact in one.facts]
                events.append((said(one.received), facts, one.unhandled, one.dead))
            broken += map(str, read.broken)
            size += read.size
    return events, broken, size


def started_here() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


async def test_a_process_reads_what_is_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = [*(charge_event(number, account=f"acct_{number % 3}") for number in range(450)), UNHANDLED, UNREADABLE]
    (tmp_path / "a.jsonl").write_bytes(b"".join(map(line, events)) + b"{broken\n")
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(json.dumps(events[:20]).encode()))
    files = [tmp_path / "a.jsonl", tmp_path / "b.json.gz"]
    here = await everything(files)
    monkeypatch.setattr(stripe_reader, "_WORTH_A_PROCESS", 0)
    assert await everything(files) == here
    found, broken, size = here
    assert (len(found), len(broken)) == (472, 1)
    assert size == sum(file.stat().st_size for file in files)
    assert [facts for _, facts, _, _ in found].count(None) == 1


async def test_the_process_is_gone_when_an_import_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(line(charge_event(number)) for number in range(4_000)))
    monkeypatch.setattr(stripe_reader, "_WORTH_A_PROCESS", 0)
    before = started_here()
    async with reading([tmp_path / "a.jsonl"], tenant="acme") as found:
        await anext(found)
        assert len(started_here()) == len(before) + 1
    assert started_here() == before


async def test_reading_fails_when_its_process_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"".join(line(charge_event(number)) for number in range(4_000)))
    monkeypatch.setattr(stripe_reader, "_WORTH_A_PROCESS", 0)
    before = started_here()
    async with reading([tmp_path / "a.jsonl"], tenant="acme") as found:
        await anext(found)
        (reader,) = set(started_here()) - set(before)
        await asyncio.to_thread(os.kill, int(reader), 9)
        with pytest.raises(Unavailable, match="import again"):
            async for _ in found:
                pass
