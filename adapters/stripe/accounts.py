"""Which Stripe accounts a tenant connected, and how far their imports are. `database` is an asyncpg pool.

Every function raises Unavailable when the database does not answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.database import reaching
from adapters.ports import Secrets
from schemas.errors import NoStripeKey, SetupError

_WHAT = "the Stripe accounts"


@dataclass(frozen=True, slots=True)
class Access:
    """As whom to ask: `key`, and the connected account it asks for (None: the key's own account)."""

    key: str
    account: str | None = None

    @property
    def livemode(self) -> bool:
        return "_live_" in self.key[:9]


def token_name(tenant: str, account: str) -> str:
    """Under which name the secret of a connection is kept."""
    return f"stripe/token/{tenant}/{account}"


def access_to(secrets: Secrets, tenant: str, account: str | None) -> Access:
    """How to read an account: by the token its owner granted, else by our own key. Raises NoStripeKey without."""
    token = secrets.get(token_name(tenant, account)) if account else None
    if token:
        return Access(token)
    key = secrets.get("stripe/api-key")
    if not key:
        raise NoStripeKey("no Stripe API key is configured: set VAULTRA_STRIPE__API_KEY")
    return Access(key, account)


@dataclass(frozen=True, slots=True)
class ConnectedAccount:
    """A connected account. `disconnected_at` None: we may read it."""

    tenant: str
    account: str
    livemode: bool
    scope: str
    connected_at: datetime
    disconnected_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListProgress:
    """How far the import of one list is: `after` is the id read last; `run` the import's start in Unix seconds."""

    path: str
    run: int
    after: str | None
    objects: int
    done: bool
    note: str | None


async def connect(database: Any, *, tenant: str, account: str, livemode: bool, scope: str, now: datetime) -> None:
    """Note a connection, or a connection anew."""
    with reaching(_WHAT):
        await database.execute(
            "INSERT INTO vaultra.stripe_accounts VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, account) DO UPDATE "
            "SET livemode = $3, scope = $4, connected_at = $5, disconnected_at = NULL",
            tenant,
            account,
            livemode,
            scope,
            now,
        )


async def disconnect(database: Any, *, tenant: str, account: str, now: datetime) -> bool:
    """Note that an account is no longer ours to read; whether it was."""
    with reaching(_WHAT):
        done = await database.execute(
            "UPDATE vaultra.stripe_accounts SET disconnected_at = $3 "
            "WHERE tenant = $1 AND account = $2 AND disconnected_at IS NULL",
            tenant,
            account,
            now,
        )
    return bool(done == "UPDATE 1")


async def accounts_of(database: Any, tenant: str) -> list[ConnectedAccount]:
    """Every account the tenant ever connected, the newest first."""
    with reaching(_WHAT):
        rows = await database.fetch(
            "SELECT tenant, account, livemode, scope, connected_at, disconnected_at FROM vaultra.stripe_accounts "
            "WHERE tenant = $1 ORDER BY connected_at DESC, account",
            tenant,
        )
    return [ConnectedAccount(**row) for row in rows]


async def check_readable(database: Any, tenant: str, account: str | None) -> None:
    """Raises SetupError for an account that was disconnected: it is no longer ours to read, whatever key would do."""
    if account is None:
        return
    with reaching(_WHAT):
        gone = await database.fetchval(
            "SELECT disconnected_at FROM vaultra.stripe_accounts WHERE tenant = $1 AND account = $2", tenant, account
        )
    if gone is not None:
        raise SetupError(f"{account} was disconnected at {gone:%Y-%m-%d %H:%M} UTC: its owner must connect it again")


async def use_state(database: Any, nonce: str, *, expires_at: datetime, now: datetime) -> bool:
    """Whether this is the first use of a state. Expired ones are forgotten: they are refused by their age."""
    with reaching(_WHAT):
        await database.execute("DELETE FROM vaultra.stripe_used_states WHERE expires_at < $1", now)
        done = await database.execute(
            "INSERT INTO vaultra.stripe_used_states VALUES ($1, $2) ON CONFLICT DO NOTHING", nonce, expires_at
        )
    return bool(done == "INSERT 0 1")


async def begin_import(
    database: Any, *, tenant: str, account: str, paths: Sequence[str], run: int
) -> list[ListProgress]:
    """The lists to read, in order: those of an import that broke off, else a new one's."""
    with reaching(_WHAT):
        async with database.acquire() as connection, connection.transaction():
            rows = await connection.fetch(
                "SELECT path, run, after, objects, done, note FROM vaultra.stripe_imports "
                "WHERE tenant = $1 AND account = $2 FOR UPDATE",
                tenant,
                account,
            )
            if not any(not row["done"] for row in rows) or {row["path"] for row in rows} != set(paths):
                await connection.execute(
                    "DELETE FROM vaultra.stripe_imports WHERE tenant = $1 AND account = $2", tenant, account
                )
                await connection.executemany(
                    "INSERT INTO vaultra.stripe_imports (tenant, account, path, run) VALUES ($1, $2, $3, $4)",
                    [(tenant, account, path, run) for path in paths],
                )
                return [ListProgress(path, run, None, 0, False, None) for path in paths]
    found = {row["path"]: ListProgress(**row) for row in rows}
    return [found[path] for path in paths]


async def save_import(database: Any, *, tenant: str, account: str, progress: ListProgress) -> None:
    with reaching(_WHAT):
        await database.execute(
            "UPDATE vaultra.stripe_imports SET after = $4, objects = $5, done = $6, note = $7 "
            "WHERE tenant = $1 AND account = $2 AND path = $3",
            tenant,
            account,
            progress.path,
            progress.after,
            progress.objects,
            progress.done,
            progress.note,
        )
