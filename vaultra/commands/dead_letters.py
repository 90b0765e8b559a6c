"""`vaultra dead-letters`: what was given up, why, and giving it back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from schemas.errors import SetupError
from streams.dead_letters import DeadLetter, group_by_cause, list_letters, replay, show
from streams.log import EventLog
from vaultra.catalogue import STAGES


def _known(stage: str) -> str:
    names = [known.name for known in STAGES]
    if stage not in names:
        raise SetupError(f"there is no stage {stage}; there are {', '.join(names)}")
    return stage


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    try:
        value: Any = json.loads(letter.value) if letter.value is not None else None
    except ValueError:
        value = {"bytes": (letter.value or b"").hex()}
    return {
        "stage": letter.stage,
        "offset": letter.offset,
        "origin": f"{letter.origin.topic}/{letter.origin.partition}/{letter.origin.offset}",
        "attempts": letter.origin.attempts,
        "event_id": letter.event_id,
        "tenant": letter.tenant,
        "job": letter.job,
        "died": letter.died,
        "cause": letter.cause,
        "reason": letter.reason,
        "traceback": letter.traceback,
        "attributes": dict(letter.record.attributes),
        "value": value,
    }


async def list_groups(log: EventLog, console: Console, *, machine: bool) -> None:
    """Every stage's letters by cause, the largest group first."""
    groups = [group for stage in STAGES for group in await group_by_cause(log, stage.name)]
    if machine:
        for group in groups:
            letters = [letter.offset for letter in group.letters]
            print(json.dumps({"stage": group.stage, "cause": group.cause, "count": len(letters), "offsets": letters}))
        return
    if not groups:
        console.print("no dead letters")
        return
    table = Table("stage", "letters", "cause", "offsets", "last reason", box=None)
    for group in groups:
        offsets = ", ".join(str(letter.offset) for letter in group.letters[:5])
        more = " …" if len(group.letters) > 5 else ""
        last = group.letters[-1].reason.splitlines()
        table.add_row(group.stage, str(len(group.letters)), group.cause, offsets + more, last[0][:80] if last else "")
    console.print(table)
    console.print("see one with: vaultra dead-letters show STAGE OFFSET", style="dim")


async def show_letter(log: EventLog, stage: str, offset: int) -> None:
    """One letter as JSON: where it came from, why it died, and what it holds."""
    print(json.dumps(_as_json(await show(log, _known(stage), offset)), indent=2, ensure_ascii=False))


async def replay_letters(log: EventLog, stage: str, offset: int | None, console: Console) -> None:
    """Give one letter, or all of a stage's, back to it."""
    known = _known(stage)
    letters = [await show(log, known, offset)] if offset is not None else await list_letters(log, known)
    count = await replay(log, letters, datetime.now(UTC))
    before = len(letters) - count
    again = f"; {before} had been replayed before" if before else ""
    console.print(f"{count} of {len(letters)} letters go back to stage {known}{again}.", highlight=False)
