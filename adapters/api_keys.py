"""API keys: `vk_<id>_<secret>`, of which the database keeps a hash.

The secret is 24 random bytes, so a plain SHA-256 is enough: there is nothing to guess. It is shown once, at creation.
`database` is an asyncpg pool or connection; every function raises Unavailable when it does not answer.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.database import reaching
from schemas.errors import NotFound, SetupError

_KEY = re.compile(r"vk_([0-9a-f]{12})_([0-9a-f]{48})")
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
# Compared against when the id is unknown, so that known and unknown ids take the same time.
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it may be shown: `last4` are the end of its secret. Times are aware, UTC."""

    id: str
    tenant: str
    name: str
    last4: str
    created_at: datetime
    revoked_at: datetime | None


async def create_key(
    database: Any, *, tenant: str, name: str, randomness: Callable[[int], bytes]
) -> tuple[ApiKey, str]:
    """A new key and its full text, which is kept nowhere. Raises SetupError for an unusable tenant or name."""
    if not _TENANT.fullmatch(tenant):
        raise SetupError(f"tenant {tenant!r}: use lower-case letters, digits, - and _, at most 63")
    if not name.isprintable() or len(name) > 100:
        raise SetupError("the name of a key is at most 100 printable characters")
    identifier, secret = randomness(6).hex(), randomness(24).hex()
    with reaching("the API keys"):
        row = await database.fetchrow(
            "INSERT INTO vaultra.api_keys (id, tenant, name, secret_sha256, last4) VALUES ($1, $2, $3, $4, $5) "
            "RETURNING id, tenant, name, last4, created_at, revoked_at",
            identifier,
            tenant,
            name,
            hashlib.sha256(secret.encode()).digest(),
            secret[-4:],
        )
    return ApiKey(**row), f"vk_{identifier}_{secret}"


async def list_keys(database: Any, *, tenant: str | None = None) -> list[ApiKey]:
    """Keys of a tenant or of all, newest first, revoked ones included."""
    with reaching("the API keys"):
        rows = await database.fetch(
            "SELECT id, tenant, name, last4, created_at, revoked_at FROM vaultra.api_keys "
            "WHERE $1::text IS NULL OR tenant = $1 ORDER BY created_at DESC, id",
            tenant,
        )
    return [ApiKey(**row) for row in rows]


async def revoke_key(database: Any, key_id: str) -> ApiKey:
    """Revoke for good, from the next request on. Doing it again changes nothing. Raises NotFound."""
    with reaching("the API keys"):
        row = await database.fetchrow(
            "UPDATE vaultra.api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 "
            "RETURNING id, tenant, name, last4, created_at, revoked_at",
            key_id,
        )
    if row is None:
        raise NotFound(f"there is no key {key_id}")
    return ApiKey(**row)


@asynccontextmanager
async def passing_key(
    database: Any, *, tenant: str, name: str, randomness: Callable[[int], bytes]
) -> AsyncIterator[str]:
    """A key that is gone again afterwards, for who could read the database as well. Raises as `create_key` does."""
    made, key = await create_key(database, tenant=tenant, name=name, randomness=randomness)
    try:
        yield key
    finally:
        with reaching("the API keys"):
            await database.execute("DELETE FROM vaultra.api_keys WHERE id = $1", made.id)


async def keys_exist(database: Any) -> bool:
    """Whether any key is usable."""
    with reaching("the API keys"):
        return bool(await database.fetchval("SELECT EXISTS (SELECT FROM vaultra.api_keys WHERE revoked_at IS NULL)"))


async def tenant_of(database: Any, key: str) -> str | None:
    """The tenant a key belongs to; None for one that is malformed, unknown or revoked."""
    match = _KEY.fullmatch(key)
    if match is None:
        return None
    with reaching("the API keys"):
        row = await database.fetchrow(
            "SELECT tenant, secret_sha256, revoked_at FROM vaultra.api_keys WHERE id = $1", match[1]
        )
    stored: bytes = row["secret_sha256"] if row else _NO_HASH
    right = hmac.compare_digest(hashlib.sha256(match[2].encode()).digest(), stored)
    return row["tenant"] if row and right and row["revoked_at"] is None else None
