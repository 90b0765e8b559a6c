"""The second half of `vaultra demo`: two years of a made-up business, through signed webhooks to score and advice."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from adapters.stripe.signature import SigningSecret, sign
from schemas.errors import SetupError, Unavailable
from schemas.stripe_events import business_id
from vaultra.client import VaultraClient
from vaultra.commands.business import show_business
from vaultra.samples.business import NAME, Story, stripe_events

# Signs the demo's webhooks where no secret is configured: the instance it talks to is then the demo's own.
DEMO_SECRET = "whsec_of_the_demo"  # noqa: S105 - nobody else's
_PATH = "/v1/webhooks/stripe/connect"
_AT_ONCE = 16
_PATIENCE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class DemoBusiness:
    """The made-up business as of a day: the same day, the same events."""

    story: Story
    tenant: str

    @classmethod
    def of_day(cls, now: datetime, tenant: str) -> DemoBusiness:
        until = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        story = Story(until=until, orders=60, subscribers=70, account=f"acct_demo{until:%Y%m%d}")
        return cls(story, tenant)

    @property
    def id(self) -> str:
        return business_id(self.tenant, self.story.account, True)


async def demo_business(
    client: VaultraClient, demo: DemoBusiness, secret: SigningSecret, console: Console, *, url: str
) -> int:
    """Send the webhooks, wait until everything has followed from them, show the business; 0 when it has a score.

    `url` is where `make up` will serve it: the instance that the demo starts for itself ends with it.
    """
    console.print(Text.assemble((NAME, "bold"), ": 24 months of Stripe webhooks, signed and sent over HTTP"))
    started = time.monotonic()
    try:
        sent = await _send_all(client, demo, secret, console)
    except SetupError as refused:
        console.print(f"  left out: {refused}", style="yellow", markup=False)
        return 0
    sending = time.monotonic() - started
    await _settled(client, demo)
    console.print(
        Text(f"  {sent:,} webhooks in {sending:.1f} s, figures after {time.monotonic() - started:.1f} s\n", "dim")
    )
    await show_business(client, demo.id, console, as_json=False, times={})
    console.print(
        f"  open a figure: make up, then curl {url}/v1/businesses/{demo.id}/metrics/net_revenue/explain",
        style="dim",
        soft_wrap=True,
    )
    score = await client.get(f"/v1/businesses/{demo.id}/readiness")
    return 0 if score["score"] is not None else 1


async def _send_all(client: VaultraClient, demo: DemoBusiness, secret: SigningSecret, console: Console) -> int:
    """Every webhook, several under way at once, in the order in which they happened. Raises SetupError, Unavailable."""
    bodies = [json.dumps(event, separators=(",", ":")).encode() for event in stripe_events(demo.story)]
    columns = (TextColumn("  sending"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task("", total=len(bodies))
        waiting: Iterator[bytes] = iter(bodies)

        async def send_one(body: bytes) -> None:
            headers = {"Stripe-Signature": sign(body, secret, now=int(time.time())).decode()}
            await client.post_webhook(_PATH, body, headers)
            shown.advance(task)

        async def send() -> None:
            for body in waiting:
                await send_one(body)

        # One alone: what an instance that is set up otherwise refuses is then one error, not one of several.
        await send_one(next(waiting))
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(send())
    return len(bodies)


async def _settled(client: VaultraClient, demo: DemoBusiness) -> None:
    """Until no stage and no projection has anything to do, seen three times. Raises Unavailable after some minutes."""
    deadline = time.monotonic() + _PATIENCE.total_seconds()
    quiet = 0
    while quiet < 3:
        if time.monotonic() > deadline:
            raise Unavailable("the figures of the demo's business did not come")
        state: dict[str, Any] = await client.ready()
        done = not sum((state.get("lag") or {}).values())
        quiet = quiet + 1 if done and await _scored(client, demo) else 0
        await asyncio.sleep(0.5)


async def _scored(client: VaultraClient, demo: DemoBusiness) -> bool:
    listed = await client.get("/v1/businesses", limit="200")
    return any(one["business_id"] == demo.id and one["as_of"] is not None for one in listed["businesses"])
