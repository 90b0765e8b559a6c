"""API keys."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from vaultra.cli.running import OneTenant, on_log, table_console

keys_app = typer.Typer(help="API keys: who may call the API from elsewhere.", no_args_is_help=True)


@keys_app.command("create")
def keys_create(
    tenant: Annotated[str, typer.Option(help="whose data the key opens")],
    name: Annotated[str, typer.Option(help="what it is for")] = "",
) -> None:
    """Make a key. It is printed once and stored only as a hash."""
    from vaultra.commands import keys

    on_log(lambda database, _: keys.create(database, tenant, name, Console(stderr=True)))


@keys_app.command("list")
def keys_list(tenant: OneTenant = None) -> None:
    """Every key, without its secret."""
    from vaultra.commands import keys

    on_log(lambda database, _: keys.show(database, tenant, table_console()))


@keys_app.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="id of the key", show_default=False)]) -> None:
    """End a key at once."""
    from vaultra.commands import keys

    on_log(lambda database, _: keys.revoke(database, key_id, Console()))
