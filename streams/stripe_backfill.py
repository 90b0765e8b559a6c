"""The history of an account through the List APIs, and the events of a time through List Events.

What is listed becomes events like those of webhooks, so one path leads to the ledger. An import goes on where it
broke off: its place in each list is noted after the page before is durable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from adapters.stripe import accounts
from adapters.stripe.accounts import Access, ListProgress
from adapters.stripe.api import Page, StripeApi
from adapters.stripe.observing import observed
from adapters.stripe.reading import read_event
from schemas.errors import NotFound, WebhookRefused
from schemas.stripe_events import Endpoint
from streams.log import EventLog
from streams.runner import Runner
from streams.stripe_import import StripeImport, Tally

# What is read of an account, referenced objects first. Single objects end in no `s` of a list.
SINGLE = ("/v1/account", "/v1/balance")
LISTS = (
    "/v1/customers",
    "/v1/subscriptions",
    "/v1/invoices",
    "/v1/invoice_payments",
    "/v1/credit_notes",
    "/v1/charges",
    "/v1/refunds",
    "/v1/disputes",
    "/v1/radar/early_fraud_warnings",
    "/v1/application_fees",
    "/v1/transfers",
    "/v1/payouts",
    "/v1/balance_transactions",
)
_PARAMETERS: dict[str, dict[str, Any]] = {"/v1/subscriptions": {"status": "all"}}

# Told after each page: the list, objects of it so far, whether it is done.
OnPage = Callable[[str, int, bool], None]


class StripeBackfill:
    """Imports from Stripe. `database` is an asyncpg pool; `alone` as in StripeImport; `clock` aware, UTC."""

    def __init__(
        self,
        api: StripeApi,
        log: EventLog,
        ledger: Runner,
        database: Any,
        *,
        alone: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._log = log
        self._ledger = ledger
        self._database = database
        self._alone = alone
        self._clock = clock

    async def account(
        self, tenant: str, access: Access, account: str | None, on_page: OnPage = lambda path, objects, done: None
    ) -> Tally:
        """Everything of an account (None: the key's own), from where an earlier call broke off.

        Lists that this account or key cannot read are noted and passed over. Raises RetryLater, SetupError,
        Unavailable; what was read before stays.
        """
        await accounts.check_readable(self._database, tenant, account)
        importing = self._importing(tenant, "api")
        lists = await accounts.begin_import(
            self._database,
            tenant=tenant,
            account=account or "",
            paths=(*SINGLE, *LISTS),
            run=int(self._clock().timestamp()),
        )
        for at in lists:
            while not at.done:
                at = await self._next_page(importing, access, account, at)
                await accounts.save_import(self._database, tenant=tenant, account=account or "", progress=at)
                on_page(at.path, at.objects, at.done)
        return importing.tally

    async def events(self, tenant: str, access: Access, account: str | None, since: int, until: int) -> Tally:
        """Stripe's own events created in [since, until] (Unix seconds; Stripe keeps 30 days), under their own ids."""
        await accounts.check_readable(self._database, tenant, account)
        importing = self._importing(tenant, "api")
        after: str | None = None
        more = True
        while more:
            page = await self._api.page(access, "/v1/events", after, created={"gte": since, "lte": until})
            for item in page.objects:
                await importing.add(read_event(to_json({**({"account": account} if account else {}), **item})))
            await importing.finish()
            after, more = _last(page.objects), page.more
        return importing.tally

    async def thin_event(self, tenant: str, access: Access, event_id: str) -> str:
        """What a thin event tells, with the object it is about; the id under which it stands on the log."""
        event = await self._api.get(access, f"/v2/core/events/{event_id}")
        related = event.get("related_object")
        url = related.get("url") if isinstance(related, dict) else None
        if not isinstance(url, str) or not url.startswith(("/v1/", "/v2/")):
            raise NotFound(f"{event_id} is about no object that can be read")
        asked_at = int(self._clock().timestamp())
        item = await self._api.get(access, url)
        account = event.get("context")
        found = observed(
            item,
            account=account if isinstance(account, str) else None,
            livemode=event.get("livemode") is True,
            asked_at=asked_at,
            run=asked_at,
        )
        if found is None:
            raise NotFound(f"{url} is no object")
        importing = self._importing(tenant, "api")
        await importing.add(found)
        await importing.finish()
        return found.head.id

    def _importing(self, tenant: str, endpoint: Endpoint) -> StripeImport:
        return StripeImport(
            self._log, self._ledger, tenant=tenant, endpoint=endpoint, clock=self._clock, alone=self._alone
        )

    async def _next_page(
        self, importing: StripeImport, access: Access, account: str | None, at: ListProgress
    ) -> ListProgress:
        asked_at = int(self._clock().timestamp())
        try:
            if at.path in SINGLE:
                page = Page((await self._api.get(access, at.path),), more=False)
            else:
                page = await self._api.page(access, at.path, at.after, **_PARAMETERS.get(at.path, {}))
        except NotFound as reason:
            return replace(at, done=True, note=str(reason))
        for item in page.objects:
            try:
                found = observed(item, account=account, livemode=access.livemode, asked_at=asked_at, run=at.run)
            except WebhookRefused:
                found = None  # no object that an event could be about
            if found is not None:
                await importing.add(found)
        await importing.finish()
        last = _last(page.objects)
        return replace(at, after=last, objects=at.objects + len(page.objects), done=not page.more or last is None)


def _last(objects: tuple[Any, ...]) -> str | None:
    last = objects[-1].get("id") if objects else None
    return last if isinstance(last, str) else None
