"""`vaultra stripe parked`: what was to be asked of Stripe and waits, and asking for it once more."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from streams.stripe_parked import Parked, ask_again, parked
from vaultra.settings import Settings
from vaultra.stores import open_log


async def show_parked(
    settings: Settings, console: Console, *, again: bool, as_json: bool, tenant: str | None = None
) -> int:
    """List what waits (of a tenant), and with `again` put it on the log once more; 0 whatever there is."""
    async with open_log(settings) as (_, log):
        waiting = [one for one in await parked(log) if tenant in (None, one.event.tenantid)]
        asked = await ask_again(log, waiting, datetime.now(UTC)) if again else 0
    if as_json:
        print(json.dumps({"parked": [_as_json(one) for one in waiting], "asked_again": asked}, ensure_ascii=False))
        return 0
    _show(waiting, console)
    if asked:
        console.print(f"asked for once more: {asked}; stage followup does it where an instance runs", highlight=False)
    elif any(one.needs_key for one in waiting):
        console.print("with VAULTRA_STRIPE__API_KEY set, the next start asks for these by itself", style="dim")
    return 0


def _show(waiting: Sequence[Parked], console: Console) -> None:
    if not waiting:
        console.print("Nothing waits.")
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in ("since", "tenant", "kind", "event", "account", "why"):
        table.add_column(name, overflow="fold")
    for one in waiting:
        request = one.request
        since = f"{one.event.time:%Y-%m-%d %H:%M}"
        row = (since, one.event.tenantid, request.kind, request.stripe_event, request.account, one.reason)
        table.add_row(*(Text(value or "") for value in row))
    console.print(table)


def _as_json(one: Parked) -> dict[str, Any]:
    return {
        "id": one.event.id,
        "tenant": one.event.tenantid,
        "since": one.event.time.isoformat(),
        "needs_key": one.needs_key,
        "reason": one.reason,
        "request": one.request.model_dump(mode="json"),
    }
