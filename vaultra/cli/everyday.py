"""The commands a newcomer meets: analyze, demo, up, doctor."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.console import Console

from schemas.errors import SetupError
from vaultra.cli.running import AsJson, client_of, logs_to_stderr, run, settings_of

everyday_app = typer.Typer()


@everyday_app.command()
def analyze(
    images: Annotated[list[Path], typer.Argument(help="pictures: PNG, JPEG, GIF or WEBP", show_default=False)],
    question: Annotated[
        str | None, typer.Option("--question", "-q", help="what to find out; a summary without")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a picture on stdout, nothing else")] = False,
    url: Annotated[str | None, typer.Option(help="a running instance (VAULTRA_URL); else one of its own")] = None,
    business_id: Annotated[str | None, typer.Option(help="the business the documents belong to")] = None,
) -> None:
    """Read document pictures and answer a question about each."""
    from vaultra.commands import analyze as command

    settings = settings_of(url=url)
    logs_to_stderr(settings)
    try:
        pictures = command.read_pictures(images, question)
    except OSError as error:
        raise SetupError(f"{error.filename}: {error.strerror}") from error
    console = Console()

    async def work() -> int:
        async with client_of(settings, None if as_json else console) as client:
            return await command.analyze(client, pictures, business_id=business_id, as_json=as_json, console=console)

    run(work())


@everyday_app.command()
def demo() -> None:
    """Run the main jobs on shipped samples, with live progress; ends by itself."""
    from datetime import UTC, datetime

    from adapters.stripe.signature import parse_secrets
    from api.auth import LOCAL_TENANT
    from vaultra.commands import demo as command
    from vaultra.commands.demo_business import DEMO_SECRET, DemoBusiness, demo_business

    started = time.monotonic()
    settings = settings_of()
    if "sandbox" not in settings.model_fields_set:
        # The samples and their compiled programs are ours, so the demo also runs where control groups are not to be
        # had; the attestation says so, and other people's documents need the setting.
        settings = settings.model_copy(update={"sandbox": settings.sandbox.model_copy(update={"allow_degraded": True})})
    configured = settings.stripe.connect_webhook_secrets.get_secret_value()
    secret = parse_secrets(configured or DEMO_SECRET, default_tenant=LOCAL_TENANT)[0]
    if not configured:
        stripe = settings.stripe.model_copy(update={"connect_webhook_secrets": SecretStr(DEMO_SECRET)})
        settings = settings.model_copy(update={"stripe": stripe})
    logs_to_stderr(settings)
    console = Console()

    async def work() -> int:
        async with client_of(settings, console) as client:
            documents = await command.demo(client, console=console, started=started)
            console.print()
            business = DemoBusiness.of_day(datetime.now(UTC), secret.tenant)
            url = f"http://127.0.0.1:{settings.port}"
            return documents or await demo_business(client, business, secret, console, url=url)

    run(work())


@everyday_app.command()
def up(
    host: Annotated[str | None, typer.Option(help="address to listen on; not loopback needs API keys")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; 0 takes a free one")] = None,
) -> None:
    """Run everything in one process on one port, until Ctrl-C."""
    from vaultra.commands import up as command
    from vaultra.observability import configure

    settings = settings_of(host=host, port=port)
    configure(settings)
    run(command.up(settings, Console(stderr=True)))


@everyday_app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check what this machine can do: database, log, sandbox, text reader, models."""
    from vaultra.commands import doctor as command

    settings = settings_of()
    logs_to_stderr(settings)
    run(command.doctor(settings, Console(), as_json=as_json))
