"""Connecting an account through Stripe's OAuth: the link, and what comes back.

The state that Stripe hands back is signed, expires, and is good for one use: a link made for one tenant can neither be
made up nor be used a second time.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic_core import from_json, to_json

from adapters.ports import Secrets
from adapters.stripe import accounts
from adapters.stripe.api import StripeApi
from schemas.errors import NotFound, SetupError

STATE_SECONDS = 900
AUTHORIZE = "https://connect.stripe.com"
_STATE_KEY = "stripe/oauth-state-key"


@dataclass(frozen=True, slots=True)
class Connected:
    tenant: str
    account: str
    livemode: bool


class StripeConnecting:
    """`database` is an asyncpg pool. `connect_base` is Stripe's where empty."""

    def __init__(
        self,
        api: StripeApi,
        secrets: Secrets,
        database: Any,
        *,
        client_id: str,
        randomness: Callable[[int], bytes],
        clock: Callable[[], datetime],
        connect_base: str = "",
    ) -> None:
        self._api = api
        self._secrets = secrets
        self._database = database
        self._client_id = client_id
        self._randomness = randomness
        self._clock = clock
        self._authorize = (connect_base or AUTHORIZE).rstrip("/")

    def link(self, tenant: str, redirect_url: str) -> str:
        """Where the owner of an account says yes. Raises SetupError when connecting is not configured."""
        self._platform()
        until = int(self._clock().timestamp()) + STATE_SECONDS
        claims = to_json([tenant, until, self._randomness(16).hex()])
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "scope": "read_write",
            "state": f"{_text(claims)}.{self._sign(claims)}",
            "redirect_uri": redirect_url,
        }
        return f"{self._authorize}/oauth/authorize?{urlencode(query)}"

    async def complete(self, code: str, state: str) -> Connected:
        """Trade what Stripe sent back for access, and keep its token among the secrets.

        Raises NotFound for a state that is forged, expired or used, and for a code Stripe does not know.
        """
        tenant = await self._tenant_of(state)
        granted = await self._api.exchange(self._platform(), code)
        self._secrets.put(accounts.token_name(tenant, granted.account), granted.access_token)
        await accounts.connect(
            self._database,
            tenant=tenant,
            account=granted.account,
            livemode=granted.livemode,
            scope=granted.scope,
            now=self._clock(),
        )
        return Connected(tenant, granted.account, granted.livemode)

    async def _tenant_of(self, state: str) -> str:
        packed, _, signature = state.partition(".")
        try:
            claims = base64.urlsafe_b64decode(packed.encode("ascii") + b"=" * (-len(packed) % 4))
        except (ValueError, UnicodeEncodeError) as error:
            raise NotFound("the state is none of ours") from error
        if not hmac.compare_digest(self._sign(claims).encode(), signature.encode("utf-8", "replace")):
            raise NotFound("the state is none of ours")
        tenant, until, nonce = from_json(claims)
        now = self._clock()
        if now.timestamp() > until:
            raise NotFound("the link has expired: make a new one")
        if not await accounts.use_state(self._database, nonce, expires_at=datetime.fromtimestamp(until, UTC), now=now):
            raise NotFound("the link was used already: make a new one")
        return str(tenant)

    def _platform(self) -> accounts.Access:
        if not self._client_id:
            raise SetupError("connecting is not configured: set VAULTRA_STRIPE__CLIENT_ID and VAULTRA_STRIPE__API_KEY")
        return accounts.access_to(self._secrets, "", None)

    def _sign(self, claims: bytes) -> str:
        key = self._secrets.get(_STATE_KEY)
        if key is None:
            key = self._randomness(32).hex()
            self._secrets.put(_STATE_KEY, key)
        return hmac.digest(key.encode(), claims, "sha256").hex()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
