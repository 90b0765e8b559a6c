"""Does what webhooks and connections ask for: see `schemas/stripe_followups.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from adapters.ports import Secrets, StripeFollowUps
from adapters.stripe import accounts
from schemas.errors import SetupError
from schemas.stripe_followups import FollowUpDone, FollowUpRequested
from streams.stripe_backfill import LISTS, StripeBackfill

# Seconds for which Stripe's List Events goes back.
_STRIPE_KEEPS = 30 * 24 * 3600


class _Enough(Exception):
    """An import has worked long enough for one delivery. What it read is durable, its place is noted."""


class StripeFollowUpWork(StripeFollowUps):
    """`database` is an asyncpg pool. An import works for about `seconds` at a time.

    Doing a thing twice does no harm: events stand once, a token is removed once.
    """

    def __init__(
        self,
        backfill: StripeBackfill,
        secrets: Secrets,
        database: Any,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        seconds: float = 30.0,
    ) -> None:
        self._seconds = seconds
        self._backfill = backfill
        self._secrets = secrets
        self._database = database
        self._clock = clock

    async def perform(self, tenant: str, request: FollowUpRequested) -> FollowUpDone | FollowUpRequested:
        account = request.account
        if request.kind == "deauthorized":
            if account is None:
                raise SetupError("a deauthorisation names no account")
            await accounts.disconnect(self._database, tenant=tenant, account=account, now=self._clock())
            self._secrets.remove(accounts.token_name(tenant, account))
            return FollowUpDone(kind=request.kind, account=account)
        access = accounts.access_to(self._secrets, tenant, account)
        if request.kind == "thin":
            if request.stripe_event is None:
                raise SetupError("a thin event has no id")
            await self._backfill.thin_event(tenant, access, request.stripe_event)
            return FollowUpDone(kind=request.kind, account=account, read=1, appended=1)
        if request.kind == "missed":
            until = request.until or int(self._clock().timestamp())
            since = request.since if request.since is not None else until - _STRIPE_KEEPS
            tally = await self._backfill.events(tenant, access, account, since, until)
        else:
            end = asyncio.get_running_loop().time() + self._seconds

            def on_page(path: str, objects: int, done: bool) -> None:
                over = done and path == LISTS[-1]
                if not over and asyncio.get_running_loop().time() > end:
                    raise _Enough

            try:
                tally = await self._backfill.account(tenant, access, account, on_page)
            except _Enough:
                return request
        return FollowUpDone(kind=request.kind, account=account, read=tally.read, appended=tally.appended)
