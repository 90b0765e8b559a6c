"""What `vaultra events list` shows."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from streams.memory_log import MemoryEventLog
from tests.contracts.log_kit import TOPICS, message
from vaultra.commands.events import list_events


async def test_the_newest_are_shown_oldest_first_when_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    log = MemoryEventLog(TOPICS)
    for number in range(20):
        await log.append([message(f"{number:02}", topic="numbers", key=f"key {number}")])
    await list_events(log, ["numbers", "words"], job=None, limit=5, console=Console(), machine=True)
    shown = [json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()]
    assert shown == ["15", "16", "17", "18", "19"]
