"""`vaultra keys`: who may call the API from elsewhere."""

from __future__ import annotations

import os

from rich.console import Console
from rich.table import Table

from adapters.api_keys import create_key, list_keys, revoke_key
from adapters.database import Database


async def create(database: Database, tenant: str, name: str, console: Console) -> None:
    """Make a key and print it, once."""
    key, secret = await create_key(database.pool, tenant=tenant, name=name, randomness=os.urandom)
    console.print(f"Key {key.id} of tenant {key.tenant}. It is shown only now:", style="dim", highlight=False)
    print(secret)


async def show(database: Database, tenant: str | None, console: Console) -> None:
    table = Table("key", "tenant", "name", "created", "ends in", "state", box=None)
    for key in await list_keys(database.pool, tenant=tenant):
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "in use"
        table.add_row(key.id, key.tenant, key.name, f"{key.created_at:%Y-%m-%d %H:%M}", f"…{key.last4}", state)
    console.print(table)


async def revoke(database: Database, key_id: str, console: Console) -> None:
    key = await revoke_key(database.pool, key_id)
    console.print(f"Key {key.id} of tenant {key.tenant} is revoked.", highlight=False)
