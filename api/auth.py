"""Who asks: one local tenant on loopback, hashed API keys everywhere else."""

from __future__ import annotations

import ipaddress
from typing import Any

from adapters.api_keys import tenant_of
from adapters.ports import Authenticator
from schemas.errors import SetupError

LOCAL_TENANT = "local"


def is_loopback(host: str) -> bool:
    """Whether a server bound to `host` can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_bind(host: str, keys_exist: bool) -> None:
    """Raises SetupError before anything is opened to others without keys."""
    if not is_loopback(host) and not keys_exist:
        raise SetupError(
            f"refusing to listen on {host or 'all addresses'} without API keys, which would let everybody in. "
            "Create one first (vaultra keys create --tenant NAME), or listen on 127.0.0.1."
        )


class ApiKeyAuthenticator(Authenticator):
    """`Authorization: Bearer vk_<id>_<secret>` against the table of keys. `database` is an asyncpg pool."""

    def __init__(self, database: Any) -> None:
        self._database = database

    async def tenant(self, authorization: str | None) -> str | None:
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            return None
        return await tenant_of(self._database, key.strip())


class LocalAuthenticator(Authenticator):
    """Everybody on this machine is the tenant "local". A request that brings a key is checked against `keys`.

    Raises SetupError when `host` can be reached from elsewhere.
    """

    def __init__(self, host: str, keys: Authenticator | None = None) -> None:
        if not is_loopback(host):
            raise SetupError(f"{host} is not a loopback address: it needs API keys")
        self._keys = keys

    async def tenant(self, authorization: str | None) -> str | None:
        if authorization is None or self._keys is None:
            return LOCAL_TENANT
        return await self._keys.tenant(authorization)
