"""Stripe's API as this program uses it: pages of lists, single objects, OAuth. Read-only but for disconnecting."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from adapters.stripe.accounts import Access
from schemas.errors import NotFound, RetryLater, SetupError

if TYPE_CHECKING:
    import stripe

# The shape in which objects are asked for: the newest one the ledger's upcasters know.
API_VERSION = "2025-09-30.clover"
PAGE = 100
# Stripe allows 25 reads a second in test mode and 100 in live mode; others use the key too.
REQUESTS_PER_SECOND = 20.0
_TRIES = 7
_LONGEST_PAUSE = 30.0


@dataclass(frozen=True, slots=True)
class Page:
    """Objects of a list, newest first, as Stripe sent them."""

    objects: tuple[Mapping[str, Any], ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """What Stripe answers to an OAuth code."""

    account: str
    livemode: bool
    scope: str
    access_token: str

    def __repr__(self) -> str:
        return f"Granted(account={self.account!r}, livemode={self.livemode}, scope={self.scope!r})"


class StripeApi:
    """Requests are paced, and tried again with growing pauses when Stripe is busy (429), broken (5xx) or not there.

    `api_base` and `connect_base` are Stripe's where empty. `pause` sleeps. Every method raises RetryLater when Stripe
    stays unable, SetupError when the key is refused, NotFound for what does not exist or may not be read.
    """

    def __init__(
        self,
        *,
        api_base: str = "",
        connect_base: str = "",
        rate: float = REQUESTS_PER_SECOND,
        page: int = PAGE,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._bases: dict[str, str] = {}
        if api_base:
            self._bases["api"] = api_base.rstrip("/")
        if connect_base:
            self._bases["connect"] = connect_base.rstrip("/")
        self._http: stripe.HTTPClient | None = None
        self._pause = pause
        self._jitter = jitter
        self._interval = 1.0 / rate
        self._page = page
        self._next = 0.0

    async def page(self, access: Access, path: str, after: str | None = None, **params: Any) -> Page:
        """The objects of a list after the one with id `after`."""
        if after is not None:
            params["starting_after"] = after
        answer = await self._request(access, "get", path, limit=self._page, **params)
        objects = tuple(one for one in answer.get("data") or () if isinstance(one, dict))
        return Page(objects, bool(answer.get("has_more")) and bool(objects))

    async def get(self, access: Access, path: str) -> Mapping[str, Any]:
        """One object."""
        return await self._request(access, "get", path)

    async def exchange(self, access: Access, code: str) -> Granted:
        """Trade an OAuth code for access to the account whose owner got it. Raises NotFound for a code that is none."""
        answer = await self._request(
            access, "post", "/oauth/token", base="connect", grant_type="authorization_code", code=code
        )
        account, token = answer.get("stripe_user_id"), answer.get("access_token")
        if not isinstance(account, str) or not isinstance(token, str):
            raise NotFound("Stripe's answer names no account")
        return Granted(account, answer.get("livemode") is True, str(answer.get("scope") or ""), token)

    async def disconnect(self, access: Access, client_id: str, account: str) -> None:
        """Give up the access to a connected account. One that is gone already is no error."""
        with suppress(NotFound):
            await self._request(
                access, "post", "/oauth/deauthorize", base="connect", client_id=client_id, stripe_user_id=account
            )

    async def close(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.close_async()  # type: ignore[no-untyped-call]  # stripe leaves its clients untyped

    async def _request(self, access: Access, method: str, path: str, **params: Any) -> Mapping[str, Any]:
        import stripe  # long to load, and most instances never ask

        if self._http is None:
            self._http = stripe.AIOHTTPClient(timeout=60)
        client = stripe.StripeClient(
            access.key,
            stripe_account=access.account,
            stripe_version=API_VERSION,
            base_addresses=self._bases,  # type: ignore[arg-type]  # its type lists more keys than it needs
            http_client=self._http,
            max_network_retries=0,
        )
        for attempt in range(_TRIES):
            await self._pace()
            try:
                response = await client.raw_request_async(method, path, **params)
            except stripe.AuthenticationError as error:
                raise SetupError(f"Stripe refuses the key: {_words(error)}") from error
            except stripe.StripeError as error:
                status = error.http_status or 0
                if 400 <= status < 500 and status not in (409, 429):
                    raise NotFound(f"{path}: {_words(error)}") from error
                if attempt + 1 == _TRIES:
                    raise RetryLater(f"Stripe is not able to answer {path}: {_words(error)}") from error
                await self._pause(self._wait(attempt, error))
            else:
                parsed = from_json(response.body)
                return parsed if isinstance(parsed, dict) else {}
        raise AssertionError("unreachable")

    def _wait(self, attempt: int, error: stripe.StripeError) -> float:
        """Seconds: what Stripe asks for, else doubling, with jitter so that several do not come back together."""
        headers = error.headers or {}
        asked = str(headers.get("retry-after") or headers.get("Retry-After") or "")
        pause: float = min(0.5 * 2**attempt * (0.5 + self._jitter()), _LONGEST_PAUSE)
        return max(pause, min(float(asked), _LONGEST_PAUSE)) if asked.isdecimal() else pause

    async def _pace(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        turn = max(now, self._next)
        self._next = turn + self._interval
        if turn > now:
            await self._pause(turn - now)


def _words(error: stripe.StripeError) -> str:
    return " ".join(str(error.user_message or error).split())[:300]
