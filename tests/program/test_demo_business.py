"""The demo's business beside an instance that somebody else set up."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from adapters.stripe.signature import parse_secrets
from schemas.errors import SetupError
from vaultra.client import VaultraClient
from vaultra.commands.demo_business import DEMO_SECRET, DemoBusiness, demo_business


class Refusing(VaultraClient):
    """An instance without a signing secret."""

    async def post_webhook(self, path: str, body: bytes, headers: Mapping[str, str]) -> Any:
        raise SetupError("no signing secret is configured")


async def test_business_is_left_out_when_the_instance_takes_no_webhooks() -> None:
    console = Console(file=io.StringIO(), width=100)
    (secret,) = parse_secrets(DEMO_SECRET, default_tenant="local")
    demo = DemoBusiness.of_day(datetime.now(UTC), secret.tenant)
    async with Refusing("http://127.0.0.1:9") as client:
        assert await demo_business(client, demo, secret, console, url="http://127.0.0.1:9") == 0
    assert "left out: no signing secret is configured" in console.file.getvalue()
