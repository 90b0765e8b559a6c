"""The OAuth endpoints and a list as Stripe documents them, on a socket: for what localstripe does not have."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

KEY = "sk_test_platform"
TOKEN = "sk_test_token_of_acct_7"


class SmallStripe:
    """Codes may be traded once. `busy` requests are answered 429 first. `seen` are (path, authorization, account)."""

    def __init__(self) -> None:
        self.url = ""
        self.codes = {"ac_good": "acct_7"}
        self.busy = 0
        self.retry_after: str | None = None
        self.seen: list[tuple[str, str, str | None]] = []
        self.charges: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.objects: dict[str, dict[str, Any]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        account = request.headers.get("Stripe-Account")
        self.seen.append((request.path, request.headers.get("Authorization", ""), account))
        if self.busy:
            self.busy -= 1
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return _json({"error": {"type": "invalid_request_error", "code": "rate_limit"}}, 429, headers)
        if request.path == "/oauth/token":
            form = {name: values[0] for name, values in parse_qs(await request.text()).items()}
            account = self.codes.pop(form["code"], None) if form.get("grant_type") == "authorization_code" else None
            if account is None:
                error = {"error": "invalid_grant", "error_description": "Authorization code does not exist"}
                return _json(error, 400)
            granted = {"stripe_user_id": account, "access_token": TOKEN, "livemode": False, "scope": "read_write"}
            return _json({**granted, "token_type": "bearer", "refresh_token": "rt_1"})
        if request.path in self.objects:
            return _json(self.objects[request.path])
        lists = {"/v1/charges": self.charges, "/v1/events": self.events}
        if request.path in lists:
            found = lists[request.path]
            after = request.query.get("starting_after")
            start = next((n + 1 for n, one in enumerate(found) if one["id"] == after), 0)
            end = start + int(request.query.get("limit", "10"))
            return _json({"object": "list", "data": found[start:end], "has_more": end < len(found)})
        return _json({"error": {"type": "invalid_request_error", "message": "Unrecognized request URL"}}, 404)


def _json(body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=json.dumps(body), status=status, content_type="application/json", headers=headers)


@asynccontextmanager
async def small_stripe() -> AsyncIterator[SmallStripe]:
    stripe = SmallStripe()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stripe.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stripe.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield stripe
    await runner.cleanup()
