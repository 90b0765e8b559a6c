"""Stripe: history in, accounts connected."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from schemas.errors import SetupError
from vaultra.cli.running import AsJson, OneTenant, logs_to_stderr, run, settings_of

stripe_app = typer.Typer(help="Stripe: import history, connect accounts, see what waits.", no_args_is_help=True)


@stripe_app.command("import")
def stripe_import(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="files or folders of events: JSON or JSON Lines, also gzipped")
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="instead of files: a connected account, or `platform` for the key's own")
    ] = None,
    tenant: Annotated[
        str, typer.Option(help="whose events they are; what is not `local` is seen with a key of `vaultra keys create`")
    ] = "local",
    as_json: Annotated[bool, typer.Option("--json", help="the counts as one JSON object on stdout")] = False,
) -> None:
    """Put Stripe events on the log, with the facts they tell: from files, or an account's history from Stripe."""
    from vaultra.commands import stripe as command

    settings = settings_of()
    logs_to_stderr(settings)
    if bool(paths) == (account is not None):
        raise SetupError("say what to import: files of events, or --account")
    if paths:
        run(command.import_files(settings, paths, tenant=tenant, console=Console(), as_json=as_json))
        return
    of = None if account == "platform" else account
    run(command.import_account(settings, of, tenant=tenant, console=Console(), as_json=as_json))


@stripe_app.command("connect")
def stripe_connect() -> None:
    """Print a link that connects a Stripe account to the running instance; open it in a browser."""
    from vaultra.client import VaultraClient
    from vaultra.commands import stripe as command
    from vaultra.instance import running_url

    settings = settings_of()
    logs_to_stderr(settings)
    url = settings.url or running_url(settings.data_dir)
    if not url:
        raise SetupError("Stripe sends the browser back to a running instance: start one with `vaultra up`")
    run(command.connect(VaultraClient(url, api_key=settings.api_key.get_secret_value() or None)))


@stripe_app.command("parked")
def stripe_parked(
    again: Annotated[bool, typer.Option("--again", help="ask for all of it once more, as things are now")] = False,
    as_json: AsJson = False,
    tenant: OneTenant = None,
) -> None:
    """What was to be asked of Stripe and waits: thin events without a key, accounts that may not be read."""
    from vaultra.commands import stripe_parked as command

    settings = settings_of()
    logs_to_stderr(settings)
    run(command.show_parked(settings, Console(), again=again, as_json=as_json, tenant=tenant))
